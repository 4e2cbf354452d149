"""One person with 50,000 rows: against hand-written SQL, CASCADE, Django and row by row."""

import argparse

from bench.lab import ways
from bench.lab.profile import profile
from bench.lab.race import race
from bench.lab.report import compare, heading
from bench.lab.server import running_server
from bench.lab.shop import add_people, build

WARM = [[1], [2], [3]]  # people of usual size, before the clock starts


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=1_000_000, help="rows in the shop, of other people")
    arguments.add_argument("--size", type=int, default=50_000, help="rows of the person")
    arguments.add_argument("--rounds", type=int, default=5, help="people erased each way")
    options = arguments.parse_args()
    with running_server() as server:
        shop = server.create()
        build(shop, options.rows)
        keys = add_people(shop, [options.size] * options.rounds)
        heading(f"One person with {options.size:,} rows in 15 tables", server.version)
        openers = {
            "hand-written, set-based": ways.by_hand,
            "Slett": lambda url: ways.slett(url, server.folder / "race"),
            "ON DELETE CASCADE": ways.cascade,
            "Django's Collector": ways.collector,
            "row by row, one commit": ways.row_by_row_one_commit,
        }
        samples = race(server, shop, openers, [*WARM, *([key] for key in keys)], settle=True)[1]
        compare({name: needed[len(WARM) :] for name, needed in samples.items()})
        with server.copy(shop) as url, ways.slett(url, server.folder / "profile") as slett:
            for key in WARM:
                slett(key)
            profile(server, url, lambda: slett(keys[:1]), 1)


if __name__ == "__main__":
    main()
