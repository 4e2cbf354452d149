"""A table without a primary key: nothing but a hidden place tells its rows apart, and still the work is linear."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from slett.requests.erase import Outcome
from slett.stores.schema import Dialect
from tests.journeys.numbers import numbers
from tests.journeys.scene import Scene

MAP = """
users: {root: true, action: delete}
views:
  references: [{column: user_id, to: users}]
  action: delete
"""
PER_CHUNK = 7  # BEGIN, the change, COMMIT; before it two looks into the ledger, each in a transaction of its own


@contextmanager
def counted() -> Iterator[list[str]]:
    """Every statement that is sent to any database meanwhile."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


def fill(scene: Scene, dialect: Dialect, rows: int) -> None:
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY)",
        "CREATE TABLE views (user_id INT, page INT, address VARCHAR(40))",
        "CREATE INDEX views_user ON views (user_id)",
        "INSERT INTO users VALUES (1), (2)",
        f"INSERT INTO views SELECT 1, i, 'a' FROM {numbers(dialect, rows)}",
        f"INSERT INTO views SELECT 2, i, 'b' FROM {numbers(dialect, rows)}",
    )


def erase_counted(scene: Scene) -> tuple[Outcome, int]:
    with counted() as sent:
        (outcome,) = scene.erase(1)
    return outcome, len(sent)


def test_the_number_of_statements_is_linear(scene: Scene, dialect: Dialect) -> None:
    scene.map("ceiling: {rows: 100000, share: 1.0}", shop=MAP)
    scene.settings["chunk_rows"] = 500
    fill(scene, dialect, 5_000)
    outcome, few = erase_counted(scene)
    assert (outcome.state, outcome.rows) == ("fulfilled", 5_001)
    scene.sql("DROP TABLE views", "DROP TABLE users")
    fill(scene, dialect, 20_000)
    shutil.rmtree(scene.folder / ".slett")
    outcome, many = erase_counted(scene)
    assert (outcome.state, outcome.rows) == ("fulfilled", 20_001)
    chunks = 0 if dialect == "mariadb" else 30  # nothing tells rows apart there: they go at once
    assert many - few <= PER_CHUNK * chunks + 10
    assert scene.rows("SELECT user_id, count(*), count(DISTINCT page), max(address) FROM views GROUP BY user_id") == [
        (2, 20_000, 20_000, "b")
    ]


def test_rows_that_are_alike_in_everything_go_together(scene: Scene) -> None:
    scene.settings["chunk_rows"] = 2
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY)",
        "CREATE TABLE views (user_id INT, page INT)",
        "INSERT INTO users VALUES (1), (2)",
        "INSERT INTO views VALUES (1, 7), (1, 7), (1, 7), (1, 7), (1, 7), (2, 7), (2, 7), (NULL, 7)",
    )
    scene.map(shop=MAP)
    (outcome,) = scene.erase(1)
    assert (outcome.state, outcome.rows) == ("fulfilled", 6)
    assert sorted(scene.rows("SELECT user_id, page FROM views"), key=repr) == [(2, 7), (2, 7), (None, 7)]


@pytest.mark.parametrize("chunk_rows", [2, 5_000])
def test_rows_without_a_key_are_anonymised_once(scene: Scene, chunk_rows: int) -> None:
    """An UPDATE moves a row to another place, where the next slice must not look for it."""
    scene.settings["chunk_rows"] = chunk_rows
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY)",
        "CREATE TABLE views (user_id INT, page INT, ip_address VARCHAR(40))",
        "INSERT INTO users VALUES (1), (2)",
        "INSERT INTO views SELECT 1, 7, '203.0.113.1' FROM users",
        "INSERT INTO views VALUES (1, 8, '203.0.113.1'), (1, 9, '203.0.113.1'), (1, 9, '203.0.113.1')",
        "INSERT INTO views VALUES (2, 7, '203.0.113.2'), (2, 9, '203.0.113.2')",
    )
    scene.map(
        shop="""
users: {root: true, action: delete}
views:
  references: [{column: user_id, to: users}]
  action: anonymise
  anonymise: {user_id: null, ip_address: {prefix: 4}}
"""
    )
    (outcome,) = scene.erase(1)
    assert (outcome.state, outcome.rows) == ("fulfilled", 6)
    assert sorted(scene.rows("SELECT user_id, page, ip_address FROM views"), key=repr) == [
        (2, 7, "203.0.113.2"),
        (2, 9, "203.0.113.2"),
        *[(None, page, "203.") for page in (7, 7, 8, 9, 9)],
    ]
