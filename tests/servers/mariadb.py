"""A MariaDB server of our own."""

from collections.abc import Mapping
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import pymysql

from tests.servers.process import ServerMissingError, ServerProcess, find_program

PLACES = (
    "/usr/sbin",
    "/usr/bin",
    "/usr/libexec",
    "/opt/homebrew/opt/mariadb*/bin",
    "/usr/local/opt/mariadb*/bin",
    "/usr/local/mysql/scripts",
    "/usr/local/mysql/bin",
)
_ALWAYS = {
    "bind-address": "127.0.0.1",
    "skip-name-resolve": "1",
    "character-set-server": "utf8mb4",
    "collation-server": "utf8mb4_unicode_ci",
    "innodb-fast-shutdown": "2",
}
PLAIN: dict[str, Any] = {"ssl_disabled": True}  # else the driver reads every certificate authority of the machine
FAST = {
    "innodb-flush-log-at-trx-commit": "0",
    "innodb-flush-method": "nosync",
    "innodb-doublewrite": "0",
    "sync-frm": "0",
    "innodb-log-file-size": "32M",
    "innodb-buffer-pool-size": "64M",
    "innodb-stats-persistent": "0",
    "performance-schema": "0",
    "lock-wait-timeout": "20",  # dropping a database that a test still uses fails, instead of hanging
}


class MariaDB:
    """A running server; `create` makes a database on it."""

    def __init__(self, settings: Mapping[str, str] = FAST, *options: str) -> None:
        """Args: settings: instead of those that make tests fast."""
        install, mariadbd = find_program("mariadb-install-db", *PLACES), find_program("mariadbd", *PLACES)
        if not install or not mariadbd:
            raise ServerMissingError("no MariaDB here: apt install mariadb-server, or brew install mariadb")
        self._process = ServerProcess("mariadb", "mysql")
        self.folder = self._process.folder
        self._data = self.folder / "data"
        account = self.folder / "account.sql"
        account.write_text(
            "CREATE USER IF NOT EXISTS slett@'127.0.0.1';\n"
            "GRANT ALL PRIVILEGES ON *.* TO slett@'127.0.0.1' WITH GRANT OPTION;\n"
        )
        account.chmod(0o644)
        own = (f"--datadir={self._data}", f"--tmpdir={self.folder}")  # several are made at once
        self._process.run(install, "--no-defaults", *own, "--skip-test-db", "--skip-name-resolve")
        self._process.start(
            *(mariadbd, "--no-defaults", f"--datadir={self._data}", f"--init-file={account}"),
            *(f"--port={self._process.port}", f"--socket={self.folder / 'socket'}"),
            *(f"--pid-file={self.folder / 'pid'}", f"--tmpdir={self.folder}"),
            *(f"--{name}={value}" for name, value in {**_ALWAYS, **settings}.items()),
            *options,
            ready=self._answers,
        )
        self._admin = self._connect()
        self._numbers = count(1)

    def create(self) -> str:
        """The URL of a new, empty database."""
        name = f"test_{next(self._numbers)}"
        with self._admin.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def url(self, name: str) -> str:
        """The URL of a database of that name, whether or not it is there."""
        return f"mariadb://slett@127.0.0.1:{self._process.port}/{name}"

    def drop(self, url: str) -> None:
        """Drop a database."""
        with self._admin.cursor() as cursor:
            cursor.execute("SET foreign_key_checks = 0")
            cursor.execute(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]}")

    def stop(self) -> None:
        """End the server; its databases go with it."""
        self._admin.close()
        self._process.stop()

    def _connect(self) -> "pymysql.Connection[pymysql.cursors.Cursor]":
        return pymysql.connect(host="127.0.0.1", port=self._process.port, user="slett", autocommit=True, **PLAIN)

    def _answers(self) -> bool:
        try:
            self._connect().close()
        except pymysql.err.OperationalError:
            return False
        return True


def wipe(url: str) -> None:
    """Drop every table and view of a database."""
    where = urlsplit(url)
    connection = pymysql.connect(
        host=where.hostname, port=where.port or 3306, user=where.username, database=where.path[1:], **PLAIN
    )
    with connection, connection.cursor() as cursor:
        cursor.execute("SET foreign_key_checks = 0")
        cursor.execute("SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = database()")
        found = [("`" + name.replace("`", "``") + "`", kind) for name, kind in cursor.fetchall()]
        for what, kind in (("VIEW", "VIEW"), ("TABLE", "BASE TABLE")):
            if names := ", ".join(name for name, its in found if its == kind):
                cursor.execute(f"DROP {what} {names}")
