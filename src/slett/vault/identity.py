"""Who can open a vault: an age identity of its own, wrapped for the person, for the service, or for both.

The vault's identity is an X25519 key of the age format. For the person it is encrypted (AES-256-GCM) with a key that
Argon2id (RFC 9106) derives from their recovery code; for the service with a key derived from its `secret.key`. The
code itself is kept nowhere.
"""

import secrets
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from pyrage import x25519

from slett.ledger import Keys
from slett.ledger.references import ALIKE, ALPHABET
from slett.ledger.vaults import Holder, Wrapped

GROUPS, GROUP = 5, 5  # the last character is a check on the others
MEMORY_KIB, PASSES, LANES = 65_536, 3, 1  # 64 MiB: the second recommendation of RFC 9106, section 4, in one lane


class VaultError(Exception):
    """A vault cannot be opened or filled. No message says what is in it."""


class WrongCode(VaultError):
    """The recovery code opens nothing here."""

    def __init__(self) -> None:
        super().__init__("the recovery code does not open this account; check each group of characters")


@dataclass(frozen=True, slots=True, repr=False)
class Made:
    """A new vault's identity, and whom to encrypt to."""

    recipient: str
    identity: x25519.Identity


def draw_code() -> str:
    """A recovery code: 24 random characters of 5 bits and one to check them, `7K4M2-Q9XHV-…`."""
    drawn = "".join(secrets.choice(ALPHABET) for _ in range(GROUPS * GROUP - 1))
    whole = drawn + _check(drawn)
    return "-".join(whole[start : start + GROUP] for start in range(0, len(whole), GROUP))


def read_code(text: str) -> str | None:
    """The code as it was drawn, however it was typed; None if it cannot be one."""
    plain = "".join(text.upper().translate(ALIKE).split())
    if len(plain) != GROUPS * GROUP or not set(plain) <= set(ALPHABET) or _check(plain[:-1]) != plain[-1]:
        return None
    return plain


def _check(drawn: str) -> str:
    """Finds all but one in 32 mistypings without asking Argon2id."""
    return ALPHABET[sha256(drawn.encode()).digest()[0] % len(ALPHABET)]


def make_identity() -> Made:
    """A new identity. It is lost with this process unless it is wrapped."""
    identity = x25519.Identity.generate()
    return Made(str(identity.to_public()), identity)


def wrap_for_person(identity: x25519.Identity, code: str) -> Wrapped:
    """The identity, wrapped for whoever has the recovery code. Takes some hundred milliseconds and 64 MiB, on purpose.

    Raises:
        WrongCode: it is no recovery code.
    """
    plain = read_code(code)
    if plain is None:
        raise WrongCode
    salt = secrets.token_bytes(16)
    return _close("person", str(identity), salt, _stretch(plain, salt))


def wrap_for_service(keys: Keys, identity: x25519.Identity) -> Wrapped:
    """The identity, wrapped for the service."""
    return _close("service", str(identity), b"", keys.subkey("vault"))


def unwrap_for_service(keys: Keys, wrapped: Wrapped) -> x25519.Identity:
    """The vault's identity.

    Raises:
        VaultError: it was changed, or wrapped under another secret key.
    """
    try:
        return _open(wrapped, keys.subkey("vault"))
    except InvalidTag:
        raise VaultError("the vault's key does not open: it was changed, or made with another secret key") from None


def unwrap_for_person(wrapped: Wrapped, code: str) -> x25519.Identity:
    """The vault's identity, as slowly.

    Raises:
        WrongCode: not with this code.
    """
    plain = read_code(code)
    if plain is None:
        raise WrongCode
    try:
        return _open(wrapped, _stretch(plain, wrapped.salt))
    except InvalidTag:
        raise WrongCode from None


def _stretch(code: str, salt: bytes) -> bytes:
    derivation = Argon2id(salt=salt, length=32, iterations=PASSES, lanes=LANES, memory_cost=MEMORY_KIB)
    return derivation.derive(code.encode())


def _close(holder: Holder, identity: str, salt: bytes, key: bytes) -> Wrapped:
    nonce = secrets.token_bytes(12)
    return Wrapped(holder, salt, nonce + AESGCM(key).encrypt(nonce, identity.encode(), holder.encode()))


def _open(wrapped: Wrapped, key: bytes) -> x25519.Identity:
    nonce, sealed = wrapped.blob[:12], wrapped.blob[12:]
    return x25519.Identity.from_str(AESGCM(key).decrypt(nonce, sealed, wrapped.holder.encode()).decode())
