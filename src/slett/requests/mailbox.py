"""People without an account or a session: a mailbox is all that is known of them.

Whether an address is known shows in nothing: the answer, the status and the work are the same. The mail with the code
goes only to a known one.
"""

import secrets
from dataclasses import replace

from slett.requests.codes import TooMany, issue_code, may_send, try_code
from slett.requests.identity import Identity
from slett.requests.outlook import outlook
from slett.requests.refuse import Refused
from slett.requests.service import Service
from slett.requests.sessions import Session, add_session
from slett.requests.subject import Subject, SubjectError, by_identifier, collected

MAILBOX = "email"  # the identifier of the map that is an e-mail address


def begin_by_mailbox(service: Service, address: str, language: str, network: str = "") -> str:
    """The token of a session that has yet to prove the mailbox; a code is on its way if the address is known.

    Raises:
        TooMany: codes were asked for this address or from this network, known or not.
        StoreError: a store does not answer.
    """
    address = _plain(address)
    subject = _subject(service, address)
    somebody = Identity(subject, (address,), language=language, how="mailbox")
    with service.ledger.write() as page:
        allowed = may_send(page, service, somebody, "mailbox", address, network)
    if not allowed:  # before anybody is looked for: that is the work that costs
        raise TooMany
    known = _is_known(service, subject)
    with service.ledger.write() as page:
        token, session = add_session(page, service, somebody)
        issue_code(page, service, session, "mailbox", None, address, send=known)
    return token


def prove_mailbox(service: Service, session: Session, code: str, network: str = "") -> str:
    """The new token of somebody who typed the code: the mailbox is theirs, and the old token is dead.

    Raises:
        WrongCode, ExpiredCode, TooMany: as `check_code`.
        StoreError: a store does not answer.
    """
    with service.ledger.write() as page:
        refusal = try_code(page, service, session, "mailbox", None, code, network)
    if refusal:
        raise refusal
    account = _account(service, session.identity.subject)  # not before: a guess costs the stores nothing
    with service.ledger.write() as page:
        page.sessions.end(session.id)
        return add_session(page, service, replace(session.identity, subject=account, signed_in_at=page.now))[0]


def _plain(address: str) -> str:
    """The address to which a code goes: one that the stores would find under another is turned into that other first.

    A database takes `İ` or the sign of the kelvin for the small letter, and a mail server may know both domains.
    """
    address = address.strip().encode(errors="replace").decode()
    return address if address.isascii() else address.lower()


def _subject(service: Service, address: str) -> Subject:
    try:
        return by_identifier(service.plan, MAILBOX, address)
    except SubjectError:
        return Subject(MAILBOX, (f"{secrets.token_hex()}@invalid",))  # nobody


def _account(service: Service, subject: Subject) -> Subject:
    """The account that has the address, if one has: the same person then as if they had signed in to it."""
    with service.sessions() as sessions:
        walk = collected(service.plan, sessions, [subject])
        for named in service.plan.named:
            rows = list(walk.rows_of(named.root)) if named.root else []
            if len(rows) == 1:
                places = [1 + walk.columns_of(named.root).index(each) for each in named.keys.columns]
                return Subject(named.root, tuple(rows[0][place] for place in places))
    return subject


def _is_known(service: Service, subject: Subject) -> bool:
    try:
        return outlook(service, subject, "").rows > 0
    except Refused:
        return True  # several people have it: whoever proves that it is theirs is told so
