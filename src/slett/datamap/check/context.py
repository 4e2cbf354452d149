"""A map beside the live schemas: the questions that all checks ask."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from slett.datamap.model import DataMap, Reference, Rule, TableMap
from slett.stores.schema import ForeignKey, Schema, Table


@dataclass(frozen=True)
class Context:
    """The map, the schemas and the date; every answer is about what exists on both sides."""

    datamap: DataMap
    schemas: Mapping[str, Schema]
    today: date

    @cached_property
    def pairs(self) -> tuple[tuple[TableMap, Table], ...]:
        """Every mapped table that exists, with what it looks like."""
        found = ((mapped, self.live(mapped.store, mapped.name)) for mapped in self.datamap.tables)
        return tuple((mapped, table) for mapped, table in found if table)

    @cached_property
    def decided(self) -> tuple[tuple[TableMap, Table], ...]:
        """Those whose rows Slett itself looks at."""
        return tuple(pair for pair in self.pairs if pair[0].action not in ("ignore", "undecided"))

    def live(self, store: str, name: str) -> Table | None:
        """The table as it is in the database, or None."""
        return self.schemas[store].tables.get(name) if store in self.schemas else None

    def parent(self, reference: Reference) -> TableMap | None:
        """The mapped table that a reference leads to, or None."""
        return self.datamap.table(reference.store, reference.table)

    def match(self, reference: Reference) -> tuple[str, ...]:
        """The columns over there; empty when they cannot be known."""
        parent = self.live(reference.store, reference.table)
        return reference.match or (parent.primary_key if parent else ())

    def is_link(self, reference: Reference) -> bool:
        """Whether a row is shared by the rows of a link table: many of them match it, and it names nobody itself."""
        parent = self.live(reference.store, reference.table)
        return reference.kind == "shared" and bool(parent and not parent.is_unique(self.match(reference)))

    def taken(self, mapped: TableMap, reference: Reference) -> tuple[str, ...]:
        """The reference's own columns that are written when the row stays and the person goes: null, or `set`.

        A row of their own that stays loses its reference too, unless the map speaks of the column, or the row it
        refers to stays as long.
        """
        parent = self.parent(reference)
        if reference.kind == "shared":
            return () if self.is_link(reference) else reference.columns
        if parent and parent.action == "anonymise" and not reference.set:
            return ()
        if reference.kind == "mention":
            return reference.columns
        if not self.stays(mapped):
            return ()
        if parent and (parent.action in ("anonymise", "undecided") or self.datamap.together(mapped, parent)):
            return ()
        table = self.live(mapped.store, mapped.name)
        decided = {*mapped.columns, *dict(mapped.anonymise), *(table.primary_key if table else ())}
        return tuple(name for name in reference.columns if name not in decided)

    @cached_property
    def identifiers(self) -> frozenset[str]:
        """Every identifier that a root declares."""
        return frozenset(name for root in self.datamap.roots for name, _ in root.identifiers)

    @cached_property
    def reached(self) -> frozenset[str]:
        """The tables in which a walk from the roots finds rows of its own."""
        reached = {str(table) for table in self.datamap.roots}
        waiting = [table for table in self.datamap.tables if table.action != "ignore"]
        while True:
            found = [
                table for table in waiting if any(self._leads(reference, reached) for reference in table.references)
            ]
            if not found:
                return frozenset(reached)
            reached |= {str(table) for table in found}
            waiting = [table for table in waiting if str(table) not in reached]

    @staticmethod
    def _leads(reference: Reference, reached: set[str]) -> bool:
        return reference.kind != "mention" and bool(
            reference.identifier or f"{reference.store}/{reference.table}" in reached
        )

    def owned(self, mapped: TableMap) -> bool:
        """Whether a person can own rows of it, alone or with others: only then its action applies."""
        return mapped.root or any(reference.kind != "mention" for reference in mapped.references)

    def goes(self, mapped: TableMap) -> bool:
        """Whether its rows are deleted, now or when their time comes."""
        return self.owned(mapped) and mapped.action in ("delete", "keep")

    def stays(self, mapped: TableMap) -> bool:
        """Whether a person's own rows of it outlive them, at least for a time."""
        return self.owned(mapped) and mapped.action in ("anonymise", "keep")

    def incoming(self, store: str, name: str) -> tuple[tuple[Table, ForeignKey], ...]:
        """The declared foreign keys that lead to that table, each with the table it is in."""
        return tuple(self._incoming.get((store, name), ()))

    @cached_property
    def _incoming(self) -> defaultdict[tuple[str, str], list[tuple[Table, ForeignKey]]]:
        incoming: defaultdict[tuple[str, str], list[tuple[Table, ForeignKey]]] = defaultdict(list)
        for store, schema in self.schemas.items():
            for table in schema.tables.values():
                for key in table.foreign_keys:
                    incoming[store, key.table].append((table, key))
        return incoming

    def covering(self, mapped: TableMap, key: ForeignKey) -> tuple[Reference, ...]:
        """The references that say of a declared foreign key what becomes of its rows."""
        pairs = set(zip(key.columns, key.match, strict=False))
        return tuple(
            reference
            for reference in mapped.references
            if (reference.store, reference.table) == (mapped.store, key.table)
            and not reference.path
            and set(zip(reference.columns, self.match(reference), strict=False)) == pairs
        )

    def ruled(self, mapped: TableMap) -> Iterator[tuple[str, Rule, tuple[str | int, ...]]]:
        """Every column that the map gives a rule, the rule, and where in the table's entry it is written."""
        for column, rule in mapped.anonymise:
            yield column, rule, ("anonymise", column)
        for key, change in mapped.lighter:
            for column, rule in change if change != "delete" else ():
                yield column, rule, (key, column)
        for number, reference in enumerate(mapped.references):
            for column, rule in reference.anonymise:
                yield column, rule, ("references", number, "anonymise", column)
