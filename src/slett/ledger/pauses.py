"""Pauses: an operator, or a ceiling, stops all work in a store, or in all of them, until somebody lets it go on."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, insert, literal_column, select, update

from slett.ledger.tables import batches, holds, pauses

EVERY = ""  # the name of all stores together

_STANDING = select(pauses).where(pauses.c.lifted_at.is_(None)).order_by(pauses.c.number)
_IN_THE_WAY = select(
    select(func.count()).select_from(pauses).where(pauses.c.lifted_at.is_(None)).scalar_subquery(),
    select(func.coalesce(func.max(holds.c.number), 0)).scalar_subquery(),
)
_LIFTED = select(func.coalesce(func.max(pauses.c.lifted_at), literal_column("''"))).scalar_subquery()
_PLANNED = select(func.coalesce(func.sum(batches.c.planned), 0)).where(
    batches.c.created_at >= bindparam("begun"), batches.c.created_at >= _LIFTED
)
_SWEPT = select(func.coalesce(func.sum(batches.c.swept), 0)).where(
    batches.c.swept_at >= bindparam("begun"), batches.c.swept_at >= _LIFTED
)
_ROWS = select(_PLANNED.scalar_subquery() + _SWEPT.scalar_subquery())


@dataclass(frozen=True, slots=True)
class Pause:
    """One stop, of one store or of all."""

    number: int
    store: str  # empty: all
    reason: str
    by: str
    at: datetime
    lifted_at: datetime | None = None


class Pauses:
    """The pauses, inside one transaction."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def add(self, store: str, reason: str, by: str) -> None:
        """Pause a store, or with an empty name all of them; what is paused already has one more reason to be."""
        row = {"store": store, "reason": reason, "by": by, "at": self._now}
        self._connection.execute(insert(pauses), row)

    def lift(self, store: str) -> int:
        """How many pauses of that store, or of all stores together, were lifted."""
        mine = update(pauses).where(pauses.c.store == store, pauses.c.lifted_at.is_(None))
        return self._connection.execute(mine.values(lifted_at=self._now)).rowcount

    def standing(self) -> tuple[Pause, ...]:
        """The pauses that hold now, oldest first."""
        return tuple(Pause(**row) for row in self._connection.execute(_STANDING).mappings())

    def in_the_way(self) -> tuple[int, int]:
        """(How many pauses hold now, the number of the last hold that was placed), in one statement."""
        pauses_now, newest_hold = self._connection.execute(_IN_THE_WAY).one()
        return pauses_now, newest_hold

    def rows_planned(self, since: datetime) -> int:
        """How many rows erasures and late looks begun since then were to change, or since the last pause was lifted."""
        return int(self._connection.execute(_ROWS, {"begun": since}).scalar_one())
