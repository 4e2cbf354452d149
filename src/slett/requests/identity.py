"""Who is asking, as far as the service has proven it."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Self

from slett.requests.subject import Subject

How = Literal["handoff", "oidc", "host", "mailbox", "api"]
SECOND_FACTORS = frozenset({"otp", "hwk", "swk", "webauthn", "mfa", "sms", "fpt", "face"})  # RFC 8176, and webauthn
AHEAD = timedelta(seconds=30)  # how far the service's clock may run before ours


@dataclass(frozen=True, slots=True)
class Identity:
    """A person, and how it was proven that it is they."""

    subject: Subject  # by root key; or by identifier when only the mailbox is known
    addresses: tuple[str, ...] = ()  # verified e-mail addresses; the first is the main one
    old_addresses: tuple[str, ...] = ()  # replaced within the last 14 days: told as well, and the wait is longer
    language: str = ""  # as the account says; empty: unknown
    signed_in_at: datetime | None = None  # by the service's own clock (auth_time); None: never
    how: How = "handoff"
    factors: tuple[str, ...] = ()  # of that sign-in (`amr`): pwd, otp, hwk, …
    second_factor: bool = False  # the account has one: then the sign-in must show it

    @property
    def is_proven(self) -> bool:
        """False only while somebody has yet to show that a mailbox is theirs."""
        return self.how != "mailbox" or self.signed_in_at is not None

    @property
    def lacks_factor(self) -> bool:
        """Whether the account has a second factor and the sign-in did not show it."""
        return self.second_factor and not SECOND_FACTORS.intersection(self.factors)

    def is_fresh(self, now: datetime, minutes: int) -> bool:
        """Whether they signed in within the last minutes."""
        return self.signed_in_at is not None and -AHEAD <= now - self.signed_in_at <= timedelta(minutes=minutes)

    def pack(self) -> bytes:
        """It, as bytes. They name a person: seal them."""
        return json.dumps(
            {
                "subject": [self.subject.kind, self.subject.values],
                "addresses": self.addresses,
                "old_addresses": self.old_addresses,
                "language": self.language,
                "signed_in_at": self.signed_in_at and self.signed_in_at.isoformat(),
                "how": self.how,
                "factors": self.factors,
                "second_factor": self.second_factor,
            },
            default=str,
        ).encode()

    @classmethod
    def unpack(cls, content: bytes) -> Self:
        """What was packed."""
        read = json.loads(content)
        kind, values = read["subject"]
        return cls(
            Subject(kind, tuple(values)),
            tuple(read["addresses"]),
            tuple(read["old_addresses"]),
            read["language"],
            datetime.fromisoformat(read["signed_in_at"]) if read["signed_in_at"] else None,
            read["how"],
            tuple(read["factors"]),
            read["second_factor"],
        )
