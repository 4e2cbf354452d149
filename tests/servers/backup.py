"""A backup of a test database as operators make one, and its restoration: pg_dump, mysqldump, or a copy of the file."""

import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from tests.servers.databases import dialect_of, engine, wipe
from tests.servers.mariadb import PLACES as MARIADB
from tests.servers.postgresql import PLACES as POSTGRESQL
from tests.servers.process import ServerMissingError, find_program


def back_up(url: str, into: Path) -> None:
    """Write everything in the database to a file."""
    parts = urlsplit(url)
    match dialect_of(url):
        case "postgresql":
            _run(_program("pg_dump", *POSTGRESQL), "--format=custom", f"--file={into}", url)
        case "mariadb":
            dumped = _run(_program("mysqldump", *MARIADB), *_account(url), parts.path.strip("/"))
            into.write_bytes(dumped)
        case "sqlite":
            into.write_bytes(Path(parts.path.removeprefix("/")).read_bytes())


def restore(url: str, backup: Path) -> None:
    """Make the database what it was when the backup was written."""
    parts = urlsplit(url)
    match dialect_of(url):
        case "postgresql":
            wipe(url)
            _run(_program("pg_restore", *POSTGRESQL), "--no-owner", f"--dbname={url}", str(backup))
        case "mariadb":
            wipe(url)
            _run(_program("mysql", *MARIADB), *_account(url), parts.path.strip("/"), said=backup.read_bytes())
        case "sqlite":
            path = Path(parts.path.removeprefix("/"))
            with engine(url).connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            path.write_bytes(backup.read_bytes())


def spelled(url: str) -> list[str]:
    """The statements that would make a database like this one of PostgreSQL or SQLite."""
    if dialect_of(url) == "postgresql":
        lines = _run(_program("pg_dump", *POSTGRESQL), url).decode().splitlines()
        return [line for line in lines if not line.startswith(("\\restrict", "\\unrestrict"))]  # a word of chance
    with closing(sqlite3.connect(urlsplit(url).path.removeprefix("/"))) as connection:
        return list(connection.iterdump())


def _account(url: str) -> list[str]:
    parts = urlsplit(url)
    return ["--no-defaults", f"--host={parts.hostname}", f"--port={parts.port}", f"--user={parts.username}"]


def _program(name: str, *places: str) -> str:
    found = find_program(name, *places)
    if found is None:
        raise ServerMissingError(f"no {name} here: it comes with the server's client programs")
    return found


def _run(*command: str, said: bytes | None = None) -> bytes:
    done = subprocess.run(command, input=said, capture_output=True, check=False, env=os.environ)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
