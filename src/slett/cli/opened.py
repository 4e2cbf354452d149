"""What commands work on: the service, or the ledger that is there; and what they say when work stops on its way."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from slett.cli.errors import FAILED, NOT_FOUND, PARTLY, Failure, sentences

if TYPE_CHECKING:
    from slett.ledger import Ledger, Page
    from slett.requests.erase import Outcome
    from slett.requests.service import Service


@contextmanager
def opened_page(settings: Any) -> "Iterator[Page]":
    with opened_ledger(settings) as ledger, ledger.read() as page:
        yield page


@contextmanager
def opened_ledger(settings: Any) -> "Iterator[Ledger]":
    """The ledger that is there: whoever only looks makes none."""
    from slett.ledger import open_ledger

    if not settings.ledger_url and not (settings.home / "ledger.db").exists():
        raise Failure(f"{settings.home}: no ledger is kept there; go to the service's folder, or set SLETT_HOME")
    with sentences(), open_ledger(settings) as ledger:
        yield ledger


@contextmanager
def opened_service(settings: Any, *, starting: bool = False) -> "Iterator[Service]":
    from slett.requests.service import open_service

    with sentences(), open_service(settings, starting=starting) as service:
        yield service


@contextmanager
def resumable(again: str = "slett resume") -> "Iterator[None]":
    """A store that fails on the way: what was begun waits in the ledger."""
    from slett.requests.hold import HeldBack
    from slett.requests.pause import Paused
    from slett.stores.errors import Busy, StoreError, Unavailable

    try:
        yield
    except Paused as error:
        raise Failure(f"{error}\nNothing is lost: `{again}` goes on then.") from None
    except HeldBack as error:
        raise Failure(str(error)) from None
    except (Unavailable, Busy) as error:
        raise Failure(f"{error}\nNothing is lost: when the store answers again, `{again}` goes on.") from None
    except StoreError as error:
        raise Failure(f"{error}\nNothing is lost: when that is mended, `{again}` goes on.") from None


def worst(outcomes: "list[Outcome]") -> int:
    """The worst of them decides."""
    states = {outcome.state for outcome in outcomes if not outcome.erased_before}
    if states & {"refused", "held"}:
        return FAILED
    if states & {"partially_fulfilled", "waiting", "scheduled"}:
        return PARTLY
    return NOT_FOUND if "not_found" in states else 0
