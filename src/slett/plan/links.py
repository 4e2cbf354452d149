"""References of the map become links: the same thing with every default looked up in the live schema."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from slett.datamap.model import DataMap, Reference, TableMap
from slett.plan.model import Identifier, Named, PlanError
from slett.stores.operations import Holder, KeySet, Link
from slett.stores.schema import Family, Schema, Table

Schemas = Mapping[str, Schema]


def set_name(store: str, table: str) -> str:
    """The key set of a table."""
    return f"{store}/{table}"


def named_set(what: str) -> str:
    """The key set that a request fills, of a root (`store/table`) or an identifier."""
    return f"named {what}"


def identifier_set(name: str) -> str:
    """The key set of all known values of an identifier."""
    return f"identifier {name}"


@dataclass(frozen=True, slots=True)
class Way:
    """One way in which rows of a table hang on a person."""

    reference: Reference | None  # None: the row is named in the request itself
    link: Link
    why: str
    parent: str = ""  # `store/table`
    holders: tuple[Holder, ...] = ()  # of a shared row: the others


@dataclass(slots=True)
class Relations:
    """All tables of a map with the ways that lead to their rows."""

    datamap: DataMap
    schemas: Schemas
    tables: dict[str, TableMap] = field(default_factory=dict)  # every table with rows of persons in it
    owned: dict[str, list[Way]] = field(default_factory=dict)
    shared: dict[str, list[Way]] = field(default_factory=dict)
    mentions: dict[str, list[Way]] = field(default_factory=dict)
    named: list[Named] = field(default_factory=list)
    identifiers: list[Identifier] = field(default_factory=list)

    def live(self, name: str) -> Table:
        """The live table of a `store/table` name."""
        mapped = self.tables[name]
        return self.schemas[mapped.store].tables[mapped.name]

    def ways(self, name: str) -> list[Way]:
        """The ways that make a row the person's own: `owner` and `shared`."""
        return [*self.owned.get(name, ()), *self.shared.get(name, ())]

    def needed(self, name: str) -> tuple[str, ...]:
        """The columns of a table that others are compared with, and its key."""
        wanted = list(self.live(name).primary_key)
        for ways in (*self.owned.values(), *self.shared.values(), *self.mentions.values()):
            wanted += [column for way in ways if way.parent == name for column in way.link.at]
        wanted += [column for each in self.identifiers for source, column in each.sources if source == name]
        return tuple(dict.fromkeys(wanted))

    def key_set(self, name: str) -> KeySet:
        """The key set of a table."""
        mapped, live, columns = self.tables[name], self.live(name), self.needed(name)
        families = tuple(_family(live, column) for column in columns)
        return KeySet(name, mapped.store, mapped.name, columns, families, live.primary_key or columns)


def relate(datamap: DataMap, schemas: Schemas) -> Relations:
    """Every reference of the map, resolved.

    Raises:
        PlanError: a table or column is missing; the check says so with its place.
    """
    found = Relations(datamap, schemas)
    for mapped in datamap.tables:
        if mapped.action == "ignore":
            continue
        if mapped.action == "undecided":
            raise PlanError(f"{mapped.place}: `{mapped}` is undecided; decide what happens to it")
        if mapped.name not in schemas[mapped.store].tables:
            raise PlanError(f"{mapped.place}: there is no table `{mapped.name}` in store `{mapped.store}`")
        found.tables[str(mapped)] = mapped
    _name_roots(found)
    for name, mapped in found.tables.items():
        for reference in mapped.references:
            way = _way(found, name, reference)
            bucket = {"owner": found.owned, "shared": found.shared, "mention": found.mentions}[reference.kind]
            bucket.setdefault(name, []).append(way)
            both = mapped.root and way.parent and found.tables[way.parent].root
            if reference.kind == "owner" and both and not (reference.when or reference.path):
                found.owned.setdefault(way.parent, []).append(_reversed(name, way))
    for name, ways in found.shared.items():
        found.shared[name] = [_with_holders(found, way, ways) for way in ways]
    return found


def _name_roots(found: Relations) -> None:
    values: dict[str, list[tuple[str, str]]] = {}
    for name, root in found.tables.items():
        if not root.root:
            continue
        live = found.live(name)
        if not live.primary_key:
            raise PlanError(f"{root.place}: root `{root}` has no primary key, so nobody can be named by it")
        families = tuple(_family(live, column) for column in live.primary_key)
        keys = KeySet(named_set(name), "", "", live.primary_key, families, live.primary_key)
        found.named.append(Named(keys, root=name))
        own = Link(live.primary_key, keys.name, live.primary_key)
        found.owned.setdefault(name, []).append(Way(None, own, "named by key"))
        for identifier, column in root.identifiers:
            values.setdefault(identifier, []).append((name, column))
            fold = _family(live, column) == "text"
            link = Link((column,), named_set(identifier), ("value",), fold=fold)
            found.owned[name].append(Way(None, link, f"named by {identifier}"))
    for identifier, sources in values.items():
        family = _family(found.live(sources[0][0]), sources[0][1])
        named = KeySet(named_set(identifier), "", "", ("value",), (family,), ("value",))
        found.named.append(Named(named, identifier=identifier))
        every = replace(named, name=identifier_set(identifier))
        found.identifiers.append(Identifier(identifier, every, tuple(sources)))


def _way(found: Relations, name: str, reference: Reference) -> Way:
    live = found.live(name)
    for column in reference.columns:
        _family(live, column)
    columns = ", ".join(reference.columns)
    if reference.identifier:
        family = next((each.keys.families[0] for each in found.identifiers if each.name == reference.identifier), None)
        if family is None:
            raise PlanError(f"{reference.place}: no root has an identifier `{reference.identifier}`")
        mine = "text" if reference.path else _family(live, reference.columns[0])
        link = Link(
            reference.columns,
            identifier_set(reference.identifier),
            ("value",),
            fold=reference.fold or "text" in (mine, family),
            text=mine != family,
            path=reference.path,
            when=reference.when,
            none=reference.none,
        )
        return Way(reference, link, f"{columns} = {reference.identifier}")
    parent = set_name(reference.store, reference.table)
    if parent not in found.tables:
        raise PlanError(f"{reference.place}: `{parent}` is not a mapped table that a reference can lead to")
    over_there = found.live(parent)
    at = reference.match or over_there.primary_key
    if len(at) != len(reference.columns):
        raise PlanError(f"{reference.place}: {len(reference.columns)} columns refer to {len(at)} of `{parent}`")
    differ = any(
        _comparable(_family(live, mine)) != _comparable(_family(over_there, theirs))
        for mine, theirs in zip(reference.columns, at, strict=True)
    )
    if reference.store != found.tables[name].store:
        told: set[str] = {"exact"} if any(_family(over_there, each) == "text" for each in at) else set()
    else:
        told = {over_there.told_apart(theirs, live, mine) for mine, theirs in zip(reference.columns, at, strict=True)}
    link = Link(
        reference.columns,
        parent,
        at,
        fold=reference.fold or ("fold" in told and "exact" not in told),
        text=differ or bool(reference.path),
        path=reference.path,
        when=reference.when,
        none=reference.none,
        exact="exact" in told,
    )
    shown = parent if reference.store != found.tables[name].store else reference.table
    return Way(reference, link, f"{columns} → {shown}", parent)


def _reversed(child: str, way: Way) -> Way:
    """Two roots of one person find each other, whichever of them is named."""
    link = replace(way.link, columns=way.link.at, keys=child, at=way.link.columns)
    return Way(None, link, f"{', '.join(way.link.at)} = {child}", child)


def _with_holders(found: Relations, way: Way, ways: list[Way]) -> Way:
    """A shared row's other holders: further rows of its link table, or its other owner columns."""
    holders: list[Holder] = []
    for other in ways:
        through = is_through(found, other)
        if through and other.parent.partition("/")[0] != way.parent.partition("/")[0]:
            raise PlanError(f"{_place(other)}: a shared row and its link table must be in the same store")
        if through:
            table = found.tables[other.parent]
            key = found.live(other.parent).primary_key or other.link.at
            holders.append(Holder(other.link.columns, other.parent, key, table.name, other.link.at, other.link.none))
        elif other is not way:
            link = other.link
            holders.append(Holder(link.columns, link.keys, link.at, none=link.none, link=link))
    return Way(way.reference, way.link, way.why, way.parent, tuple(holders))


def is_through(found: Relations, way: Way) -> bool:
    """Whether a shared row's holders are rows of a link table, many to one, rather than columns of its own."""
    return bool(way.parent) and not found.live(way.parent).is_unique(way.link.at)


def _place(way: Way) -> str:
    return str(way.reference.place) if way.reference else ""


def _family(live: Table, name: str) -> Family:
    column = live.column(name)
    if column is None:
        raise PlanError(f"there is no column `{name}` in table `{live.name}`; run `slett check`")
    return column.family


def _comparable(family: Family) -> str:
    return {"decimal": "integer"}.get(family, family)
