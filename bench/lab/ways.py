"""The ways of erasing people from the shop. Each takes keys and says how many seconds it needed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

from bench.lab.server import Connection, Database, connected, database_of, name_of
from bench.lab.shop import HERE, declare_cascade
from slett.requests.erase import erase
from slett.requests.service import Service, open_service
from slett.requests.subject import by_key
from slett.settings import Settings

ROOT = HERE.parents[1]
BUILD = ROOT / "build" / "bench"
DJANGO = ("django==5.2.19", "psycopg[binary]==3.3.9", "PyMySQL==1.2.4")


class Way(Protocol):
    """One way of erasing people."""

    def __call__(self, keys: Sequence[int]) -> float:
        """Seconds needed to erase the people with these keys."""


Opener = Callable[[str], AbstractContextManager[Way]]  # a way, opened on the database at a URL
BY_HAND_NAME = "hand-written, set-based"


BY_HAND = (  # (table, column, by way of), children before parents: what somebody who knows the shop would write
    ("order_items", "order_id", "orders"),
    ("payments", "order_id", "orders"),
    ("shipments", "order_id", "orders"),
    ("orders", "person_id", ""),
    ("cart_items", "cart_id", "carts"),
    ("carts", "person_id", ""),
    ("wishlist_items", "wishlist_id", "wishlists"),
    ("wishlists", "person_id", ""),
    ("review_votes", "review_id", "reviews"),
    ("review_votes", "person_id", ""),
    ("reviews", "person_id", ""),
    ("messages", "sender_id", ""),
    ("notifications", "person_id", ""),
    ("sessions", "person_id", ""),
    ("addresses", "person_id", ""),
    ("people", "id", ""),
)


def set_based(database: Database, *, one: bool) -> list[str]:
    """The statements of somebody who knows the shop, for one person (`%(key)s`) or those in `leaving`.

    MariaDB finds its way through a join, and reads the whole table for a subquery.
    """
    deletes = [_delete(database, *each, one=one) for each in BY_HAND]
    if database == "postgresql" or one:
        who = "= %(key)s" if one else "IN (SELECT id FROM leaving)"
        detach = f"UPDATE messages SET recipient_id = NULL WHERE recipient_id {who}"
    else:
        detach = "UPDATE leaving JOIN messages ON recipient_id = leaving.id SET recipient_id = NULL"
    return [*deletes[:-1], detach, deletes[-1]]


def _delete(database: Database, table: str, column: str, via: str, *, one: bool) -> str:
    if database == "postgresql":
        who = "= %(key)s" if one else "IN (SELECT id FROM leaving)"
        return f"DELETE FROM {table} WHERE {where(column, via, who)}"
    if one and via:
        return f"DELETE {table} FROM {via} JOIN {table} ON {column} = {via}.id WHERE {via}.person_id = %(key)s"
    if one:
        return f"DELETE FROM {table} WHERE {column} = %(key)s"
    parents = f"leaving JOIN {via} ON {via}.person_id = leaving.id" if via else "leaving"
    return f"DELETE {table} FROM {parents} JOIN {table} ON {table}.{column} = {via or 'leaving'}.id"


def where(column: str, via: str, who: str) -> str:
    """Rows of whoever `who` says, as `= 1`: by a column of their own, or by way of another table."""
    return f"{column} IN (SELECT id FROM {via} WHERE person_id {who})" if via else f"{column} {who}"


class ByHand:
    """Hand-written set-based SQL in one transaction; for several people, by a temporary table of their keys."""

    def __init__(self, connection: Connection, database: Database) -> None:
        self._connection = connection
        self._one, self._many = (set_based(database, one=one) for one in (True, False))

    def __call__(self, keys: Sequence[int]) -> float:
        one = len(keys) == 1
        start = perf_counter()
        with self._connection.transaction():
            if not one:
                self._connection.leave(keys)
            for statement in self._one if one else self._many:
                self._connection.execute(statement, {"key": keys[0]} if one else None)
        return perf_counter() - start


class Cascade:
    """One DELETE; the foreign keys of the database do the rest."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __call__(self, keys: Sequence[int]) -> float:
        start = perf_counter()
        with self._connection.transaction():
            self._connection.execute(f"DELETE FROM people WHERE id IN ({', '.join(map(str, keys))})")
        return perf_counter() - start


class RowByRow:
    """The keys of every table are read, then each row is deleted by a statement of its own."""

    def __init__(self, connection: Connection, *, one_commit: bool) -> None:
        self._connection = connection
        self._one_commit = one_commit

    def __call__(self, keys: Sequence[int]) -> float:
        start = perf_counter()
        for key in keys:
            if self._one_commit:
                with self._connection.transaction():
                    self._erase(key)
            else:
                self._erase(key)
        return perf_counter() - start

    def _erase(self, key: int) -> None:
        run = self._connection.execute
        for table, column, via in BY_HAND:
            for (row,) in run(f"SELECT id FROM {table} WHERE {where(column, via, '= %s')}", (key,)):
                run(f"DELETE FROM {table} WHERE id = %s", (row,))
            if table == "messages":
                for (row,) in run("SELECT id FROM messages WHERE recipient_id = %s", (key,)):
                    run("UPDATE messages SET recipient_id = NULL WHERE id = %s", (row,))


class Collector:
    """Django's own cascade, in a process of its own that takes the time itself."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def __call__(self, keys: Sequence[int]) -> float:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(list(keys)) + "\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())


class Slett:
    """Slett as a service would run it: opened once, with its ledger on the same disk; certificates included."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def __call__(self, keys: Sequence[int]) -> float:
        subjects = [by_key(self.service.plan, str(key)) for key in keys]
        start = perf_counter()
        outcomes = erase(self.service, subjects)
        needed = perf_counter() - start
        states = {(outcome.state, outcome.reason) for outcome in outcomes}
        assert states == {("fulfilled", "")}, states
        return needed


@contextmanager
def by_hand(url: str) -> Iterator[Way]:
    with connected(url) as connection:
        yield ByHand(connection, database_of(url))


@contextmanager
def cascade(url: str) -> Iterator[Way]:
    declare_cascade(url)
    with connected(url) as connection:
        yield Cascade(connection)


@contextmanager
def row_by_row(url: str) -> Iterator[Way]:
    with connected(url) as connection:
        yield RowByRow(connection, one_commit=False)


@contextmanager
def row_by_row_one_commit(url: str) -> Iterator[Way]:
    with connected(url) as connection:
        yield RowByRow(connection, one_commit=True)


@contextmanager
def collector(url: str) -> Iterator[Way]:
    with subprocess.Popen(
        [_django_python(), "-m", "bench.lab.collector", url],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Collector(process)
        assert process.stdin
        process.stdin.close()


@contextmanager
def slett(url: str, home: Path, **settings: Any) -> Iterator[Slett]:
    """A service with a ledger of its own under `home`, and these settings beside the default ones."""
    os.environ["SHOP_URL"] = url
    chosen = {"map": HERE / "slett.yaml", "home": home, "service": "bench", **settings}
    with open_service(Settings(**chosen)) as service:
        yield Slett(service)


def contestants(
    home: Path, skipped: Sequence[str] = (), *, undo: bool = False, limits: Sequence[int] = ()
) -> dict[str, Opener]:
    """Every way by its name, without those in whose name one of these words is; the first is what others compare with.

    Args:
        home: a folder for Slett's ledgers.
        skipped: words.
        undo: with Slett once more, so that it can be undone for a day.
        limits: with Slett once more for each, so that it changes no more than so many rows a second.
    """
    window = {"undo_window_hours": 24}

    def held_back(rows: int) -> Opener:
        return lambda url: slett(url, home / name_of(url), pace={"rows_a_second": rows})

    ways: dict[str, Opener] = {
        BY_HAND_NAME: by_hand,
        "Slett": lambda url: slett(url, home / name_of(url)),
        **({"Slett, can be undone": lambda url: slett(url, home / name_of(url), vault=window)} if undo else {}),
        **{f"Slett, {rows:,} rows a second": held_back(rows) for rows in limits},
        "ON DELETE CASCADE": cascade,
        "Django's Collector": collector,
        "row by row, one commit": row_by_row_one_commit,
        "row by row, a commit each": row_by_row,
    }
    return {name: way for name, way in ways.items() if not any(each.lower() in name.lower() for each in skipped)}


def _django_python() -> Path:
    """The Python of an environment with Django in it, made the first time."""
    venv = BUILD / "django"
    python, stamp = venv / "bin" / "python", venv / "stamp"
    if not stamp.exists() or stamp.read_text() != str(DJANGO):
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *DJANGO], check=True)
        stamp.write_text(str(DJANGO))
    return python
