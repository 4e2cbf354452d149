"""Peak memory of a process that erases one person with 10,000 rows, and with 1,000,000."""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.lab import ways
from bench.lab.command import arguments, run
from bench.lab.report import heading, table
from bench.lab.server import Server
from bench.lab.shop import add_people, build

SIZES = (10_000, 1_000_000)
MOST = 150  # MB
SPREAD = 1.10  # the largest against the smallest


def parser() -> argparse.ArgumentParser:
    """What can be chosen."""
    found = arguments(__doc__)
    found.add_argument("--rows", type=int, default=200_000, help="rows in the shop, of other people")
    found.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="rows of the person")
    return found


def measure(server: Server, options: argparse.Namespace) -> None:
    """Print the peak memory of each."""
    shop = server.create()
    build(shop, options.rows)
    keys = add_people(shop, options.sizes)
    heading("Peak memory while one person is erased", server.version)
    peaks, rows = [], [("rows of the person", "peak memory", "seconds")]
    for size, key in zip(options.sizes, keys, strict=True):
        done = _apart(shop, key, server.folder / f"memory_{key}")
        peaks.append(done["peak"] / 1e6)
        rows.append((f"{size:,}", f"{peaks[-1]:.0f} MB", f"{done['seconds']:.1f}"))
    table(rows)
    verdict = "reached" if max(peaks) <= MOST and max(peaks) <= SPREAD * min(peaks) else "missed"
    ratio = max(peaks) / min(peaks)
    print(
        f"At most {max(peaks):.0f} MB (target {MOST}), largest to smallest {ratio:.2f} (target {SPREAD}): {verdict}\n"
    )


def _apart(shop: str, key: int, home: Path) -> dict[str, Any]:
    """What one erasure took, in a process that did nothing before."""
    command = [sys.executable, "-m", "bench.memory", "erase", shop, str(key), str(home)]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return found


def _erase(shop: str, key: str, home: str) -> None:
    from tests.journeys.apart import peak_kilobytes

    with ways.slett(shop, Path(home)) as slett:
        seconds = slett([int(key)])
    print(json.dumps({"seconds": seconds, "peak": 1024 * peak_kilobytes()}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["erase"]:
        _erase(*sys.argv[2:])
    else:
        run(parser(), measure)
