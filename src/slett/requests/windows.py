"""Closed accounts on their way: reminders, and what follows when the way back has ended."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

from slett.ledger import Page, Request
from slett.ledger.requests import State
from slett.requests import hooks
from slett.requests.answers import TooLate
from slett.requests.failing import each_in_turn
from slett.requests.hold import hold_on
from slett.requests.particulars import Particulars, read_particulars
from slett.requests.progress import tell
from slett.requests.service import Service
from slett.requests.way_back import vault_of

A_DAY = timedelta(days=1)


def end_windows(service: Service) -> int:
    """How many ways back are over."""
    with service.ledger.read() as page:
        over = page.requests.windows_over(page.now)
    ended: list[int] = []
    each_in_turn(over, lambda closed: ended.append(_end_window(service, closed)))
    return sum(ended)


def _end_window(service: Service, closed: Request) -> int:
    """The way back is over: erase, or leave it at that. One compare-and-swap decides against a return.

    What is sealed and held stays until the release.
    """
    with suppress(TooLate), service.ledger.write() as page:
        who = read_particulars(page, closed.reference)
        by = closed.reference  # nothing follows any more
        vault = vault_of(page, closed)  # sealed: its rows are gone, and what is left to do is to say so
        if vault and hold_on(page, closed):
            return 0
        if who and (vault or service.settings.portal.after_window == "erase"):
            by = _erasure_after(page, service, closed, who)
        end_window(page, closed, by)
        return 1
    return 0


def end_window(page: Page, closed: Request, by: str) -> None:
    """That request ends the way back of a closed account. If it was sealed, the keys are destroyed on this page.

    Raises:
        TooLate: another was first, a return: nothing of this page may be written.
    """
    if not page.requests.follow(closed.reference, by):
        raise TooLate("returned")
    page.before.destroy(closed.reference)
    if vault := vault_of(page, closed):
        page.vaults.destroy(vault.number, at_end=False)
        page.log.append([{"event": "beyond recovery", "request": closed.reference}])
    page.particulars.destroy(closed.reference)


def _erasure_after(page: Page, service: Service, closed: Request, who: Particulars) -> str:
    """The reference of the erasure that follows: the one they asked for themselves meanwhile, or one filed now."""
    others = page.requests.find(subject=closed.subject)
    since = [each for each in others if each.kind == "erase" and each.filed_at >= closed.filed_at]
    own = [each for each in since if each.state == "fulfilled"]
    meant = page.requests.find_open("erase", closed.subject)
    if meant and meant.state == "filed":  # nobody has confirmed it, and perhaps nobody will
        meant = None
    sealed = vault_of(page, closed) is not None  # no other erasure than one that follows the close can certify it
    if (found := meant or (own[0] if own else None)) and not sealed:
        return found.reference
    return schedule_after(page, service, closed, who, file_after(page, service, closed, closed.subject, "verified"))


def file_after(page: Page, service: Service, closed: Request, subject: str, state: State) -> Request:
    """An erasure that comes after that close, not scheduled yet."""
    promise = timedelta(hours=service.settings.promise_hours)
    (request,) = page.requests.file("erase", [subject], service.datamap.digest, promise, state, follows=closed)
    return request


def schedule_after(page: Page, service: Service, closed: Request, who: Particulars, request: Request) -> str:
    """The reference of such an erasure, `verified` until now, whose turn is now."""
    promise = timedelta(hours=service.settings.promise_hours)
    page.particulars.put(request.reference, who.pack())
    scheduled = page.requests.schedule(
        request, secret=closed.secret or "", promise=promise, not_before=page.now, doubt=""
    )
    hooks.record(page, scheduled, "scheduled")
    return request.reference


def remind(service: Service) -> int:
    """Each reminder goes out within a day of its time, or not at all: the next one says the same."""
    erased = service.settings.portal.after_window == "erase"
    reminded = 0
    for days in service.settings.portal.reminders_days:
        with service.ledger.write() as page:
            upto, after = page.now + days * A_DAY, page.now + (days - 1) * A_DAY
            ending = [(each, each.until) for each in page.requests.windows_ending(after, upto)]
            starting = [(each, each.not_before) for each in page.requests.due(upto, "erase")]
            for request, ends in [*ending, *starting]:
                if ends is None or not after < ends <= upto or ends - days * A_DAY <= request.filed_at:
                    continue
                reminded += _remind_of(page, service, request, {"ends": ends, "erased": erased}, f"reminder {days}")
    return reminded


def _remind_of(page: Page, service: Service, request: Request, values: dict[str, Any], row: str) -> bool:
    page.requests.lock(request.kind, request.subject)  # nobody else reminds them meanwhile
    who = read_particulars(page, request.reference)
    if who is None or page.notices.was_queued(request.reference, row):
        return False
    tell(page, service, "reminder", request, who, row=row, **values)
    return True
