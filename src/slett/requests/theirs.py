"""Whose request it is: that of a session's person, or of whoever has the secret of its status page."""

import hmac
from datetime import timedelta

from slett.ledger import Page, Request, read_reference
from slett.ledger.requests import Kind
from slett.requests import hooks
from slett.requests.answers import NotTheirs
from slett.requests.codes import Purpose
from slett.requests.identity import Identity
from slett.requests.particulars import hash_secret
from slett.requests.service import Service
from slett.requests.sessions import Session, read_session

NO_SECRET = "0" * 64  # compared with where there is none, so that it takes as long


def require_proven(session: Session) -> None:
    """See that the session has no mailbox to prove.

    Raises:
        NotTheirs: it has.
    """
    if not session.identity.is_proven:
        raise NotTheirs


def session_now(page: Page, session: Session, *, lock: bool = False) -> Session:
    """The session as it is in the ledger now.

    Raises:
        NotTheirs: it has ended.
    """
    now = read_session(page, session.id, lock=lock)
    if now is None:
        raise NotTheirs
    return now


def own(
    page: Page, service: Service, session: Session, request: Request, *, lock: bool = False
) -> tuple[Session, Request]:
    """Both as they are in the ledger now.

    Raises:
        NotTheirs: the session has ended, or is about something else.
    """
    session = session_now(page, session, lock=lock)
    now = page.requests.get(request.reference)
    if now is None or session.request != now.reference or not is_theirs(service, session, now):
        raise NotTheirs
    return session, now


def is_theirs(service: Service, session: Session, request: Request) -> bool:
    """Whether they are the person. With a mailbox to prove they have what they asked for after a close."""
    if not session.identity.is_proven and (not request.follows or session.request != request.reference):
        return False
    return hmac.compare_digest(request.subject, session.identity.subject.hash(service.ledger.keys))


def has_secret(service: Service, request: Request | None, secret: str) -> bool:
    """Whether that is the secret of the request; where there is none, the answer takes as long."""
    written = (request and request.secret) or NO_SECRET
    return hmac.compare_digest(written, hash_secret(service.ledger.keys, secret))


def opened_by(page: Page, service: Service, reference: str, by: Session | str) -> Request:
    """The request of that reference.

    Args:
        by: the session of the person, or the secret of its status page.

    Raises:
        NotTheirs: there is no such request for them.
    """
    request = page.requests.get(read_reference(reference) or "")
    if isinstance(by, str):
        theirs = has_secret(service, request, by)
    else:
        theirs = request is not None and is_theirs(service, session_now(page, by), request)
    if request is None or not theirs:
        raise NotTheirs
    return request


def find_or_file(
    page: Page, service: Service, identity: Identity, kind: Kind, follows: Request | None = None
) -> Request:
    """The open request of that person and kind; filed now if there is none."""
    subject = identity.subject.hash(service.ledger.keys)
    found = page.requests.find_open(kind, subject)
    again = found and kind == "return" and found.follows != (follows and follows.reference)  # from another close
    asked = found and kind == "erase" and found.state == "filed" and found.follows  # for, from a status page
    if found and not (again or asked):
        return found
    promise = timedelta(hours=service.settings.promise_hours)
    (request,) = page.requests.file(kind, [subject], service.datamap.digest, promise, follows=follows)
    hooks.record(page, request, "filed")
    return request


def purpose_of(request: Request) -> Purpose:
    """What a code that confirms the request is for."""
    return "return" if request.kind == "return" else "confirm"
