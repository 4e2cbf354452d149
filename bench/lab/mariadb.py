"""A MariaDB server set up as in production: durable; and a connection to it."""

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pymysql

from bench.lab.server import name_of
from tests.servers import mariadb

_SETTINGS = {
    "innodb-buffer-pool-size": "4G",
    "innodb-flush-log-at-trx-commit": "1",
    "innodb-flush-method": "fsync",  # through the operating system's cache, as PostgreSQL reads and writes
    "innodb-doublewrite": "1",
    "innodb-log-file-size": "2G",  # no checkpoint of its own accord in the middle of a measurement
    "lock-wait-timeout": "60",
    "performance-schema": "1",
}
_TRIAL = {"innodb-buffer-pool-size": "64M", "innodb-flush-log-at-trx-commit": "0", "innodb-flush-method": "nosync"}
_COUNTED = ("%=OFF", "statement/%=ON")  # statements, as pg_stat_statements does, and nothing else
_PATIENCE = 120.0  # seconds for everything to be on disk
_DIGESTS = "performance_schema.events_statements_summary_by_digest"


class MariaDB(mariadb.MariaDB):
    """A running server."""

    def __init__(self, *, trial: bool) -> None:
        self._settings = _SETTINGS | (_TRIAL if trial else {})
        super().__init__(self._settings, *(f"--performance-schema-instrument={each}" for each in _COUNTED))
        self._own = Connection(self.url(""))

    @property
    def version(self) -> str:
        number = str(self._own.execute("SELECT version()")[0][0]).partition("-")[0]
        shown = ", ".join(f"{name} {self._settings[name]}" for name in _TRIAL)
        return f"MariaDB {number} ({shown})"

    @contextmanager
    def copy(self, url: str) -> Iterator[str]:
        made = self.create()
        try:
            self._copy_files(name_of(url), name_of(made))
            yield made
        finally:
            self.drop(made)

    def _copy_files(self, source: str, target: str) -> None:
        """Each table's file as it is: a third of the time that INSERT … SELECT and its indexes take."""
        run = self._own.execute
        run("SET foreign_key_checks = 0")
        run(f"USE {source}")
        tables = [name for (name,) in run("SHOW TABLES")]
        made = [run(f"SHOW CREATE TABLE {name}")[0][1] for name in tables]
        run(f"USE {target}")
        for name, statement in zip(tables, made, strict=True):
            run(statement)
            run(f"ALTER TABLE {name} DISCARD TABLESPACE")
        run(f"FLUSH TABLES {', '.join(f'{source}.{name}' for name in tables)} FOR EXPORT")
        try:
            for name in tables:
                for ending in ("ibd", "cfg"):
                    self._copy_file(self._data / source / f"{name}.{ending}", self._data / target)
        finally:
            run("UNLOCK TABLES")
        for name in tables:
            run(f"ALTER TABLE {name} IMPORT TABLESPACE")
        run(f"ANALYZE TABLE {', '.join(tables)}")

    def _copy_file(self, file: Path, folder: Path) -> None:
        copied = folder / file.name
        shutil.copyfile(file, copied)
        owner = file.stat()
        if os.geteuid() == 0:
            os.chown(copied, owner.st_uid, owner.st_gid)
        copied.chmod(owner.st_mode)

    def settle(self) -> None:
        """Until nothing deleted waits to be purged and no page waits to be written, or two minutes have passed."""
        set_share = "SET GLOBAL innodb_max_dirty_pages_pct = "
        self._own.execute(f"{set_share}0")
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline and (
            self._status("Innodb_history_list_length") > 100 or self._status("Innodb_buffer_pool_pages_dirty") > 100
        ):
            time.sleep(0.05)
        self._own.execute(f"{set_share}90")

    def _status(self, name: str) -> int:
        return int(self._own.execute(f"SHOW GLOBAL STATUS LIKE '{name}'")[0][1])

    def forget_statements(self) -> None:
        self._own.execute(f"TRUNCATE TABLE {_DIGESTS}")

    def statements(self, url: str) -> int:
        found = self._own.execute(
            f"SELECT coalesce(sum(COUNT_STAR), 0) FROM {_DIGESTS} WHERE SCHEMA_NAME = %s", (name_of(url),)
        )
        return int(found[0][0])

    def costliest(self, url: str, most: int = 12) -> list[tuple[str, int, int, float]]:
        found = self._own.execute(
            "SELECT DIGEST_TEXT, COUNT_STAR, SUM_ROWS_AFFECTED + SUM_ROWS_SENT, SUM_TIMER_WAIT / 1e12"
            f" FROM {_DIGESTS} WHERE SCHEMA_NAME = %s ORDER BY 4 DESC LIMIT %s",
            (name_of(url), most),
        )
        return [(text or "", int(calls), int(rows), float(seconds)) for text, calls, rows, seconds in found]

    def stop(self) -> None:
        self._own.close()
        super().stop()


class Connection:
    """A connection by PyMySQL, as Slett has one."""

    def __init__(self, url: str) -> None:
        at = urlsplit(url)
        self._connection = pymysql.connect(
            host=at.hostname,
            port=at.port or 3306,
            user=at.username,
            database=at.path.lstrip("/") or None,
            charset="utf8mb4",
            autocommit=True,
        )

    def execute(self, statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return list(cursor.fetchall())

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._connection.begin()
        try:
            yield
        except BaseException:
            self._connection.rollback()
            raise
        self._connection.commit()

    def leave(self, keys: Sequence[int]) -> None:
        self.execute("DROP TEMPORARY TABLE IF EXISTS leaving")
        self.execute("CREATE TEMPORARY TABLE leaving (id bigint PRIMARY KEY)")
        with self._connection.cursor() as cursor:
            cursor.executemany("INSERT INTO leaving VALUES (%s)", [(key,) for key in keys])

    def close(self) -> None:
        self._connection.close()
