"""What is remembered of whoever confirmed a request, sealed, until there is nothing more to tell them."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from slett.ledger import Keys, Page
from slett.ledger.references import ALIKE, ALPHABET
from slett.requests.subject import Subject

SECRET_LENGTH = 26  # 130 bits in Crockford's base 32


@dataclass(frozen=True, slots=True)
class Particulars:
    """Who is meant, and how they are told."""

    subject: Subject
    addresses: tuple[str, ...]
    old_addresses: tuple[str, ...]
    language: str
    secret: str  # opens the status page; goes into the links of mails

    @property
    def everywhere(self) -> tuple[str, ...]:
        """Every address, each once."""
        return tuple(dict.fromkeys((*self.addresses, *self.old_addresses)))

    def pack(self) -> bytes:
        """It, as bytes. They name a person: seal them."""
        subject = [self.subject.kind, self.subject.values]
        return json.dumps(
            [subject, self.addresses, self.old_addresses, self.language, self.secret], default=str
        ).encode()

    @classmethod
    def unpack(cls, content: bytes) -> Self:
        """What was packed."""
        (kind, values), addresses, old_addresses, language, secret = json.loads(content)
        return cls(Subject(kind, tuple(values)), tuple(addresses), tuple(old_addresses), language, secret)


def read_particulars(page: Page, reference: str) -> Particulars | None:
    """The particulars of a request, or None if nobody has confirmed it, or they are destroyed.

    Raises:
        BrokenSeal: they were changed, or sealed with another secret key.
    """
    content = page.particulars.get(reference)
    return None if content is None else Particulars.unpack(content)


def read_all_particulars(page: Page, references: Sequence[str]) -> dict[str, Particulars]:
    """The same of many, by reference, without those that have none.

    Raises:
        BrokenSeal: as `read_particulars`.
    """
    found = page.particulars.some(references)
    return {reference: Particulars.unpack(content) for reference, content in found.items()}


def draw_secret() -> str:
    """A new secret for a status page."""
    return "".join(secrets.choice(ALPHABET) for _ in range(SECRET_LENGTH))


def hash_secret(keys: Keys, secret: str) -> str:
    """What the ledger remembers of it: letter case, hyphens, and O for 0 are forgiven."""
    return keys.keyed("secrets", secret.strip().upper().translate(ALIKE))
