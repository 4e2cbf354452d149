"""A MariaDB server set up as in production: durable; and a connection to it."""

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pymysql

from bench.lab.server import name_of
from tests.servers.process import ServerProcess, find_program

PLACES = (
    "/usr/sbin",
    "/usr/bin",
    "/usr/libexec",
    "/opt/homebrew/opt/mariadb*/bin",
    "/usr/local/opt/mariadb*/bin",
    "/usr/local/mysql/scripts",
    "/usr/local/mysql/bin",
)
_SETTINGS = {
    "bind-address": "127.0.0.1",
    "skip-name-resolve": "1",
    "character-set-server": "utf8mb4",
    "collation-server": "utf8mb4_unicode_ci",
    "innodb-buffer-pool-size": "4G",
    "innodb-flush-log-at-trx-commit": "1",
    "innodb-flush-method": "fsync",  # through the operating system's cache, as PostgreSQL reads and writes
    "innodb-doublewrite": "1",
    "innodb-log-file-size": "2G",  # no checkpoint of its own accord in the middle of a measurement
    "innodb-fast-shutdown": "2",
    "lock-wait-timeout": "60",
    "performance-schema": "1",
}
_TRIAL = {"innodb-buffer-pool-size": "64M", "innodb-flush-log-at-trx-commit": "0", "innodb-flush-method": "nosync"}
_COUNTED = ("%=OFF", "statement/%=ON")  # statements, as pg_stat_statements does, and nothing else
_PATIENCE = 120.0  # seconds for everything to be on disk
_DIGESTS = "performance_schema.events_statements_summary_by_digest"


class MariaDB:
    """A running server."""

    def __init__(self, *, trial: bool) -> None:
        install, mariadbd = find_program("mariadb-install-db", *PLACES), find_program("mariadbd", *PLACES)
        if not install or not mariadbd:
            raise SystemExit("no MariaDB here: apt install mariadb-server, or brew install mariadb")
        self._settings = _SETTINGS | (_TRIAL if trial else {})
        self._process = ServerProcess("bench", "mysql")
        self.folder: Path = self._process.folder
        self._data = self.folder / "data"
        account = self.folder / "account.sql"
        account.write_text(
            "CREATE USER IF NOT EXISTS slett@'127.0.0.1';\n"
            "GRANT ALL PRIVILEGES ON *.* TO slett@'127.0.0.1' WITH GRANT OPTION;\n"
        )
        account.chmod(0o644)
        self._process.run(install, "--no-defaults", f"--datadir={self._data}", "--skip-test-db", "--skip-name-resolve")
        self._process.start(
            *(mariadbd, "--no-defaults", f"--datadir={self._data}", f"--init-file={account}"),
            *(f"--port={self._process.port}", f"--socket={self.folder / 'socket'}"),
            *(f"--pid-file={self.folder / 'pid'}", f"--tmpdir={self.folder}"),
            *(f"--{name}={value}" for name, value in self._settings.items()),
            *(f"--performance-schema-instrument={each}" for each in _COUNTED),
            ready=self._answers,
        )
        self._admin = Connection(self._url(""))
        self._numbers = count(1)

    @property
    def version(self) -> str:
        number = str(self._admin.execute("SELECT version()")[0][0]).partition("-")[0]
        shown = ", ".join(f"{name} {self._settings[name]}" for name in _TRIAL)
        return f"MariaDB {number} ({shown})"

    def create(self) -> str:
        name = f"bench_{next(self._numbers)}"
        self._admin.execute(f"CREATE DATABASE {name}")
        return self._url(name)

    @contextmanager
    def copy(self, url: str) -> Iterator[str]:
        made = self.create()
        try:
            self._copy_files(name_of(url), name_of(made))
            yield made
        finally:
            self._admin.execute("SET foreign_key_checks = 0")
            self._admin.execute(f"DROP DATABASE {name_of(made)}")

    def _copy_files(self, source: str, target: str) -> None:
        """Each table's file as it is: a third of the time that INSERT … SELECT and its indexes take."""
        run = self._admin.execute
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
        self._admin.execute(f"{set_share}0")
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline and (
            self._status("Innodb_history_list_length") > 100 or self._status("Innodb_buffer_pool_pages_dirty") > 100
        ):
            time.sleep(0.05)
        self._admin.execute(f"{set_share}90")

    def _status(self, name: str) -> int:
        return int(self._admin.execute(f"SHOW GLOBAL STATUS LIKE '{name}'")[0][1])

    def forget_statements(self) -> None:
        self._admin.execute(f"TRUNCATE TABLE {_DIGESTS}")

    def statements(self, url: str) -> int:
        found = self._admin.execute(
            f"SELECT coalesce(sum(COUNT_STAR), 0) FROM {_DIGESTS} WHERE SCHEMA_NAME = %s", (name_of(url),)
        )
        return int(found[0][0])

    def costliest(self, url: str, most: int = 12) -> list[tuple[str, int, int, float]]:
        found = self._admin.execute(
            "SELECT DIGEST_TEXT, COUNT_STAR, SUM_ROWS_AFFECTED + SUM_ROWS_SENT, SUM_TIMER_WAIT / 1e12"
            f" FROM {_DIGESTS} WHERE SCHEMA_NAME = %s ORDER BY 4 DESC LIMIT %s",
            (name_of(url), most),
        )
        return [(text or "", int(calls), int(rows), float(seconds)) for text, calls, rows, seconds in found]

    def stop(self) -> None:
        self._admin.close()
        self._process.stop()

    def _url(self, name: str) -> str:
        return f"mariadb://slett@127.0.0.1:{self._process.port}/{name}"

    def _answers(self) -> bool:
        with suppress(pymysql.err.OperationalError):
            Connection(self._url("")).close()
            return True
        return False


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
