"""One person with 50,000 rows: against hand-written SQL, CASCADE, Django and row by row."""

import argparse

from bench.lab import ways
from bench.lab.command import arguments, choosing, run
from bench.lab.profile import profile
from bench.lab.race import race
from bench.lab.report import compare, heading
from bench.lab.server import Server
from bench.lab.shop import add_people, build

WARM = [[1], [2], [3]]  # people of usual size, before the clock starts


def parser() -> argparse.ArgumentParser:
    """What can be chosen."""
    found = arguments(__doc__)
    found.add_argument("--rows", type=int, default=1_000_000, help="rows in the shop, of other people")
    found.add_argument("--size", type=int, default=50_000, help="rows of the person")
    found.add_argument("--rounds", type=int, default=5, help="people erased each way")
    choosing(found)
    return found


def measure(server: Server, options: argparse.Namespace) -> None:
    """Print how long each way takes."""
    shop = server.create()
    build(shop, options.rows)
    keys = add_people(shop, [options.size] * options.rounds)
    heading(f"One person with {options.size:,} rows in 15 tables", server.version)
    openers = ways.contestants(server.folder, [*options.skip, "a commit each"], undo=options.undo)
    samples = race(server, shop, openers, [*WARM, *([key] for key in keys)], settle=1)[1]
    compare({name: needed[len(WARM) :] for name, needed in samples.items()})
    if not options.profile:
        return
    with server.copy(shop) as url, ways.slett(url, server.folder / "profile") as slett:
        for key in WARM:
            slett(key)
        profile(server, url, lambda: slett(keys[:1]), 1)


if __name__ == "__main__":
    run(parser(), measure)
