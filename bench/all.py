"""Every measurement on every database, with sizes for half an hour of a quiet machine, into one Markdown file."""

import argparse
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.lab.server import DATABASES, Database
from bench.lab.ways import BUILD, ROOT


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement: its module, its words, and the words with which it only shows that it works."""

    module: str
    words: str
    quick: str = ""
    databases: tuple[Database, ...] = DATABASES
    needs: str = ""  # a program that not every machine has


RUNS = (
    Run(
        "one_person",
        "--people 40 --delay 0 1 5 --undo",
        "--rows 1000 --people 1 --sizes 10 --delay 0.1 --skip django cascade one",
    ),
    Run("many_people", "--rounds 1 --undo", "--rows 2500 --rounds 1 --sizes 1 3 --undo --skip django"),
    Run(
        "many_people",
        "--rounds 1 --without-index undeclared --skip django row",
        "--rows 2500 --rounds 1 --sizes 1 3 --without-index undeclared --skip django row",
    ),
    Run(
        "large_person",
        "--rows 300000 --rounds 3",
        "--rows 1000 --size 100 --rounds 1 --skip django row cascade --profile",
    ),
    Run("peer", "--rounds 2", "--rows 1000 --size 100 --rounds 1"),
    Run(
        "traffic",
        "--rounds 3 --spreads uniform --undo",
        "--rows 1000 --size 300 --rounds 1 --seconds 0.5 --loads steady --spreads skewed --skip cascade",
    ),
    Run("close", "--rows 300000", "--rows 1000 --sizes 50 --rounds 1"),
    Run("capture", "--rounds 6", "--rows 2000 --people 3 --rounds 1"),
    Run("memory", "", "--rows 1000 --sizes 100"),
    Run("deep", "--rows 2000000", "--rows 1000 --rounds 1 --sizes 3", needs="rg"),
    Run("requests", "", "--requests 4 --rows 2000 --together 2 --workers 1", ("postgresql",)),
    Run("plan", "", "--tables 5 --rounds 1", ("postgresql",)),
    Run("portal", "", "--open 10 --people 2 --rows 1000 --rounds 2", ("postgresql",)),
)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--database", choices=DATABASES, nargs="+", default=DATABASES)
    arguments.add_argument("--only", nargs="+", metavar="NAME", help="these measurements")
    arguments.add_argument("--quick", action="store_true", help="tiny, to see that everything runs")
    arguments.add_argument("--output", type=Path, help="the file; default: in build/bench, by the date")
    options = arguments.parse_args()
    output = options.output or BUILD / f"results-{datetime.now(UTC):%Y-%m-%d}.md"
    output.parent.mkdir(parents=True, exist_ok=True)
    failed = []
    with output.open("w", encoding="utf-8") as file:
        for each in RUNS:
            for database in (one for one in options.database if one in each.databases):
                if options.only and each.module not in options.only:
                    continue
                if each.needs and not shutil.which(each.needs):
                    failed.append(f"{each.module} ({each.needs} is not here)")
                    continue
                words = (each.quick if options.quick else each.words).split()
                command = [sys.executable, "-m", f"bench.{each.module}", *words, "--database", database]
                start = time.monotonic()
                done = subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, check=False)
                file.write(done.stdout)
                file.flush()
                failed += [" ".join(command[2:])] if done.returncode else []
                said = "failed" if done.returncode else "done"
                print(f"{' '.join(command[2:])}: {said} in {time.monotonic() - start:.0f} s", flush=True)
    print(f"written: {output}")
    if failed:
        raise SystemExit(f"{len(failed)} failed: {'; '.join(failed)}")


if __name__ == "__main__":
    main()
