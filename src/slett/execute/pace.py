"""How much of a store is changed at once, and when: so that its other users hardly notice.

A chunk is as large as fits into `chunk_seconds`, learnt table by table from the chunks before. What gets into
somebody's way gives way, and comes back smaller.
"""

import random
import time
from collections.abc import Callable

FIRST = 1_000  # rows of the first chunk of a table: nobody knows yet how long they take
LEAST = 50  # rows of a chunk, at least: below, its commit costs more than its rows
TRIES = 6

Clock = Callable[[], float]  # seconds, of no certain beginning
Pause = Callable[[float], None]


class Pace:
    """The pace of one store. Threads may share it: what one learns serves the others.

    Args:
        most: rows of a chunk, at most.
        seconds: that a chunk may take, about.
        draw: a number from 0 to 1, so that two who met do not meet again.
    """

    def __init__(
        self,
        most: int,
        seconds: float = 0.25,
        *,
        clock: Clock = time.monotonic,
        pause: Pause = time.sleep,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.clock = clock
        self._most = most
        self._seconds = seconds
        self._pause = pause
        self._draw = draw
        self._sizes: dict[str, int] = {}

    def size(self, table: str) -> int:
        """How many rows of the table its next chunk may have."""
        return self._sizes.get(table, min(FIRST, self._most))

    def took(self, table: str, rows: int, seconds: float) -> None:
        """A chunk of so many rows was done in that time: the next one takes about as long as it may."""
        size = self.size(table)
        if seconds > self._seconds:
            self._sizes[table] = max(min(LEAST, self._most), int(rows * max(self._seconds / seconds, 0.25)))
        elif rows >= size // 2:
            fitting = rows * self._seconds / max(seconds, 1e-9)
            self._sizes[table] = min(self._most, max(size, int(min(fitting, 2 * size))))

    def give_way(self, table: str, tries: int) -> None:
        """Somebody else held a lock: wait a moment, longer each time, and come back with half as much."""
        self._sizes[table] = max(min(LEAST, self._most), self.size(table) // 2)
        self._pause(0.05 * 2**tries * (0.5 + self._draw()))
