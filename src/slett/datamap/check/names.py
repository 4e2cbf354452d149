"""Names in the map that the databases do not know."""

from collections.abc import Iterable, Iterator

from slett.datamap.check.context import Context
from slett.datamap.model import Reference, TableMap
from slett.datamap.problem import Problem, error, listed, quoted, suggestion
from slett.stores.schema import Table

Written = Iterator[tuple[str, tuple[str | int, ...]]]  # a column's name, and where in the table's entry it stands


def problems(context: Context) -> Iterator[Problem]:
    """Stores, tables and columns that do not exist."""
    for store in context.datamap.stores.values():
        if store.name not in context.schemas:
            continue
        tables = context.schemas[store.name].tables
        for mapped in store.tables.values():
            if table := tables.get(mapped.name):
                yield from _columns(mapped, table, _own(context, mapped))
            else:
                message = f"store {quoted(store.name)} has no table {quoted(mapped.name)}"
                yield error("unknown-table", mapped.place, message, suggestion(mapped.name, tables))
            for number, reference in enumerate(mapped.references):
                yield from _target(context, mapped, number, reference)


def _target(context: Context, mapped: TableMap, number: int, reference: Reference) -> Iterator[Problem]:
    if reference.identifier:
        return
    place = mapped.at("references", number, "to")
    if reference.store not in context.datamap.stores:
        message = f"the map has no store {quoted(reference.store)}"
        yield error("unknown-store", place, message, suggestion(reference.store, context.datamap.stores))
    elif reference.store in context.schemas and not context.parent(reference):  # else it is reported where it is mapped
        tables = context.schemas[reference.store].tables
        if reference.table not in tables:
            message = f"store {quoted(reference.store)} has no table {quoted(reference.table)}"
            yield error("unknown-table", place, message, suggestion(reference.table, tables))
    if table := context.live(reference.store, reference.table):
        written = ((name, ("references", number, "match")) for name in reference.match)
        yield from _columns(mapped, table, written)


def _columns(mapped: TableMap, table: Table, written: Iterable[tuple[str, tuple[str | int, ...]]]) -> Iterator[Problem]:
    names = {column.name for column in table.columns}
    for name, path in written:
        if name in names:
            continue
        parts = name.replace(",", " ").split()
        if len(parts) > 1 and names.issuperset(parts):
            hint = f"these are {len(parts)} columns: write {listed(parts)}, each as a name of its own"
        else:
            hint = suggestion(name, names)
        yield error(
            "unknown-column", mapped.at(*path), f"table {quoted(table.name)} has no column {quoted(name)}", hint
        )


def _own(context: Context, mapped: TableMap) -> Written:
    for identifier, column in mapped.identifiers:
        yield column, ("identifiers", identifier)
    for key, names in (("columns", mapped.columns), ("omit", mapped.omit)):
        for number, name in enumerate(names):
            yield name, (key, number)
    for column, _, path in context.ruled(mapped):
        yield column, path
    if mapped.until and mapped.until.column:
        yield mapped.until.column, ("until", "column")
    for number, block in enumerate(mapped.blocks):
        for column, _ in block.when:
            yield column, ("blocks", number, "when", column)
    for number, reference in enumerate(mapped.references):
        for column in reference.columns:
            yield column, ("references", number, "columns" if len(reference.columns) > 1 else "column")
        for column, _ in reference.when:
            yield column, ("references", number, "when", column)
