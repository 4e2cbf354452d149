"""A sign of life: while a batch is worked on, its lease is renewed every few seconds, however long a step takes.

Whoever was frozen, or lost the ledger, may have been taken over without knowing it. So before each transaction in a
store the work asks `check`: while its own clock says that the lease runs, that costs nothing; after that it asks the
ledger first. The clock is one that nobody sets, and that goes on while the machine sleeps where there is such a one.
"""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from slett.ledger import LEASE, Fenced, Lease, Ledger, LedgerError

BEAT_SECONDS = 5.0
SURE_SECONDS = LEASE.total_seconds() / 2  # how long after it was renewed a lease is taken to run
CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def own_clock() -> float:
    """Seconds, on a clock of this machine that nobody sets."""
    return time.clock_gettime(CLOCK)


class Heart:
    """Beats between `with Heart(...)` and its end, in a thread of its own.

    Args:
        lease: taken just now.
        clock: in seconds, never set back.
    """

    def __init__(self, ledger: Ledger, lease: Lease, *, clock: Callable[[], float] = own_clock) -> None:
        self._ledger = ledger
        self._lease = lease
        self._clock = clock
        self._renewed = clock()
        self._lost: Fenced | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"slett batch {lease.batch}", daemon=True)

    def check(self) -> None:
        """Make sure that nobody has taken the batch over.

        Raises:
            Fenced: somebody has. Nothing more may be changed.
            LedgerError: the ledger does not answer, so nobody can know.
        """
        if self._lost is None and self._clock() - self._renewed > SURE_SECONDS:
            self.renew()
        if self._lost is not None:
            raise self._lost

    def renew(self) -> None:
        """Renew the lease now.

        Raises:
            Fenced, LedgerError: as `check`.
        """
        began = self._clock()
        try:
            with self._ledger.write() as page:
                page.batches.renew(self._lease)
        except Fenced as error:
            self._lost = error
            raise
        self._renewed = max(self._renewed, began)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()

    def _beat(self) -> None:
        while not self._stopped.wait(BEAT_SECONDS):
            try:
                self.renew()
            except Fenced:
                return  # or the batch has come to its end
            except LedgerError:
                continue  # `check` will find out
