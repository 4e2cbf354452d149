"""Transcripts: commands, each after a `$`, and what they print; `[3]` is a status that is not 0.

What differs from run to run is printed as letters of the same length, so that tables keep their shape.
"""

import re
import shlex
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from tests.cli.shop import Said, Shop

REFERENCE = re.compile(r"S-[0-9A-Z]{4}-[0-9A-Z]{4}")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
NEAR = timedelta(days=45)  # a day so near is of the run, not of the data


def replay(shop: Shop, transcript: str) -> str:
    """The same commands, and what they print now."""
    seen: dict[str, str] = {}
    commands = [line[2:] for line in transcript.splitlines() if line.startswith("$ ")]
    return "\n".join(line for command in commands for line in _typed(shop, command, seen)) + "\n"


def _typed(shop: Shop, command: str, seen: dict[str, str]) -> Iterator[str]:
    line = command
    for real, shown in seen.items():
        line = line.replace(shown, real)
    program, *words = shlex.split(line)
    said = shop.slett(*words) if program == "slett" else _shown(shop, program, words)
    yield f"$ {command}"
    yield from (_settled(line, seen).rstrip() for line in said.all.splitlines())
    if said.status:
        yield f"[{said.status}]"


def _shown(shop: Shop, program: str, words: list[str]) -> Said:
    """`cat FILE` and `ls`, as everywhere."""
    if program == "cat":
        return Said(0, "".join((shop.folder / word).read_text(encoding="utf-8") for word in words), "")
    return Said(0, "".join(f"{name}\n" for name in sorted(path.name for path in shop.folder.iterdir())), "")


def _settled(line: str, seen: dict[str, str]) -> str:
    for reference in REFERENCE.findall(line):
        seen.setdefault(reference, f"S-0000-{len(seen) + 1:04}")
    for real, shown in seen.items():
        line = line.replace(real, shown)
    line = DAY.sub(lambda found: "YYYY-MM-DD" if _is_near(found[0]) else found[0], line)
    line = re.sub(r"(?<=DD.)\d\d:\d\d(:\d\d)?", lambda found: "hh:mm:ss" if found[1] else "hh:mm", line)
    return re.sub(r"\b[0-9a-f]{32,}\b", "<hex>", line)


def _is_near(day: str) -> bool:
    return abs(date.fromisoformat(day) - datetime.now(UTC).date()) < NEAR
