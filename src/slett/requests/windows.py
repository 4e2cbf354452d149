"""Closed accounts on their way: reminders, and what follows when the way back has ended."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

from slett.ledger import Page, Request
from slett.requests import hooks
from slett.requests.answers import TooLate
from slett.requests.hold import holds_end
from slett.requests.particulars import Particulars, read_particulars
from slett.requests.progress import tell
from slett.requests.service import Service
from slett.requests.way_back import vault_of

A_DAY = timedelta(days=1)


def end_windows(service: Service) -> int:
    """How many ways back are over."""
    with service.ledger.read() as page:
        over = page.requests.windows_over(page.now)
    return sum(_end_window(service, each) for each in over)


def _end_window(service: Service, closed: Request) -> int:
    """The way back is over: erase, or leave it at that. One compare-and-swap decides against a return.

    What is sealed and held stays until the release.
    """
    with suppress(TooLate), service.ledger.write() as page:
        who = read_particulars(page, closed.reference)
        by = closed.reference  # nothing follows any more
        vault = vault_of(page, closed)  # sealed: its rows are gone, and what is left to do is to say so
        if vault and holds_end(page, closed):
            return 0
        if who and (vault or service.settings.portal.after_window == "erase"):
            by = _erasure_after(page, service, closed, who)
        if not page.requests.follow(closed.reference, by):
            raise TooLate("returned")  # at the last moment: nothing of this page is written
        page.before.destroy(closed.reference)
        if vault:
            page.vaults.destroy(vault.number, at_end=False)
            page.log.append([{"event": "beyond recovery", "request": closed.reference}])
        page.particulars.destroy(closed.reference)
        return 1
    return 0


def _erasure_after(page: Page, service: Service, closed: Request, who: Particulars) -> str:
    """The reference of the erasure that follows: the one they asked for themselves meanwhile, or one filed now."""
    others = page.requests.find(subject=closed.subject)
    since = [each for each in others if each.kind == "erase" and each.filed_at >= closed.filed_at]
    own = [each for each in since if each.state == "fulfilled"]
    if found := page.requests.find_open("erase", closed.subject) or (own[0] if own else None):
        return found.reference
    promise = timedelta(hours=service.settings.promise_hours)
    (request,) = page.requests.file(
        "erase", [closed.subject], service.datamap.digest, promise, "verified", follows=closed
    )
    page.particulars.put(request.reference, who.pack())
    request = page.requests.schedule(
        request, secret=closed.secret or "", promise=promise, not_before=page.now, doubt=""
    )
    hooks.record(page, request, "scheduled")
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
