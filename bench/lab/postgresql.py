"""A PostgreSQL server set up as in production: durable, cleaning up after itself; and a connection to it."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from bench.lab.server import name_of
from tests.servers.process import ServerProcess, find_program

PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "1GB",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "autovacuum": "on",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "8GB",  # no checkpoint of its own accord in the middle of a measurement
    "checkpoint_timeout": "1h",
    "shared_preload_libraries": "pg_stat_statements",
}
_TRIAL = {"shared_buffers": "64MB", "fsync": "off"}


class PostgreSQL:
    """A running server."""

    def __init__(self, *, trial: bool) -> None:
        initdb, postgres = find_program("initdb", *PLACES), find_program("postgres", *PLACES)
        if not initdb or not postgres:
            raise SystemExit("no PostgreSQL here: apt install postgresql, or brew install postgresql")
        self._settings = _SETTINGS | (_TRIAL if trial else {})
        self._process = ServerProcess("bench", "postgres")
        self.folder: Path = self._process.folder
        data = str(self.folder / "data")
        self._process.run(initdb, "--pgdata", data, "--username=slett", "--auth=trust", "--encoding=UTF8", "--locale=C")
        self._process.start(
            *(postgres, "-D", data, "-p", str(self._process.port)),
            *(f"-c{name}={value}" for name, value in self._settings.items()),
            ready=self._answers,
        )
        self._admin = psycopg.connect(self._url("postgres"), autocommit=True)
        self._admin.execute("CREATE EXTENSION pg_stat_statements")
        self._numbers = count(1)

    @property
    def version(self) -> str:
        version = self._admin.info.server_version
        shown = ", ".join(f"{name} {self._settings[name]}" for name in _TRIAL)
        return f"PostgreSQL {version // 10_000}.{version % 10_000} ({shown})"

    def create(self) -> str:
        return self._create("template0")

    @contextmanager
    def copy(self, url: str) -> Iterator[str]:
        made = self._create(f"{name_of(url)} STRATEGY file_copy")
        try:
            yield made
        finally:
            self._admin.execute(f"DROP DATABASE {name_of(made)} WITH (FORCE)".encode())

    def settle(self) -> None:
        self._admin.execute("CHECKPOINT")

    def forget_statements(self) -> None:
        self._admin.execute("SELECT pg_stat_statements_reset()")

    def statements(self, url: str) -> int:
        row = self._admin.execute(
            "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid"
            " WHERE datname = %s",
            (name_of(url),),
        ).fetchone()
        return int(row[0]) if row else 0

    def costliest(self, url: str, most: int = 12) -> list[tuple[str, int, int, float]]:
        return self._admin.execute(
            "SELECT query, sum(calls)::bigint, sum(rows)::bigint, sum(total_exec_time) / 1000 FROM pg_stat_statements"
            " JOIN pg_database ON pg_database.oid = dbid WHERE datname = %s GROUP BY 1 ORDER BY 4 DESC LIMIT %s",
            (name_of(url), most),
        ).fetchall()

    def stop(self) -> None:
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


class Connection:
    """A connection by psycopg, as Slett has one."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)

    def execute(self, statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        cursor = self._connection.execute(statement.encode(), parameters)
        return cursor.fetchall() if cursor.description else []

    def transaction(self) -> AbstractContextManager[object]:
        return self._connection.transaction()

    def leave(self, keys: Sequence[int]) -> None:
        self.execute("CREATE TEMPORARY TABLE leaving (id bigint PRIMARY KEY) ON COMMIT DROP")
        with self._connection.cursor().copy("COPY leaving FROM STDIN") as copy:
            for key in keys:
                copy.write_row((key,))
        self.execute("ANALYZE leaving")

    def close(self) -> None:
        self._connection.close()
