"""Whether every reference leads to a person, and to nobody else."""

from collections.abc import Iterator

from slett.datamap.check.context import Context
from slett.datamap.model import Reference, TableMap
from slett.datamap.problem import Problem, error, flow, listed, quoted, suggestion, warning
from slett.stores.schema import Table


def problems(context: Context) -> Iterator[Problem]:
    """References that lead nowhere, or to strangers."""
    for mapped in context.datamap.tables:
        if mapped.action in ("ignore", "undecided"):
            continue
        if not mapped.references and not mapped.root:
            message = f"nothing says whose the rows of {quoted(mapped)} are"
            yield error("no-path", mapped.place, message, "write a reference that leads to a root, or `action: ignore`")
        for number, reference in enumerate(mapped.references):
            yield from _path(context, mapped, number, reference)
    for mapped, table in context.decided:
        for number, reference in enumerate(mapped.references):
            if other := context.live(reference.store, reference.table):
                if not _counts(context, reference):
                    yield _count(context, mapped, number, reference)
                else:
                    yield from _strangers(context, mapped, table, other, number)
            elif len(reference.columns) > 1 and reference.identifier:
                yield _count(context, mapped, number, reference)
            if reference.set and len(reference.set) != len(reference.columns):
                message = f"`set` has {len(reference.set)} values for {len(reference.columns)} columns"
                place = mapped.at("references", number, "set")
                yield error("column-count", place, message, "write one value for each column, in order")


def _path(context: Context, mapped: TableMap, number: int, reference: Reference) -> Iterator[Problem]:
    if reference.identifier:
        if reference.identifier not in context.identifiers:
            message = f"no root has an identifier {quoted(reference.identifier)}"
            names = context.identifiers
            hint = suggestion(reference.identifier, names) if names else "declare it under `identifiers` of a root"
            yield error("unknown-identifier", mapped.at("references", number, "identifier"), message, hint)
        return
    place = mapped.at("references", number, "to")
    exists = reference.store not in context.schemas or context.live(reference.store, reference.table)
    if reference.store not in context.datamap.stores or not exists:
        return  # an unknown name
    target = f"{reference.store}/{reference.table}"
    if reference.kind == "shared" and reference.store != mapped.store:
        message = (
            f"{quoted(mapped)} cannot be shared by rows of another store: who is the last one is asked in one query"
        )
        yield error("shared-across-stores", place, message, "map a reference inside the store, or `kind: owner`")
    if not context.parent(reference):
        message = f"{quoted(target)} is not in the map, so nothing leads from it to a person"
        yield error("no-path", place, message, f"map {quoted(reference.table)} as well")
    elif target not in context.reached:
        message = f"{quoted(target)} leads to no root: no chain of owner references goes from it to a person"
        yield error("no-path", place, message, "refer to a root, or to a table whose rows are a person's own")


def _counts(context: Context, reference: Reference) -> bool:
    return (
        len(context.match(reference)) == len(reference.columns) == (len(reference.columns) if not reference.path else 1)
    )


def _count(context: Context, mapped: TableMap, number: int, reference: Reference) -> Problem:
    place = mapped.at("references", number)
    match = context.match(reference)
    if reference.identifier or reference.path:
        message = f"an identifier and a value in JSON are compared with one column, not {len(reference.columns)}"
        return error("column-count", place, message, "write one `column`")
    if not match:
        message = f"{quoted(reference.table)} has no primary key that {listed(reference.columns)} could equal"
        return error("column-count", place, message, "write the columns over there under `match`")
    message = f"{listed(reference.columns)} cannot equal {listed(match)}: {len(reference.columns)} against {len(match)}"
    hint = f"write as many columns as there are in `match` (default: the primary key of {quoted(reference.table)})"
    return error("column-count", place, message, hint)


def _strangers(context: Context, mapped: TableMap, table: Table, other: Table, number: int) -> Iterator[Problem]:
    """References whose values do not tell one row over there from another."""
    reference = mapped.references[number]
    place, match = mapped.at("references", number), context.match(reference)
    keys = [
        key
        for key in table.foreign_keys
        if key.table == reference.table
        and reference.store == mapped.store
        and set(key.columns) == set(reference.columns)
        and not reference.path
    ]
    if keys and not any(reference in context.covering(mapped, key) for key in keys):
        over_there = dict(zip(keys[0].columns, keys[0].match, strict=True))
        leads = [over_there[name] for name in reference.columns]
        message = (
            f"foreign key {quoted(keys[0].name)} of {listed(reference.columns)} leads to {listed(leads)}, "
            f"the reference to {listed(match)}: strangers' rows would match"
        )
        yield error("another-column", place, message, f"write `match: {flow(leads)}`")
        return
    if other.is_unique(match) or any(other.column(name) is None for name in match):
        return
    wider = [
        key
        for key in table.foreign_keys
        if key.table == reference.table
        and reference.store == mapped.store
        and set(reference.columns) < set(key.columns)
        and not reference.path
    ]
    if wider:
        key = wider[0]
        message = f"foreign key {quoted(key.name)} is {listed(key.columns)}, and a part of it matches strangers' rows"
        hint = f"write `columns: [{', '.join(key.columns)}]` and `match: [{', '.join(key.match)}]`"
        yield error("partial-foreign-key", place, message, hint)
    elif not context.is_link(reference):
        message = (
            f"{listed(match)} is not unique in {quoted(reference.table)}: one row here may hang on several people's"
        )
        hint = (
            "match a primary key or a UNIQUE column, or write `kind: shared` if the row is meant to be several people's"
        )
        yield warning("match-not-unique", place, message, hint)
