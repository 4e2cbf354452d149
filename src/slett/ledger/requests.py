"""Requests: what a person asked for, and how far it has come.

A request moves along `MOVES` and no other way, each time by one compare-and-swap, so that of two who would move it
exactly one does.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Literal

from sqlalchemy import Connection, Select, and_, bindparam, func, insert, or_, select, update

from slett.ledger.deadlines import law_due
from slett.ledger.errors import LedgerError
from slett.ledger.jobs import Jobs
from slett.ledger.references import draw_reference
from slett.ledger.tables import requests, slices

Kind = Literal["close", "erase", "return", "export", "unsubscribe", "restore"]
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
Doubt = Literal["", "address_changed", "mailbox_only"]
Origin = Literal[  # what files a request that nobody asks for now
    "",
    "replay",  # the person came back with a backup
    "doubtful",  # likewise, as the operator alone says
    "released",  # what a hold kept back
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
DONE: tuple[State, ...] = ("fulfilled", "partially_fulfilled")
FINAL: frozenset[State] = frozenset(
    {"fulfilled", "partially_fulfilled", "cancelled", "expired", "refused", "not_found"}
)


KEYED_HASH = re.compile("[0-9a-f]{64}")

_FILE = insert(requests)
_TAKEN = select(requests.c.reference).where(requests.c.reference.in_(bindparam("drawn", expanding=True)))
_PLACES = select(requests.c.reference, requests.c.certificate).where(
    requests.c.reference.in_(bindparam("some", expanding=True)), requests.c.certificate.is_not(None)
)
_SET = update(requests).where(requests.c.reference == bindparam("which"))
_MOVE = (
    update(requests)
    .where(requests.c.reference.in_(bindparam("some", expanding=True)), requests.c.state == bindparam("start"))
    .returning(requests.c.reference)
)
_MOVE_ONE = _SET.where(requests.c.state == bindparam("start"))
_ALONE = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("person"), 0)))
_OPEN = (
    select(requests)
    .where(
        requests.c.subject == bindparam("of"),
        requests.c.kind == bindparam("what"),
        or_(
            requests.c.state.not_in(sorted(FINAL)),
            and_(requests.c.until > bindparam("now"), requests.c.followed_by.is_(None)),
        ),
    )
    .order_by(requests.c.filed_at)
)
_WITHDRAW = _SET.where(
    requests.c.state.in_(["filed", "verified", "scheduled"]),
    requests.c.batch.is_(None),  # whoever made a batch of it has begun
    or_(requests.c.started_at.is_(None), requests.c.kind.not_in(["erase", "close"])),  # and so has who was stopped
).values(state="cancelled")
_ENDED = and_(requests.c.state.in_(DONE), requests.c.followed_by.is_(None))
_FOLLOW = _SET.where(requests.c.kind == bindparam("what"), _ENDED)


def _closed() -> Select[tuple[object, ...]]:
    return select(requests).where(requests.c.kind == "close", _ENDED)


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
    not_before: datetime | None = None  # the earliest start
    secret: str | None = None  # keyed hash of what opens its status page
    follows: str | None = None  # the request that it comes after
    followed_by: str | None = None  # of a close, its return or its erasure; of an erasure, what undid it
    until: datetime | None = None  # of a close, the end of the way back
    leaving: str = ""  # why they leave, if they said so: one word of a fixed list
    doubt: Doubt = ""  # why it waits longer
    origin: Origin = ""  # what filed it, if nobody asked now
    held: int | None = None  # the hold that suspends it


class Requests:
    """The requests, inside one transaction."""

    def __init__(self, connection: Connection, now: datetime, draw: Callable[[int], bytes], jobs: Jobs) -> None:
        self._connection = connection
        self._now = now
        self._draw = draw
        self._jobs = jobs

    def file(
        self,
        kind: Kind,
        subjects: Sequence[str],
        map_digest: str,
        promise: timedelta,
        state: State = "filed",
        *,
        follows: Request | None = None,
        origin: Origin = "",
        batch: int | None = None,
    ) -> tuple[Request, ...]:
        """New requests, one a subject, in the same order.

        Args:
            state: `filed`, or further on where whoever asks answers for who it is.
            subjects: keyed hashes, see `Keys.subject`.
            promise: within which time the service says it will be done.
            follows: the request that they come after; whoever can open its status page can open theirs.
            origin: what files them, if nobody asked now.
            batch: that carries them out; it was made on this page.

        Raises:
            LedgerError: a subject is not a keyed hash.
        """
        if not all(KEYED_HASH.fullmatch(subject) for subject in subjects):
            raise LedgerError("a person appears in the ledger as a keyed hash only; see `Keys.subject`")
        lawful = law_due(self._now.date())
        filed = tuple(
            Request(
                reference=reference,
                kind=kind,
                state=state,
                subject=subject,
                map_digest=map_digest,
                filed_at=self._now,
                due_at=self._now + promise,
                law_due=lawful,
                follows=follows.reference if follows else None,
                secret=follows.secret if follows else None,
                origin=origin,
                batch=batch,
            )
            for reference, subject in zip(self._fresh_references(len(subjects)), subjects, strict=True)
        )
        if filed:
            columns = [each.name for each in fields(Request)]
            rows = [{column: getattr(request, column) for column in columns} for request in filed]
            self._connection.execute(_FILE, rows)
        return filed

    def get(self, reference: str) -> Request | None:
        """The request of that reference, or None."""
        row = self._connection.execute(select(requests).where(requests.c.reference == reference)).mappings().first()
        return Request(**row) if row else None

    def some(self, references: Iterable[str], *, alone: bool = False) -> dict[str, Request]:
        """Those requests of them that there are, by their references.

        Args:
            alone: without those that somebody else is writing to, and nobody else writes to these for now.
        """
        found: dict[str, Request] = {}
        for each in slices(list(references)):
            query = select(requests).where(requests.c.reference.in_(each))
            query = query.with_for_update(skip_locked=True) if alone else query
            rows = self._connection.execute(query).mappings()
            found |= {row["reference"]: Request(**row) for row in rows}
        return found

    def find(
        self,
        *,
        state: State | None = None,
        batch: int | None = None,
        subject: str | None = None,
        kind: Kind | None = None,
        after: Request | None = None,
        limit: int | None = None,
    ) -> tuple[Request, ...]:
        """The requests that match all that is given, newest first.

        Args:
            after: the last one of those found before.
        """
        wanted = {"state": state, "batch": batch, "subject": subject, "kind": kind}
        query = select(requests).where(
            *(requests.c[key] == value for key, value in wanted.items() if value is not None)
        )
        if after:
            same = and_(requests.c.filed_at == after.filed_at, requests.c.reference > after.reference)
            query = query.where(or_(requests.c.filed_at < after.filed_at, same))
        query = query.order_by(requests.c.filed_at.desc(), requests.c.reference).limit(limit)
        return self._read(query)

    def move(
        self, references: Iterable[str], start: State, end: State, *, through: Sequence[State] = (), reason: str = ""
    ) -> tuple[str, ...]:
        """The references of those that this call moved; the others were no longer in `start`: somebody was first.

        Args:
            through: the states on the way, all in this commit.

        Raises:
            LedgerError: no request may go that way.
        """
        ways = list(pairwise((start, *through, end)))
        for one, other in ways:
            if other not in MOVES.get(one, ()):
                raise LedgerError(f"a request cannot go from `{one}` to `{other}`")
        values: dict[str, object] = {"state": end}
        if reason:
            values["reason"] = reason
        if ("scheduled", "running") in ways:
            values["started_at"] = self._now
        if end in FINAL:
            values["finished_at"] = self._now
        asked = list(references)
        if len(asked) == 1:  # what most people are: half the work of a list
            alone = self._connection.execute(_MOVE_ONE, {"which": asked[0], "start": start, **values})
            return tuple(asked) if alone.rowcount else ()
        moved: set[str] = set()
        for some in slices(asked):
            moved.update(self._connection.execute(_MOVE, {"some": some, "start": start, **values}).scalars())
        return tuple(reference for reference in asked if reference in moved)

    def find_open(self, kind: Kind, subject: str) -> Request | None:
        """The person's request of that kind that is not over, or None; a close is not while it has a way back.

        Nobody else gets an answer about this person and kind before this transaction ends, so whoever files one only
        after asking here never files a second.
        """
        self.lock(kind, subject)
        row = self._connection.execute(_OPEN, {"of": subject, "what": kind, "now": self._now}).mappings().first()
        return Request(**row) if row else None

    def lock(self, kind: Kind, subject: str) -> None:
        """Nobody else decides on this person and kind before this transaction ends."""
        if self._connection.dialect.name == "postgresql":  # in SQLite, BEGIN IMMEDIATE is the lock
            self._connection.execute(_ALONE, {"person": f"{kind} {subject}"})

    def schedule(
        self, request: Request, *, secret: str, promise: timedelta, not_before: datetime, doubt: Doubt
    ) -> Request:
        """A verified request, now waiting for its turn.

        Args:
            secret: keyed hash of what opens its status page.
            promise: within which time after `not_before` the service says it will be done.
            doubt: why it waits longer than others.
        """
        self.move([request.reference], "verified", "scheduled")
        due_at = not_before + promise
        values = {"secret": secret, "not_before": not_before, "due_at": due_at, "doubt": doubt}
        self._connection.execute(_SET, {"which": request.reference, **values})
        if request.kind == "erase":
            self._jobs.for_request(request.reference, not_before)
        return replace(request, state="scheduled", secret=secret, not_before=not_before, due_at=due_at, doubt=doubt)

    def suspend(self, reference: str, hold: int | None, reason: str) -> None:
        """Put a request back, out of its batch, until that hold is released; its turn comes then.

        Args:
            hold: None: its turn is now.
        """
        back = _SET.where(requests.c.state.in_(["scheduled", "running"]))
        values = {"held": hold, "reason": reason, "state": "scheduled", "batch": None}
        begin = func.coalesce(requests.c.not_before, self._now)
        self._connection.execute(back.values(not_before=begin), {"which": reference, **values})

    def put_off(self, reference: str, hold: int, reason: str) -> None:
        """Say that a closed account's end waits for that hold, whenever its window ends."""
        closed = update(requests).where(requests.c.reference == reference, requests.c.held.is_(None))
        self._connection.execute(closed.values(held=hold, reason=reason))

    def withdraw(self, reference: str) -> bool:
        """Whether this call cancelled the request: nobody had begun with it, nor cancelled it before."""
        return self._connection.execute(_WITHDRAW, {"which": reference, "finished_at": self._now}).rowcount == 1

    def open_window(self, reference: str, until: datetime) -> None:
        """Set until when a closed account has a way back."""
        self._set("until", {reference: until})

    def follow(self, reference: str, by: str) -> bool:
        """Whether this call ended a close by another request, its return or its erasure: only one can."""
        values = {"which": reference, "what": "close", "followed_by": by}
        return self._connection.execute(_FOLLOW, values).rowcount == 1

    def follow_instead(self, reference: str, of: str, by: str | None) -> bool:
        """Whether this call put another request in the place of the one that followed a close; None: nothing does."""
        mine = _SET.where(requests.c.kind == "close", requests.c.followed_by == bindparam("of"))
        return self._connection.execute(mine, {"which": reference, "of": of, "followed_by": by}).rowcount == 1

    def undo(self, reference: str, by: str) -> bool:
        """Whether this call noted that an erasure was undone by a restore, the first or one that brought back more."""
        undone = _SET.where(requests.c.kind == "erase", requests.c.state.in_(DONE))
        return self._connection.execute(undone, {"which": reference, "followed_by": by}).rowcount == 1

    def give_reason(self, reference: str, leaving: str) -> None:
        """Set why they leave: a word of a fixed list."""
        self._set("leaving", {reference: leaving})

    def due(self, now: datetime, kind: Kind, limit: int = 1_000) -> tuple[Request, ...]:
        """The scheduled requests of that kind whose turn has come and that are in no batch, longest waiting first."""
        query = select(requests).where(
            requests.c.state == "scheduled",
            requests.c.kind == kind,
            requests.c.not_before <= now,
            requests.c.batch.is_(None),
            requests.c.held.is_(None),
        )
        return self._read(query.order_by(requests.c.not_before, requests.c.reference).limit(limit))

    def running(self, before: datetime, kind: Kind, limit: int = 1_000) -> tuple[Request, ...]:
        """The requests of that kind that began before then and are not done, and that are in no batch."""
        query = select(requests).where(
            requests.c.state == "running",
            requests.c.kind == kind,
            requests.c.started_at <= before,
            requests.c.batch.is_(None),
        )
        return self._read(query.order_by(requests.c.started_at).limit(limit))

    def unconfirmed(self, before: datetime, limit: int = 1_000) -> tuple[Request, ...]:
        """The requests filed before then that nobody has confirmed, oldest first."""
        query = select(requests).where(requests.c.state == "filed", requests.c.filed_at < before)
        return self._read(query.order_by(requests.c.filed_at).limit(limit))

    def windows_over(self, now: datetime, limit: int = 1_000) -> tuple[Request, ...]:
        """The closes whose way back has ended, that no hold puts off and nothing has followed yet, oldest first."""
        over = _closed().where(requests.c.until <= now, requests.c.held.is_(None))
        return self._read(over.order_by(requests.c.until).limit(limit))

    def windows_ending(self, after: datetime, before: datetime) -> tuple[Request, ...]:
        """The closes that nothing has followed yet, and whose way back ends between those moments."""
        between = requests.c.until.between(after, before)
        return self._read(_closed().where(between).order_by(requests.c.until))

    def count(self, counts: Mapping[str, Counts]) -> None:
        """Set, for each reference, what was done to how many rows."""
        self._set("counts", counts)

    def certify(self, places: Mapping[str, int], counts: Mapping[str, Counts] | None = None) -> None:
        """Set, for each reference, where in the log its certificate is; with `counts`, these too."""
        if counts is None:
            self._set("certificate", places)
        else:
            rows = [{"which": each, "certificate": place, "counts": counts[each]} for each, place in places.items()]
            self._connection.execute(_SET, rows)

    def certificates(self, references: Iterable[str]) -> dict[str, int]:
        """Where in the log the certificates of those requests are that have one."""
        places: dict[str, int] = {}
        for some in slices(list(references)):
            places.update((reference, place) for reference, place in self._connection.execute(_PLACES, {"some": some}))
        return places

    def _read(self, query: Select[tuple[object, ...]]) -> tuple[Request, ...]:
        return tuple(Request(**row) for row in self._connection.execute(query).mappings())

    def _set(self, column: str, values: Mapping[str, object]) -> None:
        if values:
            rows = [{"which": reference, column: value} for reference, value in values.items()]
            self._connection.execute(_SET, rows)

    def _fresh_references(self, number: int) -> list[str]:
        fresh: dict[str, None] = {}
        while len(fresh) < number:
            drawn = [draw_reference(self._draw) for _ in range(number - len(fresh))]
            for some in slices(drawn):
                taken = self._connection.execute(_TAKEN, {"drawn": some}).scalars()
                fresh.update(dict.fromkeys(set(some).difference(taken)))
        return list(fresh)
