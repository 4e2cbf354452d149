"""The two keys of an installation, on disk beside the ledger.

`secret.key` holds 32 random bytes in hexadecimal. Everything keyed is derived from it, one key a purpose
(HKDF-SHA-256, RFC 5869). Whoever loses it can no longer open what is sealed, nor recognise a tombstone.
`signing.key` is an Ed25519 private key (PKCS #8, PEM) that signs certificates; `signing.pub` is its public half,
to be given to anybody. Keep a copy of both private ones apart from the copy of the ledger.
"""

import hmac
import os
import secrets
from collections.abc import Callable
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from slett.ledger.errors import LedgerError

Purpose = Literal[
    "subjects",
    "tombstones",
    "sealing",
    "columns",
    "fingerprint",
    "sessions",
    "codes",
    "attempts",
    "secrets",
    "spent",
    "holds",
    "vault",
    "vault parts",
    "approvals",
]


def place_once(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file that appears whole or not at all, and leave an existing one alone, whoever was first."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the name has to survive a power cut as well
        finally:
            os.close(folder)
    except FileExistsError:
        pass  # another process was first: its file is the one
    finally:
        draft.unlink()


def key_id(key: Ed25519PublicKey) -> str:
    """The name of a public key: the first 32 hexadecimal digits of the SHA-256 of its DER form."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return sha256(der).hexdigest()[:32]


class Keys:
    """The keys in a folder; those that are missing are made when first needed.

    Args:
        home: the folder.
        draw: gives that many random bytes.
    """

    def __init__(self, home: Path, draw: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self.home = home
        self._draw = draw
        self._derived: dict[Purpose, bytes] = {}

    @property
    def has_secret(self) -> bool:
        """Whether the secret key was made before."""
        return (self.home / "secret.key").exists()

    def subkey(self, purpose: Purpose) -> bytes:
        """The 32 bytes of the key for one purpose."""
        if purpose not in self._derived:
            derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"slett {purpose}".encode())
            self._derived[purpose] = derivation.derive(self._secret)
        return self._derived[purpose]

    @property
    def fingerprint(self) -> str:
        """What the ledger remembers of the secret key; the key cannot be found from it."""
        return self.subkey("fingerprint").hex()

    def subject(self, kind: str, value: str) -> str:
        """The keyed hash by which a person appears: HMAC-SHA-256, 64 hexadecimal digits.

        `kind` says what the value is: `torget/users` for a key of that root, or the name of an identifier. Give
        the value as the stores compare it: an identifier of text with its letter case folded.
        """
        return self.keyed("subjects", kind, value)

    def tombstone(self, kind: str, value: str) -> str:
        """The keyed hash of an erased key or identifier; unlike that of the subject, so the two cannot be joined."""
        return self.keyed("tombstones", kind, value)

    def keyed(self, purpose: Purpose, *parts: str) -> str:
        """HMAC-SHA-256 of the parts with the key of that purpose, 64 hexadecimal digits; only the last may hold NUL."""
        return hmac.digest(self.subkey(purpose), "\0".join(parts).encode("utf-8", "surrogatepass"), "sha256").hex()

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature of a message, 64 bytes."""
        return self._signing.sign(message)

    @cached_property
    def public(self) -> Ed25519PublicKey:
        """The public half of the signing key."""
        return self._signing.public_key()

    @cached_property
    def id(self) -> str:
        """The name of the public key, as certificates give it."""
        return key_id(self.public)

    @cached_property
    def _secret(self) -> bytes:
        path = self.home / "secret.key"
        if not path.exists():
            place_once(path, self._draw(32).hex().encode() + b"\n")
        try:
            secret = bytes.fromhex(path.read_text(encoding="ascii").strip())
        except (OSError, ValueError):
            secret = b""
        if len(secret) != 32:
            raise LedgerError(f"{path}: not a secret key of 64 hexadecimal digits; restore it from its copy")
        return secret

    @cached_property
    def _signing(self) -> Ed25519PrivateKey:
        path = self.home / "signing.key"
        if not path.exists():
            fresh = Ed25519PrivateKey.from_private_bytes(self._draw(32))
            place_once(
                path,
                fresh.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                ),
            )
        try:
            key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        except (OSError, ValueError, TypeError):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise LedgerError(f"{path}: not an Ed25519 private key in PEM; restore it from its copy")
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        place_once(self.home / "signing.pub", public, mode=0o644)
        if (self.home / "signing.pub").read_bytes() != public:
            raise LedgerError(
                f"{self.home / 'signing.pub'}: belongs to another signing key; rename it, and keep it: "
                "it checks the certificates signed before"
            )
        return key
