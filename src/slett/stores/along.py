"""Rows that the database would change along with a DELETE: found beforehand, so that they can be put away first.

A plan deletes children before their parents, but others may write one more in between. Where its foreign key says
ON DELETE CASCADE or SET NULL, the parent's DELETE changes it without handing it out, and no undo would know of it. So
the parents are locked, from where on nobody can refer to them, and whoever refers to them by then goes before them.
What ON DELETE SET DEFAULT would write cannot be said beforehand, and what ON DELETE SET NULL would write in a table
without a key could not be put back: such rows forbid the DELETE, as RESTRICT would, and the steps of their own table
take them in the next pass.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import literal, select

from slett.stores.errors import Conflict, StoreError
from slett.stores.operations import Change, Delete, KeySet, Link, Rows, Rule, Update, Write
from slett.stores.schema import ForeignKey, Table
from slett.stores.sql import Session
from slett.stores.taken import shape

Pulled = list[tuple[Table, ForeignKey]]


def pulled(session: Session, change: Delete, above: tuple[str, ...] = ()) -> Pulled:
    """The other tables whose rows the database would change with this change, and by which of their foreign keys.

    Args:
        above: tables that are left out.
    """
    name = change.rows.table
    referring = session.schema.referring(name)
    return [
        (table, key)
        for table, key in referring
        if table.name not in (name, *above) and key.on_delete in ("CASCADE", "SET NULL", "SET DEFAULT")
    ]


def referred_to(found: Pulled) -> tuple[str, ...]:
    """The columns by which rows of the changed table are referred to."""
    return tuple(dict.fromkeys(each for _, key in found for each in key.match))


def going_along(session: Session, change: Delete, found: Pulled, parents: list[tuple[Any, ...]]) -> Iterator[Change]:
    """What the database would do along with a DELETE of these rows, as changes of our own.

    Args:
        parents: their persons' numbers and the columns that `referred_to` names; they are locked.

    Raises:
        Conflict: a row is there that could not be put back as it was. Nothing was changed.
    """
    columns = referred_to(found)
    live = session.schema.tables[change.rows.table]
    families = tuple(column.family for each in columns if (column := live.column(each)))
    keys = KeySet(f"slett along {live.name}", session.store.name, live.name, columns, families, columns)
    session.know(keys, parents, people=1 if session.conditions.person(change.rows) is None else 2)
    changes: list[Change] = []
    for table, key in found:
        effect = _change(session, table, key, keys.name)
        if effect:
            changes.append(effect)
        elif _is_any(session, _rows(table, key, keys.name)):
            sentence = f"rows of `{table.name}` refer to what goes, and would be {_beyond(key)}"
            raise Conflict(session.store.name, sentence)
    # MariaDB may count what was there when the transaction began; there, each is tried
    counts = session.count(changes) if session.store.dialect.counts_latest else [1] * len(changes)
    yield from (each for each, count in zip(changes, counts, strict=True) if count)
    session.forget(keys.name)


def _change(session: Session, table: Table, key: ForeignKey, keys: str) -> Change | None:
    """None where what the database writes could not be put back."""
    rows = _rows(table, key, keys)
    if key.on_delete == "SET DEFAULT":
        return None
    if key.on_delete == "CASCADE":
        return Delete(rows)
    change = Update(rows, tuple(Write(each, Rule("null")) for each in key.columns))
    try:
        shape(session, change)
    except StoreError:
        return None
    return change


def _beyond(key: ForeignKey) -> str:
    """What the database would write, and why there would be no way back from that."""
    if key.on_delete == "SET DEFAULT":
        return "set to their default without a way back"
    return "set to null without a way back, as no key tells them apart; give the table a primary key"


def _is_any(session: Session, rows: Rows) -> bool:
    """Whether such a row is there, as was committed last."""

    def make() -> Any:
        target = session.conditions.table(rows.table)
        wanted = select(literal(1)).where(session.make.touched(Delete(rows), target)).limit(1)
        return wanted if session.store.dialect.counts_latest else wanted.with_for_update(read=True)

    return session.ask(session.make.remember(("any", rows), rows, make)).first() is not None


def _rows(table: Table, key: ForeignKey, keys: str) -> Rows:
    """The rows that refer to these parents by that foreign key."""
    return Rows(table.name, (Link(key.columns, keys, key.match),), key=table.primary_key)
