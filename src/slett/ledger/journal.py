"""The journal: the steps of a batch, written before they are done, and the keys that they work on.

The keys are somebody's, so they are sealed: nothing here can be read without the secret key, and a finished batch
has none left.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, bindparam, case, delete, exists, insert, select, update

from slett.ledger.batches import HELD, Lease, check_lease, set_held
from slett.ledger.database import mark_destroyed
from slett.ledger.seal import Seal
from slett.ledger.tables import batches, scope, steps

_PLAN = insert(steps)
_PLANNED = HELD.values(state="planned", planned=batches.c.planned + bindparam("more"))
_MARK = (
    update(steps)
    .where(steps.c.batch == bindparam("of"), steps.c.position == bindparam("at"))
    .values(state=bindparam("now"), done=bindparam("rows"), progress=bindparam("mark"))
)
_PUT = insert(scope)
_READ = (
    select(scope.c.part, scope.c.blob)
    .where(scope.c.batch == bindparam("of"), scope.c.name == bindparam("which"))
    .order_by(scope.c.part)
    .execution_options(yield_per=1)
)
_second = scope.alias()
_MORE = exists().where(_second.c.batch == scope.c.batch, _second.c.name == scope.c.name, _second.c.part == 1)
_SMALL = select(scope.c.name, case((_MORE, None), else_=scope.c.blob)).where(
    scope.c.batch == bindparam("of"), scope.c.part == 0
)


@dataclass(frozen=True, slots=True)
class Step:
    position: int
    store: str
    table: str
    name: str  # what it does
    planned: int = 0  # rows
    done: int = 0
    state: Literal["planned", "running", "done"] = "planned"
    progress: str = ""  # JSON: where to go on after a crash; sealed in the database, gone when the batch is finished


class Steps:
    """The steps of batches, inside one transaction."""

    def __init__(self, connection: Connection, seal: Seal, checked: set[Lease]) -> None:
        self._connection = connection
        self._seal = seal
        self._checked = checked

    def plan(self, lease: Lease, plan: Iterable[Step]) -> None:
        """Write steps; the batch is `planned` from now on. A later call may add steps at further positions.

        Raises:
            Fenced: another process has taken the batch over.
        """
        plan = list(plan)
        more = sum(step.planned for step in plan)
        set_held(self._connection, lease, self._checked, _PLANNED, more=more)
        rows = [
            {
                "batch": lease.batch,
                "position": step.position,
                "store": step.store,
                "table": step.table,
                "name": step.name,
                "state": step.state,
                "planned": step.planned,
                "done": step.done,
                "progress": self._close(lease.batch, step),
            }
            for step in plan
        ]
        if rows:
            self._connection.execute(_PLAN, rows)

    def mark(self, lease: Lease, marked: Iterable[Step]) -> None:
        """Write how far these steps have come: their state, rows done and progress.

        Raises:
            Fenced: another process has taken the batch over.
        """
        check_lease(self._connection, lease, self._checked)
        rows = [
            {
                "of": lease.batch,
                "at": step.position,
                "now": step.state,
                "rows": step.done,
                "mark": self._close(lease.batch, step),
            }
            for step in marked
        ]
        if rows:
            self._connection.execute(_MARK, rows)

    def of(self, batch: int) -> tuple[Step, ...]:
        """The steps of a batch, in order."""
        query = select(steps).where(steps.c.batch == batch).order_by(steps.c.position)
        return tuple(
            Step(
                position=row.position,
                store=row.store,
                table=row.table,
                name=row.name,
                planned=row.planned,
                done=row.done,
                state=row.state,
                progress=self._open(batch, row.position, row.progress),
            )
            for row in self._connection.execute(query)
        )

    def _close(self, batch: int, step: Step) -> bytes | None:
        if not step.progress:
            return None
        return self._seal.close(step.progress.encode(), "step", batch, step.position)

    def _open(self, batch: int, position: int, blob: bytes | None) -> str:
        return self._seal.open(blob, "step", batch, position).decode() if blob else ""


class Scope:
    """The sealed keys that batches work on, by name and part, inside one transaction."""

    def __init__(self, connection: Connection, seal: Seal, checked: set[Lease]) -> None:
        self._connection = connection
        self._seal = seal
        self._checked = checked

    def put(self, lease: Lease, parts: Iterable[tuple[str, int, bytes]]) -> None:
        """Seal and write (name, part, content), the parts of a name counted from 0; a part is written once.

        Raises:
            Fenced: another process has taken the batch over.
        """
        check_lease(self._connection, lease, self._checked)
        rows = [
            {
                "batch": lease.batch,
                "name": name,
                "part": part,
                "blob": self._seal.close(content, "scope", lease.batch, name, part),
            }
            for name, part, content in parts
        ]
        if rows:
            self._connection.execute(_PUT, rows)

    def names(self, batch: int) -> dict[str, int]:
        """The names in a batch's scope, each with its number of parts."""
        query = select(scope.c.name).where(scope.c.batch == batch).order_by(scope.c.name)
        counted: dict[str, int] = {}
        for name in self._connection.execute(query).scalars():
            counted[name] = counted.get(name, 0) + 1
        return counted

    def small(self, batch: int) -> dict[str, bytes | None]:
        """The contents of all names that have one part, at once; None of those that have more.

        Raises:
            BrokenSeal: a part was changed, or sealed with another secret key.
        """
        return {
            name: None if blob is None else self._seal.open(blob, "scope", batch, name, 0)
            for name, blob in self._connection.execute(_SMALL, {"of": batch})
        }

    def read(self, batch: int, name: str) -> Iterator[bytes]:
        """The contents of a name's parts, in order, one at a time in memory.

        Raises:
            BrokenSeal: a part was changed, or sealed with another secret key.
        """
        for part, blob in self._connection.execute(_READ, {"of": batch, "which": name}):
            yield self._seal.open(blob, "scope", batch, name, part)

    def destroy(self, lease: Lease) -> None:
        """Delete all of a batch's scope, so that it is not in the database's file any more.

        Raises:
            Fenced: another process has taken the batch over.
        """
        check_lease(self._connection, lease, self._checked)
        self._connection.execute(delete(scope).where(scope.c.batch == lease.batch))
        mark_destroyed(self._connection)
