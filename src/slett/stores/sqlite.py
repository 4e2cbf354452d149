"""SQLite: what it does in its own way."""

import hashlib
import hmac
import json
import sqlite3
import struct
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Engine,
    QueuePool,
    TableClause,
    case,
    collate,
    column,
    create_engine,
    func,
    literal_column,
)
from sqlalchemy.exc import DBAPIError

from slett.stores import literals
from slett.stores.dialect import Filled, ask_each
from slett.stores.errors import NO_ROOM, Busy, Conflict, Denied, StoreError, Unavailable
from slett.stores.schema import Column, Family, Table
from slett.stores.texts import Texts, ends, in_blocks, parted_by


class SQLite:
    joins: ClassVar[bool] = False
    arrays: ClassVar[bool] = False
    row_key: ClassVar[tuple[str, ...]] = ("rowid",)
    row_place: ClassVar[str] = ""
    locks_rows_alone: ClassVar[bool] = False
    pipelines: ClassVar[bool] = False
    streams_in_transaction: ClassVar[bool] = False
    begin: ClassVar[str] = "BEGIN IMMEDIATE"
    returns: ClassVar[bool] = False  # only the new values
    counts_latest: ClassVar[bool] = True
    temporary: ClassVar[str] = "CREATE TEMPORARY TABLE {name} AS"
    checks_each_row: ClassVar[bool] = False
    unless_there: ClassVar[tuple[str, str]] = ("INSERT", "ON CONFLICT DO NOTHING")
    overriding: ClassVar[str] = ""
    drop: ClassVar[str] = "DROP TABLE IF EXISTS"

    def connect(self, url: URL, lock_seconds: float, statement_seconds: float) -> Engine:  # noqa: ARG002 (no server)
        file = url.database or ""

        def open_file() -> sqlite3.Connection:
            # mode=rw: a mistyped name must not make a new, empty database in which nobody is ever found.
            connection = sqlite3.connect(
                f"file:{quote(str(Path(file).absolute()))}?mode=rw",
                uri=True,
                timeout=lock_seconds,
                isolation_level=None,
                check_same_thread=False,
            )
            connection.execute("PRAGMA foreign_keys = ON")
            connection.create_function("slett_fold", 1, _fold, deterministic=True)
            connection.create_function("slett_hmac", 2, _hmac, deterministic=True)
            connection.create_function("slett_bits", 1, _bits, deterministic=True)
            connection.create_function("slett_real", 1, _real, deterministic=True)
            return connection

        return create_engine("sqlite://", creator=open_file, poolclass=QueuePool)

    def fold(self, value: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.slett_fold(value)  # lower() knows ASCII alone

    def exact(self, value: ColumnElement[Any]) -> ColumnElement[Any]:
        return collate(value, "BINARY")  # the left side decides, which may be a column that says otherwise

    def strictly(self, value: ColumnElement[Any], _collation: str) -> ColumnElement[Any]:
        return value  # `exact` compares bytes

    def as_column(self, value: ColumnElement[Any], _collation: str) -> ColumnElement[Any]:
        return value

    def json_text(self, column: ColumnElement[Any], path: tuple[str, ...]) -> ColumnElement[Any]:
        from sqlalchemy import String, cast

        return cast(func.json_extract(column, _path(path)), String)

    def json_put(self, column: ColumnElement[Any], path: tuple[str, ...], value: Any) -> ColumnElement[Any]:
        return func.json_set(column, _path(path), func.json(json.dumps(value)))

    def keyed_hash(self, value: ColumnElement[Any], key: bytes) -> ColumnElement[Any]:
        return func.slett_hmac(key, value)

    def cut(self, column: ColumnElement[Any], unit: str, family: Family) -> ColumnElement[Any]:
        day = "%Y-01-01" if unit == "year" else "%Y-%m-01"
        return func.strftime(day if family == "date" else f"{day} 00:00:00", column)

    def key_type(self, family: Family) -> str:
        return {"integer": "INTEGER", "decimal": "NUMERIC"}.get(family, "TEXT")

    def defer(self, connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")

    def settle(self, connection: Connection) -> None:
        """The commit itself checks what was deferred."""

    def explain(self, connection: Connection, statement: str, parameters: Any) -> tuple[float, int]:
        details = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
        return float(sum(str(row[3]).startswith("SCAN") for row in details)), 0

    def may_write(self, connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            connection.exec_driver_sql("CREATE TABLE slett_probe (x)")  # never committed
        finally:
            connection.exec_driver_sql("ROLLBACK")

    def run_all(self, connection: Connection, statements: Sequence[Filled]) -> list[int]:
        filled = [(text if isinstance(text, str) else text.decode(), parameters) for text, parameters in statements]
        return [connection.exec_driver_sql(text, parameters).rowcount for text, parameters in filled]

    def ask_all(
        self, connection: Connection, statements: Sequence[tuple[str, tuple[Any, ...]]]
    ) -> list[list[tuple[Any, ...]]]:
        return ask_each(connection, statements)

    def run_aside(self, connection: Connection, statements: Sequence[Filled]) -> list[int]:
        return self.run_all(connection, statements)

    def fill(self, connection: Connection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        marks = ", ".join(["?"] * len(rows[0]))
        insert = f"INSERT INTO {table} VALUES ({marks})"  # noqa: S608 - a key table, named by us
        connection.exec_driver_sql(insert, list(rows))

    def filling(self, _table: str, _rows: Sequence[tuple[Any, ...]], /) -> list[Filled]:
        return []

    def analysing(self, _table: str, /) -> list[Filled]:
        return []  # the indexes of a key table are enough

    def has_places(self, *_: object) -> bool:
        return False

    def returns_deleted(self, _connection: Connection, /) -> bool:
        return sqlite3.sqlite_version_info >= (3, 35)  # RETURNING is as old as that

    def may_capture(self, connection: Connection, table: Table) -> None:
        """Any table's may."""

    def hand_out(self, connection: Connection, statement: str, parameters: tuple[Any, ...]) -> Iterator[bytes]:
        for (row,) in connection.exec_driver_sql(statement, parameters, execution_options={"yield_per": 1_000}):
            yield row.encode("ascii")

    def hand_out_all(self, *_: object) -> list[list[bytes]]:
        raise NotImplementedError("rows are read before they are changed")

    def rows_of(self, _connection: Connection, block: bytes, person: int | None, /) -> Iterator[tuple[Any, ...]] | None:
        return literals.rows_of(block, person)

    def put_in(self, before: str, rows: Sequence[tuple[Any, ...]], after: str, /) -> Iterator[tuple[Filled, int]]:
        return literals.put_in(before, rows, after)

    def fill_in(self, text: str, values: Sequence[Any], /) -> Filled:
        return literals.fill_in(text, "?", values, lambda text: b"'%b'" % text.replace(b"'", b"''"))

    def holds(
        self, columns: Sequence[tuple[ColumnElement[Any], str]], bind: Callable[[str], ColumnElement[Any]], /
    ) -> ColumnElement[Any]:
        return self.line([self.literal(*each) for each in columns]) == bind("new")

    def literal(self, column: ColumnElement[Any], _type: str, /) -> ColumnElement[Any]:
        # quote() stops at the first NUL, and knows neither the sign of nought nor every last bit
        text = _joined(literal_column("'CAST(X'''"), func.hex(column), literal_column("''' AS TEXT)'"))
        real = _joined(literal_column("'slett_real(X'''"), func.slett_bits(column), literal_column("''')'"))
        kinds: dict[Any, Any] = {literal_column("'text'"): text, literal_column("'real'"): real}
        return case(kinds, value=func.typeof(column), else_=func.quote(column))

    def line(self, parts: Sequence[ColumnElement[Any]], /) -> ColumnElement[Any]:
        first, *rest = parts
        return _joined(first, *(piece for part in rest for piece in (literal_column("','"), part)))

    def image(self, parts: Sequence[ColumnElement[Any]], /) -> ColumnElement[Any]:
        return self.line(parts)

    def of_type(self, column: ColumnElement[Any], _type: str, /) -> ColumnElement[Any]:
        return column

    @contextmanager
    def exactly(self, _connection: Connection, /) -> Iterator[None]:
        yield

    def loosely(self, _connection: Connection, /) -> None:
        return None

    @contextmanager
    def patiently(self, _connection: Connection, /) -> Iterator[None]:
        yield

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
        parts = ["line INTEGER PRIMARY KEY", *map(" ".join, numbers.items()), *(each for each, _, _ in columns)]
        made = [f"CREATE TEMPORARY TABLE {name} ({', '.join(parts)})"]
        return made + [f"CREATE INDEX {name}_{n} ON {name} ({', '.join(each)})" for n, each in enumerate(indexes)]

    def take_in(
        self, connection: Connection, name: str, columns: Sequence[str], blocks: Iterable[bytes], _person: int | None, /
    ) -> None:
        insert = f"INSERT INTO {name} ({', '.join(columns)}) VALUES "  # noqa: S608 - a table of ours
        for block in blocks:
            connection.exec_driver_sql(insert + block.rstrip(b",\n").decode("ascii"))

    def place(self, target: TableClause, /) -> ColumnElement[Any] | None:
        return column(self.row_key[0], _selectable=target)

    def holds_text(self, column: Column) -> bool:
        return column.family != "boolean"  # whatever the type that was declared

    def read_texts(self, connection: Connection, table: Table, key: Sequence[str], columns: Sequence[str]) -> Texts:
        name = connection.dialect.identifier_preparer.quote
        row_end, cell_end = ends()
        cells = [f"coalesce(CAST({name(each)} AS TEXT), '')" for each in (*key, *columns)]
        row = f" || '{cell_end.decode()}' || ".join(cells)
        query = f"SELECT {row} FROM {name(table.name)}"  # noqa: S608 - names are quoted
        return Texts(in_blocks(_rows(connection, query), row_end), row_end, parted_by(cell_end))

    def lag(self, connection: Connection) -> float | None:  # noqa: ARG002 (the questions are the same for all)
        return 0  # it has no replicas

    def busy(self, connection: Connection) -> int:  # noqa: ARG002
        return 0  # it does not know

    def sentence(self, error: DBAPIError, store: str) -> StoreError:
        name = getattr(error.orig, "sqlite_errorname", "")
        if name.startswith("SQLITE_CANTOPEN"):
            return Unavailable(store, "the file does not exist or cannot be opened")
        if name.startswith("SQLITE_NOTADB"):
            return Unavailable(store, "the file is not an SQLite database")
        if name.startswith("SQLITE_FULL"):
            return Unavailable(store, NO_ROOM)
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return Busy(store, "the database was locked for too long")
        if name.startswith(("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH")):
            return Denied(store, "the file can only be read; let the account write to it and to its folder")
        if name.startswith("SQLITE_CONSTRAINT"):
            kind = name.removeprefix("SQLITE_CONSTRAINT_").lower() or "unnamed"
            return Conflict(store, f"a constraint ({kind}) forbids it")
        return StoreError(store, f"SQLite error {name or type(error.orig).__name__}")


def _joined(*parts: ColumnElement[Any]) -> ColumnElement[Any]:
    return reduce(lambda text, part: text.op("||")(part), parts)


def _rows(connection: Connection, query: str) -> Generator[bytes, None, None]:
    driver: Any = connection.connection.driver_connection
    before, driver.text_factory = driver.text_factory, bytes  # also what is no UTF-8
    try:
        for (text,) in driver.execute(query):
            yield text
    except sqlite3.Error as error:
        raise DBAPIError("", None, error) from None
    finally:
        driver.text_factory = before


def _fold(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _hmac(key: bytes, value: Any) -> str | None:
    return None if value is None else hmac.new(key, str(value).encode(), hashlib.sha256).hexdigest()


def _bits(value: float) -> str:
    """A number as IEEE 754 stores it, in hexadecimal digits."""
    return struct.pack(">d", value).hex()


def _real(bits: bytes) -> float:
    """That number again."""
    found: tuple[float] = struct.unpack(">d", bits)
    return found[0]


def _path(path: tuple[str, ...]) -> str:
    return "$" + "".join('."' + part.replace('"', '\\"') + '"' for part in path)


DIALECT = SQLite()
