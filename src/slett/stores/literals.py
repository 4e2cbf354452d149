"""Captured rows as lists of literals, taken apart and put into statements as they are: not a byte of them is read."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from slett.stores.dialect import Filled
from slett.stores.errors import StoreError

_TEXT = rb"'[^'\\]*(?:\\.[^'\\]*)*'"  # wherever there is a backslash, what follows it is no end
_END = re.compile(_TEXT + rb"|\),\n", re.DOTALL)  # of a row, and not within a text
_FIELD = re.compile(rb"(?:" + _TEXT + rb"|\((?:" + _TEXT + rb"|[^'()])*\)|[^',(])+", re.DOTALL)


def rows_of(block: bytes, person: int | None) -> Iterator[tuple[bytes, ...]]:
    """The rows of a block without the person's number that each begins with; of one person, or of all."""
    mine = None if person is None else b"%d" % person
    start = 0
    for found in _END.finditer(block):
        if found[0] == b"),\n":
            number, _, fields = block[start + 1 : found.start()].partition(b",")
            start = found.end()
            if mine is None or number == mine:
                yield tuple(_FIELD.findall(fields))


def put_in(before: str, rows: Sequence[tuple[Any, ...]], after: str) -> Iterator[tuple[Filled, int]]:
    """The INSERT of the rows, which are of one block: so it is no longer than what a server takes."""
    listed = b",\n".join(b"(" + b",".join(row) + b")" for row in rows)
    yield (f"{before} VALUES ".encode() + listed + after.encode(), ()), len(rows)


def fill_in(text: str, mark: str, values: Sequence[Any], quote: Callable[[bytes], bytes]) -> Filled:
    """The statement with literals in the places of its parameters; with several in one place, the text of their list.

    Raises:
        StoreError: a name in the statement looks like a parameter.
    """
    first, *rest = text.encode().split(mark.encode())
    if len(rest) != len(values):
        raise StoreError("", f"a name has `{mark}` in it")

    def written(value: Any) -> bytes:
        if isinstance(value, int):
            return b"%d" % value
        return quote(b",".join(value)) if isinstance(value, tuple) else value

    pieces = [first, *(piece for value, after in zip(values, rest, strict=True) for piece in (written(value), after))]
    return b"".join(pieces), ()
