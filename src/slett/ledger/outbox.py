"""What is to be sent: mails and webhooks, written down with the change that they tell of, and sent afterwards.

Whoever takes some holds them for a while; another takes them again if that process dies. So each is sent at least
once, and the change never waits for a mail server.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Table, exists, insert, select, update
from sqlalchemy.engine import RowMapping

from slett.ledger.database import mark_destroyed
from slett.ledger.seal import Seal
from slett.ledger.tables import deliveries, notices

Sending = Literal["waiting", "sent", "given_up"]


@dataclass(frozen=True, slots=True)
class Notice:
    """A mail."""

    number: int
    request: str | None
    kind: str
    content: bytes  # to whom and what, in the writing of whoever queued it; sealed in the database
    attempts: int  # this one included
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook. Its body holds no personal data."""

    number: int
    event_id: str
    request: str
    body: Mapping[str, Any]
    state: Sending
    attempts: int  # this one included
    created_at: datetime
    last_status: int | None


class Notices:
    """The mails, inside one transaction."""

    def __init__(self, connection: Connection, now: datetime, seal: Seal) -> None:
        self._connection = connection
        self._now = now
        self._seal = seal

    def add(self, kind: str, request: str | None, content: bytes, *, state: Sending = "waiting") -> int:
        """The number of a new mail.

        Args:
            state: `given_up` for one that only looks like a mail: it costs the same, and nobody sends it.
        """
        row = {
            "request": request,
            "kind": kind,
            "blob": b"",
            "state": state,
            "attempts": 0,
            "next_at": self._now,
            "created_at": self._now,
        }
        number: int = self._connection.execute(insert(notices).returning(notices.c.number), row).scalar_one()
        blob = self._seal.close(content, "notice", number)
        waiting = (notices.c.number == number) & (notices.c.state == "waiting")
        self._connection.execute(update(notices).where(waiting), {"blob": blob})
        return number

    def take(self, limit: int, hold: timedelta) -> tuple[Notice, ...]:
        """The mails whose time has come, at most `limit`, for whoever asks: nobody else gets them for that time."""
        return tuple(
            Notice(
                number=row["number"],
                request=row["request"],
                kind=row["kind"],
                content=self._seal.open(row["blob"], "notice", row["number"]),
                attempts=row["attempts"],
                created_at=row["created_at"],
            )
            for row in _take(self._connection, notices, self._now, limit, hold)
        )

    def sent(self, number: int) -> None:
        """It went out; its content is destroyed."""
        self._end(number, state="sent", sent_at=self._now)

    def give_up(self, number: int) -> None:
        """It cannot be sent; its content is destroyed."""
        self._end(number, state="given_up")

    def again(self, number: int, at: datetime) -> None:
        """Try it again then."""
        self._connection.execute(update(notices).where(notices.c.number == number), {"next_at": at})

    def any_waiting(self, request: str) -> bool:
        """Whether something is still to be sent about a request."""
        waiting = (notices.c.request == request) & (notices.c.state == "waiting")
        return bool(self._connection.execute(select(exists().where(waiting))).scalar())

    def was_queued(self, request: str, kind: str) -> int:
        """How many mails of that kind a request has had."""
        query = select(notices.c.number).where(notices.c.request == request, notices.c.kind == kind)
        return len(self._connection.execute(query).all())

    def _end(self, number: int, **values: object) -> None:
        self._connection.execute(update(notices).where(notices.c.number == number), {"blob": b"", **values})
        mark_destroyed(self._connection)


class Deliveries:
    """The webhooks, inside one transaction."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def add(self, events: Iterable[tuple[str, str, Mapping[str, object]]]) -> None:
        """New webhooks: of each its event, its request and its body. They must hold no personal data."""
        rows = [
            {
                "event_id": event_id,
                "request": request,
                "body": dict(body),
                "state": "waiting",
                "attempts": 0,
                "next_at": self._now,
                "created_at": self._now,
            }
            for event_id, request, body in events
        ]
        if rows:
            self._connection.execute(insert(deliveries), rows)

    def take(self, limit: int, hold: timedelta) -> tuple[Delivery, ...]:
        """The webhooks whose time has come, at most `limit`, for whoever asks: nobody else gets them for that time."""
        return tuple(
            Delivery(
                number=row["number"],
                event_id=row["event_id"],
                request=row["request"],
                body=row["body"],
                state=row["state"],
                attempts=row["attempts"],
                created_at=row["created_at"],
                last_status=row["last_status"],
            )
            for row in _take(self._connection, deliveries, self._now, limit, hold)
        )

    def sent(self, number: int, status: int) -> None:
        """It was accepted."""
        self._set(number, state="sent", last_status=status)

    def give_up(self, number: int, status: int | None) -> None:
        """It was never accepted, and is not tried again."""
        self._set(number, state="given_up", last_status=status)

    def again(self, number: int, at: datetime, status: int | None) -> None:
        """Try it again then."""
        self._set(number, next_at=at, last_status=status)

    def of(self, request: str) -> tuple[Delivery, ...]:
        """The webhooks of a request, in the order in which they were written."""
        query = select(deliveries).where(deliveries.c.request == request).order_by(deliveries.c.number)
        return tuple(
            Delivery(
                row.number,
                row.event_id,
                row.request,
                row.body,
                row.state,
                row.attempts,
                row.created_at,
                row.last_status,
            )
            for row in self._connection.execute(query)
        )

    def _set(self, number: int, **values: object) -> None:
        self._connection.execute(update(deliveries).where(deliveries.c.number == number), values)


def _take(connection: Connection, table: Table, now: datetime, limit: int, hold: timedelta) -> list[RowMapping]:
    due = select(table.c.number).where(table.c.state == "waiting", table.c.next_at <= now)
    due = due.order_by(table.c.next_at, table.c.number).limit(limit).with_for_update(skip_locked=True)
    taken = (
        update(table)
        .where(table.c.number.in_(due.scalar_subquery()))
        .values(next_at=now + hold, attempts=table.c.attempts + 1)
        .returning(table)
    )
    return sorted(connection.execute(taken).mappings(), key=lambda row: row["number"])
