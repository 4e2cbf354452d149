"""The persons who have rows of one large step, in slices of about as many rows as fit into a transaction."""

from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate

from slett.stores.statements import Slice


class Crowd:
    """Those who are left to be done.

    Args:
        rows: how many each has, by the person's number.
    """

    def __init__(self, rows: Mapping[int, int]) -> None:
        self._numbers = sorted(rows)
        self._ends = [0, *accumulate(rows[number] for number in self._numbers)]  # rows of all those before
        self._left = [(0, len(self._numbers))] if rows else []

    def __bool__(self) -> bool:
        return bool(self._left)

    @property
    def rows(self) -> int:
        """How many rows all of them have, done or not."""
        return self._ends[-1]

    def take(self, size: int) -> tuple[Slice, int]:
        """The next of them who have at most so many rows, or one who has more; and how many."""
        start, end = self._left.pop()
        upto = min(end, max(start + 1, bisect_right(self._ends, self._ends[start] + size) - 1))
        if upto < end:
            self._left.append((upto, end))
        part = Slice(self._numbers[start] - 1, self._numbers[upto - 1], "people")
        return part, self._ends[upto] - self._ends[start]

    def put_back(self, part: Slice) -> None:
        """Those who were taken are the next again."""
        self._left.append((bisect_right(self._numbers, part.after), bisect_right(self._numbers, part.upto)))
