"""Changes whose rows are handed out as they were, column by column and byte for byte, while they are changed.

    with session.transaction():
        rows = capture(session, change, seal)            # or, for a large one: capture(session, change, seal, part)

A group of small changes goes with fewer round trips: `capture_all(session, changes, seal)`, where `seal` is also told
which change a block is of.

`seal` is called with blocks of bytes, each a whole number of rows and about a mebibyte at most, unless one row is more.
All of them were handed out when `capture` returns; only then may the transaction commit. `shape_of(session, change)`
says beforehand what is in them, to be kept beside them; `giveback` takes both.

The rows handed out are exactly those that were changed, as they were just before, whatever others write meanwhile:
PostgreSQL returns them from the very statement that changes them, and MariaDB and SQLite from a DELETE that names its
keys; else these two lock and read them first, and if then another number of rows is changed, nothing is (`Busy`: try
the transaction again). No row becomes objects here: databases write the text, the bytes pass through.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from secrets import randbits
from typing import Any

from sqlalchemy import and_, delete, func, literal_column, select, table, true, update
from sqlalchemy import column as sa_column

from slett.stores.along import Pulled, going_along, pulled, referred_to
from slett.stores.errors import Busy
from slett.stores.known import bind, key_column
from slett.stores.operations import Change, Delete, Update
from slett.stores.proof import insist, insist_on_locked
from slett.stores.sql import Session
from slett.stores.statements import Extra, Part, Prepared, Slice
from slett.stores.taken import Taken, shape, shape_of

__all__ = ["Taken", "capture", "capture_all", "shape_of"]

BLOCK = 2**20  # bytes handed out at once
COPIED, LITERAL = b"%b", b"(%b),\n"
ASIDE = "slett_aside"  # keys and old values while the new ones are written

Write = Callable[[bytes], None]
Along = Callable[[Taken, bytes], None]


def capture(
    session: Session,
    change: Change,
    write: Write,
    part: Slice | None = None,
    *,
    along: Along | None = None,
    above: tuple[str, ...] = (),
) -> int:
    """Run a change, or a slice of it, inside `session.transaction()`; says how many rows it touched.

    Args:
        write: takes every row as it was, in blocks of bytes. What it raises ends the transaction.
        along: takes rows of other tables that the database would change along; None: they are not looked for.
        above: tables whose rows are about to be deleted, and not looked for again.

    Raises:
        Unproven: the statement would not be bound to keys. Nothing ran.
        Busy: others wrote in between. Roll back, and nothing has changed; it may be tried again.
        StoreError: a row is too large to be handed out.
    """
    taken = shape(session, change)
    extra: dict[str, Any] = {"capture": randbits(62)}
    if part is not None:
        extra |= part.bounds
    of: Part = part.of if part else ""
    session.make.change(change, of)  # proven before anything is handed out
    if along and isinstance(change, Delete) and (pulls := pulled(session, change, above)):
        _take_along(session, change, of, extra, pulls, along, (*above, change.rows.table))
    if session.store.dialect.returns:
        return _gather(session.hand_out(_returning(session, change, taken, of), extra), COPIED, write)
    if isinstance(change, Delete) and _goes_alone(session, change, part):
        return _gather(session.hand_out(_deleting(session, change, taken), extra), LITERAL, write)
    if isinstance(change, Delete) and not (_looks_elsewhere(change) and taken.key):
        found = _gather(session.hand_out(_rows_before(session, change, taken, of), extra), LITERAL, write)
        changed = session.apply(change, part)
    else:
        session.run_text(f"{session.store.dialect.drop} {ASIDE}")
        session.ask(_aside(session, change, taken, of), extra)
        if isinstance(change, Delete):
            found = _gather(session.hand_out(_rows_aside(session, change, taken)), LITERAL, write)
            changed = session.apply(change, part)
        else:
            changed = session.apply(change, part)
            found = _gather(session.hand_out(_values_both(session, change, taken)), LITERAL, write)
        if _looks_elsewhere(change) and session.run(_left(session, change, taken)).scalar_one():
            raise Busy(session.store.name, "somebody wrote what decides about the rows at the same moment")
        session.run_text(f"{session.store.dialect.drop} {ASIDE}")
    if found != changed and not (isinstance(change, Delete) and changed < found and _went_along(session, change)):
        raise Busy(session.store.name, "somebody wrote the same rows at the same moment")
    return changed


def capture_all(
    session: Session,
    changes: Sequence[Change],
    write: Callable[[int, bytes], None],
    *,
    along: Callable[[int, Taken, bytes], None] | None = None,
) -> list[int]:
    """Run small changes in their order, each captured; says how many rows each touched.

    Their rows, of a few thousand in all, are held in memory where all go to the database at once.

    Args:
        write, along: as there, and are told the place of the change first.

    Raises:
        The same as `capture`.
    """
    counts: list[int] = []
    waiting: list[Prepared] = []

    def send() -> None:
        for rows in session.hand_out_all(waiting) if waiting else []:
            counts.append(_gather(rows, COPIED, partial(write, len(counts))))
        waiting.clear()

    for place, change in enumerate(changes):
        pulls = along is not None and isinstance(change, Delete) and pulled(session, change)
        if session.store.dialect.returns and not pulls:
            session.make.change(change)  # proven before anything is handed out
            waiting.append(_returning(session, change, shape(session, change), ""))
            continue
        send()
        counts.append(capture(session, change, partial(write, place), along=along and partial(along, place)))
    send()
    return counts


def _take_along(
    session: Session,
    change: Delete,
    of: Part,
    extra: Mapping[str, Any],
    found: Pulled,
    along: Along,
    above: tuple[str, ...],
) -> None:
    """Take first what the database would change along with the rows of a DELETE; from now on they are locked."""

    def make() -> Any:
        target = session.conditions.table(change.rows.table)
        returns = session.store.dialect.returns
        number, where = (_condition if returns else _once)(session, change, target, of)
        wanted = select(number.label("person"), *(target.c[each] for each in referred_to(found))).where(where)
        return wanted.with_for_update(of=target if returns else None)

    prepared = session.make.remember(("parents", change, of, referred_to(found)), change.rows, make)
    parents = [tuple(row) for row in session.ask(prepared, extra)]
    if not parents:
        return
    for each in going_along(session, change, found, parents):
        capture(session, each, partial(along, shape_of(session, each)), along=along, above=above)


def _goes_alone(session: Session, change: Delete, part: Slice | None) -> bool:
    """Whether the DELETE names keys and no key table, so that it needs no join, and hands out what it deletes."""
    inline = all(isinstance(each, int) for each in session.conditions.shape(change.rows))
    return part is None and inline and session.store.dialect.returns_deleted(session.live)


def _looks_elsewhere(change: Change) -> bool:
    """Whether rows of other tables, which are not locked, decide which rows are changed."""
    rows = change.rows
    return any(each.table for each in rows.unless) or bool(rows.due and rows.due.parents)


def _went_along(session: Session, change: Delete) -> bool:
    """Whether all rows are gone, some of them with another one of their own table, which is not counted."""
    live = session.schema.tables[change.rows.table]
    cascades = any(each.table == live.name and each.on_delete == "CASCADE" for each in live.foreign_keys)
    return cascades and session.count([change]) == [0]


def _gather(rows: Iterable[bytes], form: bytes, write: Write) -> int:
    """Hand the rows out in blocks, each row in its form; says how many they were."""
    count, size = 0, 0
    block: list[bytes] = []
    for row in rows:
        block.append(form % row)
        count += 1
        size += len(row)
        if size >= BLOCK:
            write(b"".join(block))
            block, size = [], 0
    if block:
        write(b"".join(block))
    return count


# -- databases that return what they change -------------------------------------------------------------


def _returning(session: Session, change: Change, taken: Taken, of: Part) -> Prepared:
    make = partial(_delete if isinstance(change, Delete) else _update, session, change, taken, of)  # type: ignore[arg-type] # each takes its own kind
    return session.make.remember(("returning", change, of), change.rows, make)


def _delete(session: Session, change: Delete, taken: Taken, of: Part) -> Any:
    target = session.conditions.table(change.rows.table)
    number, where = _condition(session, change, target, of)
    statement = delete(target).where(where)
    insist(session.store.name, statement, session.make.bound(change.rows, of))
    return statement.returning(number, *_place(session, taken, target), *(target.c[each] for each in taken.columns))


def _update(session: Session, change: Update, taken: Taken, of: Part) -> Any:
    """Rows are locked and read in a subquery, because RETURNING knows only what was written."""
    conditions, name = session.conditions, change.rows.table
    target = conditions.table(name)
    number, where = _condition(session, change, target, of)
    keys = [target.c[each].label(key_column(n)) for n, each in enumerate(taken.key)]
    old = [target.c[each].label(f"old{n}") for n, each in enumerate(taken.columns)]
    locked = (
        select(number.label("person"), *keys, *old).where(where).with_for_update(of=target).subquery("slett_locked")
    )
    same = and_(*(target.c[each] == locked.c[key_column(n)] for n, each in enumerate(taken.key)))
    values = {each.column: conditions.written(each, name, target) for each in change.writes}
    statement = update(target).where(same).values(values)
    insist_on_locked(session.store.name, statement, taken.key, session.make.bound(change.rows, of))
    return statement.returning(*locked.c, *(target.c[each] for each in taken.columns))


def _condition(session: Session, change: Change, target: Any, of: Part) -> tuple[Any, Any]:
    """(the person's number, which rows): the key table is joined, so that its number is at hand."""
    number = session.conditions.person(change.rows)
    join = number is not None
    where = session.make.touched(
        change, target, join=join, sliced=of == "rows" and not join, people=session.make.bounds(of)
    )
    if of == "rows":
        where = and_(where, session.make.in_slice(change.rows.table, target, join=False))
    return (literal_column("0") if number is None else number), where


# -- databases that do not ------------------------------------------------------------------------------


def _rows_before(session: Session, change: Delete, taken: Taken, of: Part) -> Prepared:
    def make() -> Any:
        target = session.conditions.table(change.rows.table)
        number, where = _once(session, change, target, of)
        fields = [_literal(session, taken, target, each) for each in taken.columns]
        line = session.store.dialect.line([number, *_place(session, taken, target), *fields])
        return select(line).where(where).with_for_update()

    return session.make.remember(("before", change, of), change.rows, make)


def _deleting(session: Session, change: Delete, taken: Taken) -> Prepared:
    """The DELETE that hands out the very rows that it deletes, whatever others write meanwhile."""

    def make() -> Any:
        target = session.conditions.table(change.rows.table)
        statement = delete(target).where(session.make.touched(change, target))
        insist(session.store.name, statement, session.make.bound(change.rows, ""))
        fields = [_literal(session, taken, target, each) for each in taken.columns]
        person: Any = literal_column("0")
        return statement.returning(session.store.dialect.line([person, *_place(session, taken, target), *fields]))

    return session.make.remember(("deleting", change), change.rows, make)


def _aside(session: Session, change: Change, taken: Taken, of: Part) -> Prepared:
    """The temporary table of the keys of the rows, and of their old values if there will be others."""

    def make() -> Any:
        target = session.conditions.table(change.rows.table)
        number, where = _once(session, change, target, of)
        keys = [target.c[each].label(key_column(n)) for n, each in enumerate(taken.key)]
        old = [_literal(session, taken, target, each) for each in taken.columns if taken.what == "values"]
        line = session.store.dialect.line(old or [literal_column("''")])
        return select(number.label("person"), *keys, line.label("old")).where(where).with_for_update()

    found = session.make.remember(("aside", change, of), change.rows, make)
    start = session.store.dialect.temporary.format(name=ASIDE, large="old")
    return Prepared(f"{start} {found.text}", found.values)


def _rows_aside(session: Session, change: Delete, taken: Taken) -> Prepared:
    def make() -> Any:
        aside, target, same = _beside(session, change, taken)
        fields = [_literal(session, taken, target, each) for each in taken.columns]
        return select(session.store.dialect.line([aside.c.person, *fields])).where(same)

    return session.make.remember(("rows aside", change), change.rows, make)


def _values_both(session: Session, change: Update, taken: Taken) -> Prepared:
    def make() -> Any:
        aside, target, same = _beside(session, change, taken)
        keys = [_literal(session, taken, target, each) for each in taken.key]
        new = [_literal(session, taken, target, each) for each in taken.columns]
        return select(session.store.dialect.line([aside.c.person, *keys, aside.c.old, *new])).where(same)

    return session.make.remember(("both", change), change.rows, make)


def _left(session: Session, change: Change, taken: Taken) -> Any:
    """The SELECT that counts the rows that were handed out and not changed."""
    aside, target, same = _beside(session, change, taken)
    unchanged = true() if isinstance(change, Delete) else session.conditions.unfinished(change, target)
    return select(func.count()).select_from(aside, target).where(same, unchanged).with_for_update()


def _beside(session: Session, change: Change, taken: Taken) -> tuple[Any, Any, Any]:
    """(what was put aside, the table, which rows of the two belong together)."""
    target = session.conditions.table(change.rows.table)
    keys = [key_column(n) for n in range(len(taken.key))]
    aside = table(ASIDE, *map(sa_column, ("person", "old", *keys)))
    return aside, target, and_(*(target.c[each] == aside.c[key] for key, each in zip(keys, taken.key, strict=True)))


def _once(session: Session, change: Change, target: Any, of: Part) -> tuple[Any, Any]:
    """(the person's number, which rows), each row once."""
    number, where = session.conditions.once(change.rows, target, sliced=of == "rows", people=session.make.bounds(of))
    parts = [where]
    if isinstance(change, Update):
        parts.append(session.conditions.unfinished(change, target))
    if of == "rows":
        parts.append(session.make.in_slice(change.rows.table, target, join=session.store.dialect.joins))
    return number, and_(*parts)


def _place(session: Session, taken: Taken, target: Any) -> list[Any]:
    """What tells equal rows apart where no key does."""
    if taken.key:
        return []
    place = session.store.dialect.place(target)
    return [bind(Extra("capture")) if place is None else place]  # else at least: in which capture


def _literal(session: Session, taken: Taken, target: Any, name: str) -> Any:
    return session.store.dialect.literal(target.c[name], taken.types[taken.fields.index(name)])
