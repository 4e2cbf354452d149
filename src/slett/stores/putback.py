"""Values that a change is about to overwrite: read beforehand, and put back where nobody wrote there since.

They pass as plain values (text, numbers, true and false, bytes, null) that can be written down: what a database gives
back differs from what it takes in type only.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import String, case, cast, not_, or_, select, update

from slett.stores.errors import StoreError
from slett.stores.known import bind
from slett.stores.line import Row
from slett.stores.operations import Rows, Update, Write
from slett.stores.proof import insist
from slett.stores.sql import Session
from slett.stores.statements import Extra

AS_TEXT = ("json", "array", "time")  # what a driver makes of these is not what it takes


def read_old(session: Session, change: Update, columns: Sequence[str]) -> Iterator[Row]:
    """These columns of every row that the change would touch now."""
    yield from _read(session, change.rows, columns, change)


def read_now(session: Session, rows: Rows, columns: Sequence[str]) -> Iterator[Row]:
    """These columns of the rows, in the same plain values."""
    yield from _read(session, rows, columns)


def _read(session: Session, rows: Rows, columns: Sequence[str], change: Update | None = None) -> Iterator[Row]:
    target = session.conditions.table(rows.table)
    live = session.schema.tables[rows.table]
    wanted = []
    for name in columns:
        column = live.column(name)
        textual = column is not None and column.family in AS_TEXT
        wanted.append(cast(target.c[name], String) if textual else target.c[name])
    parts = [session.conditions.where(rows, target)]
    if change:
        parts.append(session.conditions.unfinished(change, target))
    for row in session.run(select(*wanted).where(*parts)):
        try:
            yield tuple(plain(value) for value in row)
        except TypeError:
            sentence = f"{', '.join(columns)} of `{rows.table}`: one holds values that cannot be put back"
            raise StoreError(session.store.name, sentence) from None


def plain(value: Any) -> Any:
    """The value as it can be written down and given back.

    Raises:
        TypeError: it cannot.
    """
    if value is None or isinstance(value, str | int | float | bool | bytes):
        return value
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    if isinstance(value, UUID | Decimal | date):
        return str(value)
    raise TypeError(f"a value of type {type(value).__name__} cannot be put back")


def put_back(
    session: Session,
    table: str,
    key: Sequence[str],
    writes: Sequence[Write],
    rows: Sequence[tuple[Row, Row]],
) -> None:
    """Each column that still holds what was written becomes the old value again.

    Args:
        writes: what was written.
        rows: of each row its key and its old values, in the order of `writes`.

    Raises:
        Unproven: the statement would not be bound to the key. Nothing ran.
    """
    conditions = session.conditions
    target = conditions.table(table)
    here = [target.c[each] == bind(Extra(f"key {n}")) for n, each in enumerate(key)]
    still = [not_(conditions.differs(write, table, target)) for write in writes]
    values = {
        write.column: case((unchanged, bind(Extra(f"old {n}"))), else_=target.c[write.column])
        for n, (write, unchanged) in enumerate(zip(writes, still, strict=True))
    }
    statement = update(target).where(*here, or_(*still)).values(values)
    insist(session.store.name, statement, [tuple(key)])
    prepared = session.make.prepare(statement)
    filled = [(prepared.text, prepared.parameters({}, _values(mine, old))) for mine, old in rows]
    session.run_all(filled)


def _values(key: Row, old: Row) -> Mapping[str, Any]:
    return {f"key {n}": value for n, value in enumerate(key)} | {f"old {n}": value for n, value in enumerate(old)}
