"""A sign of life: while a batch is worked on, its lease is renewed every few seconds, however long a step takes.

Whoever was frozen, or lost the ledger, may have been taken over without knowing it. So before each transaction in a
store the work asks `check`: while its own clock says that the lease runs, that costs nothing; after that it asks the
ledger first. The clock is one that nobody sets, and that goes on while the machine sleeps where there is such a one.

To start a thread takes longer than most batches. So one that has beaten for a batch serves the next, and looks what
there is to do every few seconds, without being woken.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import ClassVar, Self

from slett.ledger import LEASE, Fenced, Lease, Ledger, LedgerError

BEAT_SECONDS = 5.0
SURE_SECONDS = LEASE.total_seconds() / 2  # how long after it was renewed a lease is taken to run
CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def own_clock() -> float:
    """Seconds, on a clock of this machine that nobody sets."""
    return time.clock_gettime(CLOCK)


class Heart:
    """Beats between `with Heart(...)` and its end, in a thread that serves nobody else meanwhile.

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
        self._begun = 0.0
        self._beating: _Beating | None = None

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

    def beat(self) -> None:
        """Renew the lease, unless that is in vain; whether it could be, `check` will find out."""
        if self._lost is None:
            with suppress(Fenced, LedgerError):
                self.renew()

    def due(self) -> float:
        """In how many seconds it is to beat for the first time."""
        return self._begun + BEAT_SECONDS - time.monotonic()

    def __enter__(self) -> Self:
        self._begun = time.monotonic()
        self._beating = _Beating.free(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._beating:
            self._beating.serve(None)


class _Beating:
    """A thread that beats for one heart after the other, and ends when there was none for a while."""

    _lock = threading.Lock()
    _all: ClassVar[list["_Beating"]] = []

    def __init__(self, heart: Heart) -> None:
        self._heart: Heart | None = heart
        self._beats = False  # just now, and nobody knows how long the ledger takes
        self._thread = threading.Thread(target=self._run, name="slett heart", daemon=True)

    @classmethod
    def free(cls, heart: Heart) -> "_Beating":
        """One that serves this heart from now on."""
        with cls._lock:
            cls._all[:] = [each for each in cls._all if each._thread.is_alive()]  # after a fork, none is
            for each in cls._all:
                if each._heart is None and not each._beats:
                    each._heart = heart
                    return each
            fresh = cls(heart)
            fresh._thread.start()
            cls._all.append(fresh)
            return fresh

    def serve(self, heart: Heart | None) -> None:
        """Serve this heart from now on."""
        self._heart = heart

    def _run(self) -> None:
        while True:
            with self._lock:
                heart = self._heart
                wait = heart.due() if heart else 0
                self._beats = heart is not None and wait <= 0
            if wait > 0:
                time.sleep(wait)
                continue
            if heart:
                heart.beat()
            self._beats = False
            time.sleep(BEAT_SECONDS)
            with self._lock:
                if heart is None and self._heart is None:
                    self._all[:] = [each for each in self._all if each is not self]
                    return
