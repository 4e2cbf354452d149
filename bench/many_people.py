"""1, 100 and 10,000 people at once: against hand-written SQL, CASCADE, Django and row by row."""

import argparse
import random
from itertools import islice
from statistics import median

from bench.lab import ways
from bench.lab.command import arguments, choosing, run
from bench.lab.profile import profile
from bench.lab.race import Samples, race
from bench.lab.report import compare, heading, table
from bench.lab.server import Server
from bench.lab.shop import LOOSE, build, drop_index

SIZES = (1, 100, 10_000)
WARM = 20  # people at once before the clock starts
OFTEN = 5  # times as many batches of one person
SLOW = {"Django's Collector": 1_000, "row by row, one commit": 100}  # people at once, at most
SCANNING = 100  # likewise, where the database itself passes over a large table for each person


def parser() -> argparse.ArgumentParser:
    """What can be chosen."""
    found = arguments(__doc__)
    found.add_argument("--rows", type=int, default=5_000_000, help="rows in the shop")
    found.add_argument("--rounds", type=int, default=3, help="batches of each size")
    found.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="people at once")
    found.add_argument(
        "--without-index",
        choices=("undeclared", "declared"),
        help=f"no index on {'.'.join(LOOSE)}: only the map says whose its rows are, or a foreign key says so too",
    )
    choosing(found)
    return found


def measure(server: Server, options: argparse.Namespace) -> None:
    """Print how long each way takes, a person."""
    shop = server.create()
    people = build(shop, options.rows)
    skipped, limits, sizes = [*options.skip, "a commit each"], dict(SLOW), sorted(options.sizes)
    title = f"Many of {people:,} people at once, about 90 rows in 15 tables each"
    if options.without_index:
        title += f"; no index on {'.'.join(LOOSE)} ({options.without_index})"
        drop_index(shop, declared=options.without_index == "declared")
        limits |= dict.fromkeys(("ON DELETE CASCADE", *SLOW), SCANNING)
    if options.without_index == "declared":
        assert options.database == "postgresql", "MariaDB has no foreign key without an index"
        sizes = [size for size in sizes if size <= SCANNING]  # in any way of erasing
    elif options.without_index and options.database == "mariadb":
        skipped.append("cascade")  # the foreign key it needs would bring the index back
    heading(title, server.version)
    planned = [WARM]
    for size in sizes:
        planned += [size] * options.rounds * (OFTEN if size == 1 else 1)
    assert sum(planned) <= people, f"{sum(planned):,} people leave, and {people:,} are there: more --rows"
    everyone = iter(random.Random(1).sample(range(1, people + 1), sum(planned)))
    batches = [list(islice(everyone, size)) for size in planned]
    found = race(
        server, shop, ways.contestants(server.folder, skipped, undo=options.undo), batches, limits=limits, settle=2
    )
    for size in sizes:
        print(f"{size:,} people at once, per person:\n" if size > 1 else "One person:\n")
        compare({name: [each / size for each in needed] for name, needed in found[size].items()})
    _falls(found, sizes)
    if not options.profile:
        return
    print(f"Slett, {max(sizes):,} people at once:\n")
    with server.copy(shop) as url, ways.slett(url, server.folder / "profile") as slett:
        slett(batches[0])
        largest = max(batches[1:], key=len)
        profile(server, url, lambda: slett(largest), len(largest))


def _falls(found: dict[int, Samples], sizes: list[int]) -> None:
    """The cost of a person while their number grows."""
    rows: list[tuple[str, ...]] = [("ms a person", *(f"{size:,}" for size in sizes))]
    for name in found[sizes[0]]:
        each = [found[size].get(name) for size in sizes]
        shown = (f"{median(one) / size * 1000:,.2f}" if one else "-" for size, one in zip(sizes, each, strict=True))
        rows.append((name, *shown))
    table(rows)


if __name__ == "__main__":
    run(parser(), measure)
