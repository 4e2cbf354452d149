"""The "server" of SQLite: a folder."""

import sqlite3
from contextlib import closing
from itertools import count
from pathlib import Path


class SQLite:
    """A folder of database files; `create` names a new one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)

    def create(self) -> str:
        """The URL of a new, empty database."""
        return f"sqlite:///{self._folder / f'test_{next(self._numbers)}.db'}"

    def drop(self, url: str) -> None:
        """Remove the file, and what a crash left beside it."""
        for ending in ("", "-wal", "-shm", "-journal"):
            Path(_file(url) + ending).unlink(missing_ok=True)

    def stop(self) -> None:
        """Nothing runs."""


def wipe(url: str) -> None:
    """Drop every table and view of a database."""
    with closing(sqlite3.connect(_file(url), isolation_level=None)) as connection:
        connection.executescript("PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; BEGIN;")
        found = connection.execute(
            "SELECT type, name FROM sqlite_master WHERE type IN ('view', 'table') AND name NOT GLOB 'sqlite_*'"
        ).fetchall()
        for kind, name in found:
            quoted = name.replace('"', '""')
            connection.execute(f'DROP {kind} IF EXISTS "{quoted}"')
        connection.execute("COMMIT")


def _file(url: str) -> str:
    return url.removeprefix("sqlite:///")
