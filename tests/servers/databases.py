"""The databases of a test session: any number, on any of the three servers."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import sqlalchemy

from slett.stores.schema import Dialect
from tests.servers import mariadb, postgresql, sqlite

_DRIVERS: dict[Dialect, str] = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "mariadb": "mariadb+pymysql",
}
DIALECTS: tuple[Dialect, ...] = tuple(_DRIVERS)


class Server(Protocol):
    """What a server can do for a test."""

    def create(self) -> str:
        """The URL of a new, empty database."""

    def drop(self, url: str) -> None:
        """Remove a database."""

    def stop(self) -> None:
        """End the server."""


class Databases:
    """Makes databases, starting the server of a dialect when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self.made: set[str] = set()
        self._folder = folder
        self._servers: dict[Dialect, Server] = {}

    def new(self, dialect: Dialect) -> str:
        """The URL of a new, empty database.

        Raises:
            ServerMissingError: the server's programs are not on this machine.
        """
        url = self.server(dialect).create()
        self.made.add(url)
        return url

    @contextmanager
    def for_a_while(self) -> Iterator[None]:
        """Whatever is made meanwhile is dropped at the end."""
        before = set(self.made)
        yield
        self.drop(self.made - before)

    def server(self, dialect: Dialect) -> Server:
        """The running server of a dialect."""
        if dialect not in self._servers:
            match dialect:
                case "postgresql":
                    self._servers[dialect] = postgresql.PostgreSQL()
                case "mariadb":
                    self._servers[dialect] = mariadb.MariaDB()
                case "sqlite":
                    self._servers[dialect] = sqlite.SQLite(self._folder)
        return self._servers[dialect]

    def drop(self, urls: Iterable[str]) -> None:
        """Remove these databases."""
        for url in set(urls):
            self._servers[dialect_of(url)].drop(url)
            self.made.discard(url)

    def stop(self) -> None:
        """End every server."""
        for server in self._servers.values():
            server.stop()


def dialect_of(url: str) -> Dialect:
    """The dialect that a test database's URL begins with."""
    return next(dialect for dialect in DIALECTS if url.startswith(f"{dialect}:"))


def wipe(url: str) -> None:
    """Drop everything in a database, in a few milliseconds: for a new schema in every example."""
    match dialect_of(url):
        case "postgresql":
            postgresql.wipe(url)
        case "mariadb":
            mariadb.wipe(url)
        case "sqlite":
            sqlite.wipe(url)


def engine(url: str) -> sqlalchemy.Engine:
    """An engine for a test's own statements, which keeps no connection open between them."""
    address = sqlalchemy.make_url(url).set(drivername=_DRIVERS[dialect_of(url)])
    plain = mariadb.PLAIN if dialect_of(url) == "mariadb" else {}
    return sqlalchemy.create_engine(address, poolclass=sqlalchemy.NullPool, connect_args=plain)
