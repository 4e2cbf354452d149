"""What is written in a table: every text of every row, many rows in one piece, for whoever searches them.

A piece is bytes in UTF-8 and nothing else; only who found something in it takes it apart.
"""

import secrets
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from operator import methodcaller

BLOCK = 1 << 18  # bytes that are searched at once


@dataclass(frozen=True, slots=True)
class Texts:
    """The rows of one table, in blocks. A row is its key, then its columns."""

    blocks: Generator[bytes, None, None]
    row_end: bytes  # between rows
    cells: Callable[[bytes], list[bytes]]  # the texts of one row
    escaped: bool = False  # as COPY writes a text: with a backslash before a backslash

    def key(self, row: bytes, size: int) -> tuple[str, ...]:
        """The first texts of a row, as they are in the table."""
        texts = self.cells(row)[:size]
        if self.escaped:
            texts = [each.replace(b"\\\\", b"\\") for each in texts]
        return tuple(each.decode("utf-8", "replace") for each in texts)


def ends() -> tuple[bytes, bytes]:
    """What no text has in it, to be put between rows and between cells."""
    token = secrets.token_hex(4)
    return f"\x1e{token}\x1e".encode(), f"\x1f{token}\x1f".encode()


def parted_by(cell_end: bytes) -> Callable[[bytes], list[bytes]]:
    """How a row is taken apart that has this between its texts."""
    return methodcaller("split", cell_end)


def in_blocks(rows: Iterable[bytes], row_end: bytes) -> Generator[bytes, None, None]:
    """The rows, put together."""
    block: list[bytes] = []
    held = 0
    for row in rows:
        block.append(row)
        held += len(row)
        if held >= BLOCK:
            yield row_end.join(block)
            block, held = [], 0
    if block:
        yield row_end.join(block)
