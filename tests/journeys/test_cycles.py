"""Foreign keys that go round in a circle: opened at a column that may be null, else checked at the end."""

import pytest

from slett.datamap.problem import MapError
from tests.journeys.difference import erased
from tests.journeys.paths import both_paths as both_paths
from tests.journeys.people import KARI, PEOPLE, USERS, kind
from tests.journeys.scene import Scene


def circle(scene: Scene, tables: dict[str, str], key: tuple[str, str, str], *rows: str, later: bool = False) -> None:
    """Tables whose first one refers, by `key` (table, column, target), to one that is made after it."""
    table, column, target = key
    end = " DEFERRABLE" if later and kind(scene) == "postgresql" else ""
    closing = f"ALTER TABLE {table} ADD FOREIGN KEY ({column}) REFERENCES {target} (id){end}"
    made = {name: f"CREATE TABLE {name} ({columns.replace('LATER', end)})" for name, columns in tables.items()}
    if kind(scene) == "sqlite":  # it has no ALTER TABLE for this, and does not mind
        made[table] = f"{made[table][:-1]}, FOREIGN KEY ({column}) REFERENCES {target} (id))"
        scene.sql(*PEOPLE, *made.values(), *rows)
    elif kind(scene) == "mariadb":
        scene.sql(*PEOPLE, *made.values(), closing, "SET foreign_key_checks = 0", *rows)
    else:
        scene.sql(*PEOPLE, *made.values(), *rows, closing)


TEAMS = """
teams:
  references: [{column: user_id, to: users}, {column: lead_id, to: members, kind: mention}]
  action: delete
members:
  references: [{column: team_id, to: teams}]
  action: delete
"""


def test_a_circle_of_two_is_opened_where_it_may_be_null(scene: Scene) -> None:
    circle(
        scene,
        {
            "teams": "id INT PRIMARY KEY, user_id INT NOT NULL REFERENCES users (id), lead_id INT",
            "members": "id INT PRIMARY KEY, team_id INT NOT NULL REFERENCES teams (id)",
        },
        ("teams", "lead_id", "members"),
        "INSERT INTO teams VALUES (1, 1, 11), (2, 2, 21), (3, 3, 12), (4, 1, 21), (5, 1, NULL)",
        "INSERT INTO members VALUES (11, 1), (12, 1), (13, 1), (14, 1), (21, 2), (41, 4)",
    )
    scene.map(shop=USERS + TEAMS)
    assert erased(scene, 1) == {
        "-members": [(11, 1), (12, 1), (13, 1), (14, 1), (41, 4)],
        "-teams": [(1, 1, 11), (3, 3, 12), (4, 1, 21), (5, 1, None)],
        "+teams": [(3, 3, None)],
        "-users": [KARI],
    }


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_an_heir_that_repeats_the_key_of_a_row_in_a_circle_keeps_its_own(scene: Scene) -> None:
    """No key of PostgreSQL's is one over a table and its heirs together."""
    circle(
        scene,
        {
            "teams": "id INT PRIMARY KEY, user_id INT NOT NULL REFERENCES users (id), lead_id INT",
            "members": "id INT PRIMARY KEY, team_id INT NOT NULL REFERENCES teams (id)",
            "old_teams": "PRIMARY KEY (id)) INHERITS (teams",
        },
        ("teams", "lead_id", "members"),
        "INSERT INTO teams VALUES (1, 1, 11), (2, 2, 21)",
        "INSERT INTO members VALUES (11, 1), (21, 2)",
        "INSERT INTO old_teams VALUES (1, 2, 21), (3, 1, 11)",
    )
    scene.map(shop=USERS + TEAMS)
    before = scene.rows("SELECT * FROM ONLY old_teams ORDER BY id")
    erased(scene, 1)
    assert before == [(1, 2, 21), (3, 1, 11)]
    assert scene.rows("SELECT * FROM teams ORDER BY id") == [(1, 2, 21), (2, 2, 21)]
    assert scene.rows("SELECT * FROM members ORDER BY id") == [(21, 2)]


RING = """
boats:
  references: [{column: user_id, to: users}, {column: berth_id, to: berths}]
  action: delete
crews:
  references: [{column: boat_id, to: boats}]
  action: delete
berths:
  references: [{column: crew_id, to: crews}]
  action: delete
"""


def ring(scene: Scene, null: str, *, later: bool) -> None:
    """boats → berths → crews → boats; Kari's ring and, as long, Ola's."""
    circle(
        scene,
        {
            "boats": f"id INT PRIMARY KEY, user_id INT REFERENCES users (id), berth_id INT {null}",
            "crews": "id INT PRIMARY KEY, boat_id INT NOT NULL REFERENCES boats (id)LATER",
            "berths": "id INT PRIMARY KEY, crew_id INT NOT NULL REFERENCES crews (id)LATER",
        },
        ("boats", "berth_id", "berths"),
        # a spiral: only boat 1 says whose it is, boat 2 hangs on the first one's berth, and so on
        "INSERT INTO boats VALUES (1, 1, 14), (2, NULL, 11), (3, NULL, 12), (4, NULL, 13)",
        "INSERT INTO crews VALUES (1, 1), (2, 2), (3, 3), (4, 4)",
        "INSERT INTO berths VALUES (11, 1), (12, 2), (13, 3), (14, 4)",
        "INSERT INTO boats VALUES (5, 2, 16), (6, NULL, 15)",
        "INSERT INTO crews VALUES (5, 5), (6, 6)",
        "INSERT INTO berths VALUES (15, 5), (16, 6)",
        later=later,
    )
    scene.map(shop=USERS + RING)


RING_OF_KARI = {
    "-berths": [(11, 1), (12, 2), (13, 3), (14, 4)],
    "-boats": [(1, 1, 14), (2, None, 11), (3, None, 12), (4, None, 13)],
    "-crews": [(1, 1), (2, 2), (3, 3), (4, 4)],
    "-users": [KARI],
}


def test_a_circle_of_three_goes_round_until_nothing_new_is_found(scene: Scene) -> None:
    """The only column that may be null is also the only way to most of the rows."""
    ring(scene, "", later=False)
    assert erased(scene, 1) == RING_OF_KARI


def test_a_circle_of_three_without_null_goes_at_once_or_is_refused(scene: Scene) -> None:
    ring(scene, "NOT NULL", later=True)
    before = scene.snapshot()
    if kind(scene) == "mariadb":
        with pytest.raises(MapError, match=r"(?s)circle.*NOT NULL"):
            scene.erase(1)
        assert scene.snapshot() == before
    else:
        assert erased(scene, 1) == RING_OF_KARI


def test_a_circle_that_the_database_checks_at_once_is_refused_before_anything_is_touched(scene: Scene) -> None:
    ring(scene, "NOT NULL", later=False)
    before = scene.snapshot()
    if kind(scene) == "sqlite":  # it can always be asked to look later
        assert erased(scene, 1) == RING_OF_KARI
    else:
        with pytest.raises(MapError, match=r"(?s)circle.*NOT NULL"):
            scene.erase(1)
        assert scene.snapshot() == before


@pytest.mark.parametrize(
    ("dialect", "null"),
    [
        ("sqlite", ""),
        ("sqlite", "NOT NULL"),
        ("postgresql", ""),
        ("postgresql", "NOT NULL"),
        ("mariadb", ""),
    ],
)
def test_a_root_may_stand_in_the_circle(scene: Scene, null: str) -> None:
    """users.home_id refers to an address of that user."""
    circle(
        scene,
        {
            "people": f"id INT PRIMARY KEY, home_id INT {null}",
            "addresses": "id INT PRIMARY KEY, person_id INT NOT NULL REFERENCES people (id)LATER",
        },
        ("people", "home_id", "addresses"),
        "INSERT INTO people VALUES (1, 11), (2, 21), (3, 31)",
        "INSERT INTO addresses VALUES (11, 1), (12, 1), (13, 1), (14, 1), (21, 2), (22, 2), (31, 3)",
        later=True,
    )
    scene.sql("DROP TABLE users")
    scene.map(
        shop="""
people:
  root: true
  references: [{column: home_id, to: addresses}]
  action: delete
addresses:
  references: [{column: person_id, to: people}]
  action: delete
"""
    )
    assert erased(scene, 1) == {"-addresses": [(11, 1), (12, 1), (13, 1), (14, 1)], "-people": [(1, 11)]}
    assert erased(scene, 2, 3) == {"-addresses": [(21, 2), (22, 2), (31, 3)], "-people": [(2, 21), (3, 31)]}


def test_a_root_whose_home_is_only_mentioned_stays_apart_from_strangers(scene: Scene) -> None:
    circle(
        scene,
        {
            "people": "id INT PRIMARY KEY, home_id INT",
            "addresses": "id INT PRIMARY KEY, person_id INT NOT NULL REFERENCES people (id)",
        },
        ("people", "home_id", "addresses"),
        "INSERT INTO people VALUES (1, 11), (2, 12), (3, 31)",
        "INSERT INTO addresses VALUES (11, 1), (12, 1), (21, 2), (31, 3)",
    )
    scene.sql("DROP TABLE users")
    scene.map(
        shop="""
people:
  root: true
  references: [{column: home_id, to: addresses, kind: mention}]
  action: delete
addresses:
  references: [{column: person_id, to: people}]
  action: delete
"""
    )
    assert erased(scene, 1) == {
        "-addresses": [(11, 1), (12, 1)],
        "-people": [(1, 11), (2, 12)],
        "+people": [(2, None)],
    }


def test_what_stays_lets_go_of_a_parent_that_goes_and_hangs_on_it(scene: Scene) -> None:
    circle(
        scene,
        {
            "orders": "id INT PRIMARY KEY, user_id INT, file_id INT, placed DATE NOT NULL",
            "files": "id INT PRIMARY KEY, order_id INT NOT NULL REFERENCES orders (id) ON DELETE CASCADE",
        },
        ("orders", "file_id", "files"),
        "INSERT INTO orders VALUES (1, 1, NULL, '2026-03-09'), (2, NULL, NULL, '2015-12-31')",
        "INSERT INTO files VALUES (6, 1)",
        "UPDATE orders SET file_id = 6",
    )
    scene.map(
        shop=USERS
        + """
orders:
  references: [{column: user_id, to: users}, {column: file_id, to: files}]
  action: keep
  until: {column: placed, add: 5 years}
  basis: a law
files: {references: [{column: order_id, to: orders}], action: delete}
"""
    )
    assert [outcome.state for outcome in scene.erase(1)] == ["fulfilled"]
    assert scene.rows("SELECT id, user_id, file_id FROM orders") == [(1, None, None)]
    assert scene.rows("SELECT * FROM files") == []
