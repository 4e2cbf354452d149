"""Codes that a person reads in their mailbox and types back: eight digits, for one session, request and purpose.

The ledger has only a salted keyed hash. Guesses are counted by code, account, address and network; a wrong one uses up
a try and changes nothing else, so nobody can spoil another's request by guessing.
"""

import hmac
import secrets
import unicodedata
from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

from slett.ledger import Page, Request
from slett.requests import notices
from slett.requests.identity import Identity
from slett.requests.limits import allow_on
from slett.requests.service import Service
from slett.requests.sessions import Session, read_session

Purpose = Literal["confirm", "mailbox", "return"]
DIGITS = 8
HOUR = timedelta(hours=1)
A_NETWORK = 20  # times as many as a person: an office, a school


class CodeError(Exception):
    """The code is not accepted."""


class WrongCode(CodeError):
    """Another code was sent."""

    def __init__(self, tries_left: int) -> None:
        super().__init__(f"this is not the code that was sent; tries left: {tries_left}")
        self.tries_left = tries_left


class ExpiredCode(CodeError):
    """The code was used, is too old, has no tries left, or never was."""

    def __init__(self) -> None:
        super().__init__("the code was used, or is too old, or was tried too often; ask for a new one")


class TooMany(CodeError):
    """Too many codes were asked for, or too many were tried, within the hour."""

    def __init__(self) -> None:
        super().__init__("that was tried too often; wait an hour")


def send_code(
    service: Service,
    session: Session,
    purpose: Purpose,
    request: Request | None,
    address: str,
    *,
    network: str = "",
) -> None:
    """Send a code to the address; those sent before for the same are worth nothing from now on.

    Raises:
        TooMany: to this account, to this address, or from this network.
    """
    with service.ledger.write() as page:
        allowed = may_send(page, service, session.identity, purpose, address, network)
        if allowed:
            issue_code(page, service, session, purpose, request, address)
    if not allowed:
        raise TooMany


def check_code(
    service: Service, session: Session, purpose: Purpose, request: Request | None, code: str, *, network: str = ""
) -> None:
    """Use up the code.

    Raises:
        WrongCode: another was sent. One try is used up.
        ExpiredCode: it was used, is too old, or there are no tries left.
        TooMany: for this account, this address, or from this network.
    """
    with service.ledger.write() as page:
        refusal = try_code(page, service, session, purpose, request, code, network)
    if refusal:
        raise refusal


def may_send(page: Page, service: Service, identity: Identity, purpose: Purpose, address: str, network: str) -> bool:
    """Whether one more code may be sent; it is counted in any case."""
    hourly = service.settings.portal.codes_an_hour
    return _allow(page, service, identity, f"code-send {purpose}", [address], network, hourly)


def issue_code(
    page: Page,
    service: Service,
    session: Session,
    purpose: Purpose,
    request: Request | None,
    address: str,
    *,
    send: bool = True,
) -> None:
    """Write down a new code and the mail that tells it.

    Args:
        send: False for the same work without a mail.
    """
    portal = service.settings.portal
    code, salt = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}", secrets.token_bytes(16)
    page.codes.add(
        session.id,
        request.reference if request else None,
        purpose,
        hash=_hash(service, salt, session, purpose, request, code),
        salt=salt,
        expires_at=page.now + timedelta(minutes=portal.code_minutes),
        tries=portal.code_tries,
    )
    language = session.identity.language or portal.language
    values = {"code": code, "minutes": portal.code_minutes}
    notices.queue(page, "code", request, [address], language, values, state="waiting" if send else "given_up")


def try_code(
    page: Page,
    service: Service,
    session: Session,
    purpose: Purpose,
    request: Request | None,
    code: str,
    network: str,
) -> CodeError | None:
    """Why the code is not accepted, or None: then it is used up. Commit in any case, so that the try counts."""
    portal = service.settings.portal
    often = portal.code_tries * portal.codes_an_hour
    if not _allow(
        page, service, session.identity, f"code-try {purpose}", session.identity.addresses[:1], network, often
    ):
        return TooMany()
    if read_session(page, session.id) is None:
        return ExpiredCode()
    sent = page.codes.newest(session.id, request.reference if request else None, purpose)
    tries_left = page.codes.burn(sent.number) if sent else None
    if sent is None or tries_left is None:
        return ExpiredCode()
    if not hmac.compare_digest(sent.hash, _hash(service, sent.salt, session, purpose, request, _plain(code))):
        return WrongCode(tries_left)
    return None if page.codes.use(sent.number) else ExpiredCode()


def _allow(
    page: Page, service: Service, identity: Identity, what: str, addresses: Sequence[str], network: str, limit: int
) -> bool:
    keys = service.ledger.keys
    account = identity.subject.hash(keys)
    theirs = [f"account {account}", *(f"address {each.casefold()}" for each in addresses)]
    by_person = allow_on(page, keys, what, *theirs, limit=limit, per=HOUR)
    by_network = not network or allow_on(page, keys, what, f"network {network}", limit=limit * A_NETWORK, per=HOUR)
    return by_person and by_network


def _hash(service: Service, salt: bytes, session: Session, purpose: Purpose, request: Request | None, code: str) -> str:
    bound = (salt.hex(), session.id, request.reference if request else "", purpose)
    return service.ledger.keys.keyed("codes", *bound, code)


def _plain(code: str) -> str:
    """The digits that were typed, in whatever script, without the spaces that a mail program puts between them."""
    digits = (unicodedata.decimal(each, None) for each in code)
    return "".join(str(each) for each in digits if each is not None)[: DIGITS + 1]
