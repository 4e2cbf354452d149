"""What is printed: on which machine, and how each way compares with the first one."""

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median


def heading(title: str, server: str) -> None:
    """Say what is measured, where and how."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    command = " ".join(["python -m", _module(), *sys.argv[1:]])
    print(f"\n# {title}\n")
    print(
        f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GiB, {server}, Python {platform.python_version()},"
        f" {datetime.now(UTC):%Y-%m-%d}; `{command}`\n"
    )


def compare(samples: Mapping[str, Sequence[float]]) -> None:
    """A table of the samples, in seconds; the ratio to the first is the median of the rounds' own ratios."""
    first = next(iter(samples.values()))
    rows = [("", "median", "min", "max", "ratio")]
    for name, values in samples.items():
        ratio = median(one / other for one, other in zip(values, first, strict=False))
        rows.append((*_row(name, values), f"{ratio:.2f}"))
    table(rows)


def times(samples: Mapping[str, Sequence[float]]) -> None:
    """A table of the samples, in seconds, of things that do not compare."""
    table([("", "median", "min", "max"), *(_row(name, values) for name, values in samples.items())])


def _row(name: str, values: Sequence[float]) -> tuple[str, str, str, str]:
    middle, low, high = (f"{each * 1000:,.2f} ms" for each in (median(values), min(values), max(values)))
    return (name, middle, low, high)


def table(rows: Sequence[Sequence[str]]) -> None:
    """A Markdown table; the first row is its head."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for number, row in enumerate(rows):
        cells = [
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print(f"| {' | '.join(cells)} |")
        if not number:
            print(
                f"| {' | '.join('-' * (width - 1) + (':' if place else '-') for place, width in enumerate(widths))} |"
            )
    print(flush=True)


def _module() -> str:
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return spec.name if spec else sys.argv[0]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
