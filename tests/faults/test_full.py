"""No room left: nothing is lost, and what was begun goes on when there is room again."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from slett.ledger import Ledger, LedgerError
from slett.requests.erase import erase, resume
from slett.requests.service import Service
from slett.stores.errors import Unavailable
from slett.stores.schema import Dialect
from slett.stores.sql import Store
from tests.conftest import NewDatabase
from tests.journeys.everything import build
from tests.journeys.scene import Scene, subjects

FULL = {  # what a server says whose disk is full, said by a trigger while a row of `disk` says so
    "postgresql": (
        "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF EXISTS (SELECT 1 FROM disk) THEN RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END IF; "
        "RETURN OLD; END $$",
        "CREATE TRIGGER no_room BEFORE DELETE ON listings FOR EACH ROW EXECUTE FUNCTION no_room()",
    ),
    "mariadb": (
        "CREATE TRIGGER no_room BEFORE DELETE ON listings FOR EACH ROW IF EXISTS (SELECT 1 FROM disk) THEN "
        "SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1021, MESSAGE_TEXT = 'Disk full'; END IF",
    ),
}
SHOP = """
users:
  root: true
  action: delete
listings:
  references: [{column: user_id, to: users}]
  action: delete
  triggers: [no_room]
disk: {action: ignore, reason: nobody's, owner: shop, review: 2030-01-01}
"""


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    scene = Scene(tmp_path, {name: f"sqlite:///{tmp_path / name}.db" for name in ("shop", "crm")})
    build(scene)
    return scene


@contextmanager
def no_room(of: Ledger | Store) -> Iterator[None]:
    """An SQLite file cannot grow by a page more; what is free in it is all there is."""

    def limit(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # SQLite takes the size that it has, if that is more

    engine = of._engine
    engine.dispose()
    sa.event.listen(engine, "checkout", limit)
    try:
        yield
    finally:
        sa.event.remove(engine, "checkout", limit)
        engine.dispose()


def test_a_full_ledger_stops_the_work_before_a_row_is_touched(scene: Scene) -> None:
    before = scene.snapshot()
    with scene.open() as service:
        with no_room(service.ledger), pytest.raises(LedgerError, match="full"):
            fill(service)
        assert scene.snapshot() == before
        resume(service)
        assert [each.state for each in erase(service, subjects(service, [1]))] == ["fulfilled"]
        with service.ledger.read() as page:
            assert page.log.check() is None
            assert page.batches.unfinished() == ()


def fill(service: Service) -> None:
    """There is some room inside: people who are not there take it."""
    for number in range(1_000, 2_000):
        erase(service, subjects(service, [number]))


@pytest.mark.parametrize("dialect", ["postgresql", "mariadb"])
def test_a_full_disk_of_a_server_is_nobodys_fault_and_the_work_goes_on(
    dialect: Dialect, new_database: NewDatabase, tmp_path: Path
) -> None:
    """However long it lasts, the request does not become a dead letter; what had been committed is not done twice."""
    scene = Scene(tmp_path, {"shop": new_database(dialect)}, {"tries": 2, "chunk_rows": 1})
    scene.sql(
        "CREATE TABLE users (id int PRIMARY KEY)",
        "CREATE TABLE listings (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users (id))",
        "CREATE TABLE disk (id int)",
        "INSERT INTO users VALUES (1), (2)",
        "INSERT INTO listings VALUES (10, 1), (11, 1), (20, 2)",
        "INSERT INTO disk VALUES (1)",
        *FULL[dialect],
    )
    scene.map(shop=SHOP)
    with scene.open() as service:
        with pytest.raises(Unavailable, match="its disk is full"):
            erase(service, subjects(service, [1]))
        for _ in range(3):
            with pytest.raises(Unavailable, match="its disk is full"):
                resume(service)
        with service.ledger.read() as page:
            assert [(each.attempts, each.dead_at) for each in page.batches.unfinished()] == [(0, None)]
        assert scene.rows("SELECT id FROM users ORDER BY id") == [(1,), (2,)]
        scene.sql("DELETE FROM disk")
        assert [each.state for each in resume(service)] == ["fulfilled"]
    assert scene.rows("SELECT * FROM listings") == [(20, 2)]


def test_a_full_disk_under_a_file_is_nobodys_fault_either(tmp_path: Path) -> None:
    scene = Scene(tmp_path, {"shop": f"sqlite:///{tmp_path / 'shop.db'}"}, {"tries": 1})
    scene.sql(
        "CREATE TABLE users (id int PRIMARY KEY, bio text)",
        f"INSERT INTO users VALUES (1, ''), (2, '{'x' * 3_000}')",
    )
    scene.map(
        shop="users: {root: true, action: anonymise, anonymise: {bio: {template: '" + "gone " * 2_000 + "{id}'}}}"
    )
    before = scene.snapshot()
    with scene.open() as service:
        with no_room(service.stores["shop"]):
            with pytest.raises(Unavailable, match="its disk is full"):
                erase(service, subjects(service, [1]))
            with pytest.raises(Unavailable, match="its disk is full"):
                resume(service)
        assert scene.snapshot() == before
        assert [each.state for each in resume(service)] == ["fulfilled"]
