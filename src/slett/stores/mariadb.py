"""MariaDB and MySQL: what they do in their own way."""

import json
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any, ClassVar

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Engine,
    LargeBinary,
    TableClause,
    case,
    cast,
    collate,
    create_engine,
    event,
    false,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects.mysql import BINARY, CHAR, DOUBLE, INTEGER
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from slett.stores import literals
from slett.stores.dialect import (
    GRACE_SECONDS,
    IDLE_SECONDS,
    PATIENT_SECONDS,
    Filled,
    ask_each,
    notice_silence,
    quoted,
    quoting,
)
from slett.stores.errors import NO_CONNECTION, NO_MEMORY, NO_ROOM, Busy, Conflict, Denied, StoreError, Unavailable
from slett.stores.packets import cells_of, only_column, read_rows
from slett.stores.schema import Column, Family, Table
from slett.stores.texts import Texts, ends, in_blocks

BUSY = {1205, 1213, 3024, 1969, 3572}  # lock wait, deadlock, statement time-outs
DENIED = {1044, 1142, 1143, 1290, 1836, 1227}
GEOMETRY = {
    "geometry",
    "point",
    "linestring",
    "polygon",
    "multipoint",
    "multilinestring",
    "multipolygon",
    "geometrycollection",
}
BYTES = re.compile("blob|binary|geometry|point|linestring|polygon", re.IGNORECASE)  # types that are not text
GONE = {2002, 2003, 2005, 2006, 2013, 1927, 1053}
USED_UP = {
    **dict.fromkeys((1021, 1114), NO_ROOM),
    **dict.fromkeys((1037, 1038, 1041), NO_MEMORY),
    **dict.fromkeys((1040, 1203, 1226), NO_CONNECTION),
}
NO_SPACE = "(Errcode: 28 "  # what the operating system said when a temporary file was written


class MariaDB:
    joins: ClassVar[bool] = True
    arrays: ClassVar[bool] = False
    row_key: ClassVar[tuple[str, ...]] = ()
    row_place: ClassVar[str] = ""
    locks_rows_alone: ClassVar[bool] = False
    pipelines: ClassVar[bool] = False
    streams_in_transaction: ClassVar[bool] = False
    begin: ClassVar[str] = "START TRANSACTION"
    returns: ClassVar[bool] = False
    counts_latest: ClassVar[bool] = False
    temporary: ClassVar[str] = "CREATE TEMPORARY TABLE {name} ({large} longblob) AS"
    checks_each_row: ClassVar[bool] = True
    unless_there: ClassVar[tuple[str, str]] = ("INSERT IGNORE", "")
    overriding: ClassVar[str] = ""
    drop: ClassVar[str] = "DROP TEMPORARY TABLE IF EXISTS"

    def connect(self, url: URL, lock_seconds: float, statement_seconds: float) -> Engine:
        engine = create_engine(
            url.set(drivername="mysql+pymysql"),
            isolation_level="AUTOCOMMIT",
            paramstyle="format",
            connect_args={
                "connect_timeout": 10,
                "charset": "utf8mb4",
                "read_timeout": statement_seconds + GRACE_SECONDS if statement_seconds else None,
            },
        )

        @event.listens_for(engine, "do_connect")
        def _encrypted(_dialect: Any, _record: Any, positional: Any, named: Any) -> Any:
            from slett.stores.encrypted import Encrypted

            return Encrypted(*positional, **named)

        @event.listens_for(engine, "connect")
        def _session(connection: Any, _record: Any) -> None:
            with connection.cursor() as cursor:
                # Backslashes must stay escapes: PyMySQL fills in parameters by itself and relies on it.
                cursor.execute("SET SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO'")
                cursor.execute(f"SET SESSION innodb_lock_wait_timeout = {max(1, round(lock_seconds))}")
                if "MariaDB" in connection.get_server_info():  # MySQL has neither
                    cursor.execute(f"SET SESSION idle_transaction_timeout = {IDLE_SECONDS}")
                    cursor.execute(f"SET SESSION max_statement_time = {statement_seconds:f}")
            notice_silence(connection._sock)

        return engine

    def fold(self, value: ColumnElement[Any]) -> ColumnElement[Any]:
        # The usual collations take é for e, and with it one person's address for another's: compare bytes.
        return self.exact(func.lower(cast(value, CHAR(charset="utf8mb4"))))

    def exact(self, value: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.convert(cast(value, CHAR(charset="utf8mb4")), text("BINARY"))

    def strictly(self, value: ColumnElement[Any], _collation: str) -> ColumnElement[Any]:
        return value  # `exact` compares bytes

    def as_column(self, value: ColumnElement[Any], collation: str) -> ColumnElement[Any]:
        return collate(value, collation) if collation.startswith("utf8mb4_") else value

    def json_text(self, column: ColumnElement[Any], path: tuple[str, ...]) -> ColumnElement[Any]:
        # JSON's null comes as the text null, without the quotes that the JSON text "null" has.
        return func.json_unquote(func.nullif(func.json_extract(column, _path(path)), "null"))

    def json_put(self, column: ColumnElement[Any], path: tuple[str, ...], value: Any) -> ColumnElement[Any]:
        return func.json_set(column, _path(path), func.json_extract(json.dumps(value), "$"))

    def keyed_hash(self, value: ColumnElement[Any], key: bytes) -> ColumnElement[Any]:
        from sqlalchemy import literal

        from slett.stores.postgresql import pads

        inner, outer = pads(key)
        message = func.concat(literal(inner, LargeBinary), func.convert(value, text("BINARY")))
        return func.sha2(func.concat(literal(outer, LargeBinary), func.unhex(func.sha2(message, 256))), 256)

    def cut(self, column: ColumnElement[Any], unit: str, family: Family) -> ColumnElement[Any]:
        day = "%Y-01-01" if unit == "year" else "%Y-%m-01"
        return func.date_format(column, day if family == "date" else f"{day} 00:00:00")

    def key_type(self, family: Family) -> str:
        return {"integer": "bigint", "decimal": "decimal(38,9)"}.get(family, "varchar(512) CHARACTER SET utf8mb4")

    def defer(self, connection: Connection) -> None:
        """InnoDB checks each row at once; a plan never asks for more here."""

    def settle(self, connection: Connection) -> None:
        """Nothing is deferred."""

    def explain(self, connection: Connection, statement: str, parameters: Any) -> tuple[float, int]:
        rows = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).mappings().all()
        estimate = 1
        for row in rows:
            estimate *= max(1, int(row["rows"] or 1))
        return float(estimate), estimate

    def may_write(self, connection: Connection) -> None:
        if connection.scalar(text("SELECT @@global.read_only")):
            raise Denied("", "can only be read: the server is read-only")
        connection.exec_driver_sql("CREATE TEMPORARY TABLE slett_probe (x int)")
        connection.exec_driver_sql("DROP TEMPORARY TABLE slett_probe")

    def run_all(self, connection: Connection, statements: Sequence[Filled]) -> list[int]:
        found = []
        for statement, parameters in statements:
            if isinstance(statement, str):
                found.append(connection.exec_driver_sql(statement, parameters).rowcount)
                continue
            driver: Any = connection.connection.driver_connection
            with _as_sqlalchemy_raises(), driver.cursor() as cursor:
                found.append(cursor.execute(statement))
        return found

    def ask_all(
        self, connection: Connection, statements: Sequence[tuple[str, tuple[Any, ...]]]
    ) -> list[list[tuple[Any, ...]]]:
        return ask_each(connection, statements)

    def run_aside(self, connection: Connection, statements: Sequence[Filled]) -> list[int]:
        return self.run_all(connection, statements)

    def fill(self, connection: Connection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        marks = ", ".join(["%s"] * len(rows[0]))
        insert = f"INSERT INTO {table} VALUES ({marks})"  # noqa: S608 - a key table, named by us
        connection.exec_driver_sql(insert, list(rows))

    def filling(self, _table: str, _rows: Sequence[tuple[Any, ...]], /) -> list[Filled]:
        return []

    def analysing(self, _table: str, /) -> list[Filled]:
        return []  # a temporary table has exact statistics

    def has_places(self, *_: object) -> bool:
        return False

    def returns_deleted(self, connection: Connection) -> bool:
        return bool(getattr(connection.dialect, "is_mariadb", False))  # MySQL does not

    def may_capture(self, _connection: Connection, table: Table) -> None:
        if not table.transactions:
            sentence = f"`{table.name}` has no transactions, so a row could be gone and not put away"
            raise StoreError("", f"{sentence}; ALTER TABLE … ENGINE = InnoDB, or erase it without an undo window")

    def hand_out(self, connection: Connection, statement: str, parameters: tuple[Any, ...]) -> Iterator[bytes]:
        limit = int(connection.scalar(text("SELECT @@max_allowed_packet")) or 0) - 1024
        driver: Any = connection.connection.driver_connection
        with _as_sqlalchemy_raises(), closing(only_column(driver, statement, parameters)) as rows:
            for row in rows:
                if row is None or len(row) > limit:  # of a text that grows too long, MariaDB makes null
                    raise StoreError("", "a row is too large to be put away; raise max_allowed_packet on the server")
                yield row

    def hand_out_all(self, *_: object) -> list[list[bytes]]:
        raise NotImplementedError("rows are read before they are changed")

    def rows_of(self, _connection: Connection, block: bytes, person: int | None, /) -> Iterator[tuple[Any, ...]] | None:
        return literals.rows_of(block, person)

    def put_in(self, before: str, rows: Sequence[tuple[Any, ...]], after: str, /) -> Iterator[tuple[Filled, int]]:
        return literals.put_in(before.replace("%%", "%"), rows, after)

    def fill_in(self, text: str, values: Sequence[Any], /) -> Filled:
        return literals.fill_in(text.replace("%%", "%"), "%s", values, lambda text: b"X'%b'" % text.hex().encode())

    def holds(
        self, columns: Sequence[tuple[ColumnElement[Any], str]], bind: Callable[[str], ColumnElement[Any]], /
    ) -> ColumnElement[Any]:
        return self.line([self.literal(*each) for each in columns]) == bind("new")

    def literal(self, column: ColumnElement[Any], type_: str, /) -> ColumnElement[Any]:
        kind = (re.match(r"\w+", type_) or [""])[0].lower()
        return case((column.is_(None), literal_column("'NULL'")), else_=_literal(column, kind))

    def line(self, parts: Sequence[ColumnElement[Any]], /) -> ColumnElement[Any]:
        first, *rest = parts
        return cast(func.concat(first, *(piece for part in rest for piece in (literal_column("','"), part))), BINARY)

    def image(self, parts: Sequence[ColumnElement[Any]], /) -> ColumnElement[Any]:
        return func.sha2(self.line(parts), 256)  # what is longer is compared by its beginning alone, when sorted

    def of_type(self, column: ColumnElement[Any], _type: str, /) -> ColumnElement[Any]:
        return column

    @contextmanager
    def exactly(self, connection: Connection) -> Iterator[None]:
        mode, zone = connection.exec_driver_sql("SELECT @@sql_mode, @@time_zone").one()
        # zero is a number, not the next one; and every date that was there may be written
        more = "NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES"
        connection.exec_driver_sql(f"SET sql_mode = '{mode},{more}', time_zone = '+00:00'")
        with _afterwards(connection, "SET sql_mode = %s, time_zone = %s", (mode, zone)):
            yield

    @contextmanager
    def loosely(self, connection: Connection, /) -> Iterator[None]:
        mode = str(connection.exec_driver_sql("SELECT @@sql_mode").scalar_one())
        loose = ",".join(each for each in mode.split(",") if not each.startswith("STRICT_"))
        connection.exec_driver_sql(f"SET sql_mode = '{loose}'")
        with _afterwards(connection, "SET sql_mode = %s", (mode,)):
            yield

    @contextmanager
    def patiently(self, connection: Connection) -> Iterator[None]:
        if not getattr(connection.dialect, "is_mariadb", False):  # MySQL waits as long as it takes
            yield
            return
        connection.exec_driver_sql(f"SET SESSION idle_transaction_timeout = {PATIENT_SECONDS}")
        with _afterwards(connection, f"SET SESSION idle_transaction_timeout = {IDLE_SECONDS}"):
            yield

    def staging(
        self,
        connection: Connection,
        target: TableClause,
        name: str,
        numbers: Mapping[str, str],
        columns: Sequence[tuple[str, str | None, str]],
        indexes: Sequence[Sequence[str]],
        /,
    ) -> list[str]:
        parts = ["line bigint AUTO_INCREMENT PRIMARY KEY", *map(" ".join, numbers.items())]
        for each, like, type_ in columns:
            if not like:
                raw = "longblob" if BYTES.search(type_) else "longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
                parts.append(f"{each} {raw}")
        parts += [f"INDEX ({', '.join(each)})" for each in indexes]
        nobody = select(literal_column("0").label("nobody")).subquery("nobody")
        converted = {each for each, like, _ in columns if not like}
        likes = [
            # a text: what a service that is not strict has written besides the labels is no label
            (
                func.concat(target.c[like])
                if type_.startswith("enum(") and f"r{each}" not in converted
                else target.c[like]
            ).label(each)
            for each, like, type_ in columns
            if like
        ]
        # beside nobody every column may be null, and none has a default or writes itself
        shape = select(*likes).select_from(nobody.outerjoin(target, false())).where(false())
        made = shape.compile(connection, compile_kwargs={"literal_binds": True})
        return [f"CREATE TEMPORARY TABLE {name} ({', '.join(parts)}) AS {made}"]

    def take_in(
        self, connection: Connection, name: str, columns: Sequence[str], blocks: Iterable[bytes], _person: int | None, /
    ) -> None:
        driver: Any = connection.connection.driver_connection
        insert = f"INSERT INTO {name} ({', '.join(columns)}) VALUES ".encode()  # noqa: S608 - a table of ours
        with _as_sqlalchemy_raises(), driver.cursor() as cursor:
            for block in blocks:
                cursor.execute(insert + block.rstrip(b",\n"))

    def place(self, _target: TableClause, /) -> ColumnElement[Any] | None:
        return None

    def holds_text(self, column: Column) -> bool:
        # Some services keep all their text in binary columns: the server then compares it byte by byte.
        return column.family in ("text", "json", "binary") or column.type.startswith("set(")

    def read_texts(self, connection: Connection, table: Table, key: Sequence[str], columns: Sequence[str]) -> Texts:
        name, source = quoting(connection), quoted(connection, table)
        cells = [f"CAST({name(each)} AS CHAR CHARACTER SET utf8mb4)" for each in key]
        cells += [name(each) for each in columns]  # which the server sends in the connection's character set
        query = f"SELECT {', '.join(cells)} FROM {source}"  # noqa: S608 - names are quoted
        row_end, _ = ends()
        pieces = (row_end.join(rows) for rows in _rows(connection, query) if rows)
        return Texts(in_blocks(pieces, row_end), row_end, cells_of)

    def lag(self, connection: Connection) -> float | None:
        rows = connection.exec_driver_sql("SHOW REPLICA STATUS").mappings().all()
        behind = [row.get("Seconds_Behind_Master", row.get("Seconds_Behind_Source")) for row in rows]
        return None if None in behind else float(max(behind, default=0))

    def busy(self, connection: Connection) -> int:
        row = connection.exec_driver_sql("SHOW GLOBAL STATUS LIKE 'Threads_running'").one()
        return int(row[1]) - 1  # without the one that asks

    def sentence(self, error: DBAPIError, store: str) -> StoreError:
        original: Any = error.orig
        number = original.args[0] if getattr(original, "args", None) else 0
        if number == 1045:
            return Unavailable(store, "refuses the user or password")
        if number == 1049:
            return Unavailable(store, "there is no such database")
        if number in USED_UP or NO_SPACE in str(original):
            return Unavailable(store, USED_UP.get(number, NO_ROOM))
        if error.connection_invalidated or number in GONE or number == 0:
            return Unavailable(store, "the connection was lost or could not be made")
        if number in BUSY:
            return Busy(store, "a lock was not free in time, or two transactions met in a deadlock")
        if number in DENIED:
            return Denied(
                store, "the account may not do this; grant it SELECT, UPDATE, DELETE and CREATE TEMPORARY TABLES"
            )
        if number in (1451, 1452, 1062, 1048, 4025, 1406, 1264, 1761):
            found = re.search(r"CONSTRAINT `([^`]+)`", str(original))
            return Conflict(store, f"constraint `{found[1] if found else number}` forbids it")
        return StoreError(store, f"MariaDB error {number}")


@contextmanager
def _afterwards(connection: Connection, statement: str, parameters: tuple[Any, ...] = ()) -> Iterator[None]:
    """Whatever happens, that statement is run at the end; what happened is what is told."""
    try:
        yield
    except BaseException:
        with suppress(SQLAlchemyError):  # of a lost connection, which is not used again
            connection.exec_driver_sql(statement, parameters)
        raise
    connection.exec_driver_sql(statement, parameters)


@contextmanager
def _as_sqlalchemy_raises() -> Iterator[None]:
    """Where the driver is used by itself, its errors still come as everywhere else."""
    from pymysql import MySQLError

    try:
        yield
    except MySQLError as error:
        raise DBAPIError("", None, error) from None


def _literal(column: Any, kind: str) -> Any:
    """A value that is not null. Text keeps its character set, and with it its bytes."""
    match kind:
        case "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "decimal" | "double":
            return cast(column, CHAR)
        case "float":
            return cast(cast(column, DOUBLE), CHAR)  # as FLOAT it would show six digits
        case "bit":
            return cast(cast(column, INTEGER(unsigned=True)), CHAR)
        case "date" | "datetime" | "time" | "year" | "uuid" | "inet4" | "inet6":
            return func.quote(cast(column, CHAR))
        case "timestamp":  # whatever the time zone, and summer's last hour told from winter's first
            seconds = func.unix_timestamp(column)
            real = func.concat(literal_column("'from_unixtime('"), seconds, literal_column("')'"))
            return case((seconds == 0, func.quote(cast(column, CHAR))), else_=real)
    charset = func.charset(column) if kind not in GEOMETRY else literal_column("'binary'")
    return func.concat(literal_column("'_'"), charset, func.quote(cast(column, BINARY)))


def _rows(connection: Connection, query: str) -> Generator[list[bytes], None, None]:
    ended = False
    try:
        with _as_sqlalchemy_raises(), closing(read_rows(connection.connection.driver_connection, query)) as blocks:
            yield from blocks
        ended = True
    finally:
        if not ended:
            connection.invalidate()  # there may be rows on the way


def _path(path: tuple[str, ...]) -> str:
    return "$" + "".join('."' + part.replace("\\", "\\\\").replace('"', '\\"') + '"' for part in path)


DIALECT = MariaDB()
