"""How many things wait for somebody: counts alone."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Table, func, select

from slett.ledger.requests import FINAL
from slett.ledger.tables import batches, deliveries, kept, notices, requests

RECENT = timedelta(days=7)
BEGIN_WITHIN = timedelta(minutes=10)
A_DAY = timedelta(days=1)

_SERVER_TIME = select(func.clock_timestamp())


@dataclass(frozen=True, slots=True)
class Waiting:
    """Counts of what is late, or was given up."""

    promised: int  # requests past the service's own promise
    lawful: int  # requests past the day that the law allows
    begun: int  # requests whose turn came ten minutes ago, and with which nobody has begun
    kept: int  # parcels of kept rows that were due before today
    settling: int  # batches that should have been looked at for late writes a day ago
    mails: int  # given up within a week
    webhooks: int


class Overview:
    """The counts, inside one transaction."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def waiting(self) -> Waiting:
        """What is late now, or was given up of late."""
        today = self._now.date()
        is_open = requests.c.state.not_in(sorted(FINAL))
        return Waiting(
            self._count(requests, is_open, requests.c.due_at < self._now),
            self._count(requests, is_open, requests.c.law_due < today),
            self._count(
                requests,
                requests.c.state == "scheduled",
                requests.c.not_before < self._now - BEGIN_WITHIN,
                requests.c.batch.is_(None),
                requests.c.held.is_(None),
            ),
            self._count(kept, kept.c.due < today),
            self._count(batches, batches.c.state == "settling", batches.c.settles_at < self._now - A_DAY),
            self._count(
                notices, notices.c.state == "given_up", notices.c.request.is_not(None), _recent(notices, self._now)
            ),
            self._count(deliveries, deliveries.c.state == "given_up", _recent(deliveries, self._now)),
        )

    def server_time(self) -> datetime | None:
        """What the clock of the ledger's server says now; None where the ledger is a file of this machine."""
        if self._connection.dialect.name != "postgresql":
            return None
        time: datetime = self._connection.execute(_SERVER_TIME).scalar_one()
        return time

    def newest(self) -> datetime | None:
        """When the last request was filed."""
        newest: datetime | None = self._connection.execute(select(func.max(requests.c.filed_at))).scalar()
        return newest

    def _count(self, table: Table, *conditions: ColumnElement[bool]) -> int:
        return int(self._connection.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one())


def _recent(table: Table, now: datetime) -> ColumnElement[bool]:
    recent: ColumnElement[bool] = table.c.created_at >= now - RECENT
    return recent
