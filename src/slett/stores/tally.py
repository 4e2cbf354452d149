"""Figures about a person's rows, several asked in one statement."""

from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Any

from sqlalchemy import String, and_, cast, func, not_, select

from slett.stores.operations import Due, Rows, Write
from slett.stores.sql import Session
from slett.stores.statements import Prepared


def count_holding(session: Session, asked: Sequence[tuple[Rows, tuple[Write, ...]]]) -> list[int]:
    """How many of each of these rows hold all of what is named with them."""

    def make(rows: Rows, holding: tuple[Write, ...]) -> Any:
        target = session.conditions.table(rows.table)
        held = [not_(session.conditions.differs(each, rows.table, target)) for each in holding]
        where = and_(session.conditions.where(rows, target), *held)
        return select(func.count().label("rows")).select_from(target).where(where)

    made = [session.make.remember(("holding", *each), each[0], partial(make, *each)) for each in asked]
    return [int(count) for (count,) in _together(session, made)]


def latest_due(session: Session, asked: Sequence[tuple[Rows, Due]]) -> list[tuple[int, date | None]]:
    """Of each of these rows how many there are, and the latest date from which their time is counted."""

    def make(rows: Rows, due: Due) -> Any:
        conditions = session.conditions
        target = conditions.table(rows.table)
        where = and_(conditions.where(rows, target), conditions.not_earlier(rows, target))
        last = cast(func.max(conditions.due_column(due, rows.table, target)), String)
        return select(func.count().label("rows"), last.label("last")).select_from(target).where(where)

    made = [session.make.remember(("latest", *each), each[0], partial(make, *each)) for each in asked]
    return [
        (int(count), date.fromisoformat(str(last)[:10]) if last else None) for count, last in _together(session, made)
    ]


def _together(session: Session, made: Sequence[Prepared]) -> list[tuple[Any, ...]]:
    """The one row of each statement, without its place."""
    if not made:
        return []
    parts = [f"SELECT {place} AS place, part.* FROM ({each.text}) AS part" for place, each in enumerate(made)]  # noqa: S608 - of a statement that is made here, with its parameters apart
    values = tuple(value for each in made for value in each.values)
    found = {row[0]: tuple(row[1:]) for row in session.ask(Prepared(" UNION ALL ".join(parts), values))}
    return [found[place] for place in range(len(made))]
