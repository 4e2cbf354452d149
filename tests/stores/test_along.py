"""What the database changes along with a DELETE is handed out as well, whenever others wrote it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from time import sleep

import pytest

from slett.stores.capture import Taken, capture, capture_all
from slett.stores.errors import Conflict
from slett.stores.giveback import blocked, give_back, stage
from slett.stores.operations import Delete, Link, Rows
from slett.stores.sql import Session, Store
from tests.servers.databases import engine
from tests.stores.conformance import Shop, ways
from tests.stores.nasty import dump
from tests.stores.schemas import execute
from tests.stores.test_capture import SERVERS, waits

TABLES = (
    "CREATE TABLE «people» (id INTEGER PRIMARY KEY, name VARCHAR(60))",
    "CREATE TABLE «post» (id INTEGER PRIMARY KEY, person_id INTEGER, body VARCHAR(60), "
    "CONSTRAINT whose FOREIGN KEY (person_id) REFERENCES «people» (id) ON DELETE CASCADE)",
    "CREATE TABLE «heart» (id INTEGER PRIMARY KEY, post_id INTEGER, "
    "CONSTRAINT of_what FOREIGN KEY (post_id) REFERENCES «post» (id) ON DELETE CASCADE)",
    "CREATE TABLE «pin» (id INTEGER PRIMARY KEY, person_id INTEGER, "
    "CONSTRAINT by_whom FOREIGN KEY (person_id) REFERENCES «people» (id) ON DELETE SET NULL)",
    "INSERT INTO «people» VALUES (1, 'Kari'), (2, 'Ola')",
)
ALL = ("people", "post", "heart", "pin")
LATE = (
    "INSERT INTO «post» VALUES (1, 1, 'a'), (2, 1, 'b'), (3, 2, 'c'), (4, NULL, 'd')",
    "INSERT INTO «heart» VALUES (1, 1), (2, 1), (3, 3), (4, NULL)",
    "INSERT INTO «pin» VALUES (1, 1), (2, 2)",
)
OWN = Delete(Rows("people", (Link(("id",), "named", ("id",)),), key=("id",)))
Found = list[tuple[Taken, bytes]]


@pytest.fixture
def shop(database: str) -> Iterator[Shop]:
    execute(database, *TABLES)
    store = Store("shop", database, 20)
    yield Shop(database, store, store.read_schema())
    store.close()


def take(session: Session, how: str = "alone") -> Found:
    """What is handed out of the named people, and along with them."""
    found: Found = []
    with session.transaction():
        if how == "alone":
            rows = []

            def along(taken: Taken, block: bytes) -> None:
                found.append((taken, block))

            assert capture(session, OWN, rows.append, along=along) == 1
        else:

            def along_with(_place: int, taken: Taken, block: bytes) -> None:
                found.append((taken, block))

            assert capture_all(session, [OWN], lambda _place, _block: None, along=along_with) == [1]
    return found


def back(shop: Shop, found: Found) -> None:
    execute(shop.url, "INSERT INTO people VALUES (1, 'Kari')")
    with shop.session() as session, session.transaction(defer=True):
        for taken, block in reversed(found):
            staged = stage(session, taken, [block])
            assert not blocked(session, staged)
            assert give_back(session, staged)


@ways
@pytest.mark.parametrize("how", ["alone", "together"])
def test_whatever_goes_along_is_handed_out_children_first(shop: Shop, inline_keys: int, how: str) -> None:
    """And nothing of anybody else."""
    execute(shop.url, *LATE)
    before = [dump(shop.url, each) for each in ALL]
    with shop.session(1, inline_keys=inline_keys) as session:
        found = take(session, how)
    assert [(taken.table, taken.what) for taken, _ in found] == [("pin", "values"), ("heart", "rows"), ("post", "rows")]
    assert shop.rows("SELECT id FROM heart ORDER BY id") == [(3,), (4,)]
    assert shop.rows("SELECT id, person_id FROM pin ORDER BY id") == [(1, None), (2, 2)]
    back(shop, found)
    assert [dump(shop.url, each) for each in ALL] == before


@ways
def test_nothing_is_handed_out_where_nothing_goes_along(shop: Shop, inline_keys: int) -> None:
    execute(shop.url, "INSERT INTO post VALUES (3, 2, 'c')", "INSERT INTO pin VALUES (2, 2)")
    with shop.session(1, inline_keys=inline_keys) as session:
        assert take(session) == []


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"], scope="session")  # InnoDB knows no SET DEFAULT
@ways
@pytest.mark.parametrize("how", ["alone", "together"])
def test_what_would_be_set_to_a_default_forbids_it_as_nobody_can_say_what_to_give_back(
    shop: Shop, inline_keys: int, how: str
) -> None:
    execute(
        shop.url,
        "CREATE TABLE badge (id INTEGER PRIMARY KEY, person_id INTEGER DEFAULT 2, "
        "CONSTRAINT worn_by FOREIGN KEY (person_id) REFERENCES people (id) ON DELETE SET DEFAULT)",
        "INSERT INTO badge VALUES (1, 1), (2, 2)",
    )
    live = Shop(shop.url, shop.store, shop.store.read_schema())
    with live.session(1, inline_keys=inline_keys) as session, pytest.raises(Conflict, match="`badge`"):
        take(session, how)
    assert shop.rows("SELECT id, person_id FROM badge ORDER BY id") == [(1, 1), (2, 2)]
    assert shop.rows("SELECT id FROM people ORDER BY id") == [(1,), (2,)]
    execute(shop.url, "DELETE FROM badge WHERE id = 1")
    with live.session(1, inline_keys=inline_keys) as session:
        assert take(session, how) == []
    assert shop.rows("SELECT id, person_id FROM badge") == [(2, 2)]


@ways
@pytest.mark.parametrize("how", ["alone", "together"])
@pytest.mark.parametrize("column", ["INTEGER", "INTEGER UNIQUE"])
def test_what_would_be_set_to_null_in_a_table_without_a_key_forbids_it(
    shop: Shop, inline_keys: int, how: str, column: str
) -> None:
    """Nor is there a key where the only one is what would be written."""
    execute(
        shop.url,
        f"CREATE TABLE note (person_id {column}, body VARCHAR(60), "
        "CONSTRAINT noted_by FOREIGN KEY (person_id) REFERENCES people (id) ON DELETE SET NULL)",
        "INSERT INTO note VALUES (1, 'a'), (2, 'b')",
    )
    live = Shop(shop.url, shop.store, shop.store.read_schema())
    with live.session(1, inline_keys=inline_keys) as session, pytest.raises(Conflict, match=r"`note`.*primary key"):
        take(session, how)
    assert shop.rows("SELECT person_id, body FROM note ORDER BY body") == [(1, "a"), (2, "b")]
    assert shop.rows("SELECT id FROM people ORDER BY id") == [(1,), (2,)]
    execute(shop.url, "DELETE FROM note WHERE person_id = 1")
    with live.session(1, inline_keys=inline_keys) as session:
        assert take(session, how) == []
    assert shop.rows("SELECT person_id, body FROM note") == [(2, "b")]


@SERVERS
@ways
def test_what_is_being_written_at_that_moment_is_waited_for(shop: Shop, inline_keys: int) -> None:
    with shop.session(1, inline_keys=inline_keys) as session, engine(shop.url).connect() as other:
        other.exec_driver_sql("BEGIN")
        other.exec_driver_sql("INSERT INTO post VALUES (1, 1, 'a')")
        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(take, session)
            while not (done.done() or waits(shop.url)):
                sleep(0.01)
            other.exec_driver_sql("COMMIT")
            found = done.result()
    assert [taken.table for taken, _ in found] == ["post"]
    back(shop, found)
    assert shop.rows("SELECT id, person_id, body FROM post") == [(1, 1, "a")]


@SERVERS
@ways
def test_what_was_written_in_a_table_without_a_key_since_the_transaction_began_forbids_it(
    shop: Shop, inline_keys: int
) -> None:
    execute(
        shop.url,
        "CREATE TABLE note (person_id INTEGER, "
        "CONSTRAINT noted_by FOREIGN KEY (person_id) REFERENCES people (id) ON DELETE SET NULL)",
    )
    live = Shop(shop.url, shop.store, shop.store.read_schema())

    def begin_and_wait(session: Session) -> None:
        with session.transaction():
            assert session.count([OWN]) == [1]
            execute(shop.url, "INSERT INTO note VALUES (1)")
            capture(session, OWN, lambda _: None, along=lambda *_: None)

    with live.session(1, inline_keys=inline_keys) as session, pytest.raises(Conflict, match="`note`"):
        begin_and_wait(session)
    assert shop.rows("SELECT person_id FROM note") == [(1,)]
