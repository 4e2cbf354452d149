"""A PostgreSQL server set up as in production: durable, with a gigabyte of buffers, cleaning up after itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg

from tests.servers.process import ServerProcess, find_program

_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "autovacuum": "on",
    "shared_buffers": "1GB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "8GB",  # no checkpoint of its own accord in the middle of a measurement
    "checkpoint_timeout": "1h",
    "shared_preload_libraries": "pg_stat_statements",
}


class Server:
    """A running server. `folder` is on the same disk as its data."""

    def __init__(self) -> None:
        initdb, postgres = find_program("initdb", *_PLACES), find_program("postgres", *_PLACES)
        if not initdb or not postgres:
            raise SystemExit("no PostgreSQL here: apt install postgresql, or brew install postgresql")
        self._process = ServerProcess("bench", "postgres")
        self.folder: Path = self._process.folder
        data = str(self.folder / "data")
        self._process.run(initdb, "--pgdata", data, "--username=slett", "--auth=trust", "--encoding=UTF8", "--locale=C")
        self._process.start(
            *(postgres, "-D", data, "-p", str(self._process.port)),
            *(f"-c{name}={value}" for name, value in _SETTINGS.items()),
            ready=self._answers,
        )
        self._admin = psycopg.connect(self._url("postgres"), autocommit=True)
        self._admin.execute("CREATE EXTENSION pg_stat_statements")
        self._numbers = count(1)

    @property
    def version(self) -> str:
        """The server's version, in words."""
        return f"PostgreSQL {self._admin.info.server_version // 10_000}.{self._admin.info.server_version % 10_000}"

    def create(self) -> str:
        """The URL of a new, empty database."""
        return self._create("template0")

    @contextmanager
    def copy(self, url: str) -> Iterator[str]:
        """The URL of a copy of a database that nobody is connected to; it is dropped in the end."""
        made = self._create(f"{_name(url)} STRATEGY file_copy")
        try:
            yield made
        finally:
            self._admin.execute(f"DROP DATABASE {_name(made)} WITH (FORCE)".encode())

    def settle(self) -> None:
        """Write everything to disk, so that the next measurement does not pay for the last one."""
        self._admin.execute("CHECKPOINT")

    def forget_statements(self) -> None:
        """Start counting statements from nought."""
        self._admin.execute("SELECT pg_stat_statements_reset()")

    def statements(self, url: str) -> int:
        """How many statements clients have sent to a database since then; what triggers run is not counted."""
        row = self._admin.execute(
            "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid"
            " WHERE datname = %s",
            (_name(url),),
        ).fetchone()
        return int(row[0]) if row else 0

    def costliest(self, url: str, most: int = 12) -> list[tuple[str, int, int, float]]:
        """(statement, calls, rows, seconds) of those that a database spent most time on since then."""
        return self._admin.execute(
            "SELECT query, sum(calls)::bigint, sum(rows)::bigint, sum(total_exec_time) / 1000 FROM pg_stat_statements"
            " JOIN pg_database ON pg_database.oid = dbid WHERE datname = %s GROUP BY 1 ORDER BY 4 DESC LIMIT %s",
            (_name(url), most),
        ).fetchall()

    def stop(self) -> None:
        """End the server; its databases go with it."""
        self._admin.close()
        self._process.stop()

    def _create(self, template: str) -> str:
        name = f"bench_{next(self._numbers)}"
        self._admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        return self._url(name)

    def _url(self, name: str) -> str:
        return f"postgresql://slett@127.0.0.1:{self._process.port}/{name}"

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._url("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def running_server() -> Iterator[Server]:
    """A server for one run."""
    server = Server()
    try:
        yield server
    finally:
        server.stop()


def _name(url: str) -> str:
    return url.rpartition("/")[2]
