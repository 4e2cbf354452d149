"""The two applications: installed, migrated and seeded once, then copied for every test."""

import fcntl
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg

HERE = Path(__file__).parent
BUILD = HERE.parents[1] / "build" / "realworld"
_numbers = count(1)


class AppMissingError(Exception):
    """The application could not be installed; the text says why."""


@dataclass(frozen=True)
class Person:
    """Somebody the seed made: the key of their root row, and the e-mail they use."""

    key: int
    email: str
    marks: tuple[str, ...] = ()  # texts that stand nowhere but in what concerns this person


@dataclass(frozen=True)
class App:
    """An application on a database of its own. What a test does to it, no other test sees."""

    name: str
    version: str
    url: str
    person: Person  # a customer
    staff: Person  # works there; in oscar a customer too
    others: tuple[Person, ...]
    install: "Install"

    def own(self, *arguments: object) -> None:
        """Let the application erase by its own code: see the docstring of `NAME_own.py`."""
        self.install.run("own", self.url, *arguments)


@dataclass(frozen=True)
class Install:
    """An application in an environment of its own, under `build/realworld`."""

    name: str
    version: str

    @property
    def folder(self) -> Path:
        return BUILD / f"{self.name}-{self.version}"

    @property
    def lock(self) -> Path:
        return HERE / f"{self.name}.txt"

    def run(self, script: str, url: str, *arguments: object) -> str:
        """What `NAME_SCRIPT.py` printed, run on the database at `url`."""
        files = self.folder / "files"
        files.mkdir(exist_ok=True)
        return _run(
            *(self.folder / "venv" / "bin" / "python", HERE / f"{self.name}_{script}.py", *arguments),
            environment={"DATABASE_URL": url, "FILES": str(files)},
        )

    def make(self) -> None:
        """Install what the lock says, unless that is what is there."""
        stamp = self.folder / "venv" / "stamp"
        wanted = _digest(self.lock.read_bytes(), sys.version.encode())
        if stamp.exists() and stamp.read_text() == wanted:
            return
        venv = self.folder / "venv"
        try:
            _run(sys.executable, "-m", "venv", "--clear", "--without-pip", venv)
            pip = (sys.executable, "-m", "pip", "--python", venv / "bin" / "python", "install", "--quiet")
            _run(*pip, "--no-compile", "--no-deps", "--require-hashes", "--requirement", self.lock)  # it names all
        except RuntimeError as failed:
            raise AppMissingError(f"{self.name} could not be installed: {failed}") from failed
        stamp.write_text(wanted)

    def seed(self, url: str) -> str:
        """Fill an empty database, from an earlier run's dump where there is one; the JSON that the seed printed."""
        with psycopg.connect(url) as connection:
            row = connection.execute("SELECT setting FROM pg_config WHERE name = 'BINDIR'").fetchone()
            version = connection.info.server_version // 10_000
        programs = Path(row[0] if row else "")
        parts = [HERE / f"{self.name}_{part}.py" for part in ("seed", "settings")]
        key = _digest(self.lock.read_bytes(), *(part.read_bytes() for part in parts), str(version).encode())[:12]
        dump, people = self.folder / f"{key}.dump", self.folder / f"{key}.json"
        if people.exists():
            _run(programs / "pg_restore", "--no-owner", f"--dbname={url}", dump)
            return people.read_text()
        for old in (*self.folder.glob("*.dump"), *self.folder.glob("*.json")):
            old.unlink()
        printed = self.run("seed", url)
        _run(programs / "pg_dump", "--format=custom", f"--file={dump}", url)
        people.write_text(printed)
        return printed


@dataclass(frozen=True)
class Template:
    """A seeded database that nobody connects to: it is only copied."""

    install: Install
    url: str
    people: str

    @contextmanager
    def copy(self) -> Iterator[App]:
        """The application on a copy, which is dropped in the end."""
        server, _, original = self.url.rpartition("/")
        name = f"{self.install.name}_{next(_numbers)}"
        with psycopg.connect(f"{server}/postgres", autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name} TEMPLATE {original}".encode())
            try:
                yield self._app(f"{server}/{name}")
            finally:
                admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

    def _app(self, url: str) -> App:
        people = json.loads(self.people)
        person, staff, *others = (
            Person(who["key"], who["email"], tuple(who["marks"]))
            for who in (people["person"], people["staff"], *people["others"])
        )
        return App(self.install.name, self.install.version, url, person, staff, tuple(others), self.install)


def template(name: str, url: str) -> Template:
    """The application `name`, installed and seeded in the empty database at `url`.

    Raises:
        AppMissingError: it could not be installed.
    """
    wanted = re.search(r"^(?:django-)?" + name + r"(?:\[[\w-]+\])?==(\S+)", (HERE / f"{name}.txt").read_text(), re.M)
    assert wanted, f"{name}.txt does not name {name}"
    install = Install(name, wanted[1])
    install.folder.mkdir(parents=True, exist_ok=True)
    with (install.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test processes side by side: the first one makes it
        install.make()
        return Template(install, url, install.seed(url))


def _run(*command: object, environment: dict[str, str] | None = None) -> str:
    """What a program printed; its last lines of error where it failed."""
    done = subprocess.run(
        [str(part) for part in command],
        env=os.environ | {"PYTHONWARNINGS": "ignore"} | (environment or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{Path(str(command[0])).name} failed:\n" + "\n".join(done.stderr.splitlines()[-15:]))
    return done.stdout


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()
