"""Where the time goes, by the profiler: its own cost makes Python's share larger than it is."""

import cProfile
import pstats
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import slett
from bench.lab.report import table
from bench.lab.server import Server

SOURCE = Path(slett.__file__).parent
LEAST = 0.02  # of the whole: what is less is not shown
WIDTH = 150  # characters of a statement
_ORIGINS = ("sqlalchemy", "psycopg", "pymysql", "sqlite3", "cryptography", "json")


def profile(server: Server, url: str, work: Callable[[], object], people: int) -> None:
    """Print, per person, what the work spends its time on: functions of Slett, code by origin, and statements."""
    profiler = cProfile.Profile()
    server.forget_statements()
    profiler.runcall(work)
    stats = pstats.Stats(profiler)
    whole = stats.total_tt  # type: ignore[attr-defined] # not in the stubs
    rows = [("function", "ms a person", "share", "calls a person")]
    origins: defaultdict[str, float] = defaultdict(float)
    entries = stats.stats.items()  # type: ignore[attr-defined] # not in the stubs
    for (file, _, name), (_, calls, own, total, _) in sorted(entries, key=lambda entry: -entry[1][3]):
        origins[_origin(file, name)] += own
        if Path(file).is_relative_to(SOURCE) and total >= LEAST * whole:
            where = f"{Path(file).relative_to(SOURCE)}: {name}"
            rows.append((where, f"{total / people * 1000:.2f}", f"{total / whole:.0%}", f"{calls / people:.1f}"))
    table(rows)
    spent = sorted(origins.items(), key=lambda each: -each[1])
    table([("spent by", "ms a person"), *((name, f"{own / people * 1000:.2f}") for name, own in spent)])
    rows = [("statement, in the server", "ms a person", "calls", "rows")]
    for statement, calls, changed, seconds in server.costliest(url):
        shown = " ".join(statement.split()).replace("|", "¦")
        rows.append((shown[:WIDTH], f"{seconds / people * 1000:.3f}", f"{calls:,}", f"{changed:,}"))
    table(rows)


def _origin(file: str, name: str) -> str:
    if "psycopg" in file + name and ("wait" in name or "generators" in file):
        return "waiting for the database"
    if "socket" in file + name and ("recv" in name or "readinto" in name):
        return "waiting for the database"
    if "sqlite3" in name:
        return "SQLite, with its disk"
    if Path(file).is_relative_to(SOURCE):
        return "slett"
    return next((origin for origin in _ORIGINS if origin in file + name), "other")
