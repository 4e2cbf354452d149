"""What other people notice while a large person is erased: transactions lost, and how much longer they wait."""

import argparse
import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from statistics import median
from typing import NamedTuple

from bench.lab import ways
from bench.lab.command import arguments, choosing, run
from bench.lab.report import heading, table
from bench.lab.server import Server, connected
from bench.lab.shop import TABLES, add_people, build, digest
from bench.lab.traffic import CLIENTS, INSERTED, Spread, Traffic, Transaction, traffic

WAYS = ("Slett", ways.BY_HAND_NAME, "ON DELETE CASCADE")  # and Slett as it was chosen besides
CHANGED = {*INSERTED, "people", "carts"}  # tables that traffic writes to
WARM = 100  # rows of a person before the others
CALIBRATION = 5.0  # seconds, at most
LATEST = 30.0  # seconds that one may go on after the erasure it met
QUANTILES = (0.5, 0.95, 0.99)
LOADS = {
    "steady": "{rate:,.0f} transactions a second are asked for, {share:.0%} of what the clients can do alone",
    "full": "Every client does what it can: without idle cores, what an erasure computes is taken from them",
}


class Window(NamedTuple):
    """Seconds since 1970, from and to."""

    start: float
    end: float


class Round(NamedTuple):
    """A quiet while, the erasure of one person, and the while after it."""

    quiet: Window
    erasing: Window
    after: Window


def parser() -> argparse.ArgumentParser:
    """What can be chosen."""
    found = arguments(__doc__)
    found.add_argument("--rows", type=int, default=1_000_000, help="rows in the shop, of other people")
    found.add_argument("--size", type=int, default=200_000, help="rows of the person")
    found.add_argument("--rounds", type=int, default=5, help="people erased each way")
    found.add_argument("--seconds", type=float, default=5.0, help="of quiet before and after each")
    found.add_argument("--share", type=float, default=0.4, help="of what the clients can do, asked for when steady")
    found.add_argument("--loads", nargs="+", choices=LOADS, default=list(LOADS))
    found.add_argument("--limits", type=int, nargs="+", default=[], help="Slett once more, with so many rows a second")
    found.add_argument("--spreads", nargs="+", choices=("uniform", "skewed"), default=["uniform", "skewed"])
    choosing(found, profiled=False)
    return found


def measure(server: Server, options: argparse.Namespace) -> None:
    """Print what traffic lost by each way of erasing."""
    shop = server.create()
    people = build(shop, options.rows)
    keys = add_people(shop, [WARM, *options.rounds * [options.size]])
    heading(f"{CLIENTS} clients at work while a person with {options.size:,} rows is erased", server.version)
    everyone = ways.contestants(server.folder, options.skip, undo=options.undo, limits=options.limits)
    for spread in options.spreads:
        rate = options.share * _calibrate(server, shop, people, spread, options.seconds)
        for load in options.loads:
            print(f"**{load.capitalize()}, {spread}.** {LOADS[load].format(rate=rate, share=options.share)}.\n")
            rows, ends = [], {}
            for name in (name for name in everyone if name.startswith(WAYS)):
                with server.copy(shop) as url:
                    chosen = rate if load == "steady" else 0.0
                    found, rounds = _disturb(server, url, everyone[name], people, keys, spread, chosen, options.seconds)
                    rows.append(_row(name, found, rounds))
                    ends[name] = _end(url, found, people)
            _compare_ends(ends)
            table([_HEAD, *rows])


def _calibrate(server: Server, shop: str, people: int, spread: Spread, seconds: float) -> float:
    """Transactions a second that the clients can do alone."""
    with server.copy(shop) as url, traffic(url, people, spread) as found:
        time.sleep(seconds)  # to warm up
        start = time.time()
        time.sleep(min(seconds, CALIBRATION))
        window = Window(start, time.time())
    return len(_within(found.done, window)) / (window.end - window.start)


def _disturb(
    server: Server,
    url: str,
    opener: ways.Opener,
    people: int,
    keys: Sequence[int],
    spread: Spread,
    rate: float,
    seconds: float,
) -> tuple[Traffic, list[Round]]:
    """Traffic all the time, and in it now and then the erasure of somebody."""
    rounds = []
    with ExitStack() as stack:
        way = stack.enter_context(opener(url))
        way(keys[:1])  # before the clock starts, and before there is traffic
        server.settle()
        found = stack.enter_context(traffic(url, people, spread, rate))
        time.sleep(seconds)
        for key in keys[1:]:
            start = time.time()
            time.sleep(seconds)
            erased_from = time.time()
            way([key])
            erased = time.time()
            time.sleep(seconds)
            rounds.append(Round(Window(start, erased_from), Window(erased_from, erased), Window(erased, time.time())))
    return found, rounds


_HEAD = ("", "takes", "a second", "lost", "p50 ms", "x", "p95 ms", "x", "p99 ms", "x", "lost after", "p99 x after")


def _row(name: str, found: Traffic, rounds: Sequence[Round]) -> tuple[str, ...]:
    """What it took from the others: the medians of the rounds' own losses, and waiting times of all rounds together."""
    done = found.done
    quiet, erasing, after = (
        sorted(needed for one in rounds for needed in _waits(done, one[place], overlapping=place == 1))
        for place in range(3)
    )
    cells = [name, f"{median(each.erasing.end - each.erasing.start for each in rounds):.2f} s"]
    cells += [f"{median(_speed(done, each.quiet) for each in rounds):,.0f}"]
    cells += [f"{median(_lost(done, each.quiet, each.erasing) for each in rounds):.1%}"]
    for share in QUANTILES:
        before, now = _quantile(quiet, share), _quantile(erasing, share)
        cells += [f"{before * 1000:.2f}", f"{now / before:.2f}"]
    cells += [f"{median(_lost(done, each.quiet, each.after) for each in rounds):.1%}"]
    return (*cells, f"{_quantile(after, QUANTILES[-1]) / _quantile(quiet, QUANTILES[-1]):.2f}")


def _within(done: Sequence[Transaction], window: Window) -> Sequence[Transaction]:
    first, last = (bisect_left(done, at, key=lambda each: each.ended) for at in window)
    return done[first:last]


def _waits(done: Sequence[Transaction], window: Window, *, overlapping: bool) -> list[float]:
    """Seconds of the transactions within a window; or of all that had any part of theirs in it, if they ended soon."""
    if overlapping:
        later = _within(done, Window(window.start, window.end + LATEST))
        return [each.needed for each in later if each.ended - each.needed < window.end]
    return [each.needed for each in _within(done, window) if each.ended - each.needed >= window.start]


def _speed(done: Sequence[Transaction], window: Window) -> float:
    return len(_within(done, window)) / (window.end - window.start)


def _lost(done: Sequence[Transaction], before: Window, now: Window) -> float:
    return 1 - _speed(done, now) / _speed(done, before)


def _quantile(values: Sequence[float], share: float) -> float:
    return values[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


def _end(url: str, found: Traffic, people: int) -> dict[str, tuple[int, int]]:
    """What is left in the end, without what traffic wrote: of tables that it wrote to, the number of rows."""
    with connected(url) as connection:
        for table_name, column, via in ways.BY_HAND:
            where = ways.where(column, via, f"> {people}")
            ((left,),) = connection.execute(f"SELECT count(*) FROM {table_name} WHERE {where}")
            assert left == 0, f"{left} rows are left in {table_name}"
    inserted = found.inserted()
    ends = digest(url)
    return {
        name: (ends[name][0] - inserted.get(name, 0), 0 if name in CHANGED else ends[name][1])
        for name in ("products", *TABLES)
    }


def _compare_ends(ends: Mapping[str, Mapping[str, tuple[int, int]]]) -> None:
    first = next(iter(ends))
    for name, end in ends.items():
        differing = sorted(each for each in end if end[each] != ends[first][each])
        assert not differing, f"{name} left other rows than {first}: {', '.join(differing)}"


if __name__ == "__main__":
    run(parser(), measure)
