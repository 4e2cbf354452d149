"""Columns that are written instead of erased: of every type, NOT NULL and UNIQUE, two people one after the other."""

from collections.abc import Mapping
from typing import Any

import pytest

from slett.stores.schema import Dialect
from tests.journeys.scene import Rows, Scene

TYPES: Mapping[Dialect, Mapping[str, str]] = {
    "postgresql": {"json": "JSON", "jsonb": "JSONB", "moment": "TIMESTAMPTZ"},
    "mariadb": {"json": "JSON", "jsonb": "JSON", "moment": "DATETIME(6)", "timestamp": "DATETIME"},
    "sqlite": {"json": "JSON", "jsonb": "JSON", "moment": "TIMESTAMP"},
}
ROW = """(
    id INT PRIMARY KEY, email VARCHAR(80) NOT NULL UNIQUE, handle VARCHAR(60) NOT NULL UNIQUE,
    name VARCHAR(60) NOT NULL, bio TEXT, postcode CHAR(4) NOT NULL, born DATE NOT NULL, seen {timestamp},
    moment {moment} NOT NULL, points INT NOT NULL, balance NUMERIC(10, 2), active BOOLEAN NOT NULL,
    facts {json}, more {jsonb} NOT NULL, code VARCHAR(20), spare VARCHAR(20)
)"""
VALUES = """(
    {0}, '{1}@x.no', '{1}-{0}', '{1}', 'I am {1}', '0{0}55', '1980-05-17', '2024-05-17 10:20:30',
    '2024-05-17 10:20:30.250000', {0}, 12.50, true, '{{"a": "{1}"}}', '{{"b": "{1}"}}', 'ÆØÅ-{0}', 'x'
)"""
RULES = """
email: {template: "deleted-{id}@invalid"}
handle: {hash: true}
name: (deleted)
bio: null
postcode: {prefix: 2}
born: {cut: year}
seen: {cut: month}
moment: {cut: year}
points: 0
balance: 0.5
active: false
facts: null
more: {value: "{}"}
code: {prefix: 2}
"""
KINDS = RULES.split("\n")


def users(scene: Scene, dialect: Dialect) -> None:
    types = {"timestamp": "TIMESTAMP", **TYPES[dialect]}
    people = ", ".join(VALUES.format(number, name) for number, name in ((1, "kari"), (2, "ola"), (3, "per")))
    scene.sql(f"CREATE TABLE users {ROW.format(**types)}", f"INSERT INTO users VALUES {people}")
    rules = RULES.strip().replace("\n", "\n    ")
    scene.map(shop=f"users:\n  root: true\n  action: anonymise\n  columns: [spare]\n  anonymise:\n    {rules}\n")


def row(scene: Scene, number: int) -> tuple[Any, ...]:
    (found,) = scene.rows(f"SELECT * FROM users WHERE id = {number}")
    return found


def as_text(scene: Scene, number: int) -> str:
    """A row without what is different in each: its hash and its number."""
    return " ".join(str(each) for place, each in enumerate(row(scene, number)) if place not in (0, 1, 2, 5))


def test_two_people_become_alike_but_for_what_must_differ(scene: Scene, dialect: Dialect) -> None:
    users(scene, dialect)
    per = row(scene, 3)
    (first,) = scene.erase(1)
    (second,) = scene.erase(2)
    assert (first.state, second.state) == ("fulfilled", "fulfilled")
    assert row(scene, 3) == per
    kari, ola = row(scene, 1), row(scene, 2)
    assert (kari[1], ola[1]) == ("deleted-1@invalid", "deleted-2@invalid")
    assert kari[2] != ola[2]
    assert all(each[2].startswith("slett-") and len(each[2]) == 38 for each in (kari, ola))
    assert (kari[3], kari[4]) == ("(deleted)", None)
    assert kari[5].strip() == "01"
    assert [str(each)[:19] for each in (kari[6], kari[7])] == ["1980-01-01", "2024-05-01 00:00:00"]
    assert str(kari[8]).startswith("2024-01-01 00:00:00")
    assert [float(each) for each in kari[9:12]] == [0, 0.5, 0]
    assert (kari[12], kari[14], kari[15]) == (None, "ÆØ", "x")
    assert kari[13] in ("{}", {})
    assert as_text(scene, 1) == as_text(scene, 2)


def test_a_second_erasure_of_an_anonymised_person_writes_nothing(scene: Scene, dialect: Dialect) -> None:
    """A hash of a hash, a template of a template: every rule finds its own work and leaves it alone."""
    users(scene, dialect)
    scene.erase(1)
    before = scene.snapshot()
    (outcome,) = scene.erase(1)
    assert (outcome.erased_before, outcome.rows) == (True, 0)
    assert scene.snapshot() == before


def test_a_batch_is_anonymised_like_one_person(scene: Scene, dialect: Dialect) -> None:
    users(scene, dialect)
    per = row(scene, 3)
    outcomes = scene.erase(1, 2)
    assert [outcome.state for outcome in outcomes] == ["fulfilled", "fulfilled"]
    assert as_text(scene, 1) == as_text(scene, 2)
    assert row(scene, 3) == per


COLUMNS = {
    "json": ('{"a": 1}', "JSON", '"{}"', ("{}", {})),
    "json_number": ('{"a": 1}', "JSON", "1", ("1", 1)),
    "boolean": ("true", "BOOLEAN", "0", (0, False)),
    "uuid": (
        "7d444840-9dc0-11d1-b245-5ffdce74fad2",
        "UUID",
        "00000000-0000-0000-0000-000000000000",
        ("00000000-0000-0000-0000-000000000000",),
    ),
    "date": ("1980-05-17", "DATE", '"1900-01-01"', ("1900-01-01",)),
    "time": ("10:20:30", "TIME", '"00:00:00"', ("00:00:00", "0:00:00")),
    "smallint": ("7", "SMALLINT", "0", (0,)),
    "double": ("7.25", "DOUBLE PRECISION", "0.5", (0.5,)),
    "text": ("Kari", "TEXT", "\"100% 'quoted' : x\"", ("100% 'quoted' : x",)),
    "empty": ("Kari", "VARCHAR(40)", '""', ("",)),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_constant_goes_into_a_column_of_any_type(scene: Scene, kind: str) -> None:
    value, type_, rule, wanted = COLUMNS[kind]
    value = value if kind == "boolean" else f"'{value}'"
    scene.sql(
        f"CREATE TABLE users (id INT PRIMARY KEY, fact {type_} NOT NULL)",
        f"INSERT INTO users VALUES (1, {value}), (2, {value}), (3, {value})",
    )
    scene.map(shop=f"users:\n  root: true\n  action: anonymise\n  anonymise: {{fact: {{value: {rule}}}}}\n")
    stranger = scene.rows("SELECT * FROM users WHERE id = 3")
    for key in (1, 2):
        (outcome,) = scene.erase(key)
        assert outcome.state == "fulfilled"
    facts: Rows = scene.rows("SELECT fact FROM users WHERE id < 3")
    assert all(fact in wanted or str(fact) in wanted for (fact,) in facts), facts
    assert scene.rows("SELECT * FROM users WHERE id = 3") == stranger
    (again,) = scene.erase(1)
    assert again.erased_before


def test_what_is_disabled_first_may_become_something_else_in_the_end(scene: Scene) -> None:
    """A second erasure must not disable again what the first has anonymised."""
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, secret VARCHAR(40) NOT NULL)",
        "INSERT INTO users VALUES (1, 'kari'), (2, 'ola')",
    )
    scene.map(
        shop="""
users:
  root: true
  disable: {secret: "!"}
  action: anonymise
  anonymise: {secret: ""}
"""
    )
    assert [outcome.state for outcome in scene.erase(1)] == ["fulfilled"]
    before = scene.snapshot()
    assert [outcome.erased_before for outcome in scene.erase(1)] == [True]
    assert scene.snapshot() == before == {"shop/users": [(1, ""), (2, "ola")]}


def test_a_template_is_written_where_keys_are_long(scene: Scene) -> None:
    scene.sql(
        "CREATE TABLE users (region VARCHAR(10), no BIGINT, email VARCHAR(60) NOT NULL UNIQUE, "
        "PRIMARY KEY (region, no))",
        "INSERT INTO users VALUES ('øst', 9007199254740993, 'kari@x.no'), ('øst', 9007199254740992, 'ola@x.no')",
    )
    scene.map(
        shop="""
users:
  root: true
  action: anonymise
  anonymise: {email: {template: "{region}:{no}@invalid"}}
"""
    )
    (outcome,) = scene.erase("øst,9007199254740993")
    assert outcome.state == "fulfilled"
    assert scene.rows("SELECT no, email FROM users ORDER BY no") == [
        (9007199254740992, "ola@x.no"),
        (9007199254740993, "øst:9007199254740993@invalid"),
    ]


@pytest.mark.parametrize("said", ["", ", set: null", ", set: 0"])
def test_a_mention_of_an_anonymised_person_stays_unless_the_map_says_otherwise(scene: Scene, said: str) -> None:
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(60))",
        "CREATE TABLE notes (id INT PRIMARY KEY, about_id INT)",
        "INSERT INTO users VALUES (1, 'Kari'), (2, 'Ola')",
        "INSERT INTO notes VALUES (1, 1), (2, 2)",
    )
    scene.map(
        shop="users: {root: true, action: anonymise, anonymise: {name: null}}\n"
        f"notes: {{references: [{{column: about_id, to: users, kind: mention{said}}}]}}"
    )
    (outcome,) = scene.erase(1)
    assert outcome.state == "fulfilled"
    becomes = {"": 1, ", set: null": None, ", set: 0": 0}[said]
    assert scene.rows("SELECT about_id FROM notes ORDER BY id") == [(becomes,), (2,)]
