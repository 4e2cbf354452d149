"""A PostgreSQL server set up as in production: durable, cleaning up after itself; and a connection to it."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import psycopg

from bench.lab.server import name_of
from tests.servers import postgresql

_SETTINGS = {
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


class PostgreSQL(postgresql.PostgreSQL):
    """A running server."""

    def __init__(self, *, trial: bool) -> None:
        self._settings = _SETTINGS | (_TRIAL if trial else {})
        super().__init__(self._settings)
        self._admin.execute("CREATE EXTENSION pg_stat_statements")

    @property
    def version(self) -> str:
        version = self._admin.info.server_version
        shown = ", ".join(f"{name} {self._settings[name]}" for name in _TRIAL)
        return f"PostgreSQL {version // 10_000}.{version % 10_000} ({shown})"

    @contextmanager
    def copy(self, url: str) -> Iterator[str]:
        made = self.create(name_of(url))
        try:
            yield made
        finally:
            self.drop(made)

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
