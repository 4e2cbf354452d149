"""What differs between SQL databases, behind one set of questions.

`postgresql`, `mariadb` and `sqlite` answer them, one module each. A driver is imported only when the first store of
its kind is opened.
"""

import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any, ClassVar, Protocol

from sqlalchemy import URL, ColumnElement, Connection, Engine, TableClause, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from slett.stores.errors import StoreError
from slett.stores.schema import Column, Family, Table
from slett.stores.texts import Texts

Filled = tuple[str | bytes, tuple[Any, ...]]  # a statement and its parameters; of bytes: they are in it already


class Dialect(Protocol):
    joins: ClassVar[bool]  # DELETE and UPDATE reach a key table by a join, because IN would scan
    arrays: ClassVar[bool]  # a parameter may be an array, so that any number of keys makes the same statement
    row_key: ClassVar[tuple[str, ...]]  # hidden columns that tell rows apart where there is no primary key; or none
    row_place: ClassVar[str]  # hidden column that says where a row lies until it is written again; or none
    locks_rows_alone: ClassVar[
        bool
    ]  # whoever changes other rows of a table never waits: no gap, page or file is locked
    pipelines: ClassVar[bool]  # `run_all` sends everything at once, BEGIN and COMMIT too
    streams_in_transaction: ClassVar[bool]  # a cursor that reads bit by bit lives in a transaction only
    begin: ClassVar[str]
    returns: ClassVar[bool]  # DELETE and UPDATE hand out the rows that they change
    counts_latest: ClassVar[bool]  # each statement of a transaction sees what was committed before it
    temporary: ClassVar[str]  # begins a temporary table `{name}` of a SELECT; its column `{large}` takes any length
    checks_each_row: ClassVar[bool]  # a foreign key is checked at each row of a statement, not at its end
    unless_there: ClassVar[tuple[str, str]]  # begins and ends an INSERT that leaves out what a UNIQUE index keeps out
    overriding: ClassVar[str]  # after the columns of an INSERT: values that the database gives may be given to it
    drop: ClassVar[str]  # drops a temporary table, if there is one; and commits nothing

    def connect(self, url: URL, lock_seconds: float, statement_seconds: float) -> Engine:
        """An engine whose connections commit by themselves unless told otherwise, and wait so long for a lock.

        A statement that takes longer than `statement_seconds` is given up, by the server and by us (0: by nobody).
        A transaction in which nothing happens for `IDLE_SECONDS` is rolled back by the server: whoever froze in it
        neither holds its locks nor commits it later.
        """

    def fold(self, value: ColumnElement[Any]) -> ColumnElement[Any]:
        """The text with letter case folded."""

    def exact(self, value: ColumnElement[Any]) -> ColumnElement[Any]:
        """Text that is compared letter by letter, whatever the collations on both sides; see `strictly`."""

    def strictly(self, value: ColumnElement[Any], collation: str) -> ColumnElement[Any]:
        """A column of that collation, so that nothing but the same letters is the same."""

    def as_column(self, value: ColumnElement[Any], collation: str) -> ColumnElement[Any]:
        """A value of no column of the store, to be compared as a column of that collation is."""

    def json_text(self, column: ColumnElement[Any], path: tuple[str, ...]) -> ColumnElement[Any]:
        """The value at a path of a JSON column, as text."""

    def json_put(self, column: ColumnElement[Any], path: tuple[str, ...], value: Any) -> ColumnElement[Any]:
        """The JSON column with another value at that path."""

    def keyed_hash(self, value: ColumnElement[Any], key: bytes) -> ColumnElement[Any]:
        """HMAC-SHA-256 of the value's text (RFC 2104), as 64 hexadecimal digits."""

    def cut(self, column: ColumnElement[Any], unit: str, family: Family) -> ColumnElement[Any]:
        """The date or time at the first day of its year or month."""

    def key_type(self, family: Family) -> str:
        """A column type that holds keys of this family when they come from another store."""

    def defer(self, connection: Connection) -> None:
        """Let foreign keys be checked when the transaction ends."""

    def settle(self, connection: Connection) -> None:
        """Have deferred constraints checked now, where the error still has a name."""

    def explain(self, connection: Connection, statement: str, parameters: Any) -> tuple[float, int]:
        """(cost, rows) as the planner estimates them, without running it; also shows that the account may do it."""

    def may_write(self, connection: Connection) -> None:
        """Fail when the database as a whole can only be read."""

    def run_all(self, connection: Connection, statements: Sequence[Filled]) -> list[int]:
        """Run statements one after the other, in as few round trips as may be; how many rows each touched."""

    def ask_all(
        self, connection: Connection, statements: Sequence[tuple[str, tuple[Any, ...]]]
    ) -> list[list[tuple[Any, ...]]]:
        """The rows that each of several queries finds, in as few round trips as may be."""

    def run_aside(self, connection: Connection, statements: Sequence[Filled]) -> list[int]:
        """The same of statements that change temporary tables alone, which need not outlive a crash."""

    def fill(self, connection: Connection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Put rows into a key table, the fastest way there is."""

    def filling(self, table: str, rows: Sequence[tuple[Any, ...]], /) -> list[Filled]:
        """Statements that do so with few rows, to be sent with others; none where `fill` is as quick."""

    def analysing(self, table: str, /) -> list[Filled]:
        """What lets the planner know how large a key table is; nothing where it knows."""

    def has_places(self, connection: Connection, table: Table, /) -> bool:
        """Whether all rows of a table lie in itself, so that `row_place` tells them apart."""

    def returns_deleted(self, connection: Connection, /) -> bool:
        """Whether a DELETE of one table, without a join, hands out the rows that it deletes."""

    def may_capture(self, connection: Connection, table: Table) -> None:
        """Fail when rows of the table could not be given back as they were."""

    def hand_out(self, connection: Connection, statement: str, parameters: tuple[Any, ...]) -> Iterator[bytes]:
        """What the statement returns, a row at a time, in a form that reads back exactly, today and by later servers.

        PostgreSQL: a line of COPY's text format. Elsewhere the statement makes it: the list of a row's literals.
        """

    def hand_out_all(
        self, connection: Connection, statements: Sequence[tuple[str, tuple[Any, ...]]], /
    ) -> list[list[bytes]]:
        """The same of each statement, all sent at once; only where `returns`."""

    def rows_of(self, connection: Connection, block: bytes, person: int | None, /) -> Iterator[tuple[Any, ...]] | None:
        """The rows of what was handed out, each as its fields; of a person or of all. None: not to be had."""

    def put_in(self, before: str, rows: Sequence[tuple[Any, ...]], after: str, /) -> Iterator[tuple[Filled, int]]:
        """The INSERTs of such rows, which begin and end so, and of how many rows each is."""

    def fill_in(self, text: str, values: Sequence[Any], /) -> Filled:
        """A prepared statement with such fields in the places of its parameters."""

    def holds(
        self, columns: Sequence[tuple[ColumnElement[Any], str]], bind: Callable[[str], ColumnElement[Any]], /
    ) -> ColumnElement[Any]:
        """Whether columns, each with its type, hold exactly what was handed out as the fields `new 0`, `new 1`, …

        The parameter `new` stands for all of these fields.
        """

    def literal(self, column: ColumnElement[Any], type_: str, /) -> ColumnElement[Any]:
        """The column's value as text that is, in a statement, that very value again; where `returns`, as it is."""

    def line(self, parts: Sequence[ColumnElement[Any]], /) -> ColumnElement[Any]:
        """The parts, which are literals, with commas between, as one text; not where `returns`."""

    def image(self, parts: Sequence[ColumnElement[Any]], /) -> ColumnElement[Any]:
        """A value that is equal for equal parts, which are literals, and for those only; nulls among them are equal."""

    def of_type(self, column: ColumnElement[Any], type_: str, /) -> ColumnElement[Any]:
        """The column's text as a value of the type, to be written into a column of it."""

    def exactly(self, connection: Connection, /) -> AbstractContextManager[None]:
        """Within, values are read and written as they were handed out, whatever the server is set to."""

    def loosely(self, connection: Connection, /) -> AbstractContextManager[None] | None:
        """Within, a value that is none of its column's is written as the server does when it is not strict.

        None: there is no such way here. Whoever writes so looks at every row afterwards.
        """

    def patiently(self, connection: Connection, /) -> AbstractContextManager[None]:
        """Within, inside a transaction, the server waits `PATIENT_SECONDS` for the next statement."""

    def staging(
        self,
        connection: Connection,
        target: TableClause,
        name: str,
        numbers: Mapping[str, str],
        columns: Sequence[tuple[str, str | None, str]],
        indexes: Sequence[Sequence[str]],
    ) -> list[str]:
        """What makes an empty temporary table whose rows are numbered by `line`; it commits nothing.

        Args:
            numbers: columns and their types.
            columns: (name, the column of `target` that it is like, its type); without the second, it takes anything.
            indexes: columns that are looked up together.
        """

    def take_in(
        self, connection: Connection, name: str, columns: Sequence[str], blocks: Iterable[bytes], person: int | None
    ) -> None:
        """Put what was handed out into a table: all of it, or at least the rows of a person."""

    def place(self, target: TableClause, /) -> ColumnElement[Any] | None:
        """Where a row lies, for tables where no key tells rows apart; None where that cannot be asked."""

    def holds_text(self, column: Column) -> bool:
        """Whether text, JSON or an array of them may be in the column."""

    def read_texts(self, connection: Connection, table: Table, key: Sequence[str], columns: Sequence[str]) -> Texts:
        """The key and these columns of every row, as text."""

    def lag(self, connection: Connection) -> float | None:
        """How many seconds the slowest replica is behind, or the replica that is asked; None: replication stands still.

        Raises:
            Denied: the account may not know.
        """

    def busy(self, connection: Connection) -> int:
        """How many sessions of others are at work.

        Raises:
            Denied: the account may not know.
        """

    def sentence(self, error: DBAPIError, store: str) -> StoreError:
        """The same error, in words that hold no value of any row."""


IDLE_SECONDS = 15  # less than a lease runs: a successor finds nothing of its predecessor's under way
PATIENT_SECONDS = 3_600  # while work goes on in another store, in one undertaking with this one
GRACE_SECONDS = 10.0  # after the server should have given a statement up
SILENCE = {"idle": 15, "interval": 5, "count": 3}  # seconds, seconds, times: until a peer that says nothing is dead
KINDS = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mariadb": "mariadb",
    "mysql": "mariadb",
    "sqlite": "sqlite",
}


def ask_each(connection: Connection, statements: Sequence[tuple[str, tuple[Any, ...]]]) -> list[list[tuple[Any, ...]]]:
    """`Dialect.ask_all` where a driver sends one statement after the other."""
    found = (connection.exec_driver_sql(text, parameters) for text, parameters in statements)
    return [list(map(tuple, rows)) for rows in found]


def quoting(connection: Connection) -> Callable[[str], str]:
    """How a name is written in a statement without parameters, in which a percent sign is one."""
    quote = connection.dialect.identifier_preparer.quote
    return lambda name: quote(name).replace("%%", "%")


def quoted(connection: Connection, table: Table) -> str:
    """The table, as such a statement names it."""
    return ".".join(map(quoting(connection), filter(None, (table.schema, table.plain_name))))


def notice_silence(connection: socket.socket) -> None:
    """Let the system find out that a peer is gone, where its driver does not."""
    names = {"idle": "TCP_KEEPIDLE", "interval": "TCP_KEEPINTVL", "count": "TCP_KEEPCNT"}
    for name, option in names.items():
        if connection.family != getattr(socket, "AF_UNIX", None) and hasattr(socket, option):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), SILENCE[name])


def parse_url(store: str, text: str) -> tuple[Dialect, URL]:
    """The dialect of a store's URL, and the URL taken apart.

    Raises:
        StoreError: it is not a URL, or of a kind that Slett does not know. The text itself is not repeated.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise StoreError(store, "its url is not one; write postgresql://user@host/database or sqlite:///file") from None
    kind = KINDS.get(url.drivername.split("+")[0])
    if kind is None:
        known = "postgresql, mariadb, mysql and sqlite"
        raise StoreError(store, f"`{url.drivername}` is not a kind of database known here; known are {known}")
    dialect: Dialect = import_module(f"slett.stores.{kind}").DIALECT
    return dialect, url
