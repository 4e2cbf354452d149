"""What a person meets before they leave: closing, unsubscribing, what stands in the way, and the names of things."""

from collections.abc import Iterator

from slett.datamap.check.context import Context
from slett.datamap.check.values import misfit
from slett.datamap.model import OTHER, TableMap
from slett.datamap.problem import Problem, error, quoted, suggestion, warning
from slett.stores.schema import Table


def problems(context: Context) -> Iterator[Problem]:
    """Changes that nobody could take back, blocks that block nothing, and categories that are not there."""
    for mapped in context.datamap.tables:
        yield from _category(context, mapped)
        yield from _irreversible(mapped)
    for mapped, table in context.decided:
        yield from _blocks(mapped, table)


def _category(context: Context, mapped: TableMap) -> Iterator[Problem]:
    known = {*context.datamap.categories, OTHER}
    if mapped.category not in known:
        message = f"the map has no category {quoted(mapped.category)}"
        yield error("unknown-category", mapped.at("category"), message, suggestion(mapped.category, known))
    elif context.datamap.categories and mapped.action != "ignore" and ("category",) not in mapped.places:
        message = f"{quoted(mapped)} has no category, so a person is told of its rows as of something else"
        yield warning(
            "no-category", mapped.place, message, f"write `category: …`, or `category: {OTHER}` if that is so"
        )


def _irreversible(mapped: TableMap) -> Iterator[Problem]:
    """Rules that make the new value of the old, where the old is to come back one day."""
    for key, change in mapped.lighter:
        for column, rule in change if change != "delete" and key != "disable" else ():
            if rule.how not in ("null", "constant"):
                message = f"`{key}` writes constants, and this makes a new value of the old one"
                yield error("irreversible", mapped.at(key, column), message, "write a constant or `null`")


def _blocks(mapped: TableMap, table: Table) -> Iterator[Problem]:
    for number, block in enumerate(mapped.blocks):
        if block.alone and not any(reference.kind == "shared" for reference in mapped.references):
            message = f"nobody shares rows of {quoted(mapped)}, so every row of it is held alone"
            hint = "take `alone` out and write `when`, or write `kind: shared` at the references"
            yield error("no-effect", mapped.at("blocks", number, "alone"), message, hint)
        for name, value in block.when:
            if (column := table.column(name)) and (why := misfit(value, column)):
                message = f"{quoted(name)} ({column.type}) cannot hold {quoted(value)}: {why}"
                hint = f"write a value of type {quoted(column.type)}"
                yield error("wrong-type", mapped.at("blocks", number, "when", name), message, hint)
