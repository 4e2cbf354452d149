"""The password of everybody in Torget."""

import hashlib
import hmac
from functools import cache

PASSWORD = "torget"  # noqa: S105 - it stands on the sign-in page
SALT = b"Torget, for all."  # one for all, so that two hundred people cost one scrypt; a real shop has one each


@cache
def made_up_hash() -> str:
    """What the database holds of that password."""
    return _hash(PASSWORD)


def fits(password: str, stored: str | None) -> bool:
    """Whether it is the password; it takes as long when there is no account."""
    return hmac.compare_digest(_hash(password), stored or "")


def _hash(password: str) -> str:
    digest = hashlib.scrypt(password.encode(), salt=SALT, n=2**14, r=8, p=1, dklen=32)
    return f"scrypt$16384$8$1${digest.hex()}"
