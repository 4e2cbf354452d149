"""A deep look for 1, 100 and 10,000 people, against a dump piped to `rg -F` (ripgrep) with the same needles."""

import argparse
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import sqlalchemy as sa

from bench.lab.report import heading, table
from bench.lab.server import running_server
from bench.lab.shop import build
from slett.requests.deep import look_deep
from slett.requests.service import Service, open_service
from slett.requests.subject import by_key
from slett.settings import Settings
from slett.stores.reading import text_columns
from tests.servers.databases import engine
from tests.servers.mariadb import MariaDB
from tests.servers.process import find_program

SIZES = (1, 100, 10_000)
MAP = Path(__file__).parent / "lab" / "slett.yaml"
SMALL_MAP = """
slett: 1
stores:
  shop:
    url: {url}
    tables:
      people: {{root: true, identifiers: {{email: email}}, action: delete}}
      notifications: {{references: [{{column: person_id, to: people}}], action: delete}}
"""
WRITTEN = "CONCAT(body, ' ', (SELECT email FROM people WHERE people.id = person_id))"
Way = Callable[[Path], int]  # a file of needles → rows in which one is


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=5_000_000, help="rows in the shop; a fifth of it in MariaDB")
    arguments.add_argument("--rounds", type=int, default=3, help="looks of each way and size")
    arguments.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="people at once")
    options = arguments.parse_args()
    if not shutil.which("rg"):
        raise SystemExit("no ripgrep here: apt install ripgrep, or brew install ripgrep")
    with running_server() as server:
        url = server.create()
        build(url, options.rows)
        heading(f"A deep look at a shop of {options.rows:,} rows", server.version)
        psql = find_program("psql", "/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql*/bin") or "psql"
        with _opened(url, server.folder, MAP.read_text().replace("${SHOP_URL}", url)) as service:
            _measure(service, url, options, lambda query: [psql, url, "-Atc", f"COPY ({query}) TO STDOUT"])
    mariadb = MariaDB()
    try:
        with TemporaryDirectory() as folder:
            _measure_mariadb(mariadb.create(), Path(folder), options)
    finally:
        mariadb.stop()


def _measure_mariadb(url: str, folder: Path, options: argparse.Namespace) -> None:
    rows = options.rows // 5
    _build_small(url, options.rows // 80, rows)
    heading(f"A deep look at {rows:,} rows", "MariaDB")
    at = sa.make_url(url)
    client = [find_program("mariadb", "/opt/homebrew/opt/mariadb*/bin") or "mariadb", "--no-defaults", "-u", "slett"]
    client += ["-h", str(at.host), "-P", str(at.port), "--quick", "-N", str(at.database), "-e"]
    with _opened(url, folder, SMALL_MAP.format(url=url)) as service:
        _measure(service, url, options, lambda query: [*client, query])


def _build_small(url: str, people: int, rows: int) -> None:
    words = "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore "
    with engine(url).begin() as connection:
        for statement in (
            "CREATE TABLE people (id int PRIMARY KEY, email varchar(80))",
            "CREATE TABLE notifications (id int PRIMARY KEY, person_id int, body text, INDEX (person_id))",
            f"INSERT INTO people SELECT seq, CONCAT('person', seq, '@example.org') FROM seq_1_to_{people}",
            f"INSERT INTO notifications SELECT seq, 1 + seq % {people}, CONCAT('{words}', MD5(seq))"
            f" FROM seq_1_to_{rows}",
        ):
            connection.exec_driver_sql(statement.replace("%", "%%"))


@contextmanager
def _opened(url: str, folder: Path, text: str) -> Iterator[Service]:
    """The shop, with an address of its owner in every hundredth notification."""
    with engine(url).begin() as connection:
        connection.exec_driver_sql(f"UPDATE notifications SET body = {WRITTEN} WHERE id %% 100 = 0")
    file = folder / "slett.yaml"
    file.write_text(text)
    with open_service(Settings(map=file, home=folder / "slett")) as service:
        yield service


def _measure(service: Service, url: str, options: argparse.Namespace, dump: Callable[[str], list[str]]) -> None:
    texts = {
        name: ", ".join(columns)
        for name, each in service.schemas["shop"].tables.items()
        if (columns := text_columns(service.stores["shop"], each))
    }
    dumps = [dump(f"SELECT {columns} FROM {name}") for name, columns in texts.items()]
    size = sum(int(_piped(each, ["wc", "-c"])) for each in dumps)
    with engine(url).connect() as connection:
        everybody = [tuple(row) for row in connection.exec_driver_sql("SELECT id, email FROM people ORDER BY id")]
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
        samples: dict[str, list[float]] = {name: [] for name in ways}
        found = {}
        for _ in range(options.rounds):
            for name, way in ways.items():
                start = perf_counter()
                found[name] = way(file)
                samples[name].append(perf_counter() - start)
        assert found["Slett"] <= found["rg -F -i"], found  # rg finds addresses within longer ones, too
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
    main()
