"""The steps of a plan, applied: short transactions, large steps in slices, and every one repeatable.

Nothing is remembered here of how far a step came, because nothing needs to be: a finished row is no longer
selected. After a crash the same steps run again, and find only what is left.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from slett.execute.walk import Walk
from slett.plan import Step
from slett.stores.errors import Busy
from slett.stores.operations import Change, Delete
from slett.stores.statements import Slice

Result = TypeVar("Result")
TRIES = 6
Progress = Callable[[int], None]  # rows just changed


@dataclass(frozen=True, slots=True)
class Done:
    """A step that is done: its place in the plan, and how many rows it changed."""

    position: int
    rows: int


def no_progress(_rows: int) -> None:
    """Nobody watches."""


def always() -> None:
    """Whoever works on it may go on."""


class Run:
    """One pass over the steps of a plan.

    Args:
        walk: whose rows.
        chunk_rows: rows changed in one transaction, at most, where the rows can be told apart.
        apart: a transaction a step, so that one that meets a constraint does not undo the others.
        may_go_on: asked before each transaction; raises where it must not begin.
    """

    def __init__(
        self,
        walk: Walk,
        chunk_rows: int,
        progress: Progress = no_progress,
        pause: Callable[[float], None] = time.sleep,
        *,
        apart: bool = False,
        may_go_on: Callable[[], None] = always,
    ) -> None:
        self.walk = walk
        self.chunk_rows = chunk_rows
        self._progress = progress
        self._pause = pause
        self._apart = apart
        self._may_go_on = may_go_on

    def count(self) -> list[int]:
        """How many rows each step would change: one statement a store."""
        return self._count([(step.store, step.change) for step in self.walk.plan.steps])

    def count_kept(self) -> list[int]:
        """How many rows stay, for each of the plan's keepings."""
        return self._count([(each.store, Delete(each.rows)) for each in self.walk.plan.keepings])

    def _count(self, changes: Sequence[tuple[str, Change]]) -> list[int]:
        counts = [0] * len(changes)
        for store in dict.fromkeys(store for store, _ in changes):
            mine = [(place, change) for place, (of, change) in enumerate(changes) if of == store]
            for _, change in mine:
                self.walk.bring(store, change.rows)
            found = self.walk.sessions[store].count([change for _, change in mine])
            for (place, _), count in zip(mine, found, strict=True):
                counts[place] = count
        return counts

    def apply(self, counts: Sequence[int]) -> Iterator[list[Done]]:
        """Run every step that has rows; yields what each committed transaction has finished.

        Args:
            counts: rows expected of each step: small steps of one store share a transaction, large ones go in slices.
                Rows that were written after the count are left to the next pass.

        Raises:
            StoreError: a store failed. What was yielded is done, the rest is not.
        """
        group: list[int] = []
        for place, step in enumerate(self.walk.plan.steps):
            if not counts[place] and step.phase != "detach":
                continue  # but whoever mentions a row must let go before a cascade could take theirs along
            if group and not self._fits(group, place, counts):
                yield self._together(group)
                group = []
            if counts[place] > self.chunk_rows and not step.together:
                yield [self._in_slices(place)]
            else:
                group.append(place)
        if group:
            yield self._together(group)

    def _fits(self, group: list[int], place: int, counts: Sequence[int]) -> bool:
        steps = self.walk.plan.steps
        first, last, step = steps[group[0]], steps[group[-1]], steps[place]
        if step.store != first.store or (first.phase == "disable") != (step.phase == "disable"):
            return False
        if step.together or last.together:
            return step.together == last.together
        if self._apart and last.phase != "detach":
            return False
        return sum(counts[each] for each in group) + counts[place] <= self.chunk_rows

    def _together(self, places: Sequence[int]) -> list[Done]:
        steps = [self.walk.plan.steps[place] for place in places]
        session = self.walk.sessions[steps[0].store]
        for step in steps:
            self._bring(step)

        def work() -> list[Done]:
            with session.transaction(defer=any(step.together for step in steps)):
                rows = iter(session.apply_all([change for step in steps for change in (*step.guards, step.change)]))
            return [
                Done(place, list(islice(rows, 1 + len(step.guards)))[-1])
                for place, step in zip(places, steps, strict=True)
            ]

        done = self._insist(work)
        self._progress(sum(each.rows for each in done))
        return done

    def _in_slices(self, place: int) -> Done:
        step = self.walk.plan.steps[place]
        session = self.walk.sessions[step.store]
        self._bring(step)
        total = session.number(step.change)
        if total is None:
            return self._together([place])[0]
        changed = 0
        for after in range(0, total, self.chunk_rows):
            part = Slice(after, min(after + self.chunk_rows, total))

            def work(part: Slice = part) -> int:
                with session.transaction():
                    session.apply_all(step.guards)
                    return session.apply(step.change, part)

            rows = self._insist(work)
            changed += rows
            self._progress(rows)
        return Done(place, changed)

    def _bring(self, step: Step) -> None:
        for change in (*step.guards, step.change):
            self.walk.bring(step.store, change.rows)

    def _insist(self, work: Callable[[], Result]) -> Result:
        """Give way when somebody else holds a lock, and try again a little later."""
        for attempt in range(TRIES - 1):
            self._may_go_on()
            try:
                return work()
            except Busy:
                self._pause(0.05 * 2**attempt)
        self._may_go_on()
        return work()
