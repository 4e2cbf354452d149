"""A table in parts, some of which lack what the whole declares."""

from pathlib import Path

import pytest

from slett.requests.preview import preview
from slett.stores.errors import StoreError
from slett.stores.schema import Dialect
from tests.journeys.scene import Scene, subjects

ORDERS = """
users: {root: true, action: delete}
orders:
  references: [{column: user_id, to: users}]
  action: delete
"""
MAP = f"""{ORDERS}
items:
  references: [{{column: order_id, to: orders, match: id}}]
  action: delete
"""
PEOPLE = (
    "CREATE TABLE users (id INT PRIMARY KEY)",
    "INSERT INTO users VALUES (1), (2)",
)
ROWS = (
    "INSERT INTO orders VALUES (1, 1, 2024), (2, 2, 2024), (3, 1, 2025), (4, 2, 2025), (5, 1, 2025), (6, 1, 2099)",
    "INSERT INTO items VALUES (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6), (7, 5)",
)


def in_parts(dialect: Dialect) -> tuple[str, ...]:
    """Orders by year. SQLite has no partitions; there it is one table."""
    whole = "CREATE TABLE orders (id INT, user_id INT, year INT, PRIMARY KEY (id, year))"
    items = "CREATE TABLE items (id INT PRIMARY KEY, order_id INT)"
    if dialect == "mariadb":
        parts = "PARTITION old VALUES LESS THAN (2025), PARTITION new VALUES LESS THAN MAXVALUE"
        return (f"{whole} PARTITION BY RANGE (year) ({parts})", items)
    if dialect == "postgresql":
        return (
            f"{whole} PARTITION BY RANGE (year)",
            "CREATE TABLE orders_2024 PARTITION OF orders FOR VALUES FROM (0) TO (2025)",
            "CREATE TABLE orders_2025 PARTITION OF orders FOR VALUES FROM (2025) TO (2026) PARTITION BY HASH (id)",
            "CREATE TABLE orders_2025_0 PARTITION OF orders_2025 FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
            "CREATE TABLE orders_2025_1 PARTITION OF orders_2025 FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
            "CREATE TABLE orders_other PARTITION OF orders DEFAULT",
            "ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users (id)",
            items,
        )
    return (whole, items)


@pytest.mark.parametrize("chunk_rows", [1, 3, 5_000])
@pytest.mark.parametrize("inline", [500, 0], ids=["inline", "stored"])
def test_a_person_goes_from_every_partition(scene: Scene, dialect: Dialect, chunk_rows: int, inline: int) -> None:
    scene.settings |= {"chunk_rows": chunk_rows, "inline_keys": inline}
    scene.sql(*PEOPLE, *in_parts(dialect), *ROWS)
    scene.map(shop=MAP)
    (outcome,) = scene.erase(1)
    assert (outcome.state, outcome.rows) == ("fulfilled", 10)
    assert scene.rows("SELECT * FROM orders ORDER BY id") == [(2, 2, 2024), (4, 2, 2025)]
    assert scene.rows("SELECT * FROM items ORDER BY id") == [(2, 2), (4, 4)]
    assert scene.rows("SELECT * FROM users") == [(2,)]


@pytest.mark.parametrize("chunk_rows", [1, 5_000])
def test_partitions_without_a_primary_key_are_told_apart(scene: Scene, dialect: Dialect, chunk_rows: int) -> None:
    """Rows of two partitions may be at the same place of their files."""
    scene.settings["chunk_rows"] = chunk_rows
    tables = [each.replace(", PRIMARY KEY (id, year)", "") for each in in_parts(dialect)]
    scene.sql(*PEOPLE, *tables, *ROWS)
    scene.map(shop=ORDERS)
    (outcome,) = scene.erase(1)
    assert (outcome.state, outcome.rows) == ("fulfilled", 5)
    assert scene.rows("SELECT * FROM orders ORDER BY id") == [(2, 2, 2024), (4, 2, 2025)]


@pytest.mark.parametrize("chunk_rows", [1, 5_000])
@pytest.mark.parametrize("inline", [500, 0], ids=["inline", "stored"])
def test_an_heir_that_lacks_its_parents_keys_is_part_of_it(
    postgresql_database: str, tmp_path: Path, chunk_rows: int, inline: int
) -> None:
    """PostgreSQL's old way: the heir has no primary and no foreign key, and here it repeats its parent's numbers."""
    settings = {"chunk_rows": chunk_rows, "inline_keys": inline}
    scene = Scene(tmp_path, {"shop": postgresql_database}, settings)
    scene.sql(
        *PEOPLE,
        "CREATE TABLE orders (id INT PRIMARY KEY, user_id INT NOT NULL REFERENCES users (id))",
        "CREATE TABLE orders_2024 (note TEXT) INHERITS (orders)",
        "INSERT INTO orders VALUES (1, 1), (2, 2), (3, 1)",
        "INSERT INTO orders_2024 VALUES (1, 2, 'Ola'), (2, 1, 'Kari'), (3, 1, 'Kari'), (4, 2, 'Ola')",
    )
    scene.map(shop=ORDERS)
    (outcome,) = scene.erase(1)
    assert (outcome.state, outcome.rows) == ("fulfilled", 5)
    assert scene.rows("SELECT * FROM ONLY orders") == [(2, 2)]
    assert scene.rows("SELECT * FROM orders_2024 ORDER BY id") == [(1, 2, "Ola"), (4, 2, "Ola")]


def stops_until_nothing_is_to_be_undone(scene: Scene, why: str) -> None:
    before = scene.snapshot()
    with scene.open() as service, pytest.raises(StoreError, match=rf"{why}.* without an undo window"):
        preview(service, subjects(service, [1]))
    with pytest.raises(StoreError, match=why):
        scene.erase(1)
    assert scene.snapshot() == before
    scene.settings["vault"] = {"undo_window_hours": 0}
    assert [each.state for each in scene.resume()] == ["fulfilled"]


def test_what_could_not_come_back_from_an_heir_is_said_before_anything_begins(
    postgresql_database: str, tmp_path: Path
) -> None:
    """And after it has begun nothing is lost: without an undo window it goes on."""
    scene = Scene(tmp_path, {"shop": postgresql_database}, {"vault": {"undo_window_hours": 24}})
    scene.sql(
        *PEOPLE,
        "CREATE TABLE orders (id INT PRIMARY KEY, user_id INT NOT NULL REFERENCES users (id))",
        "CREATE TABLE orders_2024 (note TEXT) INHERITS (orders)",
        "INSERT INTO orders_2024 VALUES (1, 2, 'Ola'), (2, 1, 'Kari')",
    )
    scene.map(shop=ORDERS)
    stops_until_nothing_is_to_be_undone(scene, "has heirs ")
    assert scene.rows("SELECT * FROM orders_2024") == [(1, 2, "Ola")]


def test_what_could_be_gone_and_not_put_away_is_said_before_anything_begins(
    mariadb_database: str, tmp_path: Path
) -> None:
    scene = Scene(tmp_path, {"shop": mariadb_database}, {"vault": {"undo_window_hours": 24}})
    scene.sql(
        *PEOPLE,
        "CREATE TABLE orders (id INT PRIMARY KEY, user_id INT NOT NULL) ENGINE = MyISAM",
        "INSERT INTO orders VALUES (1, 2), (2, 1)",
    )
    scene.map(shop=ORDERS)
    stops_until_nothing_is_to_be_undone(scene, "no transactions")
    assert scene.rows("SELECT * FROM orders") == [(1, 2)]


def test_what_hangs_on_an_heir_goes_with_it(postgresql_database: str, tmp_path: Path) -> None:
    """The items of an heir cannot be tied to it by a foreign key, so nothing but the map says whose they are."""
    scene = Scene(tmp_path, {"shop": postgresql_database})
    scene.sql(
        *PEOPLE,
        "CREATE TABLE orders (id INT PRIMARY KEY, user_id INT NOT NULL REFERENCES users (id))",
        "CREATE TABLE orders_2024 () INHERITS (orders)",
        "CREATE TABLE items (id INT PRIMARY KEY, order_id INT)",
        "INSERT INTO orders VALUES (1, 1), (2, 2)",
        "INSERT INTO orders_2024 VALUES (3, 1), (4, 2)",
        "INSERT INTO items VALUES (1, 1), (2, 2), (3, 3), (4, 4)",
    )
    scene.map(shop=MAP)
    (outcome,) = scene.erase(1)
    assert outcome.state == "fulfilled"
    assert scene.rows("SELECT * FROM orders ORDER BY id") == [(2, 2), (4, 2)]
    assert scene.rows("SELECT * FROM items ORDER BY id") == [(2, 2), (4, 4)]
