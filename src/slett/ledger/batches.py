"""Batches, and who may write for them.

A batch is a group of requests that are executed in one pass. Whoever works on it holds a lease. Taking a batch,
from nobody or from a process that died, raises its fence; every write for the batch carries the fence, and fails
with `Fenced` once another has taken over. So two processes may believe that they hold a batch, but only the
last to take it can write, whatever their clocks say.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from slett.ledger.database import mark_destroyed
from slett.ledger.errors import Fenced, Held, LedgerError
from slett.ledger.tables import batches, requests, scope, slices, steps

LEASE = timedelta(seconds=30)

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
_UNSEAL = delete(scope).where(scope.c.batch == bindparam("which"))
_UNMARK = update(steps).where(steps.c.batch == bindparam("which")).values(progress=None)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write for a batch, until somebody takes it over."""

    batch: int
    fence: int


@dataclass(frozen=True, slots=True)
class Batch:
    number: int
    state: Literal["new", "planned", "finished"]
    created_at: datetime
    finished_at: datetime | None = None
    owner: str = ""  # who held it last
    held_until: datetime | None = None  # None: nobody holds it
    fence: int = 0

    @property
    def lease(self) -> Lease:
        """The right to write for it, which whoever held it last has."""
        return Lease(self.number, self.fence)


class Batches:
    """The batches, inside one transaction."""

    def __init__(self, connection: Connection, now: datetime, checked: set[Lease]) -> None:
        self._connection = connection
        self._now = now
        self._checked = checked

    def create(self, references: Iterable[str], owner: str = "") -> Batch:
        """A new batch of these requests, held by its owner from the start if one is given: see `take`.

        Raises:
            LedgerError: one of them is unknown, over, or already in a batch.
        """
        held, fence = (self._now + LEASE, 1) if owner else (None, 0)
        row = {"state": "new", "created_at": self._now, "owner": owner, "held_until": held, "fence": fence}
        number: int = self._connection.execute(_CREATE, row).scalar_one()
        for some in slices(list(references)):
            joined = self._connection.execute(_JOIN, {"joining": some, "into": number})
            if joined.rowcount != len(some):
                raise LedgerError("a request of this batch is unknown, over, or already in another batch")
        batch = Batch(number, "new", self._now, owner=owner, held_until=held, fence=fence)
        self._checked.add(batch.lease)  # nobody else can see it yet
        return batch

    def get(self, number: int) -> Batch | None:
        """The batch of that number, or None."""
        row = self._connection.execute(select(batches).where(batches.c.number == number)).mappings().first()
        return Batch(**row) if row else None

    def unfinished(self) -> tuple[Batch, ...]:
        """The batches that have not come to their end, oldest first: after a crash, these are resumed."""
        query = select(batches).where(batches.c.state != "finished").order_by(batches.c.number)
        return tuple(Batch(**row) for row in self._connection.execute(query).mappings())

    def take(self, number: int, owner: str, *, force: bool = False) -> Lease:
        """The lease of an unfinished batch, for `LEASE`; a new fence shuts out whoever held it.

        Args:
            owner: who asks, for messages: host and process.
            force: take it even if another's lease still runs, because that process is known to be dead.

        Raises:
            Held: another's lease still runs.
            LedgerError: there is no such batch, or it is finished.
        """
        query = select(batches).where(batches.c.number == number).with_for_update()
        row = self._connection.execute(query).mappings().first()
        if row is None or row["state"] == "finished":
            raise LedgerError(f"batch {number} is {'finished' if row else 'unknown'}; there is nothing to take")
        batch = Batch(**row)
        if batch.held_until and batch.held_until > self._now and not force:
            raise Held(number, batch.owner, f"{batch.held_until:%Y-%m-%d %H:%M:%S} UTC")
        lease = Lease(number, batch.fence + 1)
        self._set(number, owner=owner, held_until=self._now + LEASE, fence=lease.fence)
        return lease

    def check(self, lease: Lease) -> None:
        """Make sure that the lease still holds, and that nobody takes the batch before this transaction ends.

        The writes of the journal do this themselves; call it before moving the requests of a batch.

        Raises:
            Fenced: another process has taken the batch over.
        """
        check_lease(self._connection, lease, self._checked)

    def renew(self, lease: Lease) -> None:
        """Hold the batch for another `LEASE` from now; call it about every ten seconds."""
        check_lease(self._connection, lease, self._checked)
        self._set(lease.batch, held_until=self._now + LEASE)

    def release(self, lease: Lease) -> None:
        """Let go of an unfinished batch, so that anybody may take it at once."""
        check_lease(self._connection, lease, self._checked)
        self._set(lease.batch, held_until=None)

    def finish(self, lease: Lease) -> None:
        """End the batch: its sealed scope and the progress of its steps are destroyed, and nobody can take it again."""
        check_lease(self._connection, lease, self._checked)
        self._connection.execute(_UNSEAL, {"which": lease.batch})
        self._connection.execute(_UNMARK, {"which": lease.batch})
        self._set(lease.batch, state="finished", finished_at=self._now, held_until=None)
        mark_destroyed(self._connection)

    def _set(self, number: int, **values: object) -> None:
        self._connection.execute(_SET, {"which": number, **values})


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
