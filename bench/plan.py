"""A map of 300 tables: reading it, reading the live schema, checking, planning; and how soon `slett --help` answers."""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from time import perf_counter

from bench.lab.command import arguments, run
from bench.lab.report import heading, times
from bench.lab.server import Server, connected, database_of
from slett.datamap.check import check_map
from slett.datamap.load import load_text
from slett.plan import make_plan, relate
from slett.stores.sql import Store

FAN = 3  # tables that hang on each table


class Times:
    """Seconds by what was done."""

    def __init__(self) -> None:
        self.samples: dict[str, list[float]] = {}

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        start = perf_counter()
        yield
        self.samples.setdefault(name, []).append(perf_counter() - start)


def parser() -> argparse.ArgumentParser:
    """What can be chosen."""
    found = arguments(__doc__)
    found.add_argument("--tables", type=int, default=300)
    found.add_argument("--rounds", type=int, default=7)
    return found


def measure(server: Server, options: argparse.Namespace) -> None:
    """Print how long each part takes."""
    taken = Times()
    url = server.create()
    _build(url, options.tables)
    heading(f"A plan over {options.tables} tables", server.version)
    store = Store("shop", url)
    for _ in range(options.rounds):
        _plan(store, _map(url, options.tables), taken)
        with taken.of("slett --help"):
            _run(Path(sys.executable).with_name("slett"), "--help")
        with taken.of("python -c pass"):
            _run(sys.executable, "-c", "pass")
    store.close()
    times(taken.samples)


def _plan(store: Store, text: str, taken: Times) -> None:
    with taken.of("reading the map"):
        datamap = load_text(text)
    with taken.of("reading the live schema"):
        schemas = {"shop": store.read_schema()}
    with taken.of("checking the map"):
        problems = check_map(datamap, schemas, date(2026, 1, 1))
    assert all(problem.severity != "error" for problem in problems), problems
    with taken.of("planning"):
        plan = make_plan(relate(datamap, schemas))
    assert len(plan.steps) >= len(datamap.tables)


def _references(number: int) -> dict[str, int]:
    """Columns of a table that refer to tables before it: a tree, every fifth table also to the root."""
    found = {"parent_id": (number - 1) // FAN} if number else {}
    return found | ({"person_id": 0} if number and number % 5 == 0 else {})


def _build(url: str, tables: int) -> None:
    with connected(url) as connection:
        for number in range(tables):
            columns = [f"{each} bigint REFERENCES t{to} (id)" for each, to in _references(number).items()]
            filling = [f"c{each} varchar(80)" for each in range(12)]
            connection.execute(f"CREATE TABLE t{number} (id bigint PRIMARY KEY, {', '.join([*columns, *filling])})")
            if database_of(url) == "postgresql":  # MariaDB makes the indexes of foreign keys by itself
                for column in _references(number):
                    connection.execute(f"CREATE INDEX t{number}_{column} ON t{number} ({column})")


def _map(url: str, tables: int) -> str:
    lines = ["slett: 1", "stores:", "  shop:", f"    url: {url}", "    tables:"]
    for number in range(tables):
        references = ", ".join(f"{{column: {each}, to: t{to}}}" for each, to in _references(number).items())
        lines.append(
            f"      t{number}: {{{f'references: [{references}]' if number else 'root: true'}, action: delete}}"
        )
    return "\n".join(lines)


def _run(*command: Path | str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    run(parser(), measure)
