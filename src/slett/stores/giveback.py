"""Captured rows and values go back to where they were, where nothing stands in their way.

    with session.transaction(defer=True):
        staged = stage(session, taken, blocks, person)
        if not blocked(session, staged):
            rows = give_back(session, staged)

`blocks` are what `capture` handed out, `taken` is their shape. Parents go back before their children, in the same
transaction, so that a child whose parent is blocked is blocked too. Nothing that is live is ever overwritten: a row
goes in beside the others, and a column becomes its old value only where it still holds what was written then. A row
that is there already, byte for byte, counts as back, so that all of this may be repeated.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import exists, literal, select, update

from slett.stores.errors import Busy, Conflict, StoreError, Unavailable
from slett.stores.obstacles import judge, mark_back
from slett.stores.sql import Session
from slett.stores.staging import Staged, image, stage
from slett.stores.writing import insert, value_columns, write_back

__all__ = ["Blocked", "Staged", "blocked", "give_back", "stage"]


@dataclass(frozen=True, slots=True)
class Blocked:
    """Rows that cannot go back, and why: without a value of anybody."""

    store: str
    table: str
    rows: int
    why: str


def blocked(session: Session, *staged: Staged) -> list[Blocked]:
    """What cannot go back as things are now, each row once for each of its reasons: of values there may be several.

    Ask after the parents were given back. Tables that refer to each other in a circle are asked about together, and
    then given back one after the other. Nothing that lasts is changed.
    """
    with session.exactly():
        found = [_judged(session, each) for each in staged]
        while len(staged) > 1 and found != (again := [_judged(session, each) for each in staged]):
            found = again
    return [each for of_table in found for each in of_table]


def _insert(session: Session, staged: Staged) -> bool:
    """Insert the rows; where a strict server takes a value for none of its column's, as whoever wrote it did.

    Says whether they are known to be back already.

    Raises:
        StoreError: they cannot be written, or would not be byte for byte what they were.
    """
    try:
        insert(session, staged)
        return False
    except (Busy, Conflict, Unavailable):
        raise
    except StoreError:
        loosely = session.store.dialect.loosely(session.live)
        if loosely is None or not staged.taken.key:
            raise
        with session.words(), loosely:
            insert(session, staged)
        if mark_back(session, staged) != staged.free + staged.back:
            raise
        return True


def _judged(session: Session, staged: Staged) -> list[Blocked]:
    counts = judge(session, staged)
    found = zip(staged.reasons, counts, strict=True)
    return [Blocked(staged.taken.store, staged.taken.table, rows, why) for why, rows in found if rows]


def reach_back(session: Session, later: Staged, earlier: Staged, *, apart: Collection[str] = ()) -> None:
    """What was taken later is, from now on, as it was before what was taken earlier, of the same table, was written.

    So a row goes back at once to where it comes in the end, and whoever gives it back a second time finds it there;
    also where somebody else's return has written such a column meanwhile.

    Args:
        apart: columns that come back by themselves, when the row is there.
    """
    mine, other = later.table, earlier.table
    fields = set(later.taken.fields)
    if later.taken.table == earlier.taken.table:
        later.open |= set(earlier.taken.columns)
    if later.taken.table != earlier.taken.table or not set(earlier.taken.key) <= fields:
        return
    same = [other.c[earlier.of(each)] == mine.c[later.of(each)] for each in earlier.taken.key]
    with session.exactly():
        for _, name, old, new in value_columns(earlier):
            if name not in fields or name in (*later.misfits, *earlier.misfits, *apart) or old.now is None:
                continue
            here = later.of(name)
            written = image(session, mine, [(here, old.now)]) == image(session, other, [(new.name, old.now)])
            there = exists(select(literal(1)).select_from(other).where(*same, written))
            before = select(other.c[old.name]).where(*same).scalar_subquery()
            session.run(update(mine).values({here: before}).where(there))


def give_back(session: Session, staged: Staged) -> int:
    """Give back all that is not blocked; says how many rows are now as they were. Inside `session.transaction()`.

    Raises:
        Unproven: a statement would not be bound to keys. Nothing ran.
        Conflict: a CHECK forbids it by now; or somebody took a key at the same moment.
        Busy: somebody holds a lock; the transaction may be tried again.
    """
    with session.exactly():
        if staged.judged != session.statements:  # nothing has run since `blocked` asked
            judge(session, staged)
        if not staged.free:
            return staged.back
        if staged.taken.what == "rows":
            seen = _insert(session, staged)
            if seen or (staged.taken.key and mark_back(session, staged) == staged.free + staged.back):
                return staged.free + staged.back
        else:
            write_back(session, staged)
        judge(session, staged)
        return staged.back
