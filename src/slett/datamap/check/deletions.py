"""What the database does by itself when a row goes: foreign keys into rows that the plan does not handle."""

from collections.abc import Iterator

from slett.datamap.check.context import Context
from slett.datamap.model import Reference, TableMap
from slett.datamap.problem import Problem, error, flow, listed, quoted, warning
from slett.stores.schema import ForeignKey, Table

EFFECTS = {
    "CASCADE": "deletes its rows too (ON DELETE CASCADE)",
    "SET NULL": "changes its rows (ON DELETE SET NULL)",
    "SET DEFAULT": "changes its rows (ON DELETE SET DEFAULT)",
}


def problems(context: Context) -> Iterator[Problem]:
    """Deletes that would reach further than the map says, or fail."""
    for parent, _ in context.decided:
        if not context.goes(parent):
            continue
        for table, key in context.incoming(parent.store, parent.name):
            child = context.datamap.table(parent.store, table.name)
            if child and child.action != "undecided":  # one that is not mapped is a matter of completeness
                yield from _reaches(context, parent, child, table, key)


def _reaches(context: Context, parent: TableMap, child: TableMap, table: Table, key: ForeignKey) -> Iterator[Problem]:
    covering = context.covering(child, key) if child.action != "ignore" else ()
    if not covering:
        handled = (
            _overlaps(child, key) or _links(context, parent, child, key) or _leads(context, parent, child, table, key)
        )
        if child.action == "ignore" or not handled:
            yield _unhandled(context, parent, child, table, key)
        return
    if all(reference.when for reference in covering):
        message = (
            f"rows of {quoted(child)} that no `when` covers still refer to {quoted(parent)} by {listed(key.columns)}"
        )
        hint = "add a reference without `when`, or make sure that there are no such rows"
        yield warning("cascade" if key.on_delete in EFFECTS else "blocked-delete", covering[0].place, message, hint)
    owner = next((reference for reference in covering if reference.kind == "owner"), None)
    if owner and child.action in ("anonymise", "keep") and not _leaves(context, parent, child, owner):
        if key.on_delete in EFFECTS:
            effect = f"deleting a row of {quoted(parent)} {EFFECTS[key.on_delete]}"
        else:
            effect = f"no row of {quoted(parent)} can be deleted before them"
        message = f"rows of {quoted(child)} stay and still refer to {quoted(parent)} by {listed(key.columns)}: {effect}"
        yield error("kept-reference", owner.place, message, _way_out(parent, child, table, key))


def _leaves(context: Context, parent: TableMap, child: TableMap, reference: Reference) -> bool:
    """Whether the staying row lets its parent go: by then it refers to it no more, or goes at the same time."""
    ruled = set(reference.columns) & set(dict(child.anonymise))
    return context.datamap.together(child, parent) or bool(ruled or context.taken(child, reference))


def _way_out(parent: TableMap, child: TableMap, table: Table, key: ForeignKey) -> str:
    if parent.action == "keep" and child.action == "keep":
        return f"write `until: {{as: {parent.name}}}`"
    if set(key.columns) <= set(table.primary_key):
        return f"{listed(key.columns)} is part of the primary key: delete these rows as well, or keep {quoted(parent)}"
    return f"take {listed(key.columns)} out of `columns`, or write a rule for it under `anonymise`"


def _unhandled(context: Context, parent: TableMap, child: TableMap, table: Table, key: ForeignKey) -> Problem:
    word = "column" if len(key.columns) == 1 else "columns"
    live = context.live(parent.store, parent.name)
    match = f", match: {flow(key.match)}" if live is None or key.match != live.primary_key else ""
    nullable = any((found := table.column(name)) and found.nullable for name in key.columns)
    mention = f", or add `kind: mention` to it if they are{'' if nullable else ' (it is NOT NULL: with `set`)'}"
    reference = f"{{{word}: {flow(key.columns)}, to: {parent.name}{match}}}"
    hint = f"add `{reference}` to its references if the rows are not other people's{mention}"
    if child.action == "ignore":
        hint = "decide about this table instead of ignoring it"
    what = f"foreign key {quoted(key.name)}" if key.name else f"the foreign key on {listed(key.columns)}"
    whose = "itself" if parent is child else quoted(parent)
    message = f"{what} of {quoted(child)} leads to {whose}, and the map does not say so: "
    if key.on_delete in EFFECTS:
        return error("cascade", child.place, f"{message}deleting there {EFFECTS[key.on_delete]}", hint)
    return error("blocked-delete", child.place, f"{message}a delete there would fail", hint)


def _overlaps(child: TableMap, key: ForeignKey) -> bool:
    """Whether a reference is about part of the same columns: then that part is the problem."""
    return any(
        (reference.store, reference.table) == (child.store, key.table)
        and set(reference.columns) & set(key.columns)
        and not reference.path
        for reference in child.references
    )


def _leads(context: Context, parent: TableMap, child: TableMap, table: Table, key: ForeignKey) -> bool:
    """Whether the parent's rows are found through the foreign key, as the own of the one row that refers to them.

    That row is deleted as well, and the plan lets it go first.
    """
    pairs = set(zip(key.match, key.columns, strict=False))
    return (
        child.action == parent.action == "delete"
        and table.is_unique(key.columns)
        and any(
            reference.kind == "owner"
            and not reference.when
            and (reference.store, reference.table) == (child.store, child.name)
            and set(zip(reference.columns, context.match(reference), strict=False)) == pairs
            for reference in parent.references
        )
    )


def _links(context: Context, parent: TableMap, child: TableMap, key: ForeignKey) -> bool:
    """Whether the parent's rows are found through the child's: its link table, or the one row that points at each.

    These go with the last row that does.
    """
    pairs = set(zip(key.match, key.columns, strict=False))
    table = context.live(child.store, child.name)
    alone = child.action == "delete" and table is not None and table.is_unique(key.columns)
    return any(
        (reference.kind == "shared" or (reference.kind == "owner" and alone and not reference.when))
        and (reference.store, reference.table) == (child.store, child.name)
        and set(zip(reference.columns, context.match(reference), strict=False)) == pairs
        for reference in parent.references
    )
