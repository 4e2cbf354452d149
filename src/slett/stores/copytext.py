"""PostgreSQL's text format of COPY, written and read outside of the server: a line a row, tabs between its values."""

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any
from uuid import UUID

_ESCAPES = {b"\\": rb"\\", b"\b": rb"\b", b"\f": rb"\f", b"\n": rb"\n", b"\r": rb"\r", b"\t": rb"\t", b"\v": rb"\v"}
_READ = {written: plain for plain, written in _ESCAPES.items()}
_SPECIAL = re.compile(rb"[\\\b\f\n\r\t\v]")  # what is written as two characters
_WRITTEN = re.compile(rb"\\.")
_PLAIN = {int, str, UUID}  # written as they are, unless a text has something special in it


def plain_lines(rows: Sequence[tuple[Any, ...]]) -> str | None:
    """The rows as lines, where none of it needs to be escaped; else None."""
    if not is_plain(rows):
        return None
    width = len(rows[0])
    text = ("\t".join(["%s"] * width) + "\n") * len(rows) % tuple(chain.from_iterable(rows))
    as_many = text.count("\t") == (width - 1) * len(rows) and text.count("\n") == len(rows)
    return text if as_many and "\\" not in text and "\r" not in text else None


def is_plain(rows: Sequence[tuple[Any, ...]]) -> bool:
    """Whether there are rows, of values that are written as Python writes them."""
    return bool(rows) and set(map(type, chain.from_iterable(rows))) <= _PLAIN


def lines_of(result: Any, encoding: str) -> Iterator[bytes]:
    """Rows of a driver's result, as lines."""
    foreign = encoding not in ("utf-8", "ascii")  # ASCII: the database knows no encoding, and changes no byte
    for row in range(result.ntuples):
        cells = [result.get_value(row, place) for place in range(result.nfields)]
        if foreign:
            cells = [cell and cell.decode(encoding).encode() for cell in cells]
        yield b"\t".join(rb"\N" if cell is None else _SPECIAL.sub(_escape, cell) for cell in cells) + b"\n"


def rows_of(block: bytes, person: int | None) -> Iterator[tuple[str | None, ...]]:
    """The rows of lines that begin with a person's number, without it; of one person, or of all."""
    mine = None if person is None else b"%d" % person
    for line in block.split(b"\n")[:-1]:
        number, *cells = line.split(b"\t")
        if mine is None or number == mine:
            yield tuple(None if cell == rb"\N" else _read(cell) for cell in cells)


def _read(cell: bytes) -> str:
    return (_WRITTEN.sub(lambda found: _READ[found[0]], cell) if b"\\" in cell else cell).decode()


def _escape(found: re.Match[bytes]) -> bytes:
    return _ESCAPES[found[0]]
