"""Giving back: what is in a vault goes into the stores again, parents first, or is named and stays.

All stores are written in transactions that are open at the same time and commit only when everything was tried. A
crash between two commits leaves the vault as it was; a second time, what is back already counts as back.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest
from itertools import groupby

from pyrage import x25519

from slett.ledger import Ledger
from slett.ledger.vaults import Lines, Part, Rest, Vault
from slett.plan.graph import components
from slett.stores.giveback import Blocked, Staged, blocked, give_back, reach_back, stage
from slett.stores.sql import Session
from slett.stores.staging import lines_left
from slett.stores.straight import Astray, Straight, defers
from slett.stores.taken import Taken
from slett.vault.identity import VaultError
from slett.vault.parts import Frame, mac, unpack
from slett.vault.place import Place

Group = tuple[int, int, Taken]  # the position of a step, which of its changes came first, and what it took
KEPT = 4_000_000  # bytes of a vault that are opened once; of a larger one, each part once for each table in it


@dataclass(frozen=True, slots=True)
class Given:
    """What came back, and what could not."""

    rows: int
    blocked: tuple[Blocked, ...]
    rests: Mapping[int, Rest] = field(default_factory=dict)  # by the vault's number, what of it waits now
    waiting: Mapping[str, int] = field(default_factory=dict)  # how many rows of which `store/table` that are


@dataclass(frozen=True, slots=True)
class Opened:
    """A vault that can be read."""

    ledger: Ledger
    vault: Vault
    identity: x25519.Identity
    place: Place | None
    person: int | None = None  # whose rows are wanted, by their number in the batch; None: everybody's
    rest: Rest | None = None  # what of them waits since they came back in part; None: nothing is back

    def wanted(self, name: str) -> tuple[bool, Lines | None]:
        """(whether anything is that was taken so, which lines of that: None, all)."""
        return (True, None) if self.rest is None else (name in self.rest, self.rest.get(name))

    def frames(self, only: Collection[int] | None = None) -> Iterator[tuple[int, Frame]]:
        """(number of its part, frame), as they were taken; a part at a time in memory.

        Args:
            only: the numbers of the parts that are wanted.

        Raises:
            VaultError: a part was changed, moved or is missing.
        """
        with self.ledger.read() as page:
            for part in page.vaults.parts(self.vault.number):
                if only is None or part.number in only:
                    for frame in unpack(self.vault.number, part.number, self._kept(part), self.identity):
                        yield part.number, frame

    def _kept(self, part: Part) -> bytes:
        if part.name and self.place is None:
            raise VaultError(f"part {part.number} of the vault is kept elsewhere; set `vault.url` to where that is")
        content = self.place.get(part.name) if part.name and self.place else part.blob
        written = mac(self.ledger.keys, self.vault.number, part.number, sha256(content).hexdigest())
        if not compare_digest(written, part.mac):
            raise VaultError(f"part {part.number} of vault {self.vault.number} is not what was written: it was changed")
        return content


def put_back(
    opened: Sequence[Opened],
    sessions: Mapping[str, Session],
    *,
    needed: Callable[[Taken], bool],
    dropped: Mapping[str, Sequence[str]],
    may_commit: Callable[[], None],
) -> Given:
    """What came back of a person's rows, and what could not.

    Args:
        opened: their vaults, the one that was filled last first.
        sessions: by the names of the stores.
        needed: whether all of such rows must go back, or nothing does.
        dropped: columns, by `store/table`, that are gone on purpose.
        may_commit: asked when everything was tried, and nothing is committed yet; raises where nothing may be.

    Raises:
        CannotGoBack: of what is needed something cannot. Nothing was changed.
        VaultError: a part does not open.
        StoreError: a store failed. Nothing was written, unless it failed when it committed: then repeat it.
    """
    again = any(one.rest is not None for one in opened)
    back = None if again else _straight(opened, sessions, may_commit)
    if back is not None:
        return Given(back, ())
    rows = 0
    found: list[Blocked] = []
    rests: dict[int, dict[str, Lines | None]] = {one.vault.number: {} for one in opened}
    waiting: dict[str, int] = {}
    missing = False
    with ExitStack() as stack:
        for session in sessions.values():
            stack.enter_context(session.transaction(defer=True))
            stack.enter_context(session.exactly())
        with _patiently(sessions):
            staged: list[tuple[Session, Staged]] = []  # what was taken last comes first
            places: list[tuple[int, str]] = []  # of each of these, its vault and what took it
            circles = {name: _in_circles(session) for name, session in sessions.items()}
            for one, name, taken, blocks in _all_groups(opened, sessions):
                if taken.store not in sessions:
                    found.append(Blocked(taken.store, taken.table, 0, "the map has no such store any more"))
                    missing |= needed(taken)
                    rests[one.vault.number][name] = one.wanted(name)[1]
                    continue
                session = sessions[taken.store]
                without = dropped.get(f"{taken.store}/{taken.table}", ())
                now = stage(session, taken, blocks, one.person, without=without, lines=one.wanted(name)[1])
                for before in (each for of, each in staged if of is session and now.taken.what == "values"):
                    reach_back(session, before, now, apart=circles[taken.store].get(before.taken.table, ()))
                staged.append((session, now))
                places.append((one.vault.number, name))
            for together, back, stays in _as_far_as_it_goes(staged):
                missing |= bool(stays) and any(needed(each.taken) for each in together)
                found += stays
                rows += back
            if missing:
                raise CannotGoBack(found)
            for (session, now), (number, name) in zip(staged, places, strict=True) if found else ():
                if lines := lines_left(session, now):
                    rests[number][name] = lines
                    table = f"{now.taken.store}/{now.taken.table}"
                    waiting[table] = waiting.get(table, 0) + sum(last - first + 1 for first, last in lines)
        may_commit()
    return Given(rows, tuple(found), rests, waiting)


def _straight(opened: Sequence[Opened], sessions: Mapping[str, Session], may_commit: Callable[[], None]) -> int | None:
    """How many rows came back, if nothing at all stands in their way; else None, and nothing was changed."""
    try:
        with ExitStack() as stack:
            for session in sessions.values():
                stack.enter_context(session.transaction(defer=defers(session)))
                stack.enter_context(session.exactly())
            with _patiently(sessions):
                rows = 0
                for one in opened:
                    ways = {name: Straight(session, one.person) for name, session in sessions.items()}
                    for _, taken, blocks in _groups(one, sessions):
                        if taken.store not in ways:
                            raise Astray
                        rows += ways[taken.store].take(taken, blocks)
                    for way in ways.values():
                        way.finish()
            may_commit()
            return rows
    except Astray:
        for session in sessions.values():
            session.staged.clear()  # rolled back
        return None


@contextmanager
def _patiently(sessions: Mapping[str, Session]) -> Iterator[None]:
    """While one store is worked on, nothing happens in the transactions of the others."""
    with ExitStack() as stack:
        for session in sessions.values() if len(sessions) > 1 else ():
            stack.enter_context(session.patiently())
        yield


class CannotGoBack(VaultError):
    """Something that is needed cannot go back. Nothing was changed."""

    def __init__(self, blocked: Sequence[Blocked]) -> None:
        super().__init__("something that is needed cannot go back, so nothing was changed")
        self.blocked = tuple(blocked)


def _as_far_as_it_goes(staged: Sequence[tuple[Session, Staged]]) -> list[tuple[list[Staged], int, list[Blocked]]]:
    """Give back all that can go; says how much of what came back, and what could not.

    Whatever waits for something that comes later, as a row for its parent's old key, goes in the next pass.
    """
    turns = [
        (session, together) for session in dict.fromkeys(of for of, _ in staged) for together in _turns(session, staged)
    ]
    ends: list[tuple[int, list[Blocked]]] = [(0, [])] * len(turns)  # how much came back, and what did not
    left = list(range(len(turns)))
    while left:
        before = sum(back for back, _ in ends)
        for number in left:
            session, together = turns[number]
            stays = blocked(session, *together)
            ends[number] = sum(give_back(session, each) for each in together), stays
        more = sum(back for back, _ in ends) > before
        left = [number for number in left if ends[number][1]] if more else []
    return [(together, back, stays) for (_, together), (back, stays) in zip(turns, ends, strict=True)]


def _turns(session: Session, staged: Sequence[tuple[Session, Staged]]) -> Iterator[list[Staged]]:
    """Rows before values; rows after those that they refer to, and together with those where that is a circle."""
    mine = [each for of, each in staged if of is session]
    rows: dict[str, list[Staged]] = {}
    for each in mine:
        if each.taken.what == "rows":
            rows.setdefault(each.taken.table, []).append(each)
    for circle in components(list(rows), _refers_to(session)):
        yield [each for name in circle for each in rows[name]]
    yield from ([each] for each in mine if each.taken.what != "rows")


def _in_circles(session: Session) -> dict[str, set[str]]:
    """Of each table, the columns by which its rows refer to such as may refer back, where one must be there first.

    That one gets its reference afterwards.
    """
    tables, refers = session.schema.tables, _refers_to(session)
    found: dict[str, set[str]] = {}
    for circle in components(list(refers), refers) if session.schema.dialect != "sqlite" else ():  # which waits
        for name in circle:
            others = {*circle} - ({name} if not session.store.dialect.checks_each_row else set())
            keys = [key for key in tables[name].foreign_keys if key.table in others and not key.deferrable]
            found[name] = {column for key in keys for column in key.columns}
    return found


def _refers_to(session: Session) -> dict[str, list[str]]:
    """The tables that each table's rows refer to."""
    return {name: [key.table for key in each.foreign_keys] for name, each in session.schema.tables.items()}


def _all_groups(
    opened: Sequence[Opened], sessions: Mapping[str, Session]
) -> Iterator[tuple[Opened, str, Taken, Iterator[bytes]]]:
    for one in opened:
        for name, taken, blocks in _groups(one, sessions):
            yield one, name, taken, blocks


def _groups(opened: Opened, sessions: Mapping[str, Session]) -> Iterator[tuple[str, Taken, Iterator[bytes]]]:
    """What each step took out of each table, in all passes: what was taken last comes first.

    Each has a name, which depends on nothing but what is in the vault.
    """
    groups: dict[Group, set[int]] = {}
    kept: list[Frame] | None = []  # all of them, unless that is too much to keep in memory
    size = 0
    for number, frame in opened.frames():
        size += len(frame.content)
        if kept is not None:
            kept = [*kept, frame] if size <= KEPT else None
        turn = len(groups)  # of two changes of one step, what guards it came first
        known = next((each for each in groups if each[0] == frame.position and each[2] == frame.taken), None)
        groups.setdefault(known or (frame.position, turn, frame.taken), set()).add(number)
    for (position, turn, taken), numbers in _parents_first(groups, sessions):
        name = f"{position} {turn}"
        if not opened.wanted(name)[0]:
            continue
        frames = iter(kept) if kept is not None else (frame for _, frame in opened.frames(numbers))
        yield name, taken, (each.content for each in frames if each.position == position and each.taken == taken)


def _parents_first(groups: Mapping[Group, set[int]], sessions: Mapping[str, Session]) -> list[tuple[Group, set[int]]]:
    """What was taken last comes first; of one step, before what refers to it: that was taken along, now and then."""
    latest = sorted(groups.items(), key=lambda each: each[0][:2], reverse=True)
    ordered = []
    for _, of_step in groupby(latest, key=lambda each: each[0][0]):
        rest = list(of_step)
        while rest:
            there = {each.table for (_, _, each), _ in rest if each.what == "rows"}
            free = (each for each in rest if not _refers(each[0][2], sessions) & there)
            ordered.append(next(free, rest[0]))
            rest.remove(ordered[-1])
    return ordered


def _refers(taken: Taken, sessions: Mapping[str, Session]) -> set[str]:
    """The other tables that rows of this one refer to."""
    live = sessions[taken.store].schema.tables.get(taken.table) if taken.store in sessions else None
    return {key.table for key in live.foreign_keys if key.table != taken.table} if live else set()
