"""Columns of one person overwritten: 21 rows in 9 tables, and 50,000; against one UPDATE and one commit a row.

That is how the closest open-source peer works, and what stands in for it here: its own server is not measured, which
is slower still by a job queue, a web server and a task for each table.
"""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter

from bench.lab import ways
from bench.lab.command import arguments, run
from bench.lab.race import race
from bench.lab.report import compare, heading
from bench.lab.server import Connection, Database, Server, connected, database_of, name_of
from bench.lab.shop import HERE, add_people, build, shares

FEW = 21  # rows, in 9 tables
SMALL = {
    "people": 1,
    "addresses": 2,
    "sessions": 3,
    "orders": 2,
    "payments": 2,
    "shipments": 2,
    "messages": 5,  # of which two are other people's, and stay as they are
    "reviews": 2,
    "notifications": 4,
}
GONE = "'(deleted)'"
BY_HAND = (  # table, column, by way of, what is written; as lab/anonymise.yaml says
    ("payments", "order_id", "orders", f"card = {GONE}"),
    ("shipments", "order_id", "orders", f"tracking = {GONE}"),
    ("orders", "person_id", "", f"ship_name = {GONE}, ship_street = {GONE}, ship_postcode = '0000'"),
    ("messages", "sender_id", "", f"body = {GONE}"),
    ("reviews", "person_id", "", f"body = {GONE}"),
    ("notifications", "person_id", "", f"body = {GONE}"),
    ("sessions", "person_id", "", f"token = {GONE}, agent = {GONE}, ip = '0.0.0.0'"),
    ("addresses", "person_id", "", f"street = {GONE}, postcode = '0000', city = {GONE}"),
    ("people", "id", "", f"email = concat('deleted-', id, '@invalid'), name = {GONE}, phone = NULL, password = {GONE}"),
)
WARM = [[1], [2], [3]]  # people of usual size, before the clock starts


def parser() -> argparse.ArgumentParser:
    """What can be chosen."""
    found = arguments(__doc__)
    found.add_argument("--rows", type=int, default=300_000, help="rows in the shop, of other people")
    found.add_argument("--size", type=int, default=50_000, help="rows of a large person")
    found.add_argument("--rounds", type=int, default=3, help="large people, and ten times as many small ones")
    return found


def measure(server: Server, options: argparse.Namespace) -> None:
    """Print how long each way takes."""
    shop = server.create()
    build(shop, options.rows)
    large = add_people(shop, options.rounds * [shares(options.size * sum(SMALL.values()) // FEW, SMALL)])
    small = add_people(shop, 10 * options.rounds * [SMALL])
    heading("Columns of one person overwritten, in 9 tables", server.version)
    openers = {
        "one UPDATE a table, one commit": _by_hand,
        "Slett": lambda url: ways.slett(url, server.folder / name_of(url), map=HERE / "anonymise.yaml"),
        "one UPDATE a row, a commit each": _row_by_row,
    }
    batches = [*WARM, *([key] for key in small), *([key] for key in large)]
    samples = race(server, shop, openers, batches)[1]
    print(f"{FEW} rows:\n")
    compare({name: needed[len(WARM) : len(WARM) + len(small)] for name, needed in samples.items()})
    print(f"{options.size:,} rows:\n")
    compare({name: needed[len(WARM) + len(small) :] for name, needed in samples.items()})
    with server.copy(shop) as url, openers["Slett"](url) as slett:
        slett(WARM[0])
        server.forget_statements()
        slett(small[:1])
        print(f"Slett sends {server.statements(url)} statements for the {FEW} rows.\n")


class _ByHand:
    """One UPDATE a table, in one transaction."""

    def __init__(self, connection: Connection, database: Database) -> None:
        self._connection = connection
        self._statements = [_update(database, *each) for each in BY_HAND]

    def __call__(self, keys: Sequence[int]) -> float:
        start = perf_counter()
        with self._connection.transaction():
            for statement in self._statements:
                self._connection.execute(statement, {"key": keys[0]})
        return perf_counter() - start


def _update(database: Database, table: str, column: str, via: str, writes: str) -> str:
    if via and database == "mariadb":  # which reads the whole table for a subquery
        return f"UPDATE {via} JOIN {table} ON {column} = {via}.id SET {writes} WHERE {via}.person_id = %(key)s"
    return f"UPDATE {table} SET {writes} WHERE {ways.where(column, via, '= %(key)s')}"


class _RowByRow:
    """The keys of every table are read, then each row is overwritten by a statement of its own."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __call__(self, keys: Sequence[int]) -> float:
        start = perf_counter()
        for table, column, via, writes in BY_HAND:
            where = ways.where(column, via, "= %s")
            for (row,) in self._connection.execute(f"SELECT id FROM {table} WHERE {where}", (keys[0],)):
                self._connection.execute(f"UPDATE {table} SET {writes} WHERE id = %s", (row,))
        return perf_counter() - start


@contextmanager
def _by_hand(url: str) -> Iterator[ways.Way]:
    with connected(url) as connection:
        yield _ByHand(connection, database_of(url))


@contextmanager
def _row_by_row(url: str) -> Iterator[ways.Way]:
    with connected(url) as connection:
        yield _RowByRow(connection)


if __name__ == "__main__":
    run(parser(), measure)
