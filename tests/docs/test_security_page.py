"""The page on security names tests that are there, and leaves out no requirement of its chapters."""

import ast
import re
from functools import cache

from tests.docs.pages import ROOT, page, section

NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
# OWASP ASVS 5.0.0: how many requirements each section of the chapters has
SECTIONS = {
    2: (3, 3, 5, 2),
    3: (1, 3, 5, 8, 8, 1, 5),
    6: (3, 12, 8, 6, 8, 4, 2, 4),
    7: (3, 4, 2, 5, 3, 2),
    8: (4, 4, 3, 2),
}


@cache
def functions_in(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef))


def rows() -> list[list[str]]:
    """The rows of the table of requirements."""
    text = section(page("security"), "## OWASP ASVS 5.0.0")
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return cells[2:]


def numbers(cell: str) -> set[tuple[int, ...]]:
    """The requirements that a first cell stands for: `2.1.1–2.1.3, 2.2.1`, or a whole section `6.2`."""
    found: set[tuple[int, ...]] = set()
    for part in cell.split(", "):
        first, _, last = part.partition("–")
        start = tuple(map(int, first.split(".")))
        if len(start) == 2:
            found |= {(*start, number) for number in range(1, SECTIONS[start[0]][start[1] - 1] + 1)}
        else:
            end = tuple(map(int, (last or first).split(".")))
            assert start[:2] == end[:2]
            found |= {(*start[:2], number) for number in range(start[2], end[2] + 1)}
    return found


def test_every_test_that_is_named_is_there() -> None:
    named = NAMED.findall(page("security"))
    assert [
        (file, name) for file, name in named if not (ROOT / file).exists() or (name and name not in functions_in(file))
    ] == []
    assert len(named) > 70, "they are looked for in the wrong way"


def test_every_requirement_of_the_chapters_has_an_answer_and_one_only() -> None:
    answered = [number for row in rows() for number in numbers(row[0])]
    wanted = {
        (chapter, part, number)
        for chapter, parts in SECTIONS.items()
        for part, size in enumerate(parts, 1)
        for number in range(1, size + 1)
    }
    assert (wanted - set(answered), set(answered) - wanted) == (set(), set())
    assert len(answered) == len(set(answered))


def test_every_row_says_how_and_those_without_a_test_say_why() -> None:
    for number, _, asks, how, test in rows():
        assert asks, number
        assert how, number
        told = ("above", "*None*", "*service*", "*Service*", "not met", "HTML", "*Leave", "pages:")
        assert NAMED.search(test) or any(word in how for word in told), number
