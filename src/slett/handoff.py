"""For the service that embeds the portal: the token with which it hands a signed-in person over.

    from slett.handoff import sign_handoff

    token = sign_handoff(
        private_key_pem,
        iss="https://torget.example",  # the service, as in `portal.service_url`
        aud="https://slett.torget.example",  # the portal, as in `portal.handoff_audience`
        sub="17",  # the key of the person's row in the root
        auth_time=session.signed_in_at,  # when they gave their password, not now
        emails=["kari@example.org"],
    )
    return redirect(f"https://slett.torget.example/handoff?token={token}", 303)

Sign one when the person presses the button and never before: it is good for a minute, once. It is a password for
that minute, so it belongs in no log. Nothing else of Slett is imported here. Another language writes the same
token with any JWT library: the claims are listed in `docs/embedding.md`.
"""

import secrets
import time
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

LIFE_SECONDS = 60


def key_id(key: Ed25519PublicKey) -> str:
    """The name of a public key (`kid`): the first 32 hexadecimal digits of the SHA-256 of its DER form."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return sha256(der).hexdigest()[:32]


def sign_handoff(
    private_key: bytes,
    *,
    iss: str,
    aud: str,
    sub: str,
    auth_time: datetime | None = None,
    emails: Sequence[str] = (),
    old_emails: Sequence[str] = (),
    locale: str = "",
    amr: Sequence[str] = (),
    second_factor: bool = False,
    root: str = "",
    now: float | None = None,
) -> str:
    """The signed token (JWT, EdDSA), good for a minute and for one use.

    Args:
        private_key: the service's Ed25519 key, PKCS #8 in PEM, without a password.
        iss: the service's address.
        aud: whom the token is for.
        sub: the key of the person's row in the root; a composite key is written with commas.
        auth_time: when the person last proved who they are; None: that is not known, and they must do it again.
        emails: their verified addresses, the main one first.
        old_emails: addresses that were theirs until 14 days ago or less.
        locale: the language of the account, as in `nb`.
        amr: how they signed in (RFC 8176): `pwd`, `otp`, `hwk`.
        second_factor: the account has one, so that a password alone is not enough.
        root: the root that `sub` is a key of, if the map has several.
        now: seconds since 1970, for tests.

    Raises:
        ValueError: the key is not an Ed25519 private key, or `auth_time` has no zone.
    """
    key = serialization.load_pem_private_key(private_key, password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("not an Ed25519 private key; make one with: openssl genpkey -algorithm ed25519")
    if auth_time is not None and auth_time.tzinfo is None:
        raise ValueError("`auth_time` has no zone; give one, as in datetime.now(UTC)")
    issued = int(time.time() if now is None else now)
    claims: dict[str, object] = {
        "iss": iss,
        "aud": aud,
        "sub": sub,
        "iat": issued,
        "exp": issued + LIFE_SECONDS,
        "jti": secrets.token_urlsafe(16),
        "emails": list(emails),
        "old_emails": list(old_emails),
        "locale": locale,
        "amr": list(amr),
        "second_factor": second_factor,
        "root": root,
    }
    if auth_time is not None:
        claims["auth_time"] = int(auth_time.timestamp())
    return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": key_id(key.public_key())})
