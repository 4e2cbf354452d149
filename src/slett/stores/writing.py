"""Staged rows and values are written into the live tables, whatever stands in their way: `obstacles` knows.

A statement is proven first, and made once for rows of its shape.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import case, func, or_, select, true, update

from slett.stores.errors import Busy
from slett.stores.proof import insist
from slett.stores.schema import ForeignKey
from slett.stores.sql import Session
from slett.stores.staging import Column, Staged, recall


def insert(session: Session, staged: Staged, *, unless_there: bool = False) -> int:
    """Put in what is not blocked, perhaps without what a UNIQUE index keeps out; says how many rows."""
    mine, target = staged.table, session.conditions.table(staged.taken.table)
    dialect, columns = session.store.dialect, present(staged)
    rows = recall(
        session, staged, "free", lambda: select(*(mine.c[each.name] for each in columns)).where(mine.c.why == 0)
    )
    quote = session.live.dialect.identifier_preparer
    names = ", ".join(quote.quote(each.of) for each in columns)
    before, after = dialect.unless_there if unless_there else ("INSERT", "")
    text = f"{before} INTO {quote.format_table(target)} ({names}) {dialect.overriding} {rows.text} {after}"
    live = session.schema.tables[staged.taken.table]
    if not (dialect.checks_each_row and any(each.table == live.name for each in live.foreign_keys)):
        return int(session.ask(replace(rows, text=text)).rowcount)
    # of the statement's own rows, those to come do not count yet: so it is checked afterwards, by ourselves
    session.run_text("SET foreign_key_checks = 0")
    try:
        count = int(session.ask(replace(rows, text=text)).rowcount)
    finally:
        session.run_text("SET foreign_key_checks = 1")
    for foreign in live.foreign_keys:
        if set(foreign.columns) <= {each.of for each in columns} and not unless_there:
            _insist_on_parents(session, staged, foreign)
    return count


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


def write_back(session: Session, staged: Staged, lines: Sequence[int] | None = None) -> None:
    """Write the old values where they are not blocked; with `lines`, of these rows alone."""
    mine, target = staged.table, session.conditions.table(staged.taken.table)
    keyed = [target.c[each] == mine.c[staged.of(each)] for each in staged.taken.key]
    present = [(flag, name, old) for flag, name, old, _ in value_columns(staged) if old.now is not None]

    def make() -> Any:
        these = true() if lines is None else mine.c.line.in_(lines)
        free = or_(*(mine.c[flag] == 0 for flag, _, _ in present))
        values = {
            name: case((mine.c[flag] == 0, mine.c[old.name]), else_=target.c[name]) for flag, name, old in present
        }
        statement = update(target).values(values).where(*keyed, free, these)
        insist(session.store.name, statement, [staged.taken.key])
        return statement

    if present and lines is None:
        ask(session, staged, "write back", make)
    elif present:
        session.run(make())


def value_columns(staged: Staged) -> Iterator[tuple[str, str, Column, Column]]:
    """(flag, column, as it was, as it was written) of each captured column of values."""
    old = staged.columns[len(staged.taken.key) : len(staged.taken.fields)]
    new = staged.columns[len(staged.taken.fields) :]
    return zip(staged.flags, staged.taken.columns, old, new, strict=True)


def present(staged: Staged) -> list[Column]:
    """The captured columns that there are still."""
    return [each for each in staged.columns if each.now is not None]


def ask(session: Session, staged: Staged, what: Hashable, make: Callable[[], Any]) -> Any:
    """What comes of a statement that is made once for tables of this kind."""
    return session.ask(recall(session, staged, what, make))
