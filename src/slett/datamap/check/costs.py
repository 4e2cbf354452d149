"""What makes an erasure slow, or hard to stop half way: how a database keeps rows, finds them, tells them apart."""

from collections.abc import Iterator

from slett.datamap.check.context import Context
from slett.datamap.model import TableMap
from slett.datamap.problem import Problem, error, listed, quoted, warning
from slett.stores.schema import Table

LARGE = 10_000  # rows; below, reading the whole table costs no more than asking for it


def problems(context: Context) -> Iterator[Problem]:
    """References without an index, and changed tables without a primary key or without transactions."""
    for mapped, table in context.decided:
        if not table.primary_key and context.owned(mapped):
            yield _without_key(mapped)
        if not table.transactions and context.owned(mapped):
            message = f"{quoted(mapped)} has no transactions: what was changed before a fault stays changed"
            hint = "ALTER TABLE … ENGINE = InnoDB; without, its rows cannot be put away for an undo or a sealed close"
            yield warning("no-transactions", mapped.place, message, hint)
        if table.rows >= LARGE:
            yield from _scanned(mapped, table)


def _without_key(mapped: TableMap) -> Problem:
    message = f"{quoted(mapped)} has no primary key"
    if mapped.root:
        hint = "add one to the table: by it a person is named, and found again after a crash"
        return error("no-primary-key", mapped.place, message, hint)
    if mapped.action == "keep":
        return error("no-primary-key", mapped.place, message, "a kept row needs one, to be found when its time comes")
    if any(change != "delete" for _, change in mapped.lighter):
        hint = "rows that closing changes need one, to be found again when the person comes back"
        return error("no-primary-key", mapped.place, message, hint)
    hint = "its rows go all at once instead of in chunks; add a primary key if a person can have many"
    return warning("no-primary-key", mapped.place, message, hint)


def _scanned(mapped: TableMap, table: Table) -> Iterator[Problem]:
    cost = f"every search reads about {table.rows:,} rows"
    for identifier, column in mapped.identifiers:
        if table.column(column) and not table.is_indexed((column,)):
            message = f"identifier {quoted(column)} of {quoted(mapped)} has no index: {cost}"
            yield warning(
                "no-index", mapped.at("identifiers", identifier), message, f"add an index on {quoted(column)}"
            )
    for number, reference in enumerate(mapped.references):
        place = mapped.at("references", number)
        columns = reference.columns
        conditions = tuple(column for column, _ in reference.when)
        if any(table.column(column) is None for column in columns):
            continue
        if reference.path:
            message = f"a value inside JSON has no ordinary index: {cost}"
            hint = "erase many people in one batch, or copy the value into a column of its own"
            yield warning("no-index", place, message, hint)
        elif not (table.is_indexed(columns) or (conditions and table.is_indexed((*columns, *conditions)))):
            message = f"{listed(columns)} of {quoted(mapped)} has no index: {cost}"
            hint = f"add an index on {listed(columns)}, or erase many people in one batch"
            yield warning("no-index", place, message, hint)
