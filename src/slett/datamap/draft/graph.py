"""The tables of all stores and how they refer to each other, declared or only by the names of columns."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from slett.datamap.draft.columns import takes
from slett.datamap.draft.words import (
    ACCOUNT,
    AUTHOR,
    MENTION,
    NUMBER,
    OWNER,
    PERSON,
    USERNAME,
    is_key,
    is_role,
    is_text_key,
    stem,
    unprefixed,
    words,
)
from slett.datamap.model import Rule, Scalar
from slett.stores.schema import Column, OnDelete, Schema, Table

Key = tuple[str, str]  # store and table


@dataclass(frozen=True, slots=True)
class Link:
    """Columns of one table that hold the key of another in the same store."""

    child: Key
    columns: tuple[str, ...]
    parent: Key
    match: tuple[str, ...]
    declared: bool
    required: bool  # no row without it
    emptyable: bool  # its nullable columns can be set to null, which undoes it
    on_delete: OnDelete = "NO ACTION"
    none: tuple[Scalar, ...] = ()

    @property
    def to_itself(self) -> bool:
        """Whether a row refers to another row of its own table."""
        return self.child == self.parent


class Graph:
    """Tables and links of every store; a link that is only a name needs `roots` to know what `user_id` means."""

    def __init__(self, schemas: Mapping[str, Schema], roots: Iterable[Key] = ()) -> None:
        self.tables: dict[Key, Table] = {
            (store, name): table for store, schema in schemas.items() for name, table in sorted(schema.tables.items())
        }
        self.roots = tuple(roots)
        self.incoming: dict[Key, list[Link]] = defaultdict(list)
        self.outgoing: dict[Key, list[Link]] = defaultdict(list)
        for key, table in self.tables.items():
            place = [column.name for column in table.columns].index
            links = [*self._declared(key, table), *self._named(key, table)]
            for link in sorted(links, key=lambda link: ([*map(place, link.columns)], link.parent, link.match)):
                self.incoming[link.parent].append(link)
                self.outgoing[link.child].append(link)

    def _declared(self, key: Key, table: Table) -> Iterator[Link]:
        seen = set()
        for foreign in table.foreign_keys:
            parent = (key[0], foreign.table)
            where = (foreign.columns, parent, foreign.match)
            if parent in self.tables and where not in seen:
                seen.add(where)
                yield self._link(key, foreign.columns, parent, foreign.match, True, foreign.on_delete)

    def _named(self, key: Key, table: Table) -> Iterator[Link]:
        taken = {column for foreign in table.foreign_keys for column in foreign.columns}
        taken.update(polymorphic_pair(table) or ())
        for column in table.columns:
            if column.name in taken or column.generated or _is_its_own_key(table, column):
                continue
            parent = self._meant(key, table, column.name)
            match = self.tables[parent].primary_key if parent else ()
            if not parent or len(match) != 1:
                continue
            other = self.tables[parent].column(match[0])
            texts = is_text_key(column.name) or (parent in self.roots and self._is_key_of(parent, column.name))
            comparable = ("integer", "uuid", "text") if texts else ("integer", "uuid")
            if other and other.family == column.family and column.family in comparable:
                zero = column.family == "integer" and not column.nullable and column.default
                yield self._link(key, (column.name,), parent, match, False, none=(0,) if zero else ())

    def _meant(self, key: Key, table: Table, column: str) -> Key | None:
        """The table that an undeclared column refers to, when its name leaves one answer."""
        meant = stem(column)
        if not meant:
            return None
        here = [root for root in self.roots if root[0] == key[0]]
        root = here[0] if len(here) == 1 and here[0] != key else None
        if root and self._is_key_of(root, column):
            return root
        if not is_key(column):
            return root if not table.foreign_keys and is_role(column) else None
        if found := self._called(key, meant, root):
            return found[0] if len(found) == 1 and found[0] != key else None
        named = [names[key[0]].get(meant[-1:]) for names in (self._by_name, self._by_ending)]
        means_a_person = meant[-1] in PERSON and not any(named)
        roles = not table.foreign_keys and (meant[-1] in OWNER | AUTHOR | MENTION or meant[0] in MENTION)
        return root if root and (meant[-1] in self._people(root) or means_a_person or roles) else None

    def _is_key_of(self, root: Key, column: str) -> bool:
        """Whether a column is called like the primary key of the people, or like the table and it: `member_no`."""
        primary = self.tables[root].primary_key
        if len(primary) != 1:
            return False
        name, said = words(primary[0]), words(column)
        speaks = set(name) & (PERSON | ACCOUNT | USERNAME)
        return (
            said == name if speaks else bool(set(name) & NUMBER) and said == words(self.tables[root].plain_name) + name
        )

    def _called(self, key: Key, meant: tuple[str, ...], root: Key | None) -> list[Key]:
        """The tables of that name; else those that have it behind a prefix, one's own prefix before others."""
        if whole := self._by_name[key[0]].get(meant):
            return whole
        if root and len(meant) == 1 and meant[0] in self._people(root):
            return [root]  # and no `blocked_users`
        found = self._by_ending[key[0]].get(meant, [])
        own = [other for other in found if words(other[1])[0] == words(key[1])[0]]
        return own or found

    @staticmethod
    def _people(root: Key) -> set[str]:
        return set(words(root[1])) & (PERSON | ACCOUNT)

    @cached_property
    def _by_name(self) -> dict[str, dict[tuple[str, ...], list[Key]]]:
        return self._named_by(lambda table: {words(table)})

    @cached_property
    def _by_ending(self) -> dict[str, dict[tuple[str, ...], list[Key]]]:
        return self._named_by(unprefixed)

    def _named_by(
        self, names: Callable[[str], Iterable[tuple[str, ...]]]
    ) -> dict[str, dict[tuple[str, ...], list[Key]]]:
        found: dict[str, dict[tuple[str, ...], list[Key]]] = defaultdict(lambda: defaultdict(list))
        for key in self.tables:
            for name in names(key[1]):
                found[key[0]][name].append(key)
        return found

    def _link(
        self,
        child: Key,
        columns: tuple[str, ...],
        parent: Key,
        match: tuple[str, ...],
        declared: bool,
        on_delete: OnDelete = "NO ACTION",
        none: tuple[Scalar, ...] = (),
    ) -> Link:
        table = self.tables[child]
        known = [column for name in columns if (column := table.column(name))]
        required = not any(column.nullable for column in known)
        empties = [column for column in known if column.nullable]
        emptyable = bool(empties) and all(takes(table, column, Rule("null")) for column in empties)
        return Link(child, columns, parent, match, declared, required, emptyable, on_delete, none)


def _is_its_own_key(table: Table, column: Column) -> bool:
    """Whether a column is the key by which the rows of its table are numbered, and so refers to nothing."""
    return (column.name,) == table.primary_key and (column.default or not is_key(column.name))


def polymorphic_pair(table: Table) -> tuple[str, str] | None:
    """The two columns that together refer to a row of any table: its type and its key."""
    linked = {column for foreign in table.foreign_keys for column in foreign.columns}
    free = {column.name for column in table.columns} - linked
    for column in table.columns:
        before, _, kind = column.name.rpartition("_")
        if column.name in ("content_type_id", "content_type") and "object_id" in free:
            return column.name, "object_id"
        if kind == "type" and before and (key := f"{before}_id") in free and not table.is_unique((key,)):
            return column.name, key
    return None
