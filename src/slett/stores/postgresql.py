"""PostgreSQL: what it does in its own way."""

import json
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from typing import Any, ClassVar

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Engine,
    String,
    TableClause,
    Text,
    cast,
    collate,
    column,
    create_engine,
    event,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import BYTEA, JSONB
from sqlalchemy.exc import DBAPIError

from slett.stores.copytext import is_plain, lines_of, plain_lines, rows_of
from slett.stores.dialect import GRACE_SECONDS, IDLE_SECONDS, PATIENT_SECONDS, SILENCE, Filled, quoted, quoting
from slett.stores.errors import NO_CONNECTION, NO_MEMORY, NO_ROOM, Busy, Conflict, Denied, StoreError, Unavailable
from slett.stores.schema import Column, Family, Table
from slett.stores.texts import Texts, ends, in_blocks, parted_by

BUSY = {"40001", "40P01", "55P03", "57014"}  # serialization, deadlock, lock_timeout, statement_timeout
USED_UP = {"53100": NO_ROOM, "53200": NO_MEMORY, "53300": NO_CONNECTION, "53400": "its `temp_file_limit` is too low"}
NO_TEXT = re.compile(  # types of the families `other` and `array` in which nobody writes words
    r"(smallint|integer|bigint|oid|xid|tid|pg_lsn|numeric|real|double|money|boolean|uuid|bytea|date|timestamp|time"
    r"|interval|bit|inet|cidr|macaddr8?|point|line|lseg|box|path|polygon|circle"
    r"|(int4|int8|num|date|ts|tstz)(multi)?range)\b"
)
LAG = """
SELECT bool_and(known), coalesce(max(seconds), 0) FROM (
    SELECT replay_lsn IS NOT NULL AS known,
        CASE WHEN replay_lsn >= pg_current_wal_lsn() THEN 0 ELSE extract(epoch FROM replay_lag) END AS seconds
    FROM pg_stat_replication WHERE NOT pg_is_in_recovery() AND application_name <> 'pg_basebackup'
    UNION ALL
    SELECT true, CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
        ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) END
    WHERE pg_is_in_recovery()
    UNION ALL SELECT true, 0
) AS replicas
"""
BUSY_SESSIONS = """
SELECT count(*) FROM pg_stat_activity
WHERE state = 'active' AND backend_type = 'client backend' AND datname = current_database() AND pid <> pg_backend_pid()
"""
PAGES = 32  # of a table, that are read as one value
LONG = 2 << 20  # bytes that may lie beside the rows (TOAST)
_SIZES = """
SELECT pg_relation_size(c.oid) / current_setting('block_size')::int,
       CASE WHEN c.reltoastrelid = 0 THEN 0 ELSE pg_relation_size(c.reltoastrelid) END
FROM pg_class c JOIN pg_am a ON a.oid = c.relam
WHERE c.oid = to_regclass(%s) AND c.relkind = 'r' AND a.amname = 'heap'
  AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid)
"""
PARAMETERS = 50  # of a statement: psycopg remembers how it read those that have no more
BLOCK = 64  # bytes: the block of SHA-256

# How values are written in COPY's text, until the transaction ends: so that they read back whatever the server is set
# to. Not the time zone, because `date_trunc` asks for it, and an offset is always written.
_PINS = """
SELECT set_config('DateStyle', 'ISO', true), set_config('IntervalStyle', 'postgres', true),
       set_config('extra_float_digits', '3', true), set_config('bytea_output', 'hex', true),
       set_config('xmloption', 'content', true), set_config('lc_monetary', 'C', true)
"""
_HEIRS = """
SELECT 1 FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhparent JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relname = %s AND n.nspname = coalesce(%s, current_schema())
"""


class PostgreSQL:
    joins: ClassVar[bool] = False
    arrays: ClassVar[bool] = True
    row_key: ClassVar[tuple[str, ...]] = ("tableoid", "ctid")
    row_place: ClassVar[str] = "ctid"
    locks_rows_alone: ClassVar[bool] = True
    pipelines: ClassVar[bool] = True
    streams_in_transaction: ClassVar[bool] = True
    begin: ClassVar[str] = "BEGIN"
    returns: ClassVar[bool] = True
    counts_latest: ClassVar[bool] = True
    temporary: ClassVar[str] = "CREATE TEMPORARY TABLE {name} AS"
    checks_each_row: ClassVar[bool] = False
    unless_there: ClassVar[tuple[str, str]] = ("INSERT", "ON CONFLICT DO NOTHING")
    overriding: ClassVar[str] = "OVERRIDING SYSTEM VALUE"
    drop: ClassVar[str] = "DROP TABLE IF EXISTS"

    def connect(self, url: URL, lock_seconds: float, statement_seconds: float) -> Engine:
        limits = {
            "lock_timeout": int(lock_seconds * 1000),
            "statement_timeout": int(statement_seconds * 1000),
            "idle_in_transaction_session_timeout": IDLE_SECONDS * 1000,
            "client_min_messages": "warning",
            "plan_cache_mode": "force_generic_plan",  # the same statements again and again, for few rows each
            "jit": "off",
            "row_security": "off",  # a policy that hides rows from this account is an error then, and not fewer rows
        }
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            isolation_level="AUTOCOMMIT",
            paramstyle="format",
            connect_args={
                "connect_timeout": 10,
                "client_encoding": "UTF8",  # whatever the database or the account is set to: a key may be any text
                "options": " ".join(f"-c {name}={value}" for name, value in limits.items()),
                "keepalives": 1,
                **{f"keepalives_{name}": value for name, value in SILENCE.items()},
                "tcp_user_timeout": 30_000,
            },
        )

        @event.listens_for(engine, "do_connect")
        def _bounded(_dialect: Any, _record: Any, positional: Any, named: Any) -> Any:
            from slett.stores.bounded import connect

            return connect(statement_seconds and statement_seconds + GRACE_SECONDS, *positional, **named)

        return engine

    def fold(self, value: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.lower(cast(value, String))

    def exact(self, value: ColumnElement[Any]) -> ColumnElement[Any]:
        return value

    def strictly(self, value: ColumnElement[Any], collation: str) -> ColumnElement[Any]:
        return collate(cast(value, Text), "C") if collation else value

    def as_column(self, value: ColumnElement[Any], _collation: str) -> ColumnElement[Any]:
        return value

    def json_text(self, column: ColumnElement[Any], path: tuple[str, ...]) -> ColumnElement[Any]:
        return cast(column, JSONB).op("#>>", return_type=String())(text(_path(path)))

    def json_put(self, column: ColumnElement[Any], path: tuple[str, ...], value: Any) -> ColumnElement[Any]:
        return func.jsonb_set(cast(column, JSONB), text(_path(path)), cast(json.dumps(value), JSONB(none_as_null=True)))

    def keyed_hash(self, value: ColumnElement[Any], key: bytes) -> ColumnElement[Any]:
        inner, outer = pads(key)
        message = func.convert_to(cast(value, String), "UTF8")
        hashed = func.sha256(cast(inner, BYTEA).op("||")(message))
        return func.encode(func.sha256(cast(outer, BYTEA).op("||")(hashed)), "hex")

    def cut(self, column: ColumnElement[Any], unit: str, family: Family) -> ColumnElement[Any]:
        cut: ColumnElement[Any] = func.date_trunc(unit, column)
        return cast(cut, text_type("date")) if family == "date" else cut

    def key_type(self, family: Family) -> str:
        return {"integer": "bigint", "uuid": "uuid", "decimal": "numeric"}.get(family, "text")

    def defer(self, connection: Connection) -> None:
        connection.execute(text("SET CONSTRAINTS ALL DEFERRED"))

    def settle(self, connection: Connection) -> None:
        connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))

    def explain(self, connection: Connection, statement: str, parameters: Any) -> tuple[float, int]:
        plan = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).scalar_one()
        node = plan[0]["Plan"]
        while node.get("Operation") in ("Delete", "Update"):
            node = node["Plans"][0]
        return float(node["Total Cost"]), int(node["Plan Rows"])

    def may_write(self, connection: Connection) -> None:
        if connection.scalar(text("SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool")):
            raise Denied("", "can only be read: it is a standby or read-only")
        if not connection.scalar(text("SELECT has_database_privilege(current_database(), 'TEMPORARY')")):
            raise Denied("", "the account may not make temporary tables; grant it TEMPORARY on the database")

    def run_all(self, connection: Connection, statements: Sequence[Filled]) -> list[int]:
        return [cursor.rowcount for cursor in _piped(connection, statements)]

    def ask_all(
        self, connection: Connection, statements: Sequence[tuple[str, tuple[Any, ...]]]
    ) -> list[list[tuple[Any, ...]]]:
        return [cursor.fetchall() for cursor in _piped(connection, statements)]

    def run_aside(self, connection: Connection, statements: Sequence[Filled]) -> list[int]:
        driver: Any = connection.connection.driver_connection
        if not statements or driver.info.transaction_status:  # of somebody's transaction it is a part
            return self.run_all(connection, statements)
        try:
            loose = [(self.begin, ()), ("SET LOCAL synchronous_commit TO off", ())]
            return self.run_all(connection, [*loose, *statements, ("COMMIT", ())])[2:-1]
        except DBAPIError:
            with suppress(DBAPIError), _as_sqlalchemy_raises():  # if the connection is lost, so is the transaction
                driver.rollback()
            raise

    def fill(self, connection: Connection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        driver: Any = connection.connection.driver_connection
        with _as_sqlalchemy_raises(), driver.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy:
            if (text := plain_lines(rows)) is not None:
                copy.write(text)
                return
            for row in rows:
                copy.write_row(row)

    def filling(self, table: str, rows: Sequence[tuple[Any, ...]], /) -> list[Filled]:
        if not is_plain(rows):
            return []
        texts = [tuple(map(str, row)) for row in rows]  # as in COPY: the column reads them
        return [filled for filled, _ in self.put_in(f"INSERT INTO {table}", texts, "")]

    def analysing(self, table: str, /) -> list[Filled]:
        return [(f"ANALYZE {table}", ())]

    def has_places(self, connection: Connection, table: Table, /) -> bool:
        return bool(connection.exec_driver_sql(_SIZES, (quoted(connection, table),)).first())

    def returns_deleted(self, _connection: Connection, /) -> bool:
        return True

    def may_capture(self, connection: Connection, table: Table) -> None:
        if connection.exec_driver_sql(_HEIRS, (table.plain_name, table.schema or None)).first():
            sentence = f"`{table.name}` has heirs (INHERITS), and what is theirs alone would not come back"
            raise StoreError("", f"{sentence}; erase it without an undo window")

    def hand_out(self, connection: Connection, statement: str, parameters: tuple[Any, ...]) -> Iterator[bytes]:
        driver: Any = connection.connection.driver_connection
        copy = f"COPY ({statement}) TO STDOUT (ENCODING 'UTF8')"
        with _as_sqlalchemy_raises(), driver.cursor() as cursor:
            cursor.execute(_PINS)
            # COPY takes no parameters: the driver writes them into it, and without any leaves %% as it is
            with cursor.copy(copy, parameters) if parameters else cursor.copy(copy.replace("%%", "%")) as rows:
                yield from map(bytes, rows)

    def hand_out_all(
        self, connection: Connection, statements: Sequence[tuple[str, tuple[Any, ...]]], /
    ) -> list[list[bytes]]:
        _, *cursors = _piped(connection, [(_PINS, ()), *statements])
        driver: Any = connection.connection.driver_connection
        return [list(lines_of(cursor.pgresult, driver.info.encoding)) for cursor in cursors]

    def rows_of(self, connection: Connection, block: bytes, person: int | None, /) -> Iterator[tuple[Any, ...]] | None:
        driver: Any = connection.connection.driver_connection
        return rows_of(block, person) if driver.info.encoding == "utf-8" else None

    def put_in(self, before: str, rows: Sequence[tuple[Any, ...]], after: str, /) -> Iterator[tuple[Filled, int]]:
        row = f"({', '.join(['%s'] * len(rows[0]))})"
        many = max(1, PARAMETERS // len(rows[0]))
        parts = [rows[start : start + many] for start in range(0, len(rows), many)]
        for part in parts:
            yield (f"{before} VALUES {', '.join([row] * len(part))}{after}", tuple(chain(*part))), len(part)

    def fill_in(self, text: str, values: Sequence[Any], /) -> Filled:
        return text, tuple(values)

    def holds(
        self, columns: Sequence[tuple[ColumnElement[Any], str]], bind: Callable[[str], ColumnElement[Any]], /
    ) -> ColumnElement[Any]:
        given = [bind(f"new {n}").op("::")(literal_column(type_)) for n, (_, type_) in enumerate(columns)]
        return self.image([column for column, _ in columns]) == self.image(given)

    def literal(self, column: ColumnElement[Any], _type: str, /) -> ColumnElement[Any]:
        return column

    def line(self, _parts: Sequence[ColumnElement[Any]], /) -> ColumnElement[Any]:
        raise NotImplementedError("COPY writes them")

    def image(self, parts: Sequence[ColumnElement[Any]], /) -> ColumnElement[Any]:
        return cast(func.row(*parts), String)

    def of_type(self, column: ColumnElement[Any], type_: str, /) -> ColumnElement[Any]:
        return literal_column(f"CAST({column} AS {type_})")

    @contextmanager
    def exactly(self, connection: Connection) -> Iterator[None]:
        connection.exec_driver_sql(_PINS)
        yield

    def loosely(self, _connection: Connection, /) -> None:
        return None

    @contextmanager
    def patiently(self, connection: Connection) -> Iterator[None]:
        limit = "SET LOCAL idle_in_transaction_session_timeout = '{}s'"
        connection.exec_driver_sql(limit.format(PATIENT_SECONDS))
        yield
        connection.exec_driver_sql(limit.format(IDLE_SECONDS))  # after an error, the transaction's end does so

    def staging(
        self,
        _connection: Connection,
        _target: TableClause,
        name: str,
        numbers: Mapping[str, str],
        columns: Sequence[tuple[str, str | None, str]],
        indexes: Sequence[Sequence[str]],
        /,
    ) -> list[str]:
        parts = ["line bigint GENERATED ALWAYS AS IDENTITY", *map(" ".join, numbers.items())]
        parts += [f"{each} {type_ if like else 'text'}" for each, like, type_ in columns]
        made = [f"CREATE TEMPORARY TABLE {name} ({', '.join(parts)})"]
        return made + [f"CREATE INDEX ON {name} ({', '.join(each)})" for each in indexes]

    def take_in(
        self, connection: Connection, name: str, columns: Sequence[str], blocks: Iterable[bytes], person: int | None
    ) -> None:
        driver: Any = connection.connection.driver_connection
        copy = f"COPY {name} ({', '.join(columns)}) FROM STDIN (ENCODING 'UTF8')"
        mine = b"" if person is None else b"%d\t" % person
        with _as_sqlalchemy_raises(), driver.cursor() as cursor, cursor.copy(copy) as rows:
            for block in blocks:
                if mine:  # a line feed in a value is written as two characters
                    rows.write(b"".join(line for line in block.splitlines(keepends=True) if line.startswith(mine)))
                else:
                    rows.write(block)

    def place(self, target: TableClause, /) -> ColumnElement[Any] | None:
        table, row = (cast(column(each, _selectable=target), String) for each in ("tableoid", "ctid"))
        return table + row

    def holds_text(self, column: Column) -> bool:
        if column.family in ("array", "other"):
            return not NO_TEXT.match(column.type)
        return column.family in ("text", "json")

    def read_texts(self, connection: Connection, table: Table, key: Sequence[str], columns: Sequence[str]) -> Texts:
        driver: Any = connection.connection.driver_connection
        name, source = quoting(connection), quoted(connection, table)
        cells = [*(f"CAST({name(each)} AS varchar)" for each in key), *(name(each) for each in columns)]
        pages = _pages(driver, source)
        if pages is None:
            query = f"COPY (SELECT {', '.join(cells)} FROM {source}) TO STDOUT"  # noqa: S608 - names are quoted
            return Texts(_copied(driver, source, query), b"\n", parted_by(b"\t"), escaped=True)
        row_end, cell_end = ends()
        row = f" || '{cell_end.decode()}' || ".join(f"coalesce(CAST({each} AS text), '')" for each in cells)
        query = f"SELECT string_agg({row}, '{row_end.decode()}') FROM {source}"  # noqa: S608 - names are quoted
        return Texts(_gathered(driver, source, query, pages), row_end, parted_by(cell_end))

    def lag(self, connection: Connection) -> float | None:
        self._insist_on_statistics(connection)
        known, seconds = connection.exec_driver_sql(LAG).one()
        return float(seconds) if known else None

    def busy(self, connection: Connection) -> int:
        self._insist_on_statistics(connection)
        return int(connection.exec_driver_sql(BUSY_SESSIONS).scalar_one())

    @staticmethod
    def _insist_on_statistics(connection: Connection) -> None:
        """Without that role the views are there, and empty: nothing would ever hold Slett back."""
        if not connection.exec_driver_sql("SELECT pg_has_role('pg_read_all_stats', 'USAGE')").scalar():
            raise Denied("", "the account may not see how busy the server is; grant it pg_read_all_stats")

    def sentence(self, error: DBAPIError, store: str) -> StoreError:
        original: Any = error.orig
        state = getattr(original, "sqlstate", None) or ""
        where = getattr(original, "diag", None)
        table = (where and where.table_name) or "a table"
        if state in USED_UP:
            return Unavailable(store, USED_UP[state])
        if error.connection_invalidated or not state or state.startswith(("08", "57P", "53", "25P03")):
            return Unavailable(store, _unreachable(str(original)))
        if where and where.source_function == "RevalidateCachedQuery":  # in whatever language it says so
            return Unavailable(store, "somebody has altered a table while it was in use")
        if state == "57014":
            return Busy(store, "a statement took longer than `statement_seconds`, or somebody cancelled it")
        if state in BUSY:
            return Busy(store, "a lock was not free in time, or two transactions met in a deadlock")
        if where and where.source_function == "check_enable_rls":
            return Denied(store, "row-level security would hide rows from the account; give it BYPASSRLS")
        if where and where.source_function == "CheckCmdReplicaIdentity":
            named = re.search(r'"(.+?)"', str(original).partition("\n")[0])
            return Denied(
                store,
                f"`{named[1] if named else 'a table'}` is published to replicas, and has no key by which those find a "
                "row; give it a primary key, or a REPLICA IDENTITY by ALTER TABLE",
            )
        if state in ("42501", "25006"):
            return Denied(store, "the account may not do this; grant it SELECT, UPDATE, DELETE and TEMPORARY")
        if state.startswith("23"):
            name = where and (where.constraint_name or where.column_name)
            return Conflict(store, f"constraint `{name}` of `{table}` forbids it")
        return StoreError(store, f"PostgreSQL error {state} ({type(original).__name__})")


def _piped(connection: Connection, statements: Sequence[Filled]) -> list[Any]:
    """The cursors of statements that were all sent at once."""
    if not statements:
        return []  # a pipeline of nothing still waits for the server
    driver: Any = connection.connection.driver_connection
    with _as_sqlalchemy_raises(), driver.pipeline():
        return [driver.execute(text, parameters) for text, parameters in statements]


# -- reading whole tables -------------------------------------------------------------------------------


def _pages(driver: Any, source: str) -> int | None:
    """The size of a table of which many rows can be read as one value, else None.

    That is a third of the work where rows are short. Not where they are long, since a value has its limits: what lies
    beside the rows could be unpacked to 255 times its size. Nor before PostgreSQL 14, which would read all for a part.
    """
    with _as_sqlalchemy_raises():
        found = driver.execute(_SIZES, (source,)).fetchone()
    if driver.info.server_version < 140000 or not found or found[1] > LONG:
        return None
    return int(found[0])


def _copied(driver: Any, source: str, query: str) -> Generator[bytes, None, None]:
    with _reading(driver, source), driver.cursor() as cursor, cursor.copy(query) as copy:
        yield from in_blocks(copy, b"")


def _gathered(driver: Any, source: str, query: str, pages: int) -> Generator[bytes, None, None]:
    with _reading(driver, source), driver.cursor() as cursor:
        for first in range(0, pages + 1, PAGES):
            part = f"{query} WHERE ctid >= '({first},0)'"
            if first + PAGES <= pages:  # the last part has no end: the table may have grown since it was measured
                part += f" AND ctid < '({first + PAGES},0)'"
            if text := cursor.execute(part).pgresult.get_value(0, 0):  # bytes, which need not be read as letters
                yield text


@contextmanager
def _reading(driver: Any, source: str) -> Iterator[None]:
    """One moment's view of the table, in which nothing can be changed."""
    with _as_sqlalchemy_raises():
        driver.execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            driver.execute("SET LOCAL client_encoding = 'UTF8'")
            driver.execute(f"LOCK TABLE {source} IN ACCESS SHARE MODE")  # which nobody waits for who reads or writes
            yield
        finally:
            driver.rollback()


@contextmanager
def _as_sqlalchemy_raises() -> Iterator[None]:
    """Where the driver is used by itself, its errors still come as everywhere else."""
    from psycopg import Error

    try:
        yield
    except Error as error:
        raise DBAPIError("", None, error) from None


def _unreachable(message: str) -> str:
    """Why a connection failed, from a fixed list of sentences: the driver's own text names hosts and users."""
    for sign, sentence in (
        ("password authentication", "refuses the user or password"),
        ("no password supplied", "asks for a password, and the url has none"),
        ("does not exist", "there is no such database or user"),
        ("refused", "nothing listens at that host and port"),
        ("resolve", "there is no such host"),
        ("timeout", "does not answer in time"),
        ("too many", NO_CONNECTION),
        ("connection slots are reserved", NO_CONNECTION),
    ):
        if sign in message:
            return sentence
    return "the connection was lost or could not be made"


def _path(path: tuple[str, ...]) -> str:
    quoted = ",".join('"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"' for part in path)
    return "'{" + quoted.replace("'", "''").replace(":", "\\:") + "}'"


def text_type(name: str) -> Any:
    """A SQLAlchemy type by its plain name."""
    from sqlalchemy import Date

    return {"date": Date}[name]


def pads(key: bytes) -> tuple[bytes, bytes]:
    """The inner and outer padded keys of HMAC-SHA-256 (RFC 2104), for databases that have SHA-256 alone."""
    block = key.ljust(BLOCK, b"\0")
    return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)


DIALECT = PostgreSQL()
