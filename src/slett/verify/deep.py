"""The deep look: every text of every table, searched for what persons are known by. It asks the map nothing.

One pass serves everybody: a block of rows goes whole through one automaton of all needles (Aho–Corasick), and only
where it stops is a row taken apart. What is found is counted; no text of any row leaves this module but the key.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from slett.stores.texts import Texts
from slett.verify.needles import Needle, expression, find, fold_bytes, patterns

KEYS = 100_000  # of a column's rows, that are remembered; of more, only the number

Key = tuple[str, ...]


@dataclass(slots=True)
class Hits:
    """What was found in one column."""

    rows: int = 0
    people: set[int] = field(default_factory=set)  # their numbers
    keys: set[Key] | None = field(default_factory=set)  # of the rows; None where they are too many, or have none


class Search:
    """All needles of all persons, made ready once. For any number of tables, and threads."""

    def __init__(self, needles: Sequence[Needle]) -> None:
        from ahocorasick_rs import BytesAhoCorasick

        self.needles = needles
        spelled: dict[bytes, list[int]] = {}
        for number, needle in enumerate(needles):
            for pattern in patterns(needle):
                spelled.setdefault(pattern, []).append(number)
        self._patterns = list(spelled)
        self._meant = list(spelled.values())
        self._automaton: Any = BytesAhoCorasick(self._patterns)
        self._expression = cache(lambda number: expression(needles[number]))

    def find(self, texts: Texts, key: int, columns: Sequence[str]) -> tuple[dict[str, Hits], int]:
        """(what is found in each column that has a hit, how many bytes were read).

        Args:
            key: how many texts a row begins with that are its key.
            columns: the others.

        Raises:
            StoreError: the table cannot be read, or not to its end.
        """
        found: dict[str, Hits] = {}
        size = 0
        for block in texts.blocks:
            size += len(block)
            folded = fold_bytes(block)
            # overlapping: a needle may lie within another
            if stops := self._automaton.find_matches_as_indexes(folded, overlapping=True):
                for row, stopped in _rows(block, folded, texts.row_end, stops):
                    for place, here in self._look(texts.cells(row)[key:], stopped):
                        hits = found.setdefault(columns[place], Hits())
                        hits.rows += 1
                        hits.people.update(*(self.needles[number].people for number in here))
                        _remember(hits, texts.key(row, key))
        return found, size

    def _look(self, cells: Sequence[bytes], stopped: Iterable[int]) -> Iterator[tuple[int, set[int]]]:
        """The cells that hold a needle, looked at letter by letter, and which."""
        for place, cell in enumerate(cells):
            folded = fold_bytes(cell)
            numbers = {number for each in stopped if self._patterns[each] in folded for number in self._meant[each]}
            if numbers and (here := find(folded, {number: self._expression(number) for number in numbers})):
                yield place, here


def _rows(
    block: bytes, folded: bytes, row_end: bytes, stops: Iterable[tuple[int, int, int]]
) -> Iterator[tuple[bytes, set[int]]]:
    """Each row in which the automaton stopped, and at which patterns."""
    rows = block.split(row_end)
    found: dict[int, set[int]] = {}
    place = at = 0
    for pattern, _, end in stops:  # in the order of their ends
        place += folded.count(row_end, at, end)
        at = end
        found.setdefault(place, set()).add(pattern)
    for place, stopped in found.items():
        yield rows[place], stopped


def _remember(hits: Hits, key: Key) -> None:
    if not key or hits.keys is None or len(hits.keys) >= KEYS:
        hits.keys = None
    else:
        hits.keys.add(key)
