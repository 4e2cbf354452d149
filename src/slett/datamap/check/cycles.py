"""Foreign keys that go round in a circle, so that no row can be deleted first."""

from collections.abc import Iterator, Mapping

from slett.datamap.check.context import Context
from slett.datamap.model import TableMap
from slett.datamap.problem import Problem, error, quoted
from slett.stores.schema import ForeignKey, Schema


def problems(context: Context) -> Iterator[Problem]:
    """Circles among a person's tables in which no column may be null."""
    for store, schema in context.schemas.items():
        if store not in context.datamap.stores:
            continue
        owned = {
            mapped.name: mapped for mapped, _ in context.decided if mapped.store == store and context.owned(mapped)
        }
        binding = {
            name: [
                key
                for key in schema.tables[name].foreign_keys
                if _binds(schema, name, key) and not _let_go(context, owned[name], key)
            ]
            for name in owned
        }
        edges = {name: {key.table for key in keys if key.table in owned} for name, keys in binding.items()}
        for circle in _circles(edges):
            inside = [key for name in circle for key in binding[name] if key.table in circle]
            if schema.dialect == "postgresql" and all(key.deferrable and key.on_delete != "RESTRICT" for key in inside):
                continue
            first = owned[min(circle, key=lambda name: owned[name].place.line)]
            names = ", ".join(quoted(name) for name in sorted(circle))
            if len(circle) == 1:
                message = f"rows of {names} refer to rows of the same table by a column that is NOT NULL"
            else:
                message = f"{names} refer to each other in a circle of columns that are all NOT NULL: none can go first"
            hint = "let one of the columns be null"
            if schema.dialect == "postgresql":
                hint += ", or make its foreign key DEFERRABLE"
            yield error("cycle", first.place, message, hint)


def _binds(schema: Schema, name: str, key: ForeignKey) -> bool:
    """Whether the key makes its row go before the one it refers to, and nothing can loosen it."""
    table = schema.tables[name]
    loose = any((column := table.column(found)) and column.nullable and not column.generated for found in key.columns)
    return not loose and schema.dialect != "sqlite"  # SQLite defers every check for the asking


def _let_go(context: Context, mapped: TableMap, key: ForeignKey) -> bool:
    """Whether a mention takes the key away before anything is deleted."""
    return any(
        reference.kind == "mention" and not reference.when and bool(context.taken(mapped, reference))
        for reference in context.covering(mapped, key)
    )


def _circles(edges: Mapping[str, set[str]]) -> Iterator[frozenset[str]]:
    """The largest sets of names in which each can be reached from each."""
    reached = {name: _reachable(edges, name) for name in edges}
    seen: set[str] = set()
    for name, others in reached.items():
        if name in others and name not in seen:
            circle = frozenset(other for other in others if name in reached[other])
            seen |= circle
            yield circle


def _reachable(edges: Mapping[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    waiting = list(edges[start])
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += edges[name]
    return found
