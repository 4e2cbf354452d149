"""Tables and columns by any name: hyphens, spaces, reserved words, mixed case, and signs that drivers trip over."""

from datetime import date

import pytest

from tests.journeys.difference import Difference, erased
from tests.journeys.paths import both_paths as both_paths
from tests.journeys.people import KARI, PEOPLE, USERS, kind
from tests.journeys.scene import Scene


def run(scene: Scene, *statements: str) -> None:
    """Statements with names in double quotes, in the quotes of each database."""
    mark = "`" if kind(scene) == "mariadb" else '"'
    doubled = "%" if kind(scene) == "sqlite" else "%%"  # the drivers of the other two fill in parameters themselves
    scene.sql(*(each.replace('"', mark).replace("%", doubled) for each in statements))


def test_names_are_quoted_wherever_they_are_used(scene: Scene) -> None:
    run(
        scene,
        'CREATE TABLE "Group" ("user-id" INT PRIMARY KEY, "E-Mail" VARCHAR(80), "select" INT)',
        'CREATE TABLE "order" ("from" INT PRIMARY KEY, "User Id" INT REFERENCES "Group" ("user-id"))',
        'CREATE TABLE "line-items" ("Key" INT PRIMARY KEY, "order" INT REFERENCES "order" ("from"), "to" INT)',
        'CREATE TABLE "wish list" ("table" INT PRIMARY KEY, "where" INT, "Full Name" VARCHAR(40), "when" VARCHAR(40))',
        """INSERT INTO "Group" VALUES (1, 'kari@x.no', 5), (2, 'ola@x.no', 5)""",
        'INSERT INTO "order" VALUES (1, 1), (2, 2), (3, NULL)',
        'INSERT INTO "line-items" VALUES (1, 1, 1), (2, 2, 2), (3, NULL, 3)',
        """INSERT INTO "wish list" VALUES (1, 1, 'Kari', '1'), (2, 2, 'Ola', '1'), (3, 1, 'Kari', '1')""",
    )
    scene.map(
        shop="""
Group:
  root: true
  identifiers: {email: E-Mail}
  disable: {select: 0}
  action: delete
order:
  references: [{column: User Id, to: Group}]
  action: delete
line-items:
  references: [{column: order, to: order}]
  action: delete
wish list:
  references: [{column: where, to: Group}]
  action: anonymise
  anonymise: {Full Name: {template: "gone-{table}"}, when: {hash: true}}
"""
    )
    changed = erased(scene, 1)
    assert [(row[0], row[2], str(row[3])[:6]) for row in changed.pop("+wish list")] == [
        (1, "gone-1", "slett-"),
        (3, "gone-3", "slett-"),
    ]
    assert changed == {
        "-Group": [(1, "kari@x.no", 5)],
        "-line-items": [(1, 1, 1)],
        "-order": [(1, 1)],
        "-wish list": [(1, 1, "Kari", "1"), (3, 1, "Kari", "1")],
    }


ODD = ("50%s", "a:b", "it's", "a.b", "æøå", "x(y)", "a%(b)s", "person", "k0", "#1", "a,b")


def test_a_column_may_be_called_anything(scene: Scene) -> None:
    """`person` and `k0` are columns of the key tables as well."""
    scene.sql(*PEOPLE)
    tables = []
    expected: Difference = {"-users": [KARI]}
    for n, odd in enumerate(ODD):
        run(
            scene,
            f'CREATE TABLE things{n} ("{odd}" INT PRIMARY KEY, owner INT)',
            f'CREATE TABLE parts{n} (id INT PRIMARY KEY, "{odd}" INT)',
            f'CREATE TABLE marks{n} (id INT PRIMARY KEY, "{odd}" INT, note VARCHAR(40))',
            f"INSERT INTO things{n} VALUES (1, 1), (2, 2), (3, 1), (4, 1), (5, 1)",
            f"INSERT INTO parts{n} VALUES (1, 1), (2, 2), (3, 1), (4, NULL)",
            f"INSERT INTO marks{n} VALUES (1, 1, 'x'), (2, 2, 'x'), (3, 3, NULL)",
        )
        tables.append(
            f"""
things{n}: {{references: [{{column: owner, to: users}}], action: delete}}
parts{n}: {{references: [{{column: "{odd}", to: things{n}}}], action: delete}}
marks{n}: {{references: [{{column: "{odd}", to: users, kind: mention, anonymise: {{note: "{odd}"}}}}]}}"""
        )
        expected |= {
            f"-things{n}": [(1, 1), (3, 1), (4, 1), (5, 1)],
            f"-parts{n}": [(1, 1), (3, 1)],
            f"-marks{n}": [(1, 1, "x")],
            f"+marks{n}": [(1, None, odd)],
        }
    scene.map(shop=USERS + "".join(tables))
    assert erased(scene, 1) == expected


def test_a_table_may_be_called_anything(scene: Scene) -> None:
    scene.sql(*PEOPLE)
    tables = []
    for n, odd in enumerate(ODD):
        run(
            scene,
            f'CREATE TABLE "{odd}" (id INT PRIMARY KEY, user_id INT REFERENCES users (id))',
            f'CREATE TABLE parts{n} (id INT PRIMARY KEY, thing_id INT REFERENCES "{odd}" (id))',
            f'INSERT INTO "{odd}" VALUES (1, 1), (2, 2)',
            f"INSERT INTO parts{n} VALUES (1, 1), (2, 2), (3, NULL)",
        )
        tables.append(
            f"""
"{odd}": {{references: [{{column: user_id, to: users}}], action: delete}}
parts{n}: {{references: [{{column: thing_id, to: "{odd}"}}], action: delete}}"""
        )
    scene.map(shop=USERS + "".join(tables))
    (outcome,) = scene.erase(1)
    assert (outcome.state, outcome.rows) == ("fulfilled", 1 + 2 * len(ODD))
    for n in range(len(ODD)):
        assert scene.rows(f"SELECT * FROM parts{n} ORDER BY id") == [(2, 2), (3, None)]


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_tables_of_another_schema_are_called_with_it(scene: Scene) -> None:
    scene.sql(
        *PEOPLE,
        "CREATE SCHEMA audit",
        'CREATE SCHEMA "Old-Shop"',
        "CREATE TABLE audit.log (id INT PRIMARY KEY, user_id INT REFERENCES users (id))",
        'CREATE TABLE "Old-Shop"."order" (id INT PRIMARY KEY, user_id INT)',
        'CREATE TABLE "Old-Shop".users (id INT PRIMARY KEY, email VARCHAR(80))',
        'CREATE TABLE audit.lines (id INT PRIMARY KEY, order_id INT REFERENCES "Old-Shop"."order" (id))',
        "INSERT INTO audit.log VALUES (1, 1), (2, 2)",
        'INSERT INTO "Old-Shop"."order" VALUES (1, 1), (2, 2)',
        """INSERT INTO "Old-Shop".users VALUES (1, 'liv@x.no'), (2, 'kari@x.no')""",
        "INSERT INTO audit.lines VALUES (1, 1), (2, 2), (3, 1)",
    )
    scene.map(
        shop=USERS
        + """
audit.log:
  references: [{column: user_id, to: users}]
  action: delete
Old-Shop.order:
  references: [{column: user_id, to: users}]
  action: delete
Old-Shop.users:
  references: [{column: email, identifier: email}]
  action: delete
audit.lines:
  references: [{column: order_id, to: Old-Shop.order}]
  action: delete
"""
    )
    assert erased(scene, 1) == {"-users": [KARI]}
    assert scene.rows("SELECT * FROM audit.log") == [(2, 2)]
    assert scene.rows('SELECT * FROM "Old-Shop"."order"') == [(2, 2)]
    assert scene.rows('SELECT * FROM "Old-Shop".users') == [(1, "liv@x.no")]
    assert scene.rows("SELECT * FROM audit.lines") == [(2, 2)]


@pytest.mark.parametrize("undo", [0, 24], ids=["gone", "vault"])
def test_no_table_is_taken_for_a_name_of_our_own_statements(scene: Scene, undo: int) -> None:
    """Tables called as inner queries might be: a row must never be compared with itself instead of with its parent."""
    scene.settings["vault"] = {"undo_window_hours": undo}
    scene.sql(
        "CREATE TABLE people (id INT PRIMARY KEY, person INT)",
        "CREATE TABLE locked (id INT PRIMARY KEY, person INT, placed DATE NOT NULL)",
        "CREATE TABLE parent1 (id INT PRIMARY KEY, locked INT)",
        "CREATE TABLE holder (id INT PRIMARY KEY, title VARCHAR(9))",
        "CREATE TABLE seen (holder INT, person INT, PRIMARY KEY (holder, person))",
        "CREATE TABLE nobody (id INT PRIMARY KEY, person INT, k0 VARCHAR(9))",
        "INSERT INTO people VALUES (1, 7), (2, 7)",
        "INSERT INTO locked VALUES (1, 1, '2026-01-01'), (2, 1, '2001-01-01')",
        "INSERT INTO locked VALUES (3, 2, '2026-01-01'), (4, 2, '2001-01-01')",
        "INSERT INTO parent1 VALUES (1, 1), (2, 2), (3, 3), (4, 4)",
        "INSERT INTO holder VALUES (1, 'mine'), (2, 'ours'), (3, 'theirs')",
        "INSERT INTO seen VALUES (1, 1), (2, 1), (2, 2), (3, 2)",
        "INSERT INTO nobody VALUES (1, 1, 'x'), (2, 2, 'x')",
    )
    scene.map(
        shop="""
people: {root: true, action: delete}
locked:
  references: [{column: person, to: people}]
  action: keep
  until: {column: placed, add: 5 years}
  basis: a law
parent1:
  references: [{column: locked, to: locked}]
  action: keep
  until: {as: locked}
  basis: a law
holder:
  references: [{column: id, to: seen, match: holder, kind: shared}]
  action: delete
seen:
  references: [{column: person, to: people}]
  action: delete
nobody:
  references: [{column: person, to: people}]
  action: anonymise
  columns: [id, k0]
  anonymise: {person: null}
"""
    )
    late, old = ("2026-01-01", "2001-01-01") if kind(scene) == "sqlite" else (date(2026, 1, 1), date(2001, 1, 1))
    assert erased(scene, 1) == {
        "-people": [(1, 7)],
        "-locked": [(1, 1, late), (2, 1, old)],
        "+locked": [(1, None, late)],
        "-parent1": [(2, 2)],
        "-holder": [(1, "mine")],
        "-seen": [(1, 1), (2, 1)],
        "-nobody": [(1, 1, "x")],
        "+nobody": [(1, None, "x")],
    }
