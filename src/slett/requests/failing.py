"""What failed is told without anybody's data, and tried again later each time, until it is a dead letter."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TypeVar

from slett.ledger import Lease, LedgerError, Page
from slett.stores.errors import Busy, Unavailable

T = TypeVar("T")

NOT_ITS_FAULT = (Unavailable, Busy, LedgerError)  # of the batch: whatever it does, it may succeed next time
SOON = timedelta(seconds=10)
FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=15)


def said(error: BaseException) -> str:
    """Our own errors hold nobody's data; what others say might."""
    ours = type(error).__module__.startswith("slett.")
    return f"{type(error).__name__}: {error}" if ours else type(error).__name__


def each_in_turn(items: Iterable[T], do: Callable[[T], object]) -> None:
    """Do it for each; one for which it fails does not hold up the next one.

    Raises:
        Unavailable: a store does not answer, and would not for the next one either. At once.
        Exception: what the first that failed raised, when all others are done.
    """
    failed: Exception | None = None
    for each in items:
        try:
            do(each)
        except Unavailable:
            raise
        except Exception as error:  # the next one may do better
            failed = failed or error
    if failed is not None:
        raise failed


def note_failure(page: Page, lease: Lease, error: Exception, tries: int) -> None:
    """Let go of a batch that failed: it is tried again after 5 s, 10 s, 20 s, … 15 min, and so often at most.

    While a store or the ledger does not answer it is tried again and again: nothing can be said of the batch.

    Raises:
        Fenced: somebody else works on it.
    """
    if isinstance(error, NOT_ITS_FAULT):
        page.batches.fail(lease, said(error), SOON, counted=False)
        return
    batch = page.batches.get(lease.batch)
    attempts = batch.attempts if batch else 1
    wait = min(FIRST_WAIT * int(2 ** min(attempts - 1, 12)), LONGEST_WAIT)
    page.batches.fail(lease, said(error), None if attempts >= tries else wait)
