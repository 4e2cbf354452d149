"""Rows may be found again where they lay: whoever lies there by then is nobody's but by the change's own condition."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa

from slett.stores.operations import Collect, Delete, Rule, Update, Write
from slett.stores.statements import Slice
from tests.servers.databases import engine
from tests.stores.conformance import ORDERS, OWN_LOG, OWN_ORDERS, Shop, opened, ways
from tests.stores.schemas import execute

COLLECTED = replace(OWN_ORDERS, among="orders")


@pytest.fixture
def shop(postgresql_database: str) -> Iterator[Shop]:
    with opened(postgresql_database) as shop:
        execute(shop.url, *(f"INSERT INTO «order» VALUES ({n % 7 + 4}, {n}, 1, NULL, NULL)" for n in range(20)))
        yield shop


@ways
@pytest.mark.parametrize(
    "change",
    [
        Delete(OWN_ORDERS),
        Delete(COLLECTED),
        Delete(replace(COLLECTED, links=())),
        Update(OWN_ORDERS, (Write("note", Rule("constant", "gone")),)),
    ],
    ids=["by reference", "by both", "by key", "update"],
)
def test_slices_cover_every_row_once(shop: Shop, change: Delete | Update, inline_keys: int) -> None:
    with shop.session(1, inline_keys=inline_keys) as session:
        session.expect_all([ORDERS], people=1)
        session.collect(Collect("orders", OWN_ORDERS), ORDERS)
        assert session.goes_by_place(change)
        total = session.number(change, by="places")
        assert total == 22
        parts = [Slice(after, after + 5, "places") for after in range(0, total, 5)]
        assert [(session.apply(change, part), session.apply(change, part)) for part in parts] == [(5, 0)] * 4 + [(2, 0)]
    left = shop.rows("SELECT user_id, note FROM «order» WHERE note IS DISTINCT FROM 'gone' ORDER BY shop, no")
    assert sorted(left) == [(2, "a"), (2, "b"), (3, "c")]


@pytest.mark.parametrize("change", [Delete(OWN_ORDERS), Delete(replace(COLLECTED, links=()))], ids=["link", "key"])
@ways
def test_another_row_that_lies_there_by_now_stays(shop: Shop, change: Delete, inline_keys: int) -> None:
    with shop.session(1, inline_keys=inline_keys) as session:
        session.expect_all([ORDERS], people=1)
        session.collect(Collect("orders", OWN_ORDERS), ORDERS)
        total = session.number(change, by="places") or 0
        before = set(shop.rows("SELECT ctid::text FROM «order» WHERE user_id = 1"))
        execute(shop.url, "DELETE FROM «order» WHERE user_id = 1")
        with engine(shop.url).connect() as other:
            other.execution_options(isolation_level="AUTOCOMMIT").execute(sa.text('VACUUM "order"'))
        execute(shop.url, *(f"INSERT INTO «order» VALUES (50, {n}, 3, 'other', NULL)" for n in range(22)))
        assert before & set(shop.rows("SELECT ctid::text FROM «order» WHERE user_id = 3"))
        assert session.apply(change, Slice(0, total, "places")) == 0
    assert shop.rows("SELECT count(*) FROM «order» WHERE user_id = 3") == [(23,)]


def test_a_row_without_a_key_has_a_place(shop: Shop) -> None:
    with shop.session(1) as session:
        assert session.number(Delete(OWN_LOG), by="places") == 3
        assert session.apply(Delete(OWN_LOG), Slice(0, 3, "places")) == 3
    assert shop.rows("SELECT user_id FROM log") == [(2,)]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE older () INHERITS («order»)",
        "DROP TABLE «order»; CREATE TABLE «order» (shop INT, no INT, user_id INT, PRIMARY KEY (shop, no)) "
        "PARTITION BY RANGE (no)",
    ],
    ids=["heirs", "partitions"],
)
def test_where_rows_lie_in_several_tables_a_place_tells_nothing(shop: Shop, statement: str) -> None:
    execute(shop.url, *statement.split("; "))
    with replace(shop, schema=shop.store.read_schema()).session(1) as session:
        assert not session.goes_by_place(Delete(OWN_ORDERS))


@pytest.mark.parametrize("dialect", ["mariadb", "sqlite"], indirect=True)
def test_elsewhere_rows_are_found_by_their_keys(database: str) -> None:
    with opened(database) as shop, shop.session(1) as session:
        assert not session.goes_by_place(Delete(OWN_ORDERS))
