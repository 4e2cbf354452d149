"""Whether the two sides of a reference can be compared at all."""

from collections.abc import Iterator

from slett.datamap.check.context import Context
from slett.datamap.check.values import misfit
from slett.datamap.model import Reference, Scalar, TableMap
from slett.datamap.problem import Problem, error, quoted, warning
from slett.stores.schema import Column, Table

NUMBERS = {"integer", "decimal"}
WRITTEN = {"integer", "decimal", "uuid"}  # types with one obvious way of being written


def problems(context: Context) -> Iterator[Problem]:
    """Types that differ, and values that a column cannot hold."""
    for mapped, table in context.decided:
        for number, reference in enumerate(mapped.references):
            for here, there in _sides(context, table, reference):
                yield from _compared(mapped, number, reference, here, there)
            for key, column, value in _constants(table, reference):
                if why := misfit(value, column):
                    message = f"{quoted(value)} is never in {quoted(column.name)}: {why}"
                    hint = f"write a value of type {quoted(column.type)}"
                    yield error("wrong-type", mapped.at("references", number, key), message, hint)


def _sides(context: Context, table: Table, reference: Reference) -> Iterator[tuple[Column, Column]]:
    """Each column here with the one over there, or with those of the identifier."""
    if reference.identifier:
        here = table.column(reference.columns[0])
        for root in context.datamap.roots:
            live = context.live(root.store, root.name)
            for identifier, name in root.identifiers:
                there = live.column(name) if live and identifier == reference.identifier else None
                if here and there:
                    yield here, there
    elif other := context.live(reference.store, reference.table):
        for name, match in zip(reference.columns, context.match(reference), strict=False):
            here, there = table.column(name), other.column(match)
            if here and there:
                yield here, there


def _constants(table: Table, reference: Reference) -> Iterator[tuple[str, Column, Scalar]]:
    for name, value in reference.when:
        if column := table.column(name):
            yield "when", column, value
    if len(reference.columns) == 1 and not reference.path and (column := table.column(reference.columns[0])):
        for value in reference.none:
            yield "none", column, value


def _compared(mapped: TableMap, number: int, reference: Reference, here: Column, there: Column) -> Iterator[Problem]:
    place = mapped.at("references", number)
    sides = f"{quoted(here.name)} ({here.type}) with {quoted(there.name)} ({there.type})"
    families = {here.family, there.family}
    if reference.path:
        if here.family not in ("json", "text", "other"):
            message = f"{quoted(here.name)} holds no JSON: it is {quoted(here.type)}"
            yield error("incomparable", place, message, "take `path` out, or name the column that holds JSON")
    elif here.family in ("json", "array"):
        message = f"{quoted(here.name)} is {quoted(here.type)}: many values in one"
        yield error("incomparable", place, message, "write where in the JSON the value is, as in `path: user.id`")
    elif families <= NUMBERS and _is_rounded(here) != _is_rounded(there):
        message = f"{sides} takes numbers for the same that are not, from 9,007,199,254,740,992 on"
        yield error("incomparable", place, message, "make both columns of the one type")
    elif len(families) == 1 or "other" in families or families <= NUMBERS:
        return
    elif "text" in families and families <= WRITTEN | {"text"}:
        message = f"{sides} can only be compared as text, which no index of the other type serves"
        hint = "make the two columns of one type, or make sure that both write a value in the same way"
        yield warning("compared-as-text", place, message, hint)
    else:
        hint = "refer to a column of the same type: look for another one with `match`"
        yield error("incomparable", place, f"{sides} cannot be compared", hint)


def _is_rounded(column: Column) -> bool:
    """Whether it holds numbers with 53 bits of precision, or fewer."""
    return column.type.lower().startswith(("float", "double", "real"))
