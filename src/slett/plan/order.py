"""In which order rows may go: children before parents, and what to do about circles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from slett.plan.graph import components, is_cyclic
from slett.plan.links import Relations, is_through, set_name
from slett.plan.model import PlanError
from slett.stores.schema import ForeignKey

Edge = tuple[str, ForeignKey]  # the child's name, and its foreign key


@dataclass(slots=True)
class Order:
    """Tables in the order in which their rows are changed."""

    tables: list[str] = field(default_factory=list)
    broken: list[Edge] = field(default_factory=list)  # foreign keys to set to null first
    together: dict[str, int] = field(default_factory=dict)  # tables that only go in one transaction


def order_changes(relations: Relations) -> Order:
    """The order of all tables whose rows are changed.

    Declared foreign keys decide; references that only the map knows follow them where they can, so that a row outlives
    those that are found through it. A circle of foreign keys is opened at a nullable column.

    Raises:
        PlanError: a circle has no nullable column, and the database cannot check it at the end.
    """
    names = list(relations.tables)
    last = [name for name in names if relations.tables[name].root]
    nodes = [*(name for name in names if name not in last), *last]
    hard = _foreign_keys(relations)
    soft = _walk(relations)
    order = Order()
    after = _parents_after(nodes, hard, soft)
    for group in components(nodes, after):
        order.tables += _within(relations, group, hard, order)
    return order


def _within(relations: Relations, group: list[str], hard: Sequence[Edge], order: Order) -> list[str]:
    mine = [edge for edge in hard if edge[0] in group and _parent(relations, edge) in group]
    if len(group) == 1 and not mine:
        return group
    if not _cyclic(relations, group, mine):
        # only references of the map close the circle: what was collected is remembered, so they may give way
        return _sorted(relations, group, mine)
    for edge in sorted(mine, key=lambda edge: _is_way(relations, edge)):
        if _nullable(relations, edge) and _in_circle(relations, edge, mine):
            mine.remove(edge)
            order.broken.append(edge)
            if not _cyclic(relations, group, mine):
                return _sorted(relations, group, mine)
    number = max(order.together.values(), default=0) + 1
    for name in group:
        schema = relations.schemas[relations.tables[name].store]
        if schema.dialect == "mariadb" or (
            schema.dialect == "postgresql" and not all(key.deferrable for _, key in mine)
        ):
            circle = ", ".join(f"`{each}`" for each in group)
            raise PlanError(
                f"{relations.tables[name].place}: the foreign keys of {circle} form a circle without a nullable "
                "column, and the database checks them at once; make one column nullable or the keys deferrable"
            )
        order.together[name] = number
    return group


def _foreign_keys(relations: Relations) -> list[Edge]:
    found = []
    for name, mapped in relations.tables.items():
        for key in relations.live(name).foreign_keys:
            parent = set_name(mapped.store, key.table)
            matters = parent in relations.tables and relations.ways(name) and relations.ways(parent)
            if matters and relations.tables[parent].action != "anonymise" and not _let_go(relations, name, key, parent):
                found.append((name, key))
    return found


def _let_go(relations: Relations, name: str, key: ForeignKey, parent: str) -> bool:
    """Whether a mention lets go of the key before anything is deleted."""
    return any(
        way.parent == parent and set(way.link.columns) & set(key.columns) for way in relations.mentions.get(name, ())
    )


def _walk(relations: Relations) -> dict[str, set[str]]:
    """child → those it is found through; a shared row and its link table stand the other way round."""
    found: dict[str, set[str]] = {}
    for name in relations.tables:
        for way in relations.owned.get(name, ()):
            if way.parent and way.parent != name and not _is_root_pair(relations, name, way.parent):
                found.setdefault(name, set()).add(way.parent)
        for way in relations.shared.get(name, ()):
            child, parent = (way.parent, name) if is_through(relations, way) else (name, way.parent)
            if child and parent:
                found.setdefault(child, set()).add(parent)
    return found


def _is_root_pair(relations: Relations, one: str, other: str) -> bool:
    return relations.tables[one].root and relations.tables[other].root


def _parents_after(nodes: list[str], hard: Sequence[Edge], soft: Mapping[str, set[str]]) -> dict[str, set[str]]:
    after: dict[str, set[str]] = {}
    for child, parents in soft.items():
        for parent in parents:
            after.setdefault(parent, set()).add(child)
    stores = {name: name.partition("/")[0] for name in nodes}
    for child, key in hard:
        after.setdefault(set_name(stores[child], key.table), set()).add(child)
    return after


def _parent(relations: Relations, edge: Edge) -> str:
    return set_name(relations.tables[edge[0]].store, edge[1].table)


def _hard_after(relations: Relations, edges: Sequence[Edge]) -> dict[str, set[str]]:
    after: dict[str, set[str]] = {}
    for edge in edges:
        after.setdefault(_parent(relations, edge), set()).add(edge[0])
    return after


def _cyclic(relations: Relations, group: list[str], edges: Sequence[Edge]) -> bool:
    return is_cyclic(group, _hard_after(relations, edges))


def _sorted(relations: Relations, group: list[str], edges: Sequence[Edge]) -> list[str]:
    return [name for part in components(group, _hard_after(relations, edges)) for name in part]


def _in_circle(relations: Relations, edge: Edge, edges: Sequence[Edge]) -> bool:
    """Whether the edge itself closes a circle."""
    child, parent = edge[0], _parent(relations, edge)
    nodes = list({*(each for each, _ in edges), *(_parent(relations, each) for each in edges)})
    after = _hard_after(relations, edges)
    return child == parent or any(
        child in group and parent in group for group in components(sorted(nodes), after) if len(group) > 1
    )


def _is_way(relations: Relations, edge: Edge) -> bool:
    """Whether nulling the key would also cut the way by which the row is found."""
    return any(set(way.link.columns) & set(edge[1].columns) for way in relations.ways(edge[0]))


def _nullable(relations: Relations, edge: Edge) -> bool:
    live = relations.live(edge[0])
    columns = [live.column(name) for name in edge[1].columns]
    return any(column is not None and column.nullable and not column.generated for column in columns)
