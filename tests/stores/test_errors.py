"""What goes wrong in a store, in words: the right kind of error, and in it no value, host, user or password."""

import sqlite3
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from slett.stores.dialect import parse_url
from slett.stores.errors import Busy, Conflict, Denied, StoreError, Unavailable
from slett.stores.operations import Delete
from slett.stores.sql import Store
from tests.servers.databases import engine
from tests.stores.conformance import OWN_LOG, SECRET, Shop, opened

PASSWORD = "hemmelig"


def reading_fails(url: str) -> StoreError:
    store = Store("shop", url, 0.5)
    try:
        with pytest.raises(StoreError) as caught:
            store.read_schema()
    finally:
        store.close()
    assert str(caught.value).startswith("store `shop`: ")
    assert caught.value.__suppress_context__
    assert caught.value.__cause__ is None
    for secret in (PASSWORD, "127.0.0.1", "somebody", SECRET):
        assert secret not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("kind", ["postgresql", "mariadb", "mysql"])
def test_a_port_where_nothing_listens_is_unavailable(kind: str) -> None:
    assert isinstance(reading_fails(f"{kind}://somebody:{PASSWORD}@127.0.0.1:1/shop"), Unavailable)


def test_a_database_that_does_not_exist_is_unavailable(database: str) -> None:
    url = make_url(database)
    wrong = url.set(database=f"{url.database}_not").render_as_string(hide_password=False)
    assert isinstance(reading_fails(wrong), Unavailable)


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "shop.db").write_text("not a database, but a text long enough to look at" * 20)
    assert isinstance(reading_fails(f"sqlite:///{tmp_path / 'shop.db'}"), Unavailable)


@pytest.mark.parametrize("text", [f"somebody:{PASSWORD}", f"oracle://somebody:{PASSWORD}@host/shop", ""])
def test_a_url_that_is_none_is_not_repeated(text: str) -> None:
    with pytest.raises(StoreError) as caught:
        parse_url("shop", text)
    assert PASSWORD not in str(caught.value)
    assert "host" not in str(caught.value).replace("user@host", "")


READER = {
    "postgresql": ("CREATE ROLE reader LOGIN", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader"),
    "mariadb": (
        "CREATE USER reader@'127.0.0.1'",
        "GRANT SELECT, CREATE TEMPORARY TABLES ON {}.* TO reader@'127.0.0.1'",
    ),
}
NO_READER = {"postgresql": ("DROP OWNED BY reader", "DROP ROLE reader"), "mariadb": ("DROP USER reader@'127.0.0.1'",)}


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_an_account_that_may_only_read_is_found_out_before_anything_changes(
    kind: str, request: pytest.FixtureRequest
) -> None:
    url = make_url(request.getfixturevalue(f"{kind}_database"))
    with opened(url.render_as_string(hide_password=False)) as shop:
        run(shop, *READER[kind])
        try:
            store = Store("shop", url.set(username="reader").render_as_string(hide_password=False))
            try:
                reader = Shop(shop.url, store, store.read_schema())
                with reader.session(1) as session, pytest.raises(Denied) as caught:
                    session.rehearse([Delete(OWN_LOG)])
            finally:
                store.close()
        finally:
            run(shop, *NO_READER[kind])
        assert "grant it" in str(caught.value)
        assert len(shop.rows("SELECT * FROM log")) == 4


def test_a_published_table_without_a_key_is_found_out_before_anything_changes(postgresql_database: str) -> None:
    with opened(postgresql_database) as shop:
        run(shop, "ALTER TABLE log DROP CONSTRAINT IF EXISTS log_pkey", "CREATE PUBLICATION everything FOR ALL TABLES")
        with shop.session(1) as session, pytest.raises(Denied) as caught:
            session.rehearse([Delete(OWN_LOG)])
        assert "`log` is published" in str(caught.value)
        assert len(shop.rows("SELECT * FROM log")) == 4
        run(shop, "ALTER TABLE log REPLICA IDENTITY FULL")
        with shop.session(1) as session:
            session.rehearse([Delete(OWN_LOG)])
        run(shop, "DROP PUBLICATION everything")


def run(shop: Shop, *statements: str) -> None:
    with engine(shop.url).begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement.format(make_url(shop.url).database))


ERRORS: list[tuple[str, Any, type[StoreError]]] = [
    ("sqlite", "SQLITE_BUSY", Busy),
    ("sqlite", "SQLITE_BUSY_SNAPSHOT", Busy),
    ("sqlite", "SQLITE_LOCKED", Busy),
    ("sqlite", "SQLITE_READONLY", Denied),
    ("sqlite", "SQLITE_READONLY_DBMOVED", Denied),
    ("sqlite", "SQLITE_CONSTRAINT_FOREIGNKEY", Conflict),
    ("sqlite", "SQLITE_CONSTRAINT_TRIGGER", Conflict),
    ("sqlite", "SQLITE_CANTOPEN", Unavailable),
    ("sqlite", "SQLITE_NOTADB", Unavailable),
    ("sqlite", "SQLITE_FULL", Unavailable),
    ("postgresql", "40001", Busy),
    ("postgresql", "40P01", Busy),
    ("postgresql", "55P03", Busy),
    ("postgresql", "57014", Busy),
    ("postgresql", "23503", Conflict),
    ("postgresql", "23505", Conflict),
    ("postgresql", "23514", Conflict),
    ("postgresql", "42501", Denied),
    ("postgresql", "25006", Denied),
    ("postgresql", "57P01", Unavailable),
    ("postgresql", "08006", Unavailable),
    ("postgresql", "53100", Unavailable),  # the disk is full
    ("postgresql", "53300", Unavailable),  # too many connections
    ("postgresql", "42P01", StoreError),
    ("mariadb", 1205, Busy),
    ("mariadb", 1213, Busy),
    ("mariadb", 1451, Conflict),
    ("mariadb", 1062, Conflict),
    ("mariadb", 4025, Conflict),
    ("mariadb", 1142, Denied),
    ("mariadb", 1290, Denied),
    ("mariadb", 2013, Unavailable),
    ("mariadb", 1040, Unavailable),
    ("mariadb", 1021, Unavailable),  # the disk is full
    ("mariadb", 1114, Unavailable),
    ("mariadb", 1045, Unavailable),
    ("mariadb", 1146, StoreError),
]


def original(kind: str, code: Any) -> Exception:
    """A driver's error, with a value of a row in it."""
    match kind:
        case "postgresql":
            return psycopg.errors.lookup(code)(f"Key (mail)=({SECRET}) is there already")
        case "mariadb":
            return pymysql.err.OperationalError(code, f"Duplicate entry '{SECRET}' for key 'mail'")
        case _:
            error = sqlite3.OperationalError(f"something about {SECRET}")
            error.sqlite_errorname = code
            return error


@pytest.mark.parametrize(("kind", "code", "expected"), ERRORS)
def test_a_drivers_error_becomes_one_of_ours(kind: str, code: Any, expected: type[StoreError]) -> None:
    dialect, _ = parse_url("shop", f"{kind}://")
    found = dialect.sentence(DBAPIError("a statement", None, original(kind, code)), "shop")
    assert type(found) is expected
    assert SECRET not in str(found)
