"""What must become of every row when people leave, known from how the rows were made and not from the map."""

from collections.abc import Mapping
from typing import Any, Literal

import sqlalchemy as sa

from examples.torget.people import Person
from examples.torget.schema import KONSERN, TORGET
from examples.torget.town import Row, Town

Outcome = Literal["gone", "same"] | Mapping[str, Any]  # or: the columns that change, and to what
Key = tuple[Any, ...]  # of the row: its primary key, or all of it where the table has none


def expected(town: Town, *leaving: Person) -> dict[str, dict[str, dict[Key, Outcome]]]:
    """Store, table and row key to what has become of the row once these people have left, in any order."""
    left = frozenset(leaving)
    stores: dict[str, dict[str, dict[Key, Outcome]]] = {}
    for table, rows in town.rows.items():
        store = stores.setdefault(table.metadata.info["store"], {})
        store[table.name] = {_key(table, row.values): _outcome(row, left) for row in rows}
    return stores


def wrong(town: Town, engines: Mapping[str, sa.Engine], *left: Person) -> list[str]:
    """Every row of the two databases that is not as it must be, now that these people have left; one line each."""
    wanted = expected(town, *left)
    lines = []
    for metadata in (TORGET, KONSERN):
        store = metadata.info["store"]
        with engines[store].connect() as connection:
            for table in metadata.sorted_tables:
                found = {_key(table, row): dict(row) for row in connection.execute(table.select()).mappings()}
                made = {_key(table, row.values): row.values for row in town.rows[table]}
                for key, outcome in (dict.fromkeys(found, "gone") | wanted[store][table.name]).items():
                    changes = {} if isinstance(outcome, str) else outcome
                    if found.get(key) != (None if outcome == "gone" else {**made[key], **changes}):
                        lines.append(f"{store}/{table.name} {key} must be {outcome} and is {found.get(key)}")
    return lines


def _key(table: sa.Table, row: Mapping[Any, Any]) -> Key:
    """What names a row of this table."""
    return tuple(row[column.name] for column in table.primary_key or table.columns)


def _outcome(row: Row, left: frozenset[Person]) -> Outcome:
    changes: dict[str, Any] = {}
    for fate in row.fates:
        if not fate.who <= left:
            continue
        if fate.then == "gone":
            return "gone"
        changes |= fate.then
    changes = {column: value for column, value in changes.items() if row.values[column] != value}
    return changes or "same"
