"""The deep look: every text of every table, searched for what persons are known by. It asks the map nothing.

One pass serves everybody: a block of rows goes whole through one automaton of all needles (Aho–Corasick), and only
where it stops is a row taken apart. What is found is counted; no text of any row leaves this module but the key.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
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
        self._meant = list(spelled.values())
        self._automaton: Any = BytesAhoCorasick(list(spelled))
        self._expression = cache(lambda number: expression(needles[number]))

    def find(self, texts: Texts) -> tuple[dict[str, Hits], int]:
        """(what is found in each column that has a hit, how many bytes were read).

        Raises:
            StoreError: the table cannot be read, or not to its end.
        """
        found: dict[str, Hits] = {}
        size = 0
        for block in texts.blocks:
            joined = b"\n".join(block)
            size += len(joined)
            # overlapping: a needle may lie within another
            if stops := self._automaton.find_matches_as_indexes(fold_bytes(joined), overlapping=True):
                for row, cells in self._rows(texts, block, stops):
                    self._settle(texts, row, cells, found)
        return found, size

    def _rows(
        self, texts: Texts, block: Sequence[bytes], stops: Iterable[tuple[int, int, int]]
    ) -> Iterator[tuple[bytes, dict[int, set[int]]]]:
        """Each row in which the automaton stopped, with the needles that each of its cells may hold."""
        folded = [fold_bytes(bytes(row)) for row in block]
        ends = list(accumulate(len(row) + 1 for row in folded))
        rows: dict[int, dict[int, set[int]]] = {}
        for pattern, start, _ in stops:
            place = bisect_right(ends, start)
            row = folded[place]
            cell = row.count(texts.separator, 0, start - ends[place] + len(row) + 1)
            rows.setdefault(place, {}).setdefault(cell, set()).update(self._meant[pattern])
        for place, cells in rows.items():
            yield bytes(block[place]), cells

    def _settle(self, texts: Texts, row: bytes, cells: dict[int, set[int]], found: dict[str, Hits]) -> None:
        """Look at the cells letter by letter, and count."""
        folded = texts.cells(fold_bytes(row))
        for place, numbers in cells.items():
            if place < len(texts.key):
                continue
            here = find(folded[place], {number: self._expression(number) for number in numbers})
            if here:
                hits = found.setdefault(texts.columns[place - len(texts.key)], Hits())
                hits.rows += 1
                hits.people.update(*(self.needles[number].people for number in here))
                _remember(texts, row, hits)


def _remember(texts: Texts, row: bytes, hits: Hits) -> None:
    if not texts.key or hits.keys is None or len(hits.keys) >= KEYS:
        hits.keys = None
        return
    key = texts.cells(row)[: len(texts.key)]
    hits.keys.add(tuple(each.replace(b"\\\\", b"\\").decode("utf-8", "replace") for each in key))
