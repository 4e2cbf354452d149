"""Key sets as bytes, so that the ledger can seal them: JSON, a block of rows at a time."""

import base64
import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any
from uuid import UUID

BLOCK = 5_000  # rows sealed together
MARK = b'{"b64":'  # of bytes; in a text, its quotes would not stand alone


def pack(rows: Iterable[tuple[Any, ...]]) -> Iterator[bytes]:
    """Blocks of rows, each as bytes."""
    rest = iter(rows)
    while block := list(islice(rest, BLOCK)):
        yield json.dumps(block, default=_write, separators=(",", ":")).encode()


def unpack(parts: Iterable[bytes]) -> Iterator[tuple[Any, ...]]:
    """The rows again. What JSON has no word for comes back as text that a database reads the same, or as bytes."""
    for part in parts:
        rows = json.loads(part)
        if MARK in part:
            yield from (tuple(_read(value) for value in row) for row in rows)
        else:
            yield from map(tuple, rows)


def _write(value: Any) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        return {"b64": base64.b64encode(bytes(value)).decode()}
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, date | datetime):
        return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    raise TypeError(f"a key of type {type(value).__name__} cannot be written down")


def _read(value: Any) -> Any:
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else value
