"""SQLite, PostgreSQL and MariaDB answer the operations alike."""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial

import pytest
from sqlalchemy import func, select

from slett.stores.capture import capture
from slett.stores.errors import StoreError, Unavailable
from slett.stores.operations import Change, Collect, Delete, KeySet, Rows, Rule, Update, Write
from slett.stores.statements import Slice
from tests.stores.conformance import OF_USERS, OWN_USERS, USERS, Conformance, Shop, opened, ways
from tests.stores.schemas import execute


class TestSQLDatabases(Conformance):
    @pytest.fixture
    def shop(self, database: str) -> Iterator[Shop]:
        with opened(database) as shop:
            yield shop


PARTS = (
    "CREATE TABLE visits (no INT, user_id INT, page INT, year INT) PARTITION BY LIST (year)",
    "CREATE TABLE visits_old PARTITION OF visits FOR VALUES IN (2024)",
    "CREATE TABLE visits_new PARTITION OF visits DEFAULT",
    "INSERT INTO visits SELECT n, 1, n, 2024 FROM generate_series(1, 6) n",
    "INSERT INTO visits SELECT 10 + n, 2, n, 2025 FROM generate_series(1, 6) n",
)
VISITS = KeySet("visits", "shop", "visits", ("no",), ("integer",), ("no",))
MINE = Rows("visits", (), among="visits", key=("no",))


UPDATED = Update(MINE, (Write("page", Rule("null")),))


@ways
@pytest.mark.parametrize(("change", "captured"), [(Delete(MINE), False), (Delete(MINE), True), (UPDATED, False)])
def test_a_row_at_the_same_place_of_another_partition_is_another_row(
    postgresql_database: str, inline_keys: int, change: Change, captured: bool
) -> None:
    """Without a primary key a slice goes by the place of its rows, and each partition counts its places anew."""
    execute(postgresql_database, *PARTS)
    with opened(postgresql_database) as shop, shop.session(1, inline_keys=inline_keys) as session:
        session.expect_all([VISITS], people=1)
        session.collect(Collect("visits", Rows("visits", (OF_USERS,), key=("no",))), VISITS)
        assert session.number(change) == 6
        run = partial(capture, session, change, lambda _: None) if captured else partial(session.apply, change)
        for after in (0, 2, 4):
            with session.transaction():
                assert run(part=Slice(after, after + 2)) == 2
        left = shop.rows("SELECT user_id, count(page) FROM visits GROUP BY user_id ORDER BY user_id")
        assert left == [(1, 0), (2, 6)] if isinstance(change, Update) else [(2, 6)]


def test_a_table_that_is_altered_meanwhile_is_read_by_the_next_session(postgresql_database: str) -> None:
    """The server has prepared what was asked often, and refuses it once a column has another type."""
    with opened(postgresql_database) as shop:

        def roots() -> list[tuple[object, ...]]:
            with shop.session(1) as session:
                session.expect_all([USERS], people=1)
                session.collect(Collect("users", OWN_USERS), USERS)
                return list(session.rows_of("users"))

        before = [roots() for _ in range(10)][-1]
        execute(postgresql_database, "ALTER TABLE users ALTER code TYPE bigint")
        with pytest.raises(Unavailable, match="altered a table while it was in use"):
            roots()
        assert roots() == before


def test_a_refusal_leaves_the_connection_to_whoever_comes_next(postgresql_database: str) -> None:
    """Else each wish that is refused would cost the database a new one. One that the store failed at is thrown away."""
    with opened(postgresql_database) as shop:

        def used(failing: Exception | None = None) -> int:
            with suppress(type(failing) if failing else ()), shop.session(1) as session:
                found = int(session.run(select(func.pg_backend_pid())).scalar_one())
                if failing:
                    raise failing
            return found

        first = used(ValueError("not now"))
        assert used(StoreError("shop", "failed")) == first
        assert used() != first
