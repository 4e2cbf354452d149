"""One person at a time, by a service that is open: against hand-written SQL, CASCADE, Django and row by row."""

import argparse
import random
from collections.abc import Sequence
from statistics import median

from bench.lab import ways
from bench.lab.command import arguments, choosing, run
from bench.lab.network import over, round_trip
from bench.lab.profile import profile
from bench.lab.race import race
from bench.lab.report import compare, heading, table
from bench.lab.server import Server
from bench.lab.shop import add_people, build

WARM = 10  # people of each way before the clock starts
PROFILED = 20
SIZES = (10, 100, 1_000, 10_000)  # rows of one person
TIMES = 7  # people of each size


def parser() -> argparse.ArgumentParser:
    """What can be chosen."""
    found = arguments(__doc__)
    found.add_argument("--rows", type=int, default=1_000_000, help="rows in the shop")
    found.add_argument("--people", type=int, default=100, help="people erased each way")
    found.add_argument("--sizes", type=int, nargs="*", default=SIZES, help="rows of people that grow")
    found.add_argument(
        "--delay", type=float, nargs="+", default=[0.0], metavar="MS", help="milliseconds that a network adds"
    )
    choosing(found)
    return found


def measure(server: Server, options: argparse.Namespace) -> None:
    """Print how long each way takes."""
    shop = server.create()
    people = build(shop, options.rows)
    heading(f"One person of {people:,}, about 90 rows in 15 tables", server.version)
    keys = random.Random(1).sample(range(1, people + 1), WARM + options.people)
    for delay in options.delay:
        if delay:
            needed = round_trip(shop, delay) * 1000
            print(f"A network adds {delay:g} ms to each round trip, which takes {needed:.2f} ms then:\n")
        found = ways.contestants(server.folder, options.skip, undo=options.undo)
        openers = {name: over(way, delay) for name, way in found.items()}
        samples = race(server, shop, openers, [[key] for key in keys])[1]
        compare({name: times[WARM:] for name, times in samples.items()})
    if options.profile:
        _profile(server, shop, keys)
    _grow(server, shop, options.sizes)


def _profile(server: Server, shop: str, keys: list[int]) -> None:
    with server.copy(shop) as url, ways.slett(url, server.folder / "profile") as slett:
        for key in keys[:WARM]:
            slett([key])
        profile(server, url, lambda: [slett([key]) for key in keys[WARM : WARM + PROFILED]], PROFILED)


def _grow(server: Server, shop: str, sizes: Sequence[int]) -> None:
    """Statements sent for one person, and milliseconds, while that person's rows grow."""
    rows: list[tuple[str, ...]] = [("rows", "Slett sends", "by hand", "Slett needs", "by hand", "ratio")]
    with server.copy(shop) as mine, server.copy(shop) as theirs:
        each = [size for size in sizes for _ in range(TIMES)]
        people = [add_people(url, each) for url in (mine, theirs)]
        with ways.slett(mine, server.folder / "grow") as slett, ways.by_hand(theirs) as by_hand:
            pairs = list(zip(each, *people, strict=True))
            for size in sizes:
                server.forget_statements()
                found = [(slett([one]), by_hand([other])) for rows_of, one, other in pairs if rows_of == size]
                counts = [f"{server.statements(url) / TIMES:.0f}" for url in (mine, theirs)]
                needed = [f"{median(each) * 1000:,.1f} ms" for each in zip(*found, strict=True)]
                ratio = median(one / other for one, other in found)
                rows.append((f"{size:,}", *counts, *needed, f"{ratio:.2f}"))
    if sizes:
        table(rows)


if __name__ == "__main__":
    run(parser(), measure)
