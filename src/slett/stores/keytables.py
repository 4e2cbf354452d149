"""Key sets that are too large to travel in a statement: temporary tables, which go with the connection.

A key table has a column `person`, the person's number in the pass, and a column a key-set column.
"""

from functools import partial
from typing import Any

from sqlalchemy import false, literal_column, select

from slett.stores.conditions import Conditions
from slett.stores.known import Stored, key_column
from slett.stores.operations import KeySet
from slett.stores.schema import Schema
from slett.stores.statements import Statements

INDEXED_LENGTH = 700  # characters of text that MariaDB can index, four bytes each


def key_table(name: str, keys: KeySet, conditions: Conditions, make: Statements) -> tuple[Stored, str]:
    """A key table, and the statement that makes it: of the very types of its source, where that is here."""
    stored = Stored(keys.columns, keys.families, name)
    local = stored.local = keys.store == make.store
    if local:
        shape = make.recall(("shape of", keys), partial(_shape, keys, conditions))
        made = f"CREATE TEMPORARY TABLE {name} AS {shape.text}"
    else:
        types = column_types(keys, conditions, make.store)
        columns = "".join(f", {key_column(n)} {each}" for n, each in enumerate(types))
        made = f"CREATE TEMPORARY TABLE {name} (person integer{columns})"
    for n in range(len(keys.columns)):
        if not local or _indexable(conditions.schema, keys, n):
            stored.unindexed.append(f"CREATE INDEX {name}_{key_column(n)} ON {name} ({key_column(n)})")
    return stored, made


def column_types(keys: KeySet, conditions: Conditions, store: str) -> tuple[str, ...]:
    """The types of the columns in this store, as the database writes them."""
    if keys.store != store:
        return tuple(conditions.dialect.key_type(family) for family in keys.families)
    live = conditions.schema.tables[keys.table]
    return tuple(found.type for each in keys.columns if (found := live.column(each)))


def _shape(keys: KeySet, conditions: Conditions) -> Any:
    """A SELECT of no rows, whose columns may be null, as for a row that is gone."""
    source = conditions.table(keys.table)
    named = [source.c[each].label(key_column(n)) for n, each in enumerate(keys.columns)]
    nobody = select(literal_column("0").label("person")).subquery("slett_nobody")
    beside = nobody.outerjoin(source, false())
    return select(nobody.c.person, *named).select_from(beside).where(false())


def _indexable(schema: Schema, keys: KeySet, n: int) -> bool:
    column = schema.tables[keys.table].column(keys.columns[n])
    if column is None or column.family in ("json", "other", "binary", "array"):
        return False
    if column.family != "text" or schema.dialect != "mariadb":
        return True
    return column.length is not None and column.length <= INDEXED_LENGTH
