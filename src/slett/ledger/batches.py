"""Batches, and who may write for them.

A batch is a group of requests that are executed in one pass. Whoever works on it holds a lease. Taking a batch,
from nobody or from a process that died, raises its fence; every write for the batch carries the fence, and fails
with `Fenced` once another has taken over. So two processes may believe that they hold a batch, but only the
last to take it can write, whatever their clocks say.

How long a lease runs is told by one clock: that of the ledger's database where it has one, and in SQLite that of the
machine, on which all its processes are. A lease that runs longer than any can is of a clock that was set back: it is
over.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, Update, bindparam, delete, insert, select, update

from slett.ledger.database import mark_destroyed
from slett.ledger.errors import Fenced, Held, LedgerError
from slett.ledger.jobs import Jobs
from slett.ledger.tables import batches, requests, scope, slices, steps

LEASE = timedelta(seconds=20)
AGAIN = timedelta(minutes=10)  # after which a late look that came to no end is tried again
OVER = ("settling", "finished")  # nothing is left to resume

Lane = Literal["small", "large"]

_CREATE = insert(batches).returning(batches.c.number)
_JOIN = (
    update(requests)
    .where(
        requests.c.reference.in_(bindparam("joining", expanding=True)),
        requests.c.batch.is_(None),
        requests.c.finished_at.is_(None),  # somebody may be cancelling it
    )
    .values(batch=bindparam("into"))
)
_FENCE = select(batches.c.fence, batches.c.state).where(batches.c.number == bindparam("which")).with_for_update()
_SET = update(batches).where(batches.c.number == bindparam("which"))
HELD = _SET.where(batches.c.fence == bindparam("mine"), batches.c.state != "finished")
_UNCOUNT = _SET.values(attempts=batches.c.attempts - 1)
_APART = (
    update(requests)
    .where(requests.c.reference.in_(bindparam("departing", expanding=True)), requests.c.batch == bindparam("old"))
    .values(batch=bindparam("into"))
)
_UNSEAL = delete(scope).where(scope.c.batch == bindparam("which"))
_UNMARK = update(steps).where(steps.c.batch == bindparam("which"), steps.c.progress.is_not(None)).values(progress=None)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write for a batch, until somebody takes it over."""

    batch: int
    fence: int


@dataclass(frozen=True, slots=True)
class Batch:
    number: int
    state: Literal["new", "planned", "settling", "finished"]
    created_at: datetime
    finished_at: datetime | None = None
    owner: str = ""  # who held it last
    held_until: datetime | None = None  # None: nobody holds it
    fence: int = 0
    lane: Lane = "small"  # a large one waits for others of its kind, and nobody small waits for it
    attempts: int = 0  # how often it was begun since it last came on
    next_at: datetime | None = None  # not to be tried again before
    dead_at: datetime | None = None  # since when it is a dead letter: tried too often
    reason: str = ""  # why it failed last; never a person's data
    settles_at: datetime | None = None  # when it is time for the late look
    planned: int = 0  # rows, of all its steps
    swept: int = 0  # rows, that its late look is to change
    swept_at: datetime | None = None  # when that look said so last

    @property
    def lease(self) -> Lease:
        """The right to write for it, which whoever held it last has."""
        return Lease(self.number, self.fence)

    @property
    def is_over(self) -> bool:
        """Whether all of its requests have come to their end; a late look may follow."""
        return self.state in OVER


class Batches:
    """The batches, inside one transaction."""

    def __init__(
        self,
        connection: Connection,
        now: datetime,
        checked: set[Lease],
        lease_clock: Callable[[Connection], datetime],
        jobs: Jobs,
    ) -> None:
        self._connection = connection
        self._now = now
        self._checked = checked
        self._lease_clock = lease_clock
        self._jobs = jobs

    def create(self, references: Iterable[str], owner: str = "", lane: Lane = "small") -> Batch:
        """A new batch of these requests, held by its owner from the start if one is given: see `take`.

        Raises:
            LedgerError: one of them is unknown, over, or already in a batch.
        """
        batch = self._insert(owner, lane)
        for some in slices(list(references)):
            joined = self._connection.execute(_JOIN, {"joining": some, "into": batch.number})
            if joined.rowcount != len(some):
                raise LedgerError("a request of this batch is unknown, over, or already in another batch")
        return batch

    def set_apart(self, lease: Lease, references: Iterable[str], lane: Lane) -> Batch:
        """A new batch, held by nobody, of requests that leave this one; nothing was begun of them.

        Raises:
            Fenced: another process has taken the batch over.
            LedgerError: one of them is not in it.
        """
        check_lease(self._connection, lease, self._checked)
        batch = self._insert("", lane)
        for some in slices(list(references)):
            left = self._connection.execute(_APART, {"departing": some, "old": lease.batch, "into": batch.number})
            if left.rowcount != len(some):
                raise LedgerError("a request that was to be set apart is not in this batch")
        self._jobs.for_batch(batch.number, lane)
        return batch

    def change_lane(self, lease: Lease, lane: Lane) -> None:
        """Let go of the batch, for whoever works in that lane."""
        check_lease(self._connection, lease, self._checked)
        self._set(lease.batch, lane=lane, held_until=None, attempts=0)
        self._jobs.for_batch(lease.batch, lane)

    def _insert(self, owner: str, lane: Lane) -> Batch:
        held, fence = (self._lease_time() + LEASE, 1) if owner else (None, 0)
        row: dict[str, object] = {"state": "new", "created_at": self._now, "owner": owner, "held_until": held}
        row |= {"fence": fence, "lane": lane, "attempts": fence}
        number: int = self._connection.execute(_CREATE, row).scalar_one()
        batch = Batch(number, "new", self._now, owner=owner, held_until=held, fence=fence, lane=lane, attempts=fence)
        self._checked.add(batch.lease)  # nobody else can see it yet
        return batch

    def get(self, number: int) -> Batch | None:
        """The batch of that number, or None."""
        row = self._connection.execute(select(batches).where(batches.c.number == number)).mappings().first()
        return Batch(**row) if row else None

    def unfinished(self) -> tuple[Batch, ...]:
        """The batches that have not come to their end, oldest first: after a crash, these are resumed."""
        query = select(batches).where(batches.c.state.not_in(OVER)).order_by(batches.c.number)
        return tuple(Batch(**row) for row in self._connection.execute(query).mappings())

    def waiting(self, lane: Lane | None = None) -> tuple[Batch, ...]:
        """The batches that anybody may take now: not held, their time has come, and no dead letters."""
        now = self._lease_time()
        return tuple(
            each
            for each in self.unfinished()
            if each.dead_at is None
            and lane in (None, each.lane)
            and _is_free(each, now)
            and (each.next_at is None or each.next_at <= self._now)
        )

    def dead(self) -> tuple[Batch, ...]:
        """The dead letters, oldest first: tried too often, and waiting for somebody to mend the reason."""
        return tuple(each for each in self.unfinished() if each.dead_at)

    def take(self, number: int, owner: str, *, force: bool = False) -> Lease:
        """The lease of an unfinished batch, for `LEASE`; a new fence shuts out whoever held it.

        A dead letter that is taken is one no more.

        Args:
            owner: who asks, for messages: host and process.
            force: take it even if another's lease still runs, because that process is known to be dead.

        Raises:
            Held: another's lease still runs.
            LedgerError: there is no such batch, or it is finished.
        """
        batch, now = self._free(number, force=force)
        if batch is None or batch.is_over:
            raise LedgerError(f"batch {number} is {'finished' if batch else 'unknown'}; there is nothing to take")
        lease = Lease(number, batch.fence + 1)
        begun = 1 if batch.dead_at else batch.attempts + 1
        self._set(
            number, owner=owner, held_until=now + LEASE, fence=lease.fence, attempts=begun, next_at=None, dead_at=None
        )
        self._checked.add(lease)
        return lease

    def _free(self, number: int, *, force: bool = False) -> tuple[Batch | None, datetime]:
        """(The batch, locked, which nobody holds; what time it is by the clock of leases).

        Raises:
            Held: somebody holds it.
        """
        query = select(batches).where(batches.c.number == number)
        row = self._connection.execute(query.with_for_update(skip_locked=not force)).mappings().first()
        locked = row is None
        row = row or self._connection.execute(query).mappings().first()
        batch = Batch(**row) if row else None
        now = self._lease_time()
        if batch and not batch.state == "finished" and (locked or not (force or _is_free(batch, now))):
            raise Held(number, batch.owner, f"{(batch.held_until or now):%Y-%m-%d %H:%M:%S} UTC")
        return batch, now

    def check(self, lease: Lease) -> None:
        """Make sure that the lease still holds, and that nobody takes the batch before this transaction ends.

        The writes of the journal do this themselves; call it before moving the requests of a batch.

        Raises:
            Fenced: another process has taken the batch over.
        """
        check_lease(self._connection, lease, self._checked)

    def renew(self, lease: Lease, *, came_on: bool = False) -> None:
        """Hold the batch for another `LEASE` from now; call it every few seconds.

        Args:
            came_on: something was done since the last time: what was tried before does not count against it.
        """
        values: dict[str, object] = {"attempts": 1} if came_on else {}
        set_held(self._connection, lease, self._checked, HELD, held_until=self._lease_time() + LEASE, **values)

    def release(self, lease: Lease) -> None:
        """Let go of an unfinished batch, so that anybody may take it at once; it was not its fault."""
        check_lease(self._connection, lease, self._checked)
        self._set(lease.batch, held_until=None, attempts=0)

    def fail(self, lease: Lease, reason: str, again: timedelta | None, *, counted: bool = True) -> None:
        """Let go of a batch that failed.

        Args:
            reason: without anybody's data.
            again: after which time it is tried again; None: it is a dead letter now.
            counted: it may be the batch's own fault.
        """
        check_lease(self._connection, lease, self._checked)
        values: dict[str, object] = {"next_at": self._now + again} if again is not None else {"dead_at": self._now}
        if not counted:
            self._connection.execute(_UNCOUNT, {"which": lease.batch})
        self._set(lease.batch, held_until=None, reason=reason, **values)
        if again is not None and (failed := self.get(lease.batch)):
            self._jobs.for_batch(lease.batch, failed.lane, self._now + again)

    def finish(self, lease: Lease) -> None:
        """End the batch: its sealed scope and the progress of its steps are destroyed, and nobody can take it again."""
        ended = {"state": "finished", "finished_at": self._now, "held_until": None}
        set_held(self._connection, lease, self._checked, HELD, **ended)
        self._connection.execute(_UNSEAL, {"which": lease.batch})
        self._connection.execute(_UNMARK, {"which": lease.batch})
        mark_destroyed(self._connection)

    # -- the late look ------------------------------------------------------------------------------

    def settle(self, lease: Lease, until: datetime) -> None:
        """End the batch but for a late look at that time: what is in its scope by now stays sealed so long.

        Nobody can resume it, and whoever held it can write for it no more when this transaction has ended.
        """
        ended = {"state": "settling", "finished_at": self._now, "held_until": None, "reason": ""}
        set_held(self._connection, lease, self._checked, HELD, **ended, settles_at=until, fence=lease.fence + 1)
        self._connection.execute(_UNMARK, {"which": lease.batch})

    def settled(self) -> tuple[Batch, ...]:
        """The batches whose time for a late look has come, oldest first."""
        query = select(batches).where(batches.c.state == "settling", batches.c.settles_at <= self._now)
        return tuple(Batch(**row) for row in self._connection.execute(query.order_by(batches.c.number)).mappings())

    def take_settled(self, number: int, owner: str) -> Lease | None:
        """The lease of a batch whose time for a late look has come; None when there is nothing to look for.

        If it comes to no end, it is tried again after `AGAIN`.

        Raises:
            Held: another's lease still runs.
        """
        batch, now = self._free(number)
        if batch is None or batch.state != "settling" or batch.settles_at is None or batch.settles_at > self._now:
            return None
        lease = Lease(number, batch.fence + 1)
        self._set(
            number, owner=owner, held_until=now + LEASE, fence=lease.fence, attempts=0, settles_at=self._now + AGAIN
        )
        self._checked.add(lease)
        return lease

    def sweep(self, lease: Lease, rows: int) -> None:
        """Write down how many rows the late look is to change, before it does.

        Raises:
            Fenced: another process has taken the batch over.
        """
        check_lease(self._connection, lease, self._checked)
        self._set(lease.batch, swept=rows, swept_at=self._now)

    def is_looked_at(self, number: int) -> bool:
        """Whether somebody is at the late look of a batch; nobody begins one before this transaction ends."""
        row = self._connection.execute(select(batches).where(batches.c.number == number).with_for_update()).mappings()
        batch = Batch(**found) if (found := row.first()) else None
        return batch is not None and batch.state == "settling" and not _is_free(batch, self._lease_time())

    def end_settling(self, lease: Lease) -> None:
        """The late look is done, or given up: its sealed scope is destroyed, and nobody can take the batch again."""
        check_lease(self._connection, lease, self._checked)
        self._connection.execute(_UNSEAL, {"which": lease.batch})
        self._set(lease.batch, state="finished", held_until=None, settles_at=None)
        mark_destroyed(self._connection)

    def _lease_time(self) -> datetime:
        return self._lease_clock(self._connection)

    def _set(self, number: int, **values: object) -> None:
        self._connection.execute(_SET, {"which": number, **values})


def _is_free(batch: Batch, now: datetime) -> bool:
    return batch.held_until is None or not now < batch.held_until <= now + LEASE


def check_lease(connection: Connection, lease: Lease, checked: set[Lease]) -> None:
    """Lock the batch for this transaction; `checked` are the leases that it has locked already.

    Raises:
        Fenced: another process has taken it over.
    """
    if lease in checked:
        return
    row = connection.execute(_FENCE, {"which": lease.batch}).first()
    if row is None or row.fence != lease.fence or row.state == "finished":
        raise Fenced(lease.batch)
    checked.add(lease)


def set_held(
    connection: Connection, lease: Lease, checked: set[Lease], statement: Update = HELD, **values: object
) -> None:
    """Write to the row of a batch that is held; that checks and locks it as `check_lease` does, in one statement.

    Args:
        statement: made of `HELD`.

    Raises:
        Fenced: another process has taken it over. Nothing was written.
    """
    held = connection.execute(statement, {"which": lease.batch, "mine": lease.fence, **values})
    if not held.rowcount:
        raise Fenced(lease.batch)
    checked.add(lease)
