"""Reading every text of a table: each row once, as one moment saw it.

No lock is held that a writer waits for, save by SQLite where it keeps no write-ahead log.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from slett.stores.schema import Table
from slett.stores.sql import Store
from slett.stores.texts import Texts


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
    """The key and these columns of every row of the table. Changes nothing, and memory does not grow with the rows.

    Raises:
        StoreError: the table cannot be read, or not to its end. It may come with any block.
    """
    with store.connection() as connection, store._words():
        texts = store.dialect.read_texts(connection, table, row_key(store, table), columns)
        with closing(texts.blocks):
            yield texts
