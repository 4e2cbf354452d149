"""Handing somebody over to the portal: what any service writes that embeds it this way."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from examples.torget.web.accounts import Account
from slett.handoff import sign_handoff


@dataclass(frozen=True, slots=True)
class Door:
    """The way from Torget to the portal."""

    torget: str  # addresses
    portal: str
    private_key: bytes

    def url(self, account: Account, language: str) -> str:
        """Where to send somebody who wants to leave, now: the address is good for a minute, once."""
        token = sign_handoff(
            self.private_key,
            iss=self.torget,
            aud=self.portal,
            sub=str(account.number),
            auth_time=account.signed_in_at,
            emails=[account.email],
            locale=language,
            amr=["pwd"],
        )
        return f"{self.portal}/handoff?{urlencode({'token': token})}"

    def leads_to(self, address: str) -> bool:
        """Whether the address is one of the portal's."""
        asked, own = urlsplit(address), urlsplit(self.portal)
        return (asked.scheme, asked.netloc) == (own.scheme, own.netloc)


def is_own_path(address: str) -> bool:
    """Whether the address is a page of Torget itself, so that nobody is sent to another site by a link to ours."""
    plain = address.startswith("/") and not address.startswith("//") and address.isprintable() and "\\" not in address
    return plain and not urlsplit(address).netloc


def make_key(folder: Path) -> tuple[bytes, Path]:
    """A new key pair: the private half for Torget, and the file of the public half for the portal."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = folder / "handoff.pub"
    public.write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return private, public
