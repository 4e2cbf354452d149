"""Whoever has closed their account, from its status page: they come back, or for the rest, or are erased at once.

Whoever has the secret of the page may ask; what they ask for is confirmed with a code from their mailbox, at the desk.
"""

from datetime import timedelta
from typing import Literal

from slett.ledger import Page, Request
from slett.requests.answers import NotTheirs, TooLate, WrongRecovery
from slett.requests.codes import TooMany, issue_code, may_send
from slett.requests.identity import Identity
from slett.requests.limits import allow
from slett.requests.particulars import Particulars, read_particulars
from slett.requests.put_away import file_end, may_end
from slett.requests.refuse import Refusal, Refused
from slett.requests.rest import may_come_again
from slett.requests.service import Service
from slett.requests.sessions import add_session
from slett.requests.status import can_return
from slett.requests.theirs import find_or_file, opened_by, purpose_of
from slett.requests.way_back import NoWayBack, VaultIdentity, identity_by_code, let_service_open, needs_code
from slett.vault import WrongCode

RECOVERIES_AN_HOUR = 10  # guesses at a recovery code, for one account and from one network
NO_MAILBOX = Refusal("refused", "no mailbox is known in which they could read a code; `slett erase --now` erases them")


def ask(
    service: Service, reference: str, secret: str, kind: Literal["return", "erase"], language: str, network: str
) -> str:
    """The token of a session that is about the return, or the erasure; a code is on its way to their main address.

    Raises:
        NotTheirs, TooLate, TooMany: as `Desk.ask_return`.
        Refused: as `Desk.ask_erasure`.
    """
    with service.ledger.write() as page:
        closed = opened_by(page, service, reference, secret)
        rest = may_come_again(page, closed) if kind == "return" else None
        closed = rest.closed if rest else closed
        who = read_particulars(page, (rest.back if rest else closed).reference)
        may = rest or (can_return(closed, page.now) if kind == "return" else may_end(page, closed))
        if who is None or not may:
            raise TooLate(_why_too_late(closed))
        address = next(iter(who.addresses), "")
        if kind == "erase" and not address:
            raise Refused(NO_MAILBOX)
        identity = Identity(who.subject, who.addresses, language=language or who.language, how="mailbox")
        if kind == "return":
            request = find_or_file(page, service, identity, kind, closed)
        else:
            request = file_end(page, service, closed, who.subject.hash(service.ledger.keys))
        token, session = add_session(page, service, identity, request=request.reference)
        allowed = not address or may_send(page, service, identity, purpose_of(request), address, network)
        if allowed and address:
            issue_code(page, service, session, purpose_of(request), request, address)
    if not allowed:
        raise TooMany
    return token


def open_sealed(service: Service, request: Request, recovery: str, network: str) -> VaultIdentity:
    """What opens what this return is to bring back, by the recovery code.

    Raises:
        NotTheirs: there is no close that it follows.
        TooMany, TooLate, WrongRecovery: as `Desk.confirm_return`.
    """
    with service.ledger.read() as page:
        closed = page.requests.get(request.follows or "")
    if closed is None:
        raise NotTheirs
    hour = timedelta(hours=1)
    if not allow(service, "recovery", closed.reference, network, limit=RECOVERIES_AN_HOUR, per=hour):
        raise TooMany
    try:
        return identity_by_code(service, closed, recovery)
    except NoWayBack:
        raise TooLate(_why_too_late(closed)) from None
    except WrongCode:
        raise WrongRecovery from None


def begin_return(
    page: Page, service: Service, closed: Request, request: Request, opened: VaultIdentity | None
) -> Particulars | None:
    """Whom the return means. It follows the close from now on, and the service can open what was sealed.

    Raises:
        TooLate: the account has no way back any more. Nothing of this page may be written.
        WrongRecovery: nobody has opened what was sealed. Likewise.
    """
    if rest := may_come_again(page, closed):
        came = page.requests.follow_instead(closed.reference, rest.back.reference, request.reference)
    else:
        came = can_return(closed, page.now) and page.requests.follow(closed.reference, request.reference)
    if not came:
        raise TooLate(_why_too_late(closed))
    if opened is not None:
        let_service_open(page, service, closed, opened)
    elif needs_code(page, closed):
        raise WrongRecovery
    return read_particulars(page, (rest.back if rest else closed).reference)


def _why_too_late(closed: Request) -> str:
    return "over" if closed.state == "fulfilled" else closed.state
