"""The steps of a plan, applied: short transactions, large steps in slices, and every one repeatable.

Nothing is remembered here of how far a step came, because nothing needs to be: a finished row is no longer
selected. After a crash the same steps run again, and find only what is left.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Protocol

from slett.execute.beside import Beside, Open
from slett.execute.crowd import Crowd
from slett.execute.pace import AGAIN, TRIES, Pace
from slett.execute.walk import Walk
from slett.plan import Step
from slett.stores.errors import Busy
from slett.stores.operations import Change, Delete
from slett.stores.sql import Session
from slett.stores.statements import Kind, Slice

WORTHWHILE = 4  # slices, at least, of a step that takes a second connection
Progress = Callable[[int], None]  # rows just changed
People = Mapping[int, Mapping[int, int]]  # step → person → rows


@dataclass(frozen=True, slots=True)
class Done:
    """A step that is done: its place in the plan, and how many rows it changed."""

    position: int
    rows: int


def no_progress(_rows: int) -> None:
    """Nobody watches."""


def always() -> None:
    """Whoever works on it may go on."""


def at_once() -> bool:
    """Somebody waits for it: no gate holds it back."""
    return True


def unheard(_store: str, _why: str) -> None:
    """Nobody is told what is waited for."""


class Keeper(Protocol):
    """Takes in the rows that a run changes, as they were."""

    def taking(self) -> AbstractContextManager[None]:
        """Around the changes of a transaction, inside it; at its end what was taken is durable."""

    def take(self, session: Session, position: int, change: Change, part: Slice | None = None) -> int:
        """Run a change of the step at that position, and take in what it touches; says how many rows."""

    def take_all(self, session: Session, changes: Sequence[tuple[int, Change]]) -> list[int]:
        """The same of several small ones with their positions, in their order."""


class Run:
    """One pass over the steps of a plan.

    Args:
        walk: whose rows.
        chunk_rows: rows changed in one transaction, at most, where the rows can be told apart.
        paces: of the stores, by name; a store without one gets its own for this pass.
        people: the rows by person, if they were counted; else those of large steps are.
        apart: a transaction a step, so that one that meets a constraint does not undo the others.
        may_go_on: asked before each transaction; raises where it must not begin.
        late: whether it can wait no longer; then the gates of a store are passed, whatever they say.
        waiting: told the store and why a gate is closed, each time for another reason.
        keeper: takes in every row before its transaction commits; None: nobody does.
        open_more: opens one more session of a store, for slices beside each other; None: there are none.
    """

    def __init__(
        self,
        walk: Walk,
        chunk_rows: int,
        progress: Progress = no_progress,
        *,
        paces: Mapping[str, Pace] | None = None,
        people: People | None = None,
        apart: bool = False,
        may_go_on: Callable[[], None] = always,
        late: Callable[[], bool] = at_once,
        waiting: Callable[[str, str], None] = unheard,
        keeper: Keeper | None = None,
        open_more: Open | None = None,
    ) -> None:
        self.walk = walk
        self.chunk_rows = chunk_rows
        self._progress = progress
        self._paces = {store: (paces or {}).get(store) or Pace(chunk_rows) for store in walk.sessions}
        self._people = people or {}
        self._apart = apart
        self._may_go_on = may_go_on
        self._late = late
        self._waiting = waiting
        self._keeper = keeper
        self._open_more = open_more
        self._told: dict[str, str] = {}  # of each store, what was waited for last

    # -- counting -----------------------------------------------------------------------------------

    def count(self) -> list[int]:
        """How many rows each step would change: one statement a store."""
        return self._count([(step.store, step.change) for step in self.walk.plan.steps])

    def count_kept(self) -> list[int]:
        """How many rows stay, for each of the plan's keepings."""
        return self._count([(each.store, Delete(each.rows)) for each in self.walk.plan.keepings])

    def count_people(self) -> tuple[list[int], dict[int, dict[int, int]]]:
        """(How many rows each step would change, and of whom: step → person → rows), in one statement a store.

        A row of several persons is counted for each of them.
        """
        if self.walk.people == 1:
            counts = self.count()
            return counts, {place: {0: count} for place, count in enumerate(counts) if count}
        found: dict[int, dict[int, int]] = {}
        for store in self.walk.sessions:
            mine = {place: step.change for place, step in enumerate(self.walk.plan.steps) if step.store == store}
            for change in mine.values():
                self.walk.bring(store, change.rows)
            counted = self.walk.sessions[store].count_by_person(list(mine.values()))
            found |= {place: people for place, people in zip(mine, counted, strict=True) if people}
        counts = [sum(found.get(place, {}).values()) for place in range(len(self.walk.plan.steps))]
        return counts, dict(sorted(found.items()))

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

    # -- changing -----------------------------------------------------------------------------------

    def apply(self, counts: Sequence[int]) -> Iterator[list[Done]]:
        """Run every step that has rows; yields what each committed transaction has finished.

        Args:
            counts: rows expected of each step: small steps of one store share a transaction, large ones go in slices.
                Rows that were written after the count are left to the next pass.

        Raises:
            StoreError: a store failed. What was yielded is done, the rest is not.
        """
        group: list[int] = []
        with Beside(self.walk, self._open_more) as beside:
            for place, step in enumerate(self.walk.plan.steps):
                if not counts[place] and step.phase != "detach":
                    continue  # but whoever mentions a row must let go before a cascade could take theirs along
                if group and not self._fits(group, place, counts):
                    yield self._together(group)
                    group = []
                if self._share(place, counts) > 1 and not step.together:
                    yield [self._in_slices(place, beside)]
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
        together = [*group, place]
        rows = sum(counts[each] for each in together)
        return rows <= self.chunk_rows and sum(self._share(each, counts) for each in together) <= 1

    def _share(self, place: int, counts: Sequence[int]) -> float:
        """How much of a transaction the rows of a step fill."""
        step = self.walk.plan.steps[place]
        return counts[place] / self._paces[step.store].size(step.table)

    def _together(self, places: Sequence[int]) -> list[Done]:
        steps = [self.walk.plan.steps[place] for place in places]
        session = self.walk.sessions[steps[0].store]
        for step in steps:
            self._bring(step)

        def work() -> list[Done]:
            if self._keeper is None and not any(step.together for step in steps):
                rows = iter(session.apply_whole([change for step in steps for change in (*step.guards, step.change)]))
            else:
                with session.transaction(defer=any(step.together for step in steps)):
                    rows = iter(self._apply(session, places))
            return [
                Done(place, list(islice(rows, 1 + len(step.guards)))[-1])
                for place, step in zip(places, steps, strict=True)
            ]

        for tries in range(TRIES):
            self._may_begin(steps[0].store)
            try:
                done = work()
                break
            except Busy as busy:
                self._give_way(steps[0], busy, tries)
        rows = sum(each.rows for each in done)
        self._paces[steps[0].store].spent(rows)
        self._progress(rows)
        return done

    def _in_slices(self, place: int, beside: Beside) -> Done:
        step = self.walk.plan.steps[place]
        session, pace = self.walk.sessions[step.store], self._paces[step.store]
        self._bring(step)
        if self.walk.people == 1 or not session.goes_by_person(step.change):
            return Done(place, self._in_rows(place))
        crowd = Crowd(self._people.get(place) or session.count_by_person([step.change])[0])
        session.find_by_person(step.change)
        alone = self._keeper or pace.gated or crowd.rows < WORTHWHILE * pace.size(step.table)
        second = None if alone else beside.session(step)
        changed = tries = 0
        while crowd:
            size = pace.size(step.table)
            part, rows = crowd.take(size)
            if rows > size:
                changed += self._in_rows(place, part)  # one person alone has more than a chunk
                continue
            parts = [part]
            if second and crowd:
                part, rows = crowd.take(size)
                if rows > size:
                    crowd.put_back(part)  # their turn comes
                else:
                    parts.append(part)
            found = self._at_once(place, parts, second, beside)
            changed += sum(each for each in found if isinstance(each, int))
            busy = [each for each in found if isinstance(each, Busy)]
            for part, each in zip(parts[::-1], found[::-1], strict=True):
                if isinstance(each, Busy):
                    crowd.put_back(part)
            if busy:
                self._give_way(step, busy[0], tries)
            tries = tries + 1 if busy else 0
        return Done(place, changed)

    def _at_once(
        self, place: int, parts: Sequence[Slice | None], second: Session | None, beside: Beside | None
    ) -> list[int | Busy]:
        """Change these slices beside each other, one on each connection: how many rows, or who was in the way."""
        step = self.walk.plan.steps[place]
        first, pace = self.walk.sessions[step.store], self._paces[step.store]
        self._may_begin(step.store)
        other = (
            beside.start(partial(self._timed, second, place, parts[1]))
            if beside and second and len(parts) > 1
            else None
        )
        found = [self._timed(first, place, parts[0])]
        if other:
            found.append(other.result())
        done: list[int | Busy] = []
        for each in found:
            if not isinstance(each, Busy):
                rows, seconds = each
                pace.took(step.table, rows, seconds)
                pace.spent(rows)
                self._progress(rows)
            done.append(each if isinstance(each, Busy) else each[0])
        return done

    def _timed(self, session: Session, place: int, part: Slice | None) -> tuple[int, float] | Busy:
        """One transaction of a large step: how many rows, in how many seconds; the only place where a slice changes."""
        clock = self._paces[self.walk.plan.steps[place].store].clock
        begun = clock()
        try:
            if self._keeper is None:
                changes, parts = self._parts(session, [place], part)
                rows = session.apply_whole([change for _, change in changes], parts)[-1]
            else:
                with session.transaction():
                    rows = self._apply(session, [place], part)[-1]
        except Busy as busy:
            return busy
        return rows, clock() - begun

    def _in_rows(self, place: int, of: Slice | None = None) -> int:
        """A step in slices of its own numbered rows; at once where nothing tells the rows apart."""
        step = self.walk.plan.steps[place]
        changed = 0
        if self._keeper is None and self.walk.sessions[step.store].goes_by_place(step.change):
            total, changed = self._numbered(place, of, "places")
            if changed == total:
                return changed  # else somebody wrote rows meanwhile: those are found by their keys
        return changed + self._numbered(place, of, "rows")[1]

    def _numbered(self, place: int, of: Slice | None, by: Kind) -> tuple[int | None, int]:
        """(How many rows there were, how many were changed)."""
        step = self.walk.plan.steps[place]
        total = self.walk.sessions[step.store].number(step.change, of, by=by)
        after = changed = tries = 0
        while total is None or after < total:
            upto = after + self._paces[step.store].size(step.table)
            part = of if total is None else Slice(after, min(upto, total), by)
            try:
                changed += self._slice(place, part)
            except Busy as busy:
                self._give_way(step, busy, tries)
                tries += 1
                continue
            if total is None:
                break
            after, tries = upto, 0
        return total, changed

    def _slice(self, place: int, part: Slice | None) -> int:
        """One transaction of a large step.

        Raises:
            Busy: somebody else was in the way.
        """
        (found,) = self._at_once(place, [part], None, None)
        if isinstance(found, Busy):
            raise found
        return found

    def _apply(self, session: Session, places: Sequence[int], part: Slice | None = None) -> list[int]:
        """Run the changes of these steps, guards first; says how many rows each touched."""
        changes, parts = self._parts(session, places, part)
        if self._keeper is None:
            return session.apply_all([change for _, change in changes])
        with self._keeper.taking():
            if part is None:
                return self._keeper.take_all(session, changes)
            return [self._keeper.take(session, *each, of) for each, of in zip(changes, parts, strict=True)]

    def _parts(
        self, session: Session, places: Sequence[int], part: Slice | None
    ) -> tuple[list[tuple[int, Change]], list[Slice | None]]:
        """The changes of these steps with their places, guards first; and the slice of each: of a guard, of people."""
        steps = self.walk.plan.steps
        changes = [(place, change) for place in places for change in (*steps[place].guards, steps[place].change)]
        by_person = part is not None and part.of == "people"
        parts = [part if by_person and session.goes_by_person(guard) else None for _, guard in changes[:-1]]
        return changes, [*parts, part]

    def _bring(self, step: Step) -> None:
        for change in (*step.guards, step.change):
            self.walk.bring(step.store, change.rows)

    def _may_begin(self, store: str) -> None:
        """Return when a transaction may begin: nobody forbids it, and the store has room, or it can wait no longer."""
        pace = self._paces[store]
        self._may_go_on()
        while pace.gated and not self._late() and (wait := pace.wait(self.walk.sessions[store])):
            if self._told.get(store) != wait.why:
                self._told[store] = wait.why
                self._waiting(store, wait.why)
            pace.pause(min(wait.seconds, AGAIN))
            self._may_go_on()

    def _give_way(self, step: Step, busy: Busy, tries: int) -> None:
        """Somebody else holds a lock: wait a little, or give up when that was tried often enough."""
        if tries == TRIES - 1:
            raise busy
        self._paces[step.store].give_way(step.table, tries)
