"""Opening the ledger's database: SQLite or PostgreSQL, always at the newest schema.

Alembic is imported only when there is something to migrate: the command line starts in a blink.
"""

import os
import sqlite3
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, IntegrityError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from slett.ledger.errors import Conflict, LedgerError
from slett.ledger.keys import place_once
from slett.ledger.migrations import HEAD

BUSY_MILLISECONDS = 30_000
MIGRATION_LOCK = 0x51E77  # any number nobody else takes an advisory lock on


def open_engine(address: str) -> Engine:
    """An engine on the migrated database at that URL.

    Raises:
        LedgerError: not a URL of SQLite or PostgreSQL, or written by a newer Slett.
    """
    url = _read_url(address)
    masked = url.render_as_string(hide_password=True)
    engine = _sqlite(url) if url.get_backend_name() == "sqlite" else _postgresql(url)

    @event.listens_for(engine, "handle_error")
    def explain(context: ExceptionContext) -> None:
        first = str(context.original_exception).partition("\n")[0]  # what follows may quote the row
        if isinstance(context.sqlalchemy_exception, IntegrityError):
            raise Conflict(f"the ledger `{masked}` refuses: {first}") from None
        raise LedgerError(f"the ledger `{masked}` does not answer: {first}") from None

    try:
        with engine.connect() as connection:
            version = _version(connection)
        if version != HEAD:
            _migrate(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


def connect_arguments(address: str) -> dict[str, Any]:
    """What psycopg needs to connect to a PostgreSQL ledger at that URL.

    Raises:
        LedgerError: not a URL of a ledger.
    """
    url = _read_url(address)
    _, arguments = url.get_dialect()().create_connect_args(url)
    return dict(arguments)


def mark_destroyed(connection: Connection) -> None:
    """Say that this transaction deletes what must not be found in the file afterwards: see `scrub`."""
    connection.info["destroyed"] = True


def scrub(connection: Connection) -> None:
    """Empty SQLite's write-ahead log, which still holds the pages as they were.

    SQLite itself overwrites deleted rows with zeros in the database (`secure_delete`). Whoever is reading keeps the
    write-ahead log alive; then it is emptied the next time, or when the last process closes the ledger.
    """
    if connection.dialect.name == "sqlite":
        cursor = connection.connection.cursor()
        cursor.execute("PRAGMA busy_timeout = 1000")  # readers may take long, and nobody should wait for them
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        cursor.close()


def _read_url(address: str) -> URL:
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise LedgerError(
            "the ledger's URL cannot be read; write `sqlite:///path/to/ledger.db` or `postgresql://user@host/database`"
        ) from None
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        raise LedgerError(
            f"the ledger cannot live in `{url.render_as_string(hide_password=True)}`; "
            "write `sqlite:///path/to/ledger.db` or `postgresql://user@host/database`"
        )
    return url.set(drivername="sqlite")


def _sqlite(url: URL) -> Engine:
    path = Path(url.database or "")
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create_file(path)
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_MILLISECONDS / 1000})

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # BEGIN is ours, below
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA foreign_keys = ON")

    def begin(connection: PoolProxiedConnection) -> None:
        driver: Any = connection.driver_connection
        synchronous = connection.info.pop("writing", None)
        if synchronous and connection.info.get("synchronous") != synchronous:
            driver.execute(f"PRAGMA synchronous = {synchronous}")  # not possible inside a transaction
            connection.info["synchronous"] = synchronous
        driver.execute("BEGIN IMMEDIATE" if synchronous else "BEGIN")

    # no listener: where an engine has one, SQLAlchemy looks for listeners several times a statement
    engine.dialect.do_begin = begin  # type: ignore[assignment] # its first argument has another name
    return engine


def connect_to_write(engine: Engine, *, lasting: bool = True) -> Connection:
    """A connection whose next transaction writes.

    Args:
        lasting: see `Ledger.write`.
    """
    connection = engine.connect()
    connection.info["writing"] = "FULL" if lasting else "NORMAL"
    return connection


def _postgresql(url: URL) -> Engine:
    """Whoever freezes in a transaction does not hold its locks for long, and a peer that is gone is noticed."""
    limits = f"-c lock_timeout={BUSY_MILLISECONDS} -c idle_in_transaction_session_timeout={BUSY_MILLISECONDS}"
    arguments: dict[str, Any] = {"connect_timeout": 10, "keepalives_idle": 15, "keepalives_interval": 5}
    arguments |= {"keepalives_count": 3, "tcp_user_timeout": 30_000, "options": limits}
    stay = {name: value for name, value in arguments.items() if name not in url.query}
    return create_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args=stay)


def _create_file(path: Path) -> None:
    """Put an empty database in place, readable by its owner only and in WAL mode before anybody can open it."""
    with TemporaryDirectory(dir=path.parent, prefix=".ledger.") as folder:
        draft = Path(folder, "ledger.db")
        connection = sqlite3.connect(draft)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.close()
        place_once(path, draft.read_bytes())


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(engine: Engine) -> None:
    with connect_to_write(engine) as connection, connection.begin():
        if engine.dialect.name == "postgresql":  # in SQLite, BEGIN IMMEDIATE is the lock
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
        _upgrade(connection)


def _upgrade(connection: Connection) -> None:
    from alembic.command import upgrade  # slow to import, and seldom needed
    from alembic.config import Config
    from alembic.util import CommandError

    with as_file(files("slett.ledger.migrations")) as folder:
        config = Config()
        config.set_main_option("script_location", os.fspath(folder).replace("%", "%%"))
        config.attributes["connection"] = connection
        try:
            upgrade(config, "head")
        except CommandError:
            raise LedgerError(
                f"the ledger's schema `{_version(connection)}` is unknown to this version of Slett; "
                "it was written by a newer one: upgrade Slett"
            ) from None
