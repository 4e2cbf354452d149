"""What is written in a table: every text of every row, whole rows at a time, for whoever searches them.

Promises to read each row once, as one statement sees the table, without a lock that a writer would wait for. Does not
say what is written where: a row is one piece of bytes, and only who found something in it takes it apart.
"""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

from slett.stores.schema import Table
from slett.stores.sql import Store

BLOCK = 1 << 18  # bytes that are searched at once


@dataclass(frozen=True, slots=True)
class Texts:
    """The rows of one table, in blocks. A row is its key and its columns, with the separator between them."""

    key: tuple[str, ...]  # empty where nothing tells the rows apart
    columns: tuple[str, ...]
    separator: bytes
    blocks: Iterator[Sequence[bytes]]

    def cells(self, row: bytes) -> list[bytes]:
        """The texts of one row, or of the same row folded: of its key, then of its columns."""
        return bytes(row).split(self.separator)


def text_columns(store: Store, table: Table) -> tuple[str, ...]:
    """The columns that are read. What the database computes from others is not: it goes as they go."""
    return tuple(each.name for each in table.columns if not each.generated and store.dialect.holds_text(each))


def row_key(store: Store, table: Table) -> tuple[str, ...]:
    """The columns whose texts tell the table's rows apart; empty where none do."""
    families = {each.name: each.family for each in table.columns}
    plain = table.primary_key and not any(families[each] == "binary" for each in table.primary_key)
    return table.primary_key if plain else store.dialect.row_key


@contextmanager
def read_texts(store: Store, table: Table, columns: Sequence[str]) -> Iterator[Texts]:
    """These columns of every row of the table.

    Raises:
        StoreError: the table cannot be read, or not to its end. It may come with any block.
    """
    dialect = store.dialect
    separator = dialect.separator or f"\x1f{secrets.token_hex(4)}\x1f".encode()
    key = row_key(store, table)
    with store.connection() as connection, store._words():
        rows = dialect.read_texts(connection, table, key, columns, separator)
        with closing(rows):
            yield Texts(key, tuple(columns), separator, _in_blocks(rows))


def _in_blocks(rows: Iterable[bytes]) -> Iterator[Sequence[bytes]]:
    block: list[bytes] = []
    held = 0
    for row in rows:
        block.append(row)
        held += len(row)
        if held >= BLOCK:
            yield block
            block, held = [], 0
    if block:
        yield block
