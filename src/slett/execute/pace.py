"""How much of a store is changed at once, and when: so that its other users hardly notice.

A chunk is as large as fits into `chunk_seconds`, learnt table by table from the chunks before. What gets into
somebody's way gives way, and comes back smaller. Before each chunk gates are asked, where the service has set them:
how far replicas are behind, how many sessions are at work, how many rows went in the last second.
"""

import random
import time
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass

from slett.stores.errors import Unavailable
from slett.stores.sql import Session, Store

FIRST = 1_000  # rows of the first chunk of a store: nobody knows yet how long they take
LEAST = 50  # rows of a chunk, at least: below, its commit costs more than its rows
TRIES = 6
AGAIN = 1.0  # seconds until a closed gate is asked again

Clock = Callable[[], float]  # seconds, of no certain beginning
Pause = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Gates:
    """What holds a store's changes back; 0 does not."""

    lag_seconds: float = 0  # of the slowest replica
    busy_sessions: int = 0  # of others
    rows_a_second: int = 0


@dataclass(frozen=True, slots=True)
class Wait:
    """Why a chunk should not begin yet, and for how long."""

    seconds: float
    why: str


class Pace:
    """The pace of one store. Threads may share it: what one learns serves the others.

    Args:
        most: rows of a chunk, at most.
        seconds: that a chunk may take, about.
        gates: what must be so before a chunk begins.
        replicas: that are asked themselves how far behind they are.
        wary: of these tables, of which a row may cost far more than one of another: they begin with a small chunk.
        draw: a number from 0 to 1, so that two who met do not meet again.
    """

    def __init__(
        self,
        most: int,
        seconds: float = 0.25,
        *,
        gates: Gates | None = None,
        replicas: Sequence[Store] = (),
        wary: Set[str] = frozenset(),
        clock: Clock = time.monotonic,
        pause: Pause = time.sleep,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.clock = clock
        self.pause = pause
        self._gates = gates or Gates()
        self._replicas = replicas
        self._wary = wary
        self._free = clock()  # when the rate allows more
        rate = self._gates.rows_a_second
        # where a rate is set, what goes in a tenth of a second; of a low one more, but no wait is longer than a second
        self._most = min(most, max(rate // 10, min(rate, LEAST))) if rate else most
        self._seconds = seconds
        self._draw = draw
        self._sizes: dict[str, int] = {}

    def size(self, table: str) -> int:
        """How many rows of the table its next chunk may have; of one that nobody knows, what the slowest other has."""
        if (known := self._sizes.get(table)) is not None:
            return known
        others = FIRST if table in self._wary else min(self._sizes.copy().values(), default=FIRST)
        return min(max(FIRST, others), self._most)

    @property
    def gated(self) -> bool:
        """Whether anything may hold it back."""
        return self._gates != Gates()

    def wait(self, session: Session) -> Wait | None:
        """What holds the next chunk back, if anything does.

        Raises:
            Denied: the account may not ask.
        """
        gates, now = self._gates, self.clock()
        if gates.rows_a_second and self._free > now:
            return Wait(self._free - now, f"no more than {gates.rows_a_second} rows a second")
        if gates.lag_seconds:
            try:
                behind = [session.lag(), *(each.lag() for each in self._replicas)]
            except Unavailable as error:
                if error.store == session.store.name:
                    raise
                return Wait(AGAIN, "a replica does not answer")
            if None in behind:
                return Wait(AGAIN, "replication stands still")
            if (most := max(each for each in behind if each is not None)) > gates.lag_seconds:
                return Wait(AGAIN, f"a replica is {most:.0f} s behind")
        if gates.busy_sessions and (busy := session.busy()) > gates.busy_sessions:
            return Wait(AGAIN, f"{busy} other sessions are at work")
        return None

    def spent(self, rows: int) -> None:
        """So many rows were changed: at the rate that is set, the next may come when their time is over."""
        if self._gates.rows_a_second:
            self._free = max(self._free, self.clock()) + rows / self._gates.rows_a_second

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
        self.pause(0.05 * 2**tries * (0.5 + self._draw()))
