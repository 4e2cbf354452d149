"""Kept rows: what had to stay when its person left, and the day on which it goes after all."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, Select, delete, insert, select

from slett.ledger.database import mark_destroyed
from slett.ledger.seal import Seal
from slett.ledger.tables import kept, slices


@dataclass(frozen=True, slots=True)
class Kept:
    """Rows of one table, kept for one request until one day."""

    request: str
    store: str
    table: str
    due: date | None  # the day on which they go; None: with the rows they hang on
    keys: bytes  # which rows, in the engine's own writing; sealed in the database
    number: int = 0  # given by the ledger


class KeptRows:
    """The kept rows, inside one transaction."""

    def __init__(self, connection: Connection, seal: Seal) -> None:
        self._connection = connection
        self._seal = seal

    def add(self, rows: Iterable[Kept]) -> None:
        """Remember that these rows were kept."""
        sealed = [
            {
                "request": row.request,
                "store": row.store,
                "table": row.table,
                "due": row.due,
                "keys": self._seal.close(row.keys, "kept", row.request, row.store, row.table),
            }
            for row in rows
        ]
        if sealed:
            self._connection.execute(insert(kept), sealed)

    def due(self, day: date, *, after: int = 0, limit: int = 1_000) -> tuple[Kept, ...]:
        """What is due on that day or was before, in pages: at most `limit`, numbered above `after`."""
        return self._read(select(kept).where(kept.c.due <= day, kept.c.number > after).limit(limit))

    def all(self, *, after: int = 0, limit: int = 1_000) -> tuple[Kept, ...]:
        """What is kept, due or not, in pages as `due`."""
        return self._read(select(kept).where(kept.c.number > after).limit(limit))

    def of(self, request: str) -> tuple[Kept, ...]:
        """What is still kept for a request."""
        return self._read(select(kept).where(kept.c.request == request))

    def forget(self, numbers: Sequence[int]) -> None:
        """Delete these, because their rows are erased; their keys are not in the database's file any more."""
        for some in slices(numbers):
            self._connection.execute(delete(kept).where(kept.c.number.in_(some)))
        mark_destroyed(self._connection)

    def _read(self, query: Select[tuple[object, ...]]) -> tuple[Kept, ...]:
        return tuple(
            Kept(
                request=row.request,
                store=row.store,
                table=row.table,
                due=row.due,
                keys=self._seal.open(row.keys, "kept", row.request, row.store, row.table),
                number=row.number,
            )
            for row in self._connection.execute(query.order_by(kept.c.number))
        )
