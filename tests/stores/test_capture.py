"""The rows that are handed out are the rows that were changed, as they were just before."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from time import sleep
from typing import Any

import pytest

from slett.stores.capture import Taken, capture, capture_all, shape_of
from slett.stores.errors import Busy, StoreError, Unproven
from slett.stores.operations import Change, Collect, Delete, Holder, KeySet, Link, Rows, Rule, Update, Write
from slett.stores.sql import Session
from slett.stores.statements import Slice
from tests.servers.databases import dialect_of, engine
from tests.stores.conformance import ORDERS, OWN_LOG, OWN_ORDERS, OWN_USERS, Shop, opened, ways
from tests.stores.schemas import execute

FORGET = Update(OWN_USERS, (Write("mail", Rule("hash")), Write("born", Rule("year")), Write("city", Rule("null"))))


@pytest.fixture
def shop(database: str) -> Iterator[Shop]:
    with opened(database) as shop:
        yield shop


def take(session: Session, change: Change, part: Slice | None = None) -> tuple[Taken, list[bytes], int]:
    """Capture a change in a transaction of its own."""
    blocks: list[bytes] = []
    taken = shape_of(session, change)
    with session.transaction():
        count = capture(session, change, blocks.append, part)
    return taken, blocks, count


def rows_in(url: str, taken: Taken, blocks: list[bytes]) -> list[tuple[str, ...]]:
    """What is in the blocks, as the database itself reads it: person's number and fields, as text."""
    whole = b"".join(blocks)
    with engine(url).connect() as connection:
        driver: Any = connection.connection.driver_connection
        cursor = driver.cursor()
        if dialect_of(url) == "postgresql":
            names = ["person", *([] if taken.key else ["place"]), *(f"f{n}" for n, _ in enumerate(taken.types))]
            types = ["int", *([] if taken.key else ["text"]), *taken.types]
            written = [f"w{n}" for n in range(len(taken.columns))] if taken.what == "values" else []
            names, types = names + written, types + list(taken.types[len(taken.key) :] if written else [])
            cursor.execute(
                f"CREATE TEMP TABLE back ({', '.join(map(' '.join, zip(names, types, strict=True)))})".encode()
            )
            with cursor.copy(b"COPY back FROM STDIN") as copy:
                copy.write(whole)
            cursor.execute(b"SELECT * FROM back")
        elif not whole:
            return []
        else:
            text = b"VALUES " + whole.rstrip(b",\n")
            cursor.execute(text.decode())
        found = [tuple(map(str, row)) for row in cursor.fetchall()]
    return sorted(row if taken.key else (row[0], *row[2:]) for row in found)


def as_text(rows: list[tuple[Any, ...]]) -> list[tuple[str, ...]]:
    return sorted(tuple(map(str, row)) for row in rows)


@ways
@pytest.mark.parametrize("rows", [OWN_ORDERS, OWN_LOG], ids=["a key", "no key"])
def test_deleted_rows_are_handed_out_whole_and_no_others(shop: Shop, inline_keys: int, rows: Rows) -> None:
    before = shop.rows(f"SELECT 0, t.* FROM «{rows.table}» t WHERE user_id = 1")
    others = shop.rows(f"SELECT * FROM «{rows.table}» WHERE user_id <> 1")
    with shop.session(1, inline_keys=inline_keys) as session:
        taken, blocks, count = take(session, Delete(rows))
        assert take(session, Delete(rows))[1:] == ([], 0)
    assert count == len(before)
    assert rows_in(shop.url, taken, blocks) == as_text(before)
    assert as_text(shop.rows(f"SELECT * FROM «{rows.table}»")) == as_text(others)


@ways
def test_written_values_are_handed_out_before_and_after(shop: Shop, inline_keys: int) -> None:
    before = shop.rows("SELECT 0, id, mail, city, born FROM users WHERE id = 1")
    with shop.session(1, inline_keys=inline_keys) as session:
        taken, blocks, count = take(session, FORGET)
        assert take(session, FORGET)[1:] == ([], 0)
    after = shop.rows("SELECT mail, city, born FROM users WHERE id = 1")
    assert (taken.what, taken.fields, taken.written, count) == (
        "values",
        ("id", "mail", "city", "born"),
        ("mail", "born", "city"),
        1,
    )
    assert rows_in(shop.url, taken, blocks) == as_text([(*before[0], *after[0])])


def test_each_row_of_many_people_carries_its_person_and_one_of_two_is_enough(shop: Shop) -> None:
    """A row of two people is handed out once, and counted once."""
    shared = replace(OWN_ORDERS, links=(Link(("note",), "notes", ("value",)),))
    with shop.session(1, 3) as session:
        taken, blocks, count = take(session, Delete(OWN_ORDERS))
        assert (count, [row[0] for row in rows_in(shop.url, taken, blocks)]) == (3, ["0", "0", "1"])
    with shop.session(2) as session:
        notes = KeySet("notes", "", "", ("value",), ("text",), ("value",))
        session.know(notes, [(4, "a"), (5, "a"), (5, "b")], people=6)
        update = Update(shared, (Write("note", Rule("constant", "-")),))
        taken, blocks, count = take(session, update)
        assert (count, [row[0] in "45" for row in rows_in(shop.url, taken, blocks)]) == (2, [True, True])
        execute(shop.url, "UPDATE «order» SET note = 'a'")
        taken, blocks, count = take(session, Delete(shared))
        assert (count, len(rows_in(shop.url, taken, blocks))) == (2, 2)


@ways
@pytest.mark.parametrize("kind", ["rows", "values"])
def test_slices_hand_out_every_row_once(shop: Shop, inline_keys: int, kind: str) -> None:
    execute(shop.url, *(f"INSERT INTO «order» VALUES ({n % 7 + 4}, {n}, 1, 'n', NULL)" for n in range(20)))
    change = Delete(OWN_ORDERS) if kind == "rows" else Update(OWN_ORDERS, (Write("note", Rule("constant", "-")),))
    keys = as_text(shop.rows("SELECT shop, no FROM «order» WHERE user_id = 1"))
    with shop.session(1, inline_keys=inline_keys) as session:
        total = session.number(change)
        assert total == 22
        found = []
        for after in range(0, total, 5):
            taken, blocks, _ = take(session, change, Slice(after, after + 5))
            found += [row[1:3] for row in rows_in(shop.url, taken, blocks)]
    assert sorted(found) == keys


@pytest.mark.parametrize("kind", ["rows", "values"])
def test_a_slice_of_people_hands_out_theirs_alone(shop: Shop, kind: str) -> None:
    collected = replace(OWN_ORDERS, among="orders")
    for rows in (OWN_ORDERS, collected):
        change = Delete(rows) if kind == "rows" else Update(rows, (Write("note", Rule("constant", "-")),))
        with shop.session(3, 1, 2) as session:
            session.expect_all([ORDERS], people=3)
            session.collect(Collect("orders", OWN_ORDERS), ORDERS)
            part = Slice(0, 1, "people") if rows.among else Slice(1, 2, "people")
            keys = as_text(shop.rows(f"SELECT shop, no FROM «order» WHERE user_id = {1 if rows.among else 2}"))
            taken, blocks, count = take(session, change, part)
        found = rows_in(shop.url, taken, blocks)
        assert (count, sorted(row[1:3] for row in found)) == (2, keys)
        assert {row[0] for row in found} == {str(part.upto)}


def test_rows_that_nothing_tells_apart_go_in_slices_or_whole(shop: Shop) -> None:
    with shop.session(1) as session:
        total = session.number(Delete(OWN_LOG))
        taken, blocks, count = take(session, Delete(OWN_LOG), Slice(0, 3) if total else None)
    assert (count, len(rows_in(shop.url, taken, blocks))) == (3, 3)


NOBODY_ELSE = replace(OWN_ORDERS, unless=(Holder(("no",), "logged", ("code",), table="log", match=("code",)),))
LOGGED = KeySet("logged", "", "", ("code",), ("integer",), ("code",))
KINDS: dict[str, Change] = {
    "rows": Delete(NOBODY_ELSE),
    "values": Update(NOBODY_ELSE, (Write("note", Rule("constant", "-")),)),
}


@ways
@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_other_tables_decide_about_are_handed_out(shop: Shop, inline_keys: int, kind: str) -> None:
    execute(shop.url, "INSERT INTO log VALUES (20, 2, 'theirs')")
    with shop.session(1, inline_keys=inline_keys) as session:
        session.know(LOGGED, [(0, 7)], people=1)
        taken, blocks, count = take(session, KINDS[kind])
        assert (count, [row[1:3] for row in rows_in(shop.url, taken, blocks)]) == (1, [("1", "10")])
        assert take(session, KINDS[kind])[1:] == ([], 0)


def test_as_many_other_rows_are_not_taken_for_those_that_were_handed_out(mariadb_database: str) -> None:
    """While rows are handed out, somebody takes hold of one and brings another. READ COMMITTED lets them."""
    with opened(mariadb_database + "?init_command=SET SESSION tx_isolation = 'READ-COMMITTED'") as shop:
        before = shop.rows("SELECT * FROM «order»")

        def meanwhile(_block: bytes) -> None:
            execute(mariadb_database, "INSERT INTO log VALUES (10, 2, 'theirs')")
            execute(mariadb_database, "INSERT INTO «order» VALUES (8, 8, 1, 'new', NULL)")

        with shop.session(1, inline_keys=0) as session:
            session.know(LOGGED, [(0, 7)], people=1)
            with pytest.raises(Busy, match="decides about the rows"), session.transaction():
                capture(session, KINDS["rows"], meanwhile)
        assert shop.rows("SELECT * FROM «order» WHERE shop <> 8") == before


@ways
def test_a_group_of_changes_is_captured_as_each_alone(shop: Shop, inline_keys: int) -> None:
    changes = [Delete(OWN_LOG), FORGET, Delete(OWN_ORDERS)]
    with shop.session(1, inline_keys=inline_keys) as session:
        taken = [shape_of(session, each) for each in changes]
        alone: list[list[bytes]] = [[], [], []]
        together: list[list[bytes]] = [[], [], []]
        with suppress(InterruptedError), session.transaction():
            counts = [capture(session, each, into.append) for each, into in zip(changes, alone, strict=True)]
            raise InterruptedError
        with session.transaction():
            assert (
                capture_all(session, changes, lambda place, block: together[place].append(block)) == counts == [3, 1, 2]
            )
            assert capture_all(session, [], lambda _place, _block: None) == []
    for shape, one, other in zip(taken, alone, together, strict=True):
        assert rows_in(shop.url, shape, other) == rows_in(shop.url, shape, one)


def test_blocks_are_bounded_and_hold_whole_rows(shop: Shop) -> None:
    execute(shop.url, "CREATE TABLE «wide» (id INTEGER PRIMARY KEY, user_id INTEGER, line VARCHAR(9000))")
    for start in range(0, 400, 100):
        values = ", ".join(f"({n}, 1, '{'x' * 9000}')" for n in range(start, start + 100))
        execute(shop.url, f"INSERT INTO wide VALUES {values}")
    schema = shop.store.read_schema()
    with replace(shop, schema=schema).session(1) as session:
        taken, blocks, _ = take(session, Delete(replace(OWN_ORDERS, table="wide", key=("id",))))
    assert len(blocks) > 2
    assert max(map(len, blocks)) < 2**20 + 20_000
    assert sum(len(rows_in(shop.url, taken, [block])) for block in blocks) == 400


def test_what_cannot_be_put_away_is_not_taken(shop: Shop) -> None:
    """Whoever takes the blocks fails: nothing is changed."""

    def full(_block: bytes) -> None:
        raise OSError("disk full")

    for change in (Delete(OWN_ORDERS), FORGET):
        with shop.session(1) as session, pytest.raises(OSError, match="disk full"), session.transaction():
            capture(session, change, full)
        with shop.session(1) as session:
            assert session.count([change]) == [2 if isinstance(change, Delete) else 1]


def test_a_change_that_names_no_keys_hands_nothing_out(shop: Shop) -> None:
    everybody = Rows("users", (), key=("id",))
    for change in (Delete(everybody), Update(everybody, FORGET.writes)):
        blocks: list[bytes] = []
        with shop.session(1) as session, pytest.raises(Unproven), session.transaction():
            capture(session, change, blocks.append)
        assert not blocks


def test_values_without_a_key_are_refused_beforehand(shop: Shop) -> None:
    change = Update(OWN_LOG, (Write("line", Rule("null")),))
    with shop.session(1) as session, pytest.raises(StoreError, match="has no key that stays as it is"):
        shape_of(session, change)


def test_rows_of_a_table_with_heirs_are_refused_beforehand(postgresql_database: str) -> None:
    """An heir may repeat a key of its parent's, so that values written by that key would be two rows'."""
    with opened(postgresql_database) as shop:
        execute(shop.url, "CREATE TABLE more (since DATE) INHERITS (users)")
        later = replace(shop, schema=shop.store.read_schema())
        with later.session(1) as session, pytest.raises(StoreError, match="has heirs"):
            shape_of(session, FORGET)


def test_a_shape_can_be_written_down(shop: Shop) -> None:
    with shop.session(1) as session:
        for change in (Delete(OWN_LOG), FORGET):
            taken = shape_of(session, change)
            assert Taken.from_plain(json.loads(json.dumps(taken.plain()))) == taken


@ways
def test_a_row_that_somebody_holds_is_busy_and_hands_nothing_out(shop: Shop, inline_keys: int) -> None:
    blocks: list[bytes] = []
    with shop.session(1, inline_keys=inline_keys) as session:
        with engine(shop.url).connect() as connection, connection.begin():
            connection.exec_driver_sql("UPDATE users SET city = 'x' WHERE id = 1")
            with pytest.raises(Busy), session.transaction():
                capture(session, FORGET, blocks.append)
        assert not blocks
        assert take(session, FORGET)[2] == 1


# -- whatever others write at the same moment ---------------------------------------------------------


def beside(database: str, session: Session, change: Change, *statements: str) -> tuple[Taken, list[bytes], int]:
    """Capture while somebody else has run these statements and commits them once the capture waits, or is through."""
    blocks: list[bytes] = []
    taken = shape_of(session, change)
    with engine(database).connect() as other, ThreadPoolExecutor(1) as pool:
        quote = other.dialect.identifier_preparer.initial_quote
        other.exec_driver_sql("BEGIN")
        for each in statements:
            other.exec_driver_sql(each.replace("«", quote).replace("»", quote))

        def work() -> int:
            with session.transaction():
                return capture(session, change, blocks.append)

        done = pool.submit(work)
        while not (done.done() or waits(database)):
            sleep(0.01)
        other.exec_driver_sql("COMMIT")
        return taken, blocks, done.result()


def waits(database: str) -> bool:
    """Whether somebody waits for a lock, as the server says."""
    asked = {
        "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
        "AND datname = current_database()",
        "mariadb": "SELECT CAST(variable_value AS INT) FROM information_schema.global_status "  # INNODB_TRX is cached
        "WHERE variable_name = 'innodb_row_lock_current_waits'",
    }
    with engine(database).connect() as connection:
        return bool(connection.exec_driver_sql(asked[dialect_of(database)]).scalar_one())


SERVERS = pytest.mark.parametrize("dialect", ["postgresql", "mariadb"], scope="session")  # with SQLite one writes alone


@SERVERS
@ways
@pytest.mark.parametrize("kind", ["rows", "values"])
def test_what_others_wrote_last_is_what_is_handed_out(database: str, inline_keys: int, kind: str) -> None:
    """Somebody changes a row, and the capture waits for them: their values are the ones before ours."""
    change = Delete(OWN_ORDERS) if kind == "rows" else Update(OWN_ORDERS, (Write("note", Rule("constant", "-")),))
    with opened(database, lock_seconds=20) as shop, shop.session(1, inline_keys=inline_keys) as session:
        taken, blocks, count = beside(
            database, session, change, "UPDATE «order» SET note = 'late', placed = NULL WHERE shop = 1 AND no = 10"
        )
        rows = {row[1:3]: row for row in rows_in(database, taken, blocks)}
        assert count == len(rows) == 2
        assert rows["1", "10"][3:] == (("1", "late", "None") if kind == "rows" else ("late", "-"))
        assert session.count([change]) == [0]


@SERVERS
@ways
@pytest.mark.parametrize("kind", ["rows", "values"])
def test_a_row_that_others_take_away_or_bring_is_handed_out_if_it_is_changed_and_else_not(
    database: str, inline_keys: int, kind: str
) -> None:
    change = Delete(OWN_ORDERS) if kind == "rows" else Update(OWN_ORDERS, (Write("note", Rule("constant", "-")),))
    with opened(database, lock_seconds=20) as shop, shop.session(1, inline_keys=inline_keys) as session:
        taken, blocks, count = beside(
            database,
            session,
            change,
            "UPDATE «order» SET user_id = 2 WHERE shop = 1 AND no = 10",
            "INSERT INTO «order» VALUES (9, 9, 1, 'new', NULL)",
        )
        left = {(str(row[0]), str(row[1])) for row in shop.rows("SELECT shop, no FROM «order» WHERE note <> '-'")}
        found = [row[1:3] for row in rows_in(database, taken, blocks)]
    assert count == len(found) == len(set(found))
    assert ("1", "10") not in found
    assert ("1", "10") in left
    assert (("9", "9") in found) != (("9", "9") in left)
