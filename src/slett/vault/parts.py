"""A part of a vault: what one transaction took out of a store, as bytes.

A part is a row of frames, compressed (zstd) and encrypted to the vault's recipient (age, anybody's `age` opens it).
The first line says which vault and which part it is; then come, a frame each, a line of JSON and as many bytes as
that line says. A part is bound to its place twice: by that first line, and by a keyed hash over the encrypted bytes
that the ledger holds, because whoever can write to the place where parts are kept could encrypt to the recipient too.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyrage
from pyrage import x25519

from slett.ledger import Keys
from slett.stores.taken import Taken
from slett.vault.identity import VaultError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LEVEL = 1  # of zstd: higher ones cost more than they save


@dataclass(frozen=True, slots=True)
class Frame:
    """What one change took out of one table, or a block of it."""

    position: int  # of the step: what was changed later has a higher one
    taken: Taken
    content: bytes


def pack(vault: int, part: int, frames: Iterable[Frame], recipient: str) -> tuple[bytes, int]:
    """(the part as it is kept, its bytes before compression)."""
    lines = [_line({"vault": vault, "part": part})]
    for each in frames:
        head = {"position": each.position, "taken": each.taken.plain(), "bytes": len(each.content)}
        lines += (_line(head), each.content)
    plain = b"".join(lines)
    sealed: bytes = pyrage.encrypt(zstd.compress(plain, LEVEL), [x25519.Recipient.from_str(recipient)])
    return sealed, len(plain)


def unpack(vault: int, part: int, sealed: bytes, identity: x25519.Identity) -> Iterator[Frame]:
    """The frames of a part.

    Raises:
        VaultError: it was changed, belongs elsewhere, or is of another vault.
    """
    try:
        plain = zstd.decompress(pyrage.decrypt(sealed, [identity]))
    except (pyrage.DecryptError, zstd.ZstdError):
        raise VaultError(f"part {part} of vault {vault} does not open: it was changed") from None
    place, at = _read(plain, 0)
    if place != {"vault": vault, "part": part}:
        raise VaultError(f"part {part} of vault {vault} is not that part: it was moved")
    while at < len(plain):
        head, at = _read(plain, at)
        end = at + head["bytes"]
        yield Frame(head["position"], Taken.from_plain(head["taken"]), plain[at:end])
        at = end


def mac(keys: Keys, vault: int, part: int, digest: str) -> str:
    """The keyed hash by which the ledger knows a part: of its place, and of the SHA-256 of its bytes."""
    return keys.keyed("vault parts", str(vault), str(part), digest)


def _line(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def _read(plain: bytes, at: int) -> tuple[dict[str, Any], int]:
    end = plain.index(b"\n", at)
    return json.loads(plain[at:end]), end + 1
