"""The deep look: every text of every table, searched for what persons are known by. It asks the map nothing.

One pass serves everybody: a block of rows goes whole through one automaton of all needles (Aho–Corasick), and only
where it stops is a row taken apart. What is found is counted; no text of any row leaves this module but the key.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
            # overlapping: a needle may lie within another
            if stops := self._automaton.find_matches_as_indexes(fold_bytes(block), overlapping=True):
                for row, folded, cells in self._rows(texts, block, stops):
                    for place, here in self._look(folded, cells, key):
                        hits = found.setdefault(columns[place - key], Hits())
                        hits.rows += 1
                        hits.people.update(*(self.needles[number].people for number in here))
                        _remember(hits, texts.key(row, key))
        return found, size

    def _rows(
        self, texts: Texts, block: bytes, stops: Iterable[tuple[int, int, int]]
    ) -> Iterator[tuple[bytes, list[bytes], dict[int, set[int]]]]:
        """Each row in which the automaton stopped, its cells folded, and what each of them may hold."""
        rows = texts.rows(block)
        folded = [fold_bytes(row) for row in rows]
        ends = list(accumulate(len(row) + len(texts.row_end) for row in folded))
        found: dict[int, dict[int, set[int]]] = {}
        for pattern, start, _ in stops:
            place = bisect_right(ends, start)
            begin = ends[place] - len(texts.row_end) - len(folded[place])
            cell = folded[place].count(texts.cell_end, 0, start - begin)
            found.setdefault(place, {}).setdefault(cell, set()).update(self._meant[pattern])
        for place, cells in found.items():
            yield rows[place], texts.cells(folded[place]), cells

    def _look(self, folded: Sequence[bytes], cells: Mapping[int, set[int]], key: int) -> Iterator[tuple[int, set[int]]]:
        """The cells that hold a needle, looked at letter by letter, and which."""
        for place, numbers in cells.items():
            if place >= key and (here := find(folded[place], {number: self._expression(number) for number in numbers})):
                yield place, here


def _remember(hits: Hits, key: Key) -> None:
    if not key or hits.keys is None or len(hits.keys) >= KEYS:
        hits.keys = None
    else:
        hits.keys.add(key)
