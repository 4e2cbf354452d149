"""A request moves on, and everybody concerned is told: the service by a webhook, the person by mail.

Both are written down with the move itself, and sent afterwards.
"""

from typing import Any

from slett.ledger import Page, Request
from slett.ledger.requests import State
from slett.requests import hooks, notices
from slett.requests.mails import Kind as Mail
from slett.requests.particulars import Particulars
from slett.requests.service import Service


def move_on(page: Page, reference: str, start: State, end: State, *, reason: str = "") -> bool:
    """Whether this call moved the request; the service is told.

    Raises:
        LedgerError: no request may go that way.
    """
    if not page.requests.move([reference], start, end, reason=reason):
        return False
    if moved := page.requests.get(reference):
        hooks.record(page, moved, end)
    return True


def record_cancelled(page: Page, request: Request) -> None:
    """The log and the service learn that a request was withdrawn."""
    hooks.record(page, request, "cancelled")
    page.log.append([{"event": "cancelled", "request": request.reference}])


def tell(
    page: Page, service: Service, mail: Mail, request: Request, who: Particulars, *, row: str = "", **values: Any
) -> None:
    """Queue a mail of that kind to every address of the person.

    Args:
        row: the kind as the ledger remembers it, where one kind is sent more than once.
        values: what its template says besides the kind of the request and the link of its status page.
    """
    link = f"{service.settings.portal.url.rstrip('/')}/s/{request.reference}/{who.secret}"
    language = who.language or service.settings.portal.language
    known = {"kind": request.kind, "link": link, **values}
    notices.queue(page, mail, request, who.everywhere, language, known, row=row)
