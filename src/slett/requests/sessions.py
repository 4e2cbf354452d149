"""A browser's visit to the portal: a random token, of which the ledger has only a keyed hash.

It ends after some minutes without a click, and in any case after half a day. Every sign-in gives a new token.
"""

import json
import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from slett.ledger import Page
from slett.ledger.visits import Visit
from slett.requests import notices
from slett.requests.identity import Identity
from slett.requests.progress import move_on
from slett.requests.service import Service

LONGEST = timedelta(hours=12)
TOUCH = timedelta(minutes=1)


class SomebodyElse(Exception):
    """Another person signed in than the one who began. What was filed is cancelled, and its owner is told."""

    def __init__(self) -> None:
        super().__init__("somebody else signed in than the person who began; nothing is done, begin again")


@dataclass(frozen=True, slots=True)
class Session:
    """A visit."""

    id: str  # keyed hash of the token
    identity: Identity
    request: str | None  # reference of what it is about
    expires_at: datetime
    secret: str = ""  # of that request's status page, once this visit has confirmed it
    code: str = ""  # recovery code of an account that this visit has sealed: kept nowhere else


def begin(service: Service, identity: Identity) -> str:
    """The token of a new session. It is never one that somebody brought along."""
    with service.ledger.write() as page:
        return add_session(page, service, identity)[0]


def find(service: Service, token: str) -> Session | None:
    """The session of that token, or None if there is none or it has ended."""
    id = _hash(service, token)
    with service.ledger.read() as page:
        visit = page.sessions.get(id)
        now = page.now
    if visit is None:
        return None
    if now - visit.seen_at >= TOUCH:
        minutes = timedelta(minutes=service.settings.portal.session_minutes)
        with service.ledger.write() as page:
            page.sessions.touch(id, min(now + minutes, visit.created_at + LONGEST))
    return _opened(visit)


def renew(service: Service, session: Session, identity: Identity) -> str:
    """The new token of somebody who signed in again: the old one is dead.

    What they were about goes on if it is the same person. Who was known only by a mailbox begins anew.

    Raises:
        SomebodyElse: the request of whoever began is cancelled, their session has ended, and they are told.
    """
    keys = service.ledger.keys
    with service.ledger.write() as page:
        now = read_session(page, session.id, lock=True)
        page.sessions.end(session.id)
        if now is None or not now.identity.is_proven or now.identity.subject.kind != identity.subject.kind:
            return add_session(page, service, identity)[0]
        if now.identity.subject.hash(keys) == identity.subject.hash(keys):
            return add_session(page, service, identity, request=now.request, secret=now.secret, code=now.code)[0]
        if not _abort(page, service, now):
            return add_session(page, service, identity)[0]
    raise SomebodyElse


def end(service: Service, session: Session) -> None:
    """End a session: its token opens nothing any more."""
    with service.ledger.write() as page:
        page.sessions.end(session.id)


def add_session(
    page: Page,
    service: Service,
    identity: Identity,
    *,
    request: str | None = None,
    secret: str = "",
    code: str = "",
    token: str = "",
) -> tuple[str, Session]:
    """A new session with its token, as part of a transaction.

    Args:
        token: in place of a random one; it must be as hard to guess.
    """
    token = token or secrets.token_urlsafe(32)
    expires_at = page.now + timedelta(minutes=service.settings.portal.session_minutes)
    content = _packed(identity, secret, code)
    visit = page.sessions.add(_hash(service, token), content, expires_at, identity.signed_in_at, request)
    return token, _opened(visit)


def read_session(page: Page, id: str, *, lock: bool = False) -> Session | None:
    """The session as it is now, or None if it has ended.

    Args:
        lock: whoever else asks so waits until this transaction ends: two clicks are done one after the other.
    """
    visit = page.sessions.get(id, lock=lock)
    return _opened(visit) if visit else None


def bind_session(page: Page, session: Session, request: str, secret: str = "", code: str = "") -> Session:
    """The session, now about that request."""
    page.sessions.change(session.id, _packed(session.identity, secret, code), request)
    return replace(session, request=request, secret=secret, code=code)


def _abort(page: Page, service: Service, session: Session) -> bool:
    """Cancel what the session has filed and nobody has confirmed; False if there is no such thing."""
    if session.request is None or not move_on(page, session.request, "filed", "cancelled"):
        return False
    language = session.identity.language or service.settings.portal.language
    everywhere = (*session.identity.addresses, *session.identity.old_addresses)
    notices.queue(page, "alarm", page.requests.get(session.request), everywhere, language, {})
    page.log.append([{"event": "somebody else signed in", "request": session.request}])
    return True


def _hash(service: Service, token: str) -> str:
    return service.ledger.keys.keyed("sessions", token)


def _packed(identity: Identity, secret: str, code: str) -> bytes:
    return json.dumps([b64encode(identity.pack()).decode(), secret, code]).encode()


def _opened(visit: Visit) -> Session:
    identity, secret, *code = json.loads(visit.content)  # a visit that an older Slett began has no code
    return Session(visit.hash, Identity.unpack(b64decode(identity)), visit.request, visit.expires_at, secret, *code)
