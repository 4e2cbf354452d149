"""The token of a link that ends commercial mail (RFC 8058): the address, sealed, so that no log of addresses tells it.

    token = unsubscribe_token(service, "kari@example.no")     # List-Unsubscribe: <{portal}/unsubscribe/{token}>
    subject = read_unsubscribe_token(service, token)

It does not expire: the mail that it came with may be read years later, and all it can do is end mail.
"""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error

from slett.ledger import BrokenSeal
from slett.ledger.seal import Seal
from slett.requests.service import Service
from slett.requests.subject import Subject, SubjectError, by_identifier

PLACE = "unsubscribe"
LONGEST = 1_000  # characters


def unsubscribe_token(service: Service, address: str, identifier: str = "email") -> str:
    """The token for this address.

    Raises:
        SubjectError: the map has no such identifier, or the address is empty.
    """
    subject = by_identifier(service.plan, identifier, address)
    content = f"{identifier}\n{subject.values[0]}".encode()
    return urlsafe_b64encode(_seal(service).close(content, PLACE)).decode().rstrip("=")


def read_unsubscribe_token(service: Service, token: str) -> Subject | None:
    """Whose mail it ends, or None if it is no such token."""
    if len(token) > LONGEST:
        return None
    try:
        content = _seal(service).open(urlsafe_b64decode(token + "=" * (-len(token) % 4)), PLACE).decode()
        identifier, _, address = content.partition("\n")
        return by_identifier(service.plan, identifier, address)
    except (BrokenSeal, SubjectError, Error, ValueError):
        return None


def _seal(service: Service) -> Seal:
    return Seal(service.ledger.keys.subkey("sealing"), secrets.token_bytes)
