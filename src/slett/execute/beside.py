"""A second connection to a store, on which a slice of a large step is changed while another is on the first.

Only slices that never wait for each other go beside each other: see `Session.goes_beside`. The second connection
knows the same key sets, copied from the first.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing
from types import TracebackType
from typing import Self, TypeVar

from slett.execute.walk import Walk
from slett.plan import Step
from slett.stores.errors import StoreError
from slett.stores.sql import Session

T = TypeVar("T")
Open = Callable[[str], AbstractContextManager[Session]]  # one more session of a store


class Beside:
    """The second sessions of one pass, opened when they are first wanted, and their thread.

    Args:
        walk: whose rows, collected already.
        open_more: opens a session; None: there is to be no second one.
    """

    def __init__(self, walk: Walk, open_more: Open | None) -> None:
        self._walk = walk
        self._open = open_more
        self._sessions: dict[str, Session | None] = {}
        self._stack = ExitStack()
        self._pool = ThreadPoolExecutor(1, "slett beside")  # its thread begins with its first work

    def session(self, step: Step) -> Session | None:
        """A second session for this step, which knows what it needs; None where there is none, or is to be none."""
        first = self._walk.sessions[step.store]
        if self._open is None or step.guards or not first.goes_beside(step.change):
            return None
        try:
            if step.store not in self._sessions:
                self._sessions[step.store] = self._stack.enter_context(self._open(step.store))
            if second := self._sessions[step.store]:
                for link in step.change.rows.links:
                    self._copy(first, second, link.keys)
                self._copy(first, second, step.change.rows.among)
                second.find_by_person(step.change)
        except StoreError:  # the server has no room for one more: one is enough
            self._sessions[step.store] = None
        return self._sessions[step.store]

    def start(self, work: Callable[[], T]) -> "Future[T]":
        """What comes of work that goes on meanwhile."""
        return self._pool.submit(work)

    def _copy(self, first: Session, second: Session, name: str) -> None:
        if name and name not in second.known:
            with closing(first.rows_of(name)) as rows:  # even if the second one fails: the first goes on
                second.know(self._walk.key_set(name), rows, people=self._walk.people)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()  # what goes on when the first connection fails comes to its end before its own is closed
        self._stack.__exit__(kind, error, trace)
