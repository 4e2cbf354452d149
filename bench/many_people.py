"""100, 1,000 and 10,000 people at once: against hand-written SQL, CASCADE and Django."""

import argparse
import random
from itertools import islice

from bench.lab import ways
from bench.lab.profile import profile
from bench.lab.race import race
from bench.lab.report import compare, heading
from bench.lab.server import Server, running_server
from bench.lab.shop import build

SIZES = (100, 1_000, 10_000)
WARM = 20  # people at once before the clock starts
SLOW = {"Django's Collector": 1_000}  # people at once, at most


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=5_000_000, help="rows in the shop")
    arguments.add_argument("--rounds", type=int, default=3, help="batches of each size")
    arguments.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="people at once")
    options = arguments.parse_args()
    with running_server() as server:
        shop = server.create()
        people = build(shop, options.rows)
        heading(f"Many of {people:,} people at once, about 90 rows in 15 tables each", server.version)
        sizes = [WARM, *options.rounds * list(options.sizes)]
        everybody = iter(random.Random(1).sample(range(1, people + 1), sum(sizes)))
        batches = [list(islice(everybody, size)) for size in sizes]
        openers = {
            "hand-written, set-based": ways.by_hand,
            "Slett": lambda url: ways.slett(url, server.folder / "race"),
            "ON DELETE CASCADE": ways.cascade,
            "Django's Collector": ways.collector,
        }
        found = race(server, shop, openers, batches, limits=SLOW, settle=True)
        for size in options.sizes:
            print(f"{size:,} people at once, per person:\n")
            compare({name: [each / size for each in needed] for name, needed in found[size].items()})
        _profile(server, shop, batches[0], max(batches, key=len))


def _profile(server: Server, shop: str, warm: list[int], keys: list[int]) -> None:
    print(f"Slett, {len(keys):,} people at once:\n")
    with server.copy(shop) as url, ways.slett(url, server.folder / "profile") as slett:
        slett(warm)
        profile(server, url, lambda: slett(keys), len(keys))


if __name__ == "__main__":
    main()
