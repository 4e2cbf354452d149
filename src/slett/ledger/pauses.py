"""Pauses: an operator, or a ceiling, stops all work in a store, or in all of them, until somebody lets it go on."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from slett.ledger.tables import batches, pauses, steps

EVERY = ""  # the name of all stores together


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
        query = select(pauses).where(pauses.c.lifted_at.is_(None)).order_by(pauses.c.number)
        return tuple(Pause(**row) for row in self._connection.execute(query).mappings())

    def rows_planned(self, since: datetime) -> int:
        """How many rows the batches begun since then were to change, or since the last pause was lifted."""
        lifted = self._connection.execute(select(func.max(pauses.c.lifted_at))).scalar()
        begun = max(since, lifted) if lifted else since
        query = select(func.coalesce(func.sum(steps.c.planned), 0)).join(batches, batches.c.number == steps.c.batch)
        return int(self._connection.execute(query.where(batches.c.created_at >= begun)).scalar_one())
