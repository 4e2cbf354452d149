"""Sealing what must be kept for a while and must not be read: zlib, then AES-256-GCM.

A sealed blob is one byte of version (1), twelve of nonce, then the ciphertext and its tag. It opens only where it
was sealed: its place (such as batch, name and part) is bound to it as associated data.
"""

import json
import zlib
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from slett.ledger.errors import BrokenSeal

VERSION = b"\x01"


class Seal:
    """Closes and opens blobs with one key; `draw` gives random bytes for the nonces."""

    def __init__(self, key: bytes, draw: Callable[[int], bytes]) -> None:
        self._cipher = AESGCM(key)
        self._draw = draw

    def close(self, content: bytes, *place: str | int) -> bytes:
        """The sealed blob of the content, bound to its place."""
        nonce = self._draw(12)
        return VERSION + nonce + self._cipher.encrypt(nonce, zlib.compress(content, 1), _bound(place))

    def open(self, blob: bytes, *place: str | int) -> bytes:
        """The content of a sealed blob.

        Raises:
            BrokenSeal: it was changed, belongs elsewhere, or was sealed with another key.
        """
        try:
            if blob[:1] != VERSION:
                raise InvalidTag
            return zlib.decompress(self._cipher.decrypt(blob[1:13], blob[13:], _bound(place)))
        except (InvalidTag, ValueError):
            where = " ".join(map(str, place))
            raise BrokenSeal(
                f"the sealed part `{where}` does not open: it was changed, or sealed with another secret key"
            ) from None


def _bound(place: tuple[str | int, ...]) -> bytes:
    return json.dumps(place).encode()
