"""What is known of the persons' rows in a store: key sets, inside the statements or in temporary tables."""

from collections.abc import Generator, Iterable, Mapping, Sequence
from datetime import date
from functools import partial
from itertools import chain, islice
from typing import Any

from sqlalchemy import Connection, exists, insert, literal, select
from sqlalchemy.exc import SQLAlchemyError

from slett.stores.dialect import Filled
from slett.stores.keytables import column_types, key_table
from slett.stores.known import LISTED, Inline, Listed, Stored, key_column
from slett.stores.line import NOTHING, Address, Line, Row
from slett.stores.operations import Collect, KeySet, Rows
from slett.stores.schema import Schema
from slett.stores.statements import Prepared

BLOCK = 5_000  # rows that travel to or from a key table at once


class Keyring(Line):
    """A connection with the key sets that were collected on it.

    Args:
        inline_keys: how many keys of a set travel in a statement, at most.
    """

    def __init__(
        self, store: Address, connection: Connection, schema: Schema, today: date, inline_keys: int, hash_key: bytes
    ) -> None:
        super().__init__(store, connection, schema, today, hash_key)
        self._inline_keys = inline_keys
        self._lists = 0
        self._temporary: list[str] = []  # tables, which are dropped in the end

    def know(self, keys: KeySet, rows: Iterable[Row], *, people: int) -> None:
        """Bring in a key set from elsewhere: rows of (person's number, *columns)."""
        self.know_all([(keys, rows)], people=people)

    def know_all(self, brought: Iterable[tuple[KeySet, Iterable[Row]]], *, people: int) -> None:
        """The same of several: small ones in one round trip."""
        together: list[Filled] = []
        for keys, rows in brought:
            rest = iter(rows)
            first = list(islice(rest, self._inline_keys + 1))
            few = len(first) <= self._inline_keys
            if few and (known := self._in_statements(keys, people)):
                known.values.extend(dict.fromkeys(row[1:] if people == 1 else row for row in first))
                continue
            stored, made = self._key_table(keys)
            together.append(made)
            filling = self._dialect.filling(stored.name, first) if few else []
            if filling or not first:
                stored.count += len(first)
                together += filling + self._settling(stored)
                continue
            self.run_aside(together)
            together = []
            self._fill(stored, chain(first, rest))
        self.run_aside(together)

    def expect_all(self, expected: Iterable[KeySet], *, people: int) -> None:
        """Begin key sets of tables here, empty, unless they are known already."""
        together: list[Filled] = []
        for keys in expected:
            if keys.name not in self.known and not self._in_statements(keys, people):
                together.append(self._key_table(keys)[1])
        self.run_aside(together)

    def add(self, name: str, rows: Sequence[Row]) -> None:
        """Add rows of (person's number, *columns) to a key set."""
        known = self.known[name]
        if isinstance(known, Inline):
            known.values.extend(row[1:] for row in rows)
        elif isinstance(known, Listed):
            known.values.extend(rows)
        elif rows:
            self._fill(known, rows)

    def collect(self, collect: Collect, keys: KeySet) -> int:
        """Add the keys of these rows to the key set; says how many were new."""
        return self.collect_all([(collect, keys)])[0]

    def collect_all(self, collects: Sequence[tuple[Collect, KeySet]]) -> list[int]:
        """The same of several that do not build on each other: those of one kind in one round trip."""
        added = dict.fromkeys(range(len(collects)), 0)
        large = {place: each for place, each in enumerate(collects) if self._may_find(each[0].rows)}
        small = {place: each for place, each in large.items() if self._is_inline(*each)}
        asked = [self.make.keys(each.rows, keys.columns, self._inline_keys + 1) for each, keys in small.values()]
        for place, rows in zip(small, self.ask_all(asked), strict=True):
            if (new := self._add_inline(rows, large[place][1].name)) is not None:
                added[place] = new
                del large[place]
        return list((added | self._collect_stored(large)).values())

    def _may_find(self, rows: Rows) -> bool:
        """Whether anything is known by which rows could be found."""
        inputs = [link.keys for link in rows.links]
        return not inputs or any(self.count_of(each) for each in inputs)

    def _is_inline(self, collect: Collect, keys: KeySet) -> bool:
        """Whether what the keys are found by, and so far they themselves, travel in the statement."""
        names = (keys.name, *(link.keys for link in collect.rows.links))
        return not any(isinstance(self.known[each], Stored) for each in names)

    def _add_inline(self, found: Sequence[Row], name: str) -> int | None:
        """None when they become too many to stay inline."""
        known = self.known[name]
        if isinstance(known, Stored) or len(found) + len(known.values) > self._inline_keys:
            return None
        before = len(known.values)
        rows = (tuple(row) for row in found)
        known.values[:] = dict.fromkeys(
            [*known.values, *(row[1:] if isinstance(known, Inline) else row for row in rows)]
        )
        return len(known.values) - before

    def _collect_stored(self, collects: Mapping[int, tuple[Collect, KeySet]]) -> dict[int, int]:
        """How many were new of each, where the keys are in tables, or too many for a statement by now."""
        together: list[Filled] = []
        places: dict[int, tuple[Stored, int]] = {}
        begun: set[str] = set()
        for place, (collect, keys) in collects.items():
            known, made = self._in_table(keys)
            together += made
            again = known.count > 0 or keys.name in begun
            begun.add(keys.name)
            make = partial(self._new_keys, collect.rows, keys, known, again=again)
            prepared = self.make.remember(("collect", collect, keys, known.name, again), collect.rows, make)
            places[place] = known, len(together)
            together += [(prepared.text, prepared.parameters(self.known, NOTHING)), *self._settling(known)]
        touched = self.run_aside(together)
        for known, at in places.values():
            known.count += touched[at]
        return {place: touched[at] for place, (_, at) in places.items()}

    def _in_table(self, keys: KeySet) -> tuple[Stored, list[Filled]]:
        """The key set in a key table, and what makes that if it holds nothing yet and is still to be made."""
        known = self.known[keys.name]
        if isinstance(known, Stored):
            return known, []
        rows = list(self.rows_of(keys.name))
        stored, made = self._key_table(keys)
        if not rows:
            return stored, [made]
        self.run_aside([made])
        self._fill(stored, rows)
        return stored, []

    def _new_keys(self, rows: Rows, keys: KeySet, known: Stored, *, again: bool) -> Any:
        """The INSERT of the rows' keys into their key table; `again`: without those that are in it."""
        target = self.conditions.table(rows.table)
        number, where = self.conditions.with_person(rows, target)
        parts = [where]
        live = self.schema.tables[rows.table]
        if again:
            seen = known.table.alias("slett_seen")
            same = []
            for each in keys.key or keys.columns:
                before, now = seen.c[key_column(known.columns.index(each))], target.c[each]
                column = live.column(each)
                # null is not distinct from null, but only where there can be one: no index serves that comparison
                same.append(before.is_not_distinct_from(now) if column and column.nullable else before == now)
            parts.append(~exists(select(literal(1)).select_from(seen).where(seen.c.person == number, *same)))
        wanted = select(number, *(target.c[each] for each in known.columns)).where(*parts)
        alone = self.conditions.person(rows) is None  # of one person nothing is joined, so no row is found twice
        if not (alone and live.primary_key and {*live.primary_key} <= {*known.columns}):
            wanted = wanted.distinct()
        return insert(known.table).from_select(list(known.table.c), wanted)

    def forget(self, name: str) -> None:
        """Let a key set go that nothing needs any more."""
        known = self.known.pop(name)
        if isinstance(known, Stored):
            self.run_text(f"{self._dialect.drop} {known.name}")

    def rows_of(self, name: str) -> Generator[Row, None, None]:
        """The key set, as rows of (person's number, *columns); memory does not grow with it."""
        known = self.known[name]
        if isinstance(known, Inline):
            yield from ((0, *value) for value in known.values)
        elif isinstance(known, Listed):
            yield from known.values
        elif known.count <= BLOCK:
            found = self.ask(Prepared(f"SELECT * FROM {known.name}", ()))  # noqa: S608 - named by us
            yield from map(tuple, found.all())
        else:
            yield from self._stream(select(*known.table.c))

    def count_of(self, name: str) -> int:
        """How many rows the key set holds."""
        known = self.known[name]
        return known.count if isinstance(known, Stored) else len(known.values)

    def _in_statements(self, keys: KeySet, people: int) -> Inline | Listed | None:
        """The key set, empty, as it travels in each statement; None where it must be in a table."""
        if people == 1:
            known: Inline | Listed = Inline(keys.columns, keys.families, [])
        elif self._dialect.arrays and self._inline_keys and set(keys.families) <= LISTED:
            self._lists += 1
            types = column_types(keys, self.conditions, self._name)
            known = Listed(keys.columns, keys.families, f"slett_list_{self._lists}", keys.name, types)
        else:
            return None
        self.known[keys.name] = known
        return known

    def _key_table(self, keys: KeySet) -> tuple[Stored, Filled]:
        """An empty key table, and what makes it."""
        stored, made = key_table(self.new_temporary("keys"), keys, self.conditions, self.make)
        self.known[keys.name] = stored
        return stored, (made, ())

    def _settling(self, stored: Stored) -> list[Filled]:
        """What lets rows of a key table be found quickly, as it is now. An index is made in less time than kept up."""
        indexes, stored.unindexed = stored.unindexed, []
        return [*((each, ()) for each in indexes), *self._dialect.analysing(stored.name)]

    def _fill(self, stored: Stored, rows: Iterable[Row]) -> None:
        rest = iter(rows)
        while block := list(islice(rest, BLOCK)):
            self.statements += 1
            with self.words():
                self._dialect.fill(self.live, stored.name, block)
            stored.count += len(block)
        self.run_aside(self._settling(stored))

    def new_temporary(self, kind: str) -> str:
        """A name for one more temporary table, which goes with the session; the same in every session for its n-th."""
        self._temporary.append(f"slett_{kind}_{sum(each.startswith(f'slett_{kind}_') for each in self._temporary) + 1}")
        return self._temporary[-1]

    def clear(self) -> None:
        """Drop the key tables, so that the connection can serve others; a broken one is thrown away."""
        self.known.clear()
        if self._connection.invalidated:
            return  # thrown away already, and the tables with it
        drops = [(f"{self._dialect.drop} {name}", ()) for name in self._temporary]
        try:
            self._dialect.run_aside(self._connection, drops)
        except SQLAlchemyError:
            self.throw_away()
