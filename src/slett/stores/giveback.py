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

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import and_, case, exists, func, literal, not_, or_, select, true, update

from slett.stores.errors import Busy, Conflict
from slett.stores.proof import insist
from slett.stores.schema import ForeignKey, Table
from slett.stores.sql import Session
from slett.stores.staging import SOME, Column, Staged, image, stage

__all__ = ["Blocked", "Staged", "blocked", "give_back", "stage"]

BACK = -1  # in the place of why not: it is there already


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


def _judged(session: Session, staged: Staged) -> list[Blocked]:
    _judge(session, staged)
    mine, found = staged.table, list[Blocked]()
    for number, why in enumerate(staged.reasons, 1):
        these = select(func.count()).select_from(mine).where(or_(*(mine.c[each] == number for each in staged.flags)))
        if rows := int(session.run(these).scalar_one()):
            found.append(Blocked(staged.taken.store, staged.taken.table, rows, why))
    return found


def reach_back(session: Session, later: Staged, earlier: Staged) -> None:
    """What was taken later is, from now on, as it was before what was taken earlier, of the same table, was written.

    So a row goes back at once to where it comes in the end, and whoever gives it back a second time finds it there;
    also where somebody else's return has written such a column meanwhile.
    """
    mine, other = later.table, earlier.table
    fields = set(later.taken.fields)
    if later.taken.table == earlier.taken.table:
        later.open |= set(earlier.taken.columns)
    if later.taken.table != earlier.taken.table or not set(earlier.taken.key) <= fields:
        return
    same = [other.c[earlier.of(each)] == mine.c[later.of(each)] for each in earlier.taken.key]
    with session.exactly():
        for _, name, old, new in _value_columns(earlier):
            if name not in fields or name in (*later.misfits, *earlier.misfits) or old.now is None:
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
        _judge(session, staged)
        if staged.taken.what == "rows":
            _insert(session, staged)
        else:
            _write_back(session, staged)
        _judge(session, staged)
        mine = staged.table
        named = [flag for flag, name in zip(staged.flags, staged.taken.columns, strict=False) if _counts(staged, name)]
        return int(session.run(select(func.count()).where(*(mine.c[flag] == BACK for flag in named))).scalar_one())


def _counts(staged: Staged, name: str) -> bool:
    """Whether a row is back only with this column: not so for time stamps and what triggers write."""
    return staged.taken.what == "rows" or name in staged.taken.written


# -- why not --------------------------------------------------------------------------------------------


def _judge(session: Session, staged: Staged) -> None:
    """Say of every staged row, or of every column of it, whether it is back, may go back, or why it cannot."""
    staged.reasons.clear()
    mine = staged.table
    session.run(update(mine).values(dict.fromkeys(staged.flags, 0)))
    live = session.schema.tables[staged.taken.table]
    if staged.taken.what == "rows":
        _judge_rows(session, staged, live)
    else:
        _judge_values(session, staged, live)


def _mark(session: Session, staged: Staged, why: str, condition: Any, flag: str = "why") -> int:
    """Block the rows of the condition that are not judged yet; says how many."""
    if why not in staged.reasons:
        staged.reasons.append(why)
    number = staged.reasons.index(why) + 1
    mine = staged.table
    return int(session.run(update(mine).values({flag: number}).where(mine.c[flag] == 0, condition)).rowcount)


def _judge_rows(session: Session, staged: Staged, live: Table) -> None:
    mine, target = staged.table, session.conditions.table(live.name)
    there = _present(staged)
    if not _is_whole(session, staged, live):
        return
    settled = [(each, each.now) for each in there if each.now is not None and each.of not in staged.open]
    same = image(session, target, [(each.of, now) for each, now in settled]) == image(
        session, mine, [(each.name, now) for each, now in settled]
    )
    if staged.taken.key:
        keyed = [target.c[each] == mine.c[staged.of(each)] for each in staged.taken.key]
        back = exists(select(literal(1)).select_from(target).where(*keyed, same))
        session.run(update(mine).values(why=BACK).where(back))
    else:
        _find_equals(session, staged, target, settled)
    names = {each.of for each in there}
    for key in dict.fromkeys((live.primary_key, *live.unique)):
        if key and set(key) <= names:
            alike = [target.c[each] == mine.c[staged.of(each)] for each in key]
            taken = exists(select(literal(1)).select_from(target).where(*alike))
            _mark(session, staged, _taken(key, live), taken)
    for foreign in live.foreign_keys:
        if set(foreign.columns) <= names and foreign.table != live.name:
            _mark(session, staged, _orphaned(foreign), _is_orphan(session, staged, foreign))
    if staged.taken.key and _hidden(live, names):
        _try_insert(session, staged, live, names)
    itself = [each for each in live.foreign_keys if set(each.columns) <= names and each.table == live.name]
    while sum(_mark(session, staged, _orphaned(each), _is_orphan(session, staged, each)) for each in itself):
        pass  # what hangs on a row that was just blocked


def _is_whole(session: Session, staged: Staged, live: Table) -> bool:
    """Whether the rows have a value for every column that wants one, and a column for every value."""
    captured = {each.of for each in staged.columns}
    whys = [
        f"its column `{each.of}` is gone"
        for each in staged.columns
        if each.now is None and each.of not in staged.without
    ]
    whys += [
        f"its column `{each}` is of another type now, which does not take what was in it" for each in staged.misfits
    ]
    whys += [
        f"the column `{each.name}` is new, and is neither null nor has a default"
        for each in live.columns
        if each.name not in captured and not (each.nullable or each.default or each.generated)
    ]
    for why in whys[:1]:
        _mark(session, staged, why, true())
    return not whys


def _find_equals(session: Session, staged: Staged, target: Any, settled: list[tuple[Column, str]]) -> None:
    """Where no key tells rows apart: of equal rows, as many are back as there are."""
    mine = staged.table
    pairs = [(each.of, now) for each, now in settled]
    live = select(image(session, target, pairs).label("image"), func.count().label("times")).group_by("image")
    whole = image(session, mine, [(each.name, now) for each, now in settled])
    nth = func.row_number().over(partition_by=whole, order_by=mine.c.line)
    numbered = select(mine.c.line, whole.label("image"), nth.label("nth")).subquery("numbered")
    counted = live.subquery("counted")
    back = select(numbered.c.line).where(numbered.c.image == counted.c.image, numbered.c.nth <= counted.c.times)
    session.run(update(mine).values(why=BACK).where(mine.c.line.in_(back)))


def _is_orphan(session: Session, staged: Staged, foreign: ForeignKey) -> Any:
    """Whether the row refers to one that is not there, or that is not the one that was: that one is blocked itself."""
    mine = staged.table
    here = [mine.c[staged.of(each)] for each in foreign.columns]
    parent = session.conditions.table(foreign.table).alias("parent")
    same = [parent.c[there] == each for there, each in zip(foreign.match, here, strict=True)]
    found: Any = exists(select(literal(1)).select_from(parent).where(*same))
    others = [each for each in session.staged if each.taken.table == foreign.table and each.taken.what == "rows"]
    for number, other in enumerate(each for each in others if set(foreign.match) <= set(each.taken.fields)):
        row = other.table.alias(f"other{number}")
        same = [row.c[other.of(there)] == each for there, each in zip(foreign.match, here, strict=True)]
        found = and_(found, ~exists(select(literal(1)).select_from(row).where(*same, row.c.why > 0)))
        waits = foreign.deferrable or session.schema.dialect == "sqlite"  # which defers them all
        if other is staged or waits:
            found = or_(found, exists(select(literal(1)).select_from(row).where(*same, row.c.why == 0)))
    return and_(*(each.is_not(None) for each in here), not_(found))


def _taken(key: tuple[str, ...], live: Table) -> str:
    named = ", ".join(f"`{each}`" for each in key)
    return (
        f"another row has its key ({named}) now"
        if key == live.primary_key
        else f"{named} must be unique, and another row has its value now"
    )


def _orphaned(foreign: ForeignKey) -> str:
    return f"the row of `{foreign.table}` that it refers to is not there ({foreign.name})"


def _judge_values(session: Session, staged: Staged, live: Table) -> None:
    mine, target = staged.table, session.conditions.table(live.name)
    taken = staged.taken
    if any(live.column(each) is None for each in taken.key):
        for flag in staged.flags:
            _mark(session, staged, f"its key ({', '.join(taken.key)}) is gone", true(), flag)
        return
    keyed = [target.c[each] == mine.c[staged.of(each)] for each in taken.key]
    alive = exists(select(literal(1)).select_from(target).where(*keyed))
    for flag, name, old, new in _value_columns(staged):
        if old.now is None:
            if name not in staged.without:
                _mark(session, staged, f"its column `{name}` is gone", true(), flag)
            else:
                session.run(update(mine).values({flag: BACK}))
            continue
        if name in staged.misfits:
            why = f"its column `{name}` is of another type now, which does not take what was in it"
            _mark(session, staged, why, true(), flag)
            continue
        here = image(session, target, [(name, old.now)])
        as_before = exists(
            select(literal(1)).select_from(target).where(*keyed, here == image(session, mine, [(old.name, old.now)]))
        )
        as_written = exists(
            select(literal(1)).select_from(target).where(*keyed, here == image(session, mine, [(new.name, old.now)]))
        )
        session.run(update(mine).values({flag: BACK}).where(as_before))
        _mark(session, staged, "the row is gone", not_(alive), flag)
        _mark(session, staged, f"its column `{name}` was written since", not_(as_written), flag)
    _judge_references(session, staged, live, target, keyed)
    if _hidden(live, set(taken.columns)):
        _try_write(session, staged, live)


def _judge_references(session: Session, staged: Staged, live: Table, target: Any, keyed: list[Any]) -> None:
    """Old values that must be unique, or refer to somebody: with the row's other columns as they are captured."""
    mine, taken = staged.table, staged.taken
    flags = {name: flag for flag, name, _, _ in _value_columns(staged)}
    names = set(taken.fields)
    for key in live.unique:
        written = [each for each in key if each in flags]
        if written and set(key) <= names:
            alike = [target.c[each] == mine.c[staged.of(each)] for each in key]
            other = exists(select(literal(1)).select_from(target).where(*alike, not_(and_(*keyed))))
            for each in written:
                _mark(session, staged, _taken(key, live), other, flags[each])
    for foreign in live.foreign_keys:
        written = [each for each in foreign.columns if each in flags]
        if written and set(foreign.columns) <= names:
            for each in written:
                _mark(session, staged, _orphaned(foreign), _is_orphan(session, staged, foreign), flags[each])


def _value_columns(staged: Staged) -> Iterator[tuple[str, str, Column, Column]]:
    """(flag, column, as it was, as it was written) of each captured column of values."""
    old = staged.columns[len(staged.taken.key) : len(staged.taken.fields)]
    new = staged.columns[len(staged.taken.fields) :]
    return zip(staged.flags, staged.taken.columns, old, new, strict=True)


def _present(staged: Staged) -> list[Column]:
    """The captured columns that there are still."""
    return [each for each in staged.columns if each.now is not None]


# -- what only trying tells -----------------------------------------------------------------------------


def _hidden(live: Table, names: set[str]) -> list[tuple[str, ...]]:
    """Columns of UNIQUE indexes that are computed, hold for some rows only, or have columns that were not captured."""
    computed = {each.name for each in live.columns if each.generated}
    beyond = [each for each in live.unique if not set(each) <= names and set(each) & (names | computed)]
    return [*beyond, *(each for each in live.unique_partly if set(each) & names)]


def _try_insert(session: Session, staged: Staged, live: Table, names: set[str]) -> None:
    """Block the rows that such an index keeps out: tried, and undone."""
    mine, target = staged.table, session.conditions.table(live.name)
    keyed = [target.c[each] == mine.c[staged.of(each)] for each in staged.taken.key]
    with _undone(session):
        _insert(session, staged, trial=True)
        away = ~exists(select(literal(1)).select_from(target).where(*keyed))
        lines = [line for (line,) in session.run(select(mine.c.line).where(mine.c.why == 0, away))]
    for some in _some(lines):
        _mark(session, staged, _kept_out(_hidden(live, names)), mine.c.line.in_(some))


def _try_write(session: Session, staged: Staged, live: Table) -> None:
    """Block the values that such an index keeps out: tried on all rows, then on half of them, and so on; and undone."""
    mine, hidden = staged.table, _hidden(live, set(staged.taken.columns))
    columns = {name for each in hidden for name in each}
    if columns & {each.name for each in live.columns if each.generated}:
        columns |= set(staged.taken.columns)  # from which it is computed is not known
    flags = [flag for flag, name, _, _ in _value_columns(staged) if name in columns]
    lines = [line for (line,) in session.run(select(mine.c.line).where(or_(*(mine.c[each] == 0 for each in flags))))]
    open_ = list(_some(lines))
    while open_:
        some = open_.pop()
        try:
            with _undone(session):
                _write_back(session, staged, some)
        except Conflict:
            if len(some) > 1:
                open_ += [some[: len(some) // 2], some[len(some) // 2 :]]
                continue
            for flag in flags:
                _mark(session, staged, _kept_out(hidden), mine.c.line.in_(some), flag)


def _kept_out(hidden: list[tuple[str, ...]]) -> str:
    named = " or ".join("(" + ", ".join(f"`{name}`" for name in each) + ")" for each in hidden)
    return f"another row has its value of a UNIQUE index over {named} now"


def _some(lines: Sequence[int]) -> Iterator[Sequence[int]]:
    return (lines[start : start + SOME] for start in range(0, len(lines), SOME))


@contextmanager
def _undone(session: Session) -> Iterator[None]:
    session.run_text("SAVEPOINT slett_trial")
    try:
        yield
    finally:
        session.run_text("ROLLBACK TO SAVEPOINT slett_trial")
        session.run_text("RELEASE SAVEPOINT slett_trial")


# -- back -----------------------------------------------------------------------------------------------


def _insert(session: Session, staged: Staged, *, trial: bool = False) -> None:
    """Put in what is not blocked; as a trial, without what a UNIQUE index keeps out."""
    mine, target = staged.table, session.conditions.table(staged.taken.table)
    if not session.run(select(func.count()).select_from(mine).where(mine.c.why == 0)).scalar_one():
        return
    dialect, columns = session.store.dialect, _present(staged)
    rows = session.make.prepare(select(*(mine.c[each.name] for each in columns)).where(mine.c.why == 0))
    quote = session._live.dialect.identifier_preparer
    names = ", ".join(quote.quote(each.of) for each in columns)
    before, after = dialect.unless_there if trial else ("INSERT", "")
    text = f"{before} INTO {quote.format_table(target)} ({names}) {dialect.overriding} {rows.text} {after}"
    live = session.schema.tables[staged.taken.table]
    if not (dialect.checks_each_row and any(each.table == live.name for each in live.foreign_keys)):
        session.ask(replace(rows, text=text))
        return
    # of the statement's own rows, those to come do not count yet: so it is checked afterwards, by ourselves
    session.run_text("SET foreign_key_checks = 0")
    try:
        session.ask(replace(rows, text=text))
    finally:
        session.run_text("SET foreign_key_checks = 1")
    for foreign in live.foreign_keys:
        if set(foreign.columns) <= {each.of for each in columns} and not trial:
            _insist_on_parents(session, staged, foreign)


def _insist_on_parents(session: Session, staged: Staged, foreign: ForeignKey) -> None:
    """Lock the rows that the inserted ones refer to; all must be there.

    Raises:
        Busy: one went in between.
    """
    mine, parent = staged.table, session.conditions.table(foreign.table).alias("parent")
    here = [mine.c[staged.of(each)] for each in foreign.columns]
    referring = select(func.count()).select_from(mine).where(mine.c.why == 0, *(each.is_not(None) for each in here))
    same = [parent.c[there] == each for there, each in zip(foreign.match, here, strict=True)]
    found = select(func.count(func.distinct(mine.c.line))).where(mine.c.why == 0, *same).with_for_update(read=True)
    if session.run(found).scalar_one() < session.run(referring).scalar_one():
        raise Busy(session.store.name, f"a row of `{foreign.table}` went at the same moment")


def _write_back(session: Session, staged: Staged, lines: Sequence[int] | None = None) -> None:
    mine, target = staged.table, session.conditions.table(staged.taken.table)
    keyed = [target.c[each] == mine.c[staged.of(each)] for each in staged.taken.key]
    free, values = [], {}
    for flag, name, old, _ in _value_columns(staged):
        if old.now is not None:
            free.append(mine.c[flag] == 0)
            values[name] = case((mine.c[flag] == 0, mine.c[old.name]), else_=target.c[name])
    if values:
        these = true() if lines is None else mine.c.line.in_(lines)
        statement = update(target).values(values).where(*keyed, or_(*free), these)
        insist(session.store.name, statement, [staged.taken.key])
        session.run(statement)
