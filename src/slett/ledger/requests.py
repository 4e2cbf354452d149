"""Requests: what a person asked for, and how far it has come.

A request moves along `MOVES` and no other way, each time by one compare-and-swap, so that of two who would move it
exactly one does.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, bindparam, insert, select, update

from slett.ledger.deadlines import law_due
from slett.ledger.errors import LedgerError
from slett.ledger.references import draw_reference
from slett.ledger.tables import requests, slices

Kind = Literal["erase", "export"]
State = Literal[
    "filed",
    "verified",  # the person is who they say
    "scheduled",
    "running",
    "verifying",  # everything is done; somebody looks again
    "fulfilled",
    "partially_fulfilled",
    "cancelled",
    "expired",  # nobody confirmed it in time
    "refused",
    "not_found",
]
Counts = Mapping[str, Mapping[str, int]]  # store/table → action → rows

MOVES: Mapping[State, frozenset[State]] = {
    "filed": frozenset({"verified", "cancelled", "expired", "refused", "not_found"}),
    "verified": frozenset({"scheduled", "cancelled", "expired", "refused", "not_found"}),
    "scheduled": frozenset({"running", "cancelled", "refused", "not_found"}),
    "running": frozenset(
        {"verifying", "partially_fulfilled", "not_found", "scheduled"}
    ),  # scheduled: put back untouched
    "verifying": frozenset({"fulfilled", "partially_fulfilled", "running"}),  # running: something was written meanwhile
}
FINAL: frozenset[State] = frozenset(
    {"fulfilled", "partially_fulfilled", "cancelled", "expired", "refused", "not_found"}
)


KEYED_HASH = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Request:
    reference: str
    kind: Kind
    state: State
    subject: str  # keyed hash, see `Keys.subject`
    map_digest: str
    filed_at: datetime
    due_at: datetime  # what the service promises
    law_due: date  # the last day the law allows
    started_at: datetime | None = None
    finished_at: datetime | None = None
    reason: str = ""  # why it ended so; never a person's data
    counts: Counts = field(default_factory=dict)
    batch: int | None = None
    certificate: int | None = None  # its place in the log


class Requests:
    """The requests, inside one transaction."""

    def __init__(self, connection: Connection, now: datetime, draw: Callable[[int], bytes]) -> None:
        self._connection = connection
        self._now = now
        self._draw = draw

    def file(
        self, kind: Kind, subjects: Sequence[str], map_digest: str, promise: timedelta, state: State = "filed"
    ) -> tuple[Request, ...]:
        """New requests, one a subject, in the same order.

        Args:
            state: `filed`, or further on where whoever asks answers for who it is.
            subjects: keyed hashes, see `Keys.subject`.
            promise: within which time the service says it will be done.

        Raises:
            LedgerError: a subject is not a keyed hash.
        """
        if not all(KEYED_HASH.fullmatch(subject) for subject in subjects):
            raise LedgerError("a person appears in the ledger as a keyed hash only; see `Keys.subject`")
        filed = tuple(
            Request(
                reference=reference,
                kind=kind,
                state=state,
                subject=subject,
                map_digest=map_digest,
                filed_at=self._now,
                due_at=self._now + promise,
                law_due=law_due(self._now.date()),
            )
            for reference, subject in zip(self._fresh_references(len(subjects)), subjects, strict=True)
        )
        if filed:
            self._connection.execute(insert(requests), [asdict(request) for request in filed])
        return filed

    def get(self, reference: str) -> Request | None:
        """The request of that reference, or None."""
        row = self._connection.execute(select(requests).where(requests.c.reference == reference)).mappings().first()
        return Request(**row) if row else None

    def find(
        self,
        *,
        state: State | None = None,
        batch: int | None = None,
        subject: str | None = None,
        limit: int | None = None,
    ) -> tuple[Request, ...]:
        """The requests that match all that is given, newest first."""
        wanted = {"state": state, "batch": batch, "subject": subject}
        query = select(requests).where(
            *(requests.c[key] == value for key, value in wanted.items() if value is not None)
        )
        query = query.order_by(requests.c.filed_at.desc(), requests.c.reference).limit(limit)
        return tuple(Request(**row) for row in self._connection.execute(query).mappings())

    def move(self, references: Iterable[str], start: State, end: State, *, reason: str = "") -> tuple[str, ...]:
        """The references of those that this call moved; the others were no longer in `start`: somebody was first.

        Raises:
            LedgerError: no request may go that way.
        """
        if end not in MOVES.get(start, ()):
            raise LedgerError(f"a request cannot go from `{start}` to `{end}`")
        values: dict[str, object] = {"state": end}
        if reason:
            values["reason"] = reason
        if end == "running" and start == "scheduled":
            values["started_at"] = self._now
        if end in FINAL:
            values["finished_at"] = self._now
        asked = list(references)
        moved: set[str] = set()
        for some in slices(asked):
            statement = (
                update(requests)
                .where(requests.c.reference.in_(some), requests.c.state == start)
                .values(values)
                .returning(requests.c.reference)
            )
            moved.update(self._connection.execute(statement).scalars())
        return tuple(reference for reference in asked if reference in moved)

    def count(self, counts: Mapping[str, Counts]) -> None:
        """Set, for each reference, what was done to how many rows."""
        self._set("counts", counts)

    def certify(self, places: Mapping[str, int]) -> None:
        """Set, for each reference, where in the log its certificate is."""
        self._set("certificate", places)

    def certificates(self, references: Iterable[str]) -> dict[str, int]:
        """Where in the log the certificates of those requests are that have one."""
        places: dict[str, int] = {}
        for some in slices(list(references)):
            query = select(requests.c.reference, requests.c.certificate).where(
                requests.c.reference.in_(some), requests.c.certificate.is_not(None)
            )
            places.update((reference, place) for reference, place in self._connection.execute(query))
        return places

    def _set(self, column: str, values: Mapping[str, object]) -> None:
        if values:
            self._connection.execute(
                update(requests).where(requests.c.reference == bindparam("which")).values({column: bindparam("what")}),
                [{"which": reference, "what": value} for reference, value in values.items()],
            )

    def _fresh_references(self, number: int) -> list[str]:
        fresh: dict[str, None] = {}
        while len(fresh) < number:
            drawn = [draw_reference(self._draw) for _ in range(number - len(fresh))]
            for some in slices(drawn):
                taken = self._connection.execute(select(requests.c.reference).where(requests.c.reference.in_(some)))
                fresh.update(dict.fromkeys(set(some).difference(taken.scalars())))
        return list(fresh)
