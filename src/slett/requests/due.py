"""Erasures and copies whose turn has come, and what a dead process left of them."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from slett.ledger import Held, Lane, LedgerError, Page, Request
from slett.requests.at_once import DEAD
from slett.requests.erase import carry_on, erase_filed
from slett.requests.export import draft_copy
from slett.requests.failing import said
from slett.requests.filing import owner
from slett.requests.gather import is_time
from slett.requests.particulars import read_all_particulars, read_particulars
from slett.requests.pause import is_paused
from slett.requests.progress import move_on
from slett.requests.refuse import Refused
from slett.requests.service import Service, open_service
from slett.requests.subject import SubjectError

log = logging.getLogger(__name__)


def resume_left(service: Service, lane: Lane) -> int:
    """How many requests of that lane came to their end that a dead process left, or a store that failed.

    One batch that fails waits for its next try, and does not hold up the others.
    """
    if is_paused(service):
        return 0
    with service.ledger.read() as page:
        waiting = page.batches.waiting(lane)
    return sum(resume_batch(service, each.number, lane) for each in waiting)


def resume_batch(service: Service, number: int, lane: Lane) -> int:
    """How many requests of that batch came to their end; none when it is not its turn, or somebody else's.

    Raises:
        MapError, StoreError, PlanError: the service cannot be opened as it is now.
    """
    with service.ledger.read() as page:
        batch = next((each for each in page.batches.waiting(lane) if each.number == number), None)
    if batch is None or is_paused(service) or (batch.attempts >= service.settings.tries and _bury(service, number)):
        return 0
    with _as_it_is_now(service, starting=False) as fresh:
        try:
            return len(carry_on(fresh, number, lane=lane))
        except Held:
            return 0
        except Exception as error:  # it is written down, and the next batch may do better
            log.error("batch %d: %s", number, said(error))
            return 0


def _bury(service: Service, number: int) -> bool:
    """Whoever worked on it died, each time: perhaps of it."""
    with service.ledger.write() as page:
        try:
            lease = page.batches.take(number, owner())
        except LedgerError:  # held, or finished meanwhile
            return True
        page.batches.fail(lease, "the process that worked on it ended without a word, each time", None)
    return True


def erase_due(service: Service) -> int:
    """How many of the erasures whose turn has come are settled now: one batch of them."""
    with service.ledger.read() as page:
        due = page.requests.due(page.now, "erase", service.settings.batch_people)
        if not is_time(service, due, page.now):
            return 0
        known = read_all_particulars(page, [each.reference for each in due])
        named = [(each, known.get(each.reference)) for each in due]
    for each in (each for each, who in named if who is None):
        with service.ledger.write() as page:
            move_on(page, each.reference, "scheduled", "refused", reason="whom it means is not known any more")
    filed = [(each, who.subject) for each, who in named if who]
    if not filed or is_paused(service):
        return 0
    with _as_it_is_now(service) as fresh:
        return len(erase_filed(fresh, filed))


def catch_up(service: Service) -> int:
    """How many erasures came to their end whose turn had come, where nothing runs that does it by itself."""
    done = 0
    while some := erase_due(service):
        done += some
    lanes: tuple[Lane, ...] = ("small", "large")
    return done + sum(resume_left(service, lane) for lane in lanes)


def export_due(service: Service) -> int:
    """How many copies were made, or found to be of nobody."""
    done = 0
    with service.ledger.read() as page:
        left = page.requests.running(page.now - DEAD, "export")
    for each in left:
        with service.ledger.write() as page:
            move_on(page, each.reference, "running", "scheduled")
    with service.ledger.read() as page:
        due = page.requests.due(page.now, "export")
    failed: Exception | None = None
    for each in due:
        try:
            done += _copy(service, each)
        except Exception as error:  # one person's copy does not hold up the next one's
            failed = error
    if failed:
        raise failed
    return done


def _copy(service: Service, request: Request) -> int:
    """Make a copy. Somebody else may begin anew who thinks that this process has died: the first whole one counts."""
    reference = request.reference
    with service.ledger.write() as page:
        who = read_particulars(page, reference)
        if who is None or not move_on(page, reference, "scheduled", "running"):
            return 0
    path = service.settings.home / "exports" / f"{reference}.zip"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    try:
        with (
            _as_it_is_now(service) as fresh,
            draft_copy(fresh, who.subject, path) as (draft, tables),
            service.ledger.write() as page,
        ):
            return _end_copy(page, reference, tables, lambda: draft.replace(path))
    except (SubjectError, Refused) as error:
        with service.ledger.write() as page:
            if move_on(page, reference, "running", "scheduled"):
                move_on(page, reference, "scheduled", "refused", reason=str(error))
        return 1
    except BaseException:
        with service.ledger.write() as page:
            move_on(page, reference, "running", "scheduled")
        raise


def _end_copy(page: Page, reference: str, tables: dict[str, int], appear: Callable[[], object]) -> bool:
    """Whether this copy counts; then the file appears."""
    if not tables:
        return move_on(
            page, reference, "running", "not_found", reason="nothing was found by what was given, in any store"
        )
    if not move_on(page, reference, "running", "verifying"):
        return False
    page.requests.count({reference: {name: {"export": rows} for name, rows in tables.items()}})
    move_on(page, reference, "verifying", "fulfilled")
    page.log.append([{"event": "exported", "request": reference}])
    appear()
    return True


@contextmanager
def _as_it_is_now(service: Service, *, starting: bool = True) -> Iterator[Service]:
    """The service opened anew: the map and the databases may have changed since."""
    with service.ledger.read() as page:
        today = page.now.date()
    with open_service(service.settings, today, starting=starting) as fresh:
        yield replace(fresh, ledger=service.ledger)
