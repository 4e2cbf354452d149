"""Rows handed out as they were while they are deleted or overwritten, against the same without a way back."""

import argparse
from collections.abc import Callable
from datetime import date
from time import perf_counter

from bench.lab.command import arguments, run
from bench.lab.report import compare, heading, table
from bench.lab.server import Server
from bench.lab.shop import build
from slett.stores.capture import capture
from slett.stores.operations import Change, Delete, KeySet, Link, Rows, Rule, Update, Write
from slett.stores.sql import Session, Store

PEOPLE = KeySet("people", "", "", ("id",), ("integer",), ("id",))
MESSAGES = Rows("messages", (Link(("sender_id",), "people", ("id",)),), key=("id",))
CHANGES: tuple[tuple[str, Change], ...] = (  # the second writes what is deleted afterwards
    ("UPDATE", Update(MESSAGES, (Write("body", Rule("constant", "(gone)")), Write("recipient_id", Rule("null"))))),
    ("DELETE", Delete(MESSAGES)),
)


def parser() -> argparse.ArgumentParser:
    """What can be chosen."""
    found = arguments(__doc__)
    found.add_argument("--rows", type=int, default=1_000_000, help="rows in the shop")
    found.add_argument("--people", type=int, default=500, help="people of one transaction, about ten rows each")
    found.add_argument("--rounds", type=int, default=10)
    return found


def measure(server: Server, options: argparse.Namespace) -> None:
    """Print how long each change takes with capture, against the same without."""
    shop = server.create()
    people = build(shop, options.rows)
    rounds = min(options.rounds, people // (2 * options.people) - 1)
    heading(f"{options.people} people, about ten rows each, {rounds} times each way", server.version)
    store = Store("shop", shop)
    schema = store.read_schema()
    sizes = [("", "rows", "bytes a row")]
    for name, change in CHANGES:
        samples: dict[str, list[float]] = {name: [], f"{name} with capture": []}
        blocks: list[bytes] = []
        captured = 0
        for turn in range(2 * (rounds + 1)):
            crowd = range(1 + turn * options.people, 1 + (turn + 1) * options.people)
            way = list(samples)[turn % 2]
            server.settle()
            with store.session(schema, date(2026, 11, 28)) as session:
                session.know(PEOPLE, list(enumerate(crowd)), people=options.people)
                if turn % 2:
                    rows, seconds = _timed(session, lambda s: capture(s, change, blocks.append))  # noqa: B023 - called at once
                    captured += rows
                else:
                    rows, seconds = _timed(session, lambda s: s.apply(change))  # noqa: B023 - called at once
            if turn > 1:  # the first of each only warms up
                samples[way].append(seconds)
        compare(samples)
        sizes.append((name, f"{captured:,}", f"{sum(map(len, blocks)) / max(1, captured):.0f}"))
    table(sizes)
    store.close()


def _timed(session: Session, work: Callable[[Session], int]) -> tuple[int, float]:
    """(rows, seconds) of one transaction."""
    start = perf_counter()
    with session.transaction():
        rows = work(session)
    return rows, perf_counter() - start


if __name__ == "__main__":
    run(parser(), measure)
