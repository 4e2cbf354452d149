"""A database server for one run, behind one small interface whichever it is: durable, with buffers as in production."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

from tests.servers.process import ServerMissingError

Database = Literal["postgresql", "mariadb"]
DATABASES: tuple[Database, ...] = get_args(Database)


class Connection(Protocol):
    """A connection that commits each statement by itself, outside of `transaction`."""

    def execute(self, statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        """The rows that came back, if any. Parameters are written `%s` or `%(name)s`."""

    def transaction(self) -> AbstractContextManager[object]:
        """Everything in it is committed together, or nothing is."""

    def leave(self, keys: Sequence[int]) -> None:
        """Put keys into a temporary table `leaving (id)`, anew in each transaction, the quickest way there is."""

    def close(self) -> None:
        """End the connection."""


class Server(Protocol):
    """A running server. `folder` is on the same disk as its data."""

    folder: Path

    @property
    def version(self) -> str:
        """What it is, and the settings that matter, in words."""

    def create(self) -> str:
        """The URL of a new, empty database."""

    def copy(self, url: str) -> AbstractContextManager[str]:
        """The URL of a copy of a database that nobody is connected to; it is dropped in the end."""

    def settle(self) -> None:
        """Write everything to disk, so that the next measurement does not pay for the last one."""

    def forget_statements(self) -> None:
        """Start counting statements from nought."""

    def statements(self, url: str) -> int:
        """How many statements clients have sent to a database since then; what triggers run is not counted."""

    def costliest(self, url: str, most: int = 12) -> list[tuple[str, int, int, float]]:
        """(statement, calls, rows, seconds) of those that a database spent most time on since then."""

    def stop(self) -> None:
        """End the server; its databases go with it."""


@contextmanager
def running_server(database: Database = "postgresql", *, trial: bool = False) -> Iterator[Server]:
    """A server for one run.

    Args:
        database: which.
        trial: nobody reads what is measured: little memory will do, and nothing need outlive a crash.
    """
    if database == "postgresql":
        from bench.lab.postgresql import PostgreSQL

        start: Callable[..., Server] = PostgreSQL
    else:
        from bench.lab.mariadb import MariaDB

        start = MariaDB
    try:
        server = start(trial=trial)
    except ServerMissingError as error:
        raise SystemExit(str(error)) from None
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """A connection to a database of any of the servers."""
    connection: Connection
    if database_of(url) == "postgresql":
        from bench.lab import postgresql

        connection = postgresql.Connection(url)
    else:
        from bench.lab import mariadb

        connection = mariadb.Connection(url)
    try:
        yield connection
    finally:
        connection.close()


def database_of(url: str) -> Database:
    """Which kind of database a URL leads to."""
    return next(each for each in DATABASES if url.startswith(f"{each}:"))


def name_of(url: str) -> str:
    """The name of the database on its server."""
    return url.rpartition("/")[2]
