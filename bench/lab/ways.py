"""The ways of erasing people from the shop. Each takes keys and says how many seconds it needed."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Protocol

import psycopg

from bench.lab.shop import HERE, declare_cascade
from slett.requests.erase import erase
from slett.requests.service import Service, open_service
from slett.requests.subject import by_key
from slett.settings import Settings

ROOT = HERE.parents[1]
BUILD = ROOT / "build" / "bench"
DJANGO = ("django==5.2.19", "psycopg[binary]==3.3.9")


class Way(Protocol):
    """One way of erasing people."""

    def __call__(self, keys: Sequence[int]) -> float:
        """Seconds needed to erase the people with these keys."""


BY_HAND = (  # (table, condition), children before parents: what somebody who knows the shop would write
    ("order_items", "order_id IN (SELECT id FROM orders WHERE person_id {who})"),
    ("payments", "order_id IN (SELECT id FROM orders WHERE person_id {who})"),
    ("shipments", "order_id IN (SELECT id FROM orders WHERE person_id {who})"),
    ("orders", "person_id {who}"),
    ("cart_items", "cart_id IN (SELECT id FROM carts WHERE person_id {who})"),
    ("carts", "person_id {who}"),
    ("wishlist_items", "wishlist_id IN (SELECT id FROM wishlists WHERE person_id {who})"),
    ("wishlists", "person_id {who}"),
    ("review_votes", "review_id IN (SELECT id FROM reviews WHERE person_id {who})"),
    ("review_votes", "person_id {who}"),
    ("reviews", "person_id {who}"),
    ("messages", "sender_id {who}"),
    ("notifications", "person_id {who}"),
    ("sessions", "person_id {who}"),
    ("addresses", "person_id {who}"),
    ("people", "id {who}"),
)
DETACH = "UPDATE messages SET recipient_id = NULL WHERE recipient_id {who}"


class ByHand:
    """Hand-written set-based SQL in one transaction; for several people, by a temporary table of their keys."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def __call__(self, keys: Sequence[int]) -> float:
        who = "= %(key)s" if len(keys) == 1 else "IN (SELECT id FROM leaving)"
        deletes = [f"DELETE FROM {table} WHERE {condition}" for table, condition in BY_HAND]
        statements = [each.format(who=who).encode() for each in (*deletes[:-1], DETACH, deletes[-1])]
        start = perf_counter()
        with self._connection.transaction():
            if len(keys) > 1:
                self._connection.execute("CREATE TEMPORARY TABLE leaving (id bigint PRIMARY KEY) ON COMMIT DROP")
                with self._connection.cursor().copy("COPY leaving FROM STDIN") as copy:
                    for key in keys:
                        copy.write_row((key,))
                self._connection.execute("ANALYZE leaving")
            for statement in statements:
                self._connection.execute(statement, {"key": keys[0]} if len(keys) == 1 else None)
        return perf_counter() - start


class Cascade:
    """One DELETE; the foreign keys of the database do the rest."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def __call__(self, keys: Sequence[int]) -> float:
        start = perf_counter()
        with self._connection.transaction():
            self._connection.execute("DELETE FROM people WHERE id = ANY(%s)", (list(keys),))
        return perf_counter() - start


class RowByRow:
    """The keys of every table are read, then each row is deleted by a statement of its own."""

    def __init__(self, connection: psycopg.Connection, *, one_commit: bool) -> None:
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
        for table, condition in BY_HAND:
            where = condition.format(who="= %s")
            for (row,) in run(f"SELECT id FROM {table} WHERE {where}".encode(), (key,)).fetchall():
                run(f"DELETE FROM {table} WHERE id = %s".encode(), (row,))
            if table == "messages":
                for (row,) in run("SELECT id FROM messages WHERE recipient_id = %s", (key,)).fetchall():
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
    with psycopg.connect(url, autocommit=True) as connection:
        yield ByHand(connection)


@contextmanager
def cascade(url: str) -> Iterator[Way]:
    declare_cascade(url)
    with psycopg.connect(url, autocommit=True) as connection:
        yield Cascade(connection)


@contextmanager
def row_by_row(url: str) -> Iterator[Way]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield RowByRow(connection, one_commit=False)


@contextmanager
def row_by_row_one_commit(url: str) -> Iterator[Way]:
    with psycopg.connect(url, autocommit=True) as connection:
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
def slett(url: str, home: Path) -> Iterator[Slett]:
    """A service with a ledger of its own under `home`."""
    os.environ["SHOP_URL"] = url
    with open_service(Settings(map=HERE / "slett.yaml", home=home, service="bench")) as service:
        yield Slett(service)


def _django_python() -> Path:
    """The Python of an environment with Django in it, made the first time."""
    venv = BUILD / "django"
    python = venv / "bin" / "python"
    if not (venv / "stamp").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *DJANGO], check=True)
        (venv / "stamp").touch()
    return python
