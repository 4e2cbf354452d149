"""Whether everything is decided: the tables and columns that hold a person's data and that the map does not speak of.

Omissions are by far the commonest mistake in erasing people; this is the check that everything else is for.
"""

from collections.abc import Iterator

from slett.datamap.check.context import Context
from slett.datamap.check.deletions import EFFECTS
from slett.datamap.model import StoreMap, TableMap
from slett.datamap.personal import looks_personal
from slett.datamap.problem import Problem, error, listed, quoted
from slett.stores.schema import ForeignKey, Table


def problems(context: Context) -> Iterator[Problem]:
    """Tables and columns without a decision."""
    for store in context.datamap.stores.values():
        if store.name in context.schemas:
            yield from _unmapped(context, store)
    for mapped, table in context.decided:
        if context.stays(mapped):
            yield from _staying(context, mapped, table)
        elif not context.owned(mapped) and mapped.references:
            yield from _personal(context, mapped, table)
        if mapped.root and mapped.action == "anonymise":
            yield from _references_to(context, mapped)


def _unmapped(context: Context, store: StoreMap) -> Iterator[Problem]:
    parents = {
        mapped.name: mapped for mapped, _ in context.decided if mapped.store == store.name and context.owned(mapped)
    }
    for table in context.schemas[store.name].tables.values():
        if table.name in store.tables:
            continue
        keys = [key for key in table.foreign_keys if key.table in parents]
        reasons = [_reason(key, parents[key.table]) for key in keys]
        personal = [(column.name, why) for column in table.columns if (why := looks_personal(table, column))]
        reasons += [f"{quoted(name)} looks personal ({why})" for name, why in personal[:3]]
        if reasons:
            place = parents[keys[0].table].place if keys else store.place
            message = (
                f"table {quoted(table.name)} of store {quoted(store.name)} is not in the map: {'; '.join(reasons)}"
            )
            hint = f"map it, or write `{table.name}: {{action: ignore, reason: …, owner: …, review: …}}`"
            if any(context.goes(parents[key.table]) for key in keys):
                hint = "map it: write a reference for each foreign key, and what becomes of its rows"
            if behind := _behind(context, store, table.name):
                more = f" and {len(behind) - 5} more" if len(behind) > 5 else ""
                hint += f"; what hangs on it needs a decision too: {listed(behind[:5])}{more}"
            yield error("unmapped-table", place, message, hint)


def _reason(key: ForeignKey, parent: TableMap) -> str:
    reason = f"{listed(key.columns)} refers to {quoted(parent.name)}"
    if parent.action in ("delete", "keep"):
        effect = EFFECTS.get(key.on_delete, "fails on its rows")
        reason += f", and deleting there {effect}"
    return reason


def _behind(context: Context, store: StoreMap, name: str) -> list[str]:
    """The unmapped tables that refer to that one, at any distance."""
    found = [name]
    for parent in found:  # grows meanwhile
        for table, _ in context.incoming(store.name, parent):
            if table.name not in store.tables and table.name not in found:
                found.append(table.name)
    return found[1:]


def _staying(context: Context, mapped: TableMap, table: Table) -> Iterator[Problem]:
    """Columns of a person's own rows that stay."""
    yield from _personal(context, mapped, table)
    decided = _decided(context, mapped)
    for name in sorted(_identifying(context, mapped, table) - decided):
        column = table.column(name)
        if column and not looks_personal(table, column):
            message = f"{quoted(name)} of {quoted(mapped)} says whose the row is, and the row stays"
            hint = f"write `anonymise: {{{name}: null}}`, or list it under `columns` if it must stay"
            yield error("personal-column", mapped.place, message, hint)


def _personal(context: Context, mapped: TableMap, table: Table) -> Iterator[Problem]:
    decided = _decided(context, mapped)
    for column in table.columns:
        if column.name not in decided and not column.generated and (why := looks_personal(table, column)):
            message = f"{quoted(column.name)} of {quoted(mapped)} looks personal ({why}), and nothing is said of it"
            if mapped.action in ("anonymise", "keep"):
                hint = f"write a rule, as in `anonymise: {{{column.name}: null}}`, or list it under `columns`"
            else:
                hint = "write `anonymise` at the reference if it names the person mentioned, or list it under `columns`"
            yield error("personal-column", mapped.place, message, hint)


def _decided(context: Context, mapped: TableMap) -> set[str]:
    """The columns that the map speaks of: ruled, staying, or taken away with a reference."""
    decided = {name for name, _ in mapped.anonymise} | set(mapped.columns)
    for reference in mapped.references:
        decided.update(name for name, _ in reference.anonymise)
        decided.update(reference.columns if reference.kind != "owner" else context.taken(mapped, reference))
    return decided


def _identifying(context: Context, mapped: TableMap, table: Table) -> set[str]:
    """The columns by which the row would still be found to be the person's."""
    found = {column for _, column in mapped.identifiers}
    for reference in mapped.references:
        parent = context.parent(reference)
        enforced = any(context.covering(mapped, key) == (reference,) for key in table.foreign_keys)  # told elsewhere
        if (
            reference.kind == "owner"
            and not reference.path
            and not enforced
            and (not parent or parent.action == "delete")
        ):
            found.update(reference.columns)
    return found


def _references_to(context: Context, root: TableMap) -> Iterator[Problem]:
    """Foreign keys of other mapped tables to a root that is not deleted: nothing fails, and still somebody is named."""
    for table, key in context.incoming(root.store, root.name):
        child = context.datamap.table(root.store, table.name)
        if child and child.action not in ("ignore", "undecided") and not context.covering(child, key):
            message = (
                f"{listed(key.columns)} of {quoted(child)} refers to root {quoted(root)}, and the map does not say so"
            )
            hint = "add a reference: `kind: mention` if the rows are other people's"
            yield error("undecided-reference", child.place, message, hint)
