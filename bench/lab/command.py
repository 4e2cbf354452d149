"""What every measurement is told at the terminal, and how it is run."""

import argparse
from collections.abc import Callable

from bench.lab.server import DATABASES, Server, running_server


def arguments(title: str | None) -> argparse.ArgumentParser:
    """A parser that knows which database to measure on."""
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--database", choices=DATABASES, default=DATABASES[0])
    return parser


def choosing(parser: argparse.ArgumentParser, *, profiled: bool = True) -> None:
    """Let ways of erasing be left out, and Slett's be looked into."""
    parser.add_argument("--skip", nargs="+", default=(), metavar="WORD", help="ways with this in their name sit out")
    parser.add_argument("--undo", action="store_true", help="Slett takes part once more, with an open undo window")
    if profiled:
        parser.add_argument("--profile", action="store_true", help="say where Slett's time goes")


def run(parser: argparse.ArgumentParser, measure: Callable[[Server, argparse.Namespace], None]) -> None:
    """Measure on a server of our own, as the arguments say."""
    options = parser.parse_args()
    with running_server(options.database) as server:
        measure(server, options)
