"""A PostgreSQL server of our own."""

import sys
from collections.abc import Mapping
from itertools import count

import psycopg

from tests.servers.process import ServerMissingError, ServerProcess, find_program

PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)
_UTF8 = "UTF-8" if sys.platform == "darwin" else "C.UTF-8"
_ALWAYS = {"listen_addresses": "127.0.0.1", "unix_socket_directories": ""}
FAST = {
    "max_connections": "100",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",  # estimates change when a test says ANALYZE, and never by themselves
    "jit": "off",
}


class PostgreSQL:
    """A running server; `create` makes a database on it."""

    def __init__(self, settings: Mapping[str, str] = FAST) -> None:
        """Args: settings: instead of those that make tests fast."""
        initdb, postgres = find_program("initdb", *PLACES), find_program("postgres", *PLACES)
        if not initdb or not postgres:
            raise ServerMissingError("no PostgreSQL here: apt install postgresql, or brew install postgresql")
        self._process = ServerProcess("postgresql", "postgres")
        self.folder = self._process.folder
        data = str(self.folder / "data")
        self._process.run(
            *(initdb, "--pgdata", data, "--username=slett", "--auth=trust", "--no-sync"),
            *("--encoding=UTF8", "--locale=C", f"--lc-ctype={_UTF8}"),
        )
        self._command = (
            *(postgres, "-D", data, "-p", str(self._process.port)),
            *(f"-c{name}={value}" for name, value in {**_ALWAYS, **settings}.items()),
        )
        self._process.start(*self._command, ready=self._answers)
        self._admin = psycopg.connect(self.url("postgres"), autocommit=True)
        self._numbers = count(1)

    def create(self, template: str = "template0") -> str:
        """The URL of a new database: empty, or like the template."""
        name = f"test_{next(self._numbers)}"
        files = "STRATEGY file_copy" if self._admin.info.server_version >= 15_00_00 else ""  # before, nothing else was
        self._admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} {files}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Drop a database, whoever is still connected to it."""
        self._admin.execute(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)")

    def kill(self) -> None:
        """As `kill -9` of every process of it."""
        self._admin.close()
        self._process.kill()

    def restart(self) -> None:
        """Start it again after `kill`, with everything that was committed."""
        self._process.start(*self._command, ready=self._answers)
        self._admin = psycopg.connect(self.url("postgres"), autocommit=True)

    def stop(self) -> None:
        """End the server; its databases go with it."""
        self._admin.close()
        self._process.stop()

    def url(self, name: str) -> str:
        """The URL of a database of that name, whether or not it is there."""
        return f"postgresql://slett@127.0.0.1:{self._process.port}/{name}"

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True


def wipe(url: str) -> None:
    """Drop every table, view, type and schema of a database."""
    with psycopg.connect(url, autocommit=True) as connection:
        schemas = connection.execute(
            "SELECT quote_ident(nspname) FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
        ).fetchall()
        names = ", ".join(name for (name,) in schemas)
        connection.execute(f"DROP SCHEMA {names} CASCADE; CREATE SCHEMA public")
