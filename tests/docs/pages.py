"""The pages of the documentation, taken apart."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])
PAGES = {file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8") for file in FILES}
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


def page(name: str) -> str:
    """The text of a page below `docs`."""
    return PAGES[f"docs/{name}.md"]


def blocks(text: str) -> list[tuple[str, str]]:
    """(language, content) of the fenced blocks."""
    return [(found[1], found[2]) for found in BLOCK.finditer(text)]


def spans(text: str) -> list[str]:
    """What stands between backticks in running text."""
    return re.findall(r"`([^`\n]+)`", BLOCK.sub("", text))


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next of its level; empty where there is none."""
    level = heading.partition(" ")[0]
    found = re.search(rf"^{re.escape(heading)}$\n(.*?)(?=^{level} |\Z)", text, re.M | re.S)
    return found[1] if found else ""


def first_cells(text: str) -> Iterator[str]:
    """The first cell of every row of every table, without its backticks."""
    for cell in re.findall(r"^\| *([^|]*?) *\|", text, re.M):
        yield cell.strip("`*")


def anchors(text: str) -> set[str]:
    """What a link may point at within a page."""
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", text), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
