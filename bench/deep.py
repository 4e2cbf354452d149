"""A deep look for 1, 100 and 10,000 people, against a dump piped to `rg -F` (ripgrep) with the same needles."""

import argparse
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from urllib.parse import urlsplit

from bench.lab import ways
from bench.lab.command import arguments, run
from bench.lab.report import heading, table
from bench.lab.server import Server, connected, database_of, name_of
from bench.lab.shop import build
from slett.requests.deep import look_deep
from slett.requests.service import Service
from slett.requests.subject import by_key
from slett.stores.reading import text_columns
from tests.servers import mariadb, postgresql
from tests.servers.process import find_program

SIZES = (1, 100, 10_000)
FOLDED = 1_000  # needles, at most, with which rg is asked to ignore case: with ten thousand it needs minutes
WRITTEN = "CONCAT(body, ' ', (SELECT email FROM people WHERE people.id = person_id))"
Way = Callable[[Path], int]  # a file of needles → rows in which one is


def parser() -> argparse.ArgumentParser:
    """What can be chosen."""
    found = arguments(__doc__)
    found.add_argument("--rows", type=int, default=5_000_000, help="rows in the shop")
    found.add_argument("--rounds", type=int, default=3, help="looks of each way and size")
    found.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="people at once")
    return found


def measure(server: Server, options: argparse.Namespace) -> None:
    """Print how much text a second each way reads."""
    if not shutil.which("rg"):
        raise SystemExit("no ripgrep here: apt install ripgrep, or brew install ripgrep")
    url = server.create()
    build(url, options.rows)
    heading(f"A deep look at a shop of {options.rows:,} rows", server.version)
    with _opened(url, server.folder / "deep") as service:
        _measure(service, url, options)


def _dump(url: str, query: str) -> list[str]:
    """The command that writes what a query finds, as quickly as the database's own client can."""
    if database_of(url) == "postgresql":
        program = find_program("psql", *postgresql.PLACES) or "psql"
        return [program, url, "-Atc", f"COPY ({query}) TO STDOUT"]
    at = urlsplit(url)
    program = find_program("mariadb", *mariadb.PLACES) or "mariadb"
    where = ["-u", str(at.username), "-h", str(at.hostname), "-P", str(at.port), name_of(url)]
    return [program, "--no-defaults", "--quick", "-N", *where, "-e", query]


@contextmanager
def _opened(url: str, home: Path) -> Iterator[Service]:
    """The shop, with an address of its owner in every hundredth notification."""
    with connected(url) as connection:
        connection.execute(f"UPDATE notifications SET body = {WRITTEN} WHERE id % 100 = 0")
    with ways.slett(url, home) as slett:
        yield slett.service


def _measure(service: Service, url: str, options: argparse.Namespace) -> None:
    texts = {
        name: ", ".join(columns)
        for name, each in service.schemas["shop"].tables.items()
        if (columns := text_columns(service.stores["shop"], each))
    }
    dumps = [_dump(url, f"SELECT {columns} FROM {name}") for name, columns in texts.items()]
    size = sum(int(_piped(each, ["wc", "-c"])) for each in dumps)
    with connected(url) as connection:
        everybody = connection.execute("SELECT id, email FROM people ORDER BY id")
    keys: list[int] = []  # of the people who are searched for
    ways: Mapping[str, Way] = {
        "rg -F": lambda file: sum(_rg(each, file) for each in dumps),
        "rg -F -i": lambda file: sum(_rg(each, file, "-i") for each in dumps),
        "Slett": lambda _: _slett(service, keys),
        "no search": lambda _: sum(int(_piped(each, ["sh", "-c", "cat > /dev/null; echo 0"])) for each in dumps),
    }
    for count in options.sizes:
        named = random.Random(count).sample(everybody, count)
        keys[:] = [key for key, _ in named]
        file = service.settings.home / "needles.txt"
        file.write_text("".join(f"{email}\n" for _, email in named))
        taking_part = {name: way for name, way in ways.items() if count <= FOLDED or name != "rg -F -i"}
        samples: dict[str, list[float]] = {name: [] for name in taking_part}
        found = {}
        for _ in range(options.rounds):
            for name, way in taking_part.items():
                start = perf_counter()
                found[name] = way(file)
                samples[name].append(perf_counter() - start)
        most = found.get("rg -F -i", found["rg -F"])  # rg finds addresses within longer ones, too
        assert found["Slett"] <= most, found
        print(f"{count:,} people, {size / 1e9:.2f} GB of text, found in {found['Slett']:,} rows:\n")
        _report(samples, size)


def _report(samples: Mapping[str, Sequence[float]], size: int) -> None:
    first = next(iter(samples.values()))
    rows = [("", "seconds", "GB/s", "of the speed of rg -F")]
    for name, values in samples.items():
        ratio = median(one / other for one, other in zip(first, values, strict=True))
        rows.append((name, f"{median(values):.2f}", f"{size / median(values) / 1e9:.3f}", f"{ratio:.2f}"))
    table(rows)


def _slett(service: Service, keys: Sequence[int]) -> int:
    found = look_deep(service, [by_key(service.plan, str(each)) for each in keys])
    assert not found.unread
    return sum(each.rows for each in found.seen)


def _rg(dump: list[str], needles: Path, *options: str) -> int:
    return int(_piped(dump, ["rg", "-F", "-c", "--include-zero", "-a", *options, "-f", str(needles)]))


def _piped(source: list[str], into: list[str]) -> str:
    with subprocess.Popen(source, stdout=subprocess.PIPE) as first:
        done = subprocess.run(into, stdin=first.stdout, stdout=subprocess.PIPE, check=False, text=True)
    assert first.returncode == 0, source
    return done.stdout.strip()


if __name__ == "__main__":
    run(parser(), measure)
