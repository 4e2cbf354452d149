"""A SQL database of the service: everything that is ever read from or changed in it goes through here.

A `Store` is an address; a `Session` is one connection with the key sets collected on it. Reading commits nothing.
Changing happens inside `transaction()`, one statement an operation, and each statement is proven first.
"""

from collections.abc import Generator, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from functools import partial
from itertools import chain, islice
from typing import Any, Self

from sqlalchemy import Connection, String, cast, column, exists, func, insert, literal, select, table
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from slett.stores.conditions import LISTED, Conditions, Inline, KeyTable, Listed, Stored, key_column
from slett.stores.dialect import Filled, parse_url
from slett.stores.errors import StoreError, Unavailable
from slett.stores.keytables import column_types, key_table
from slett.stores.operations import Change, Collect, Delete, Due, KeySet, Link, Rows, Rule
from slett.stores.schema import Schema
from slett.stores.statements import NUMBER, SLICES, Kind, Prepared, Slice, Statements

NOTHING: Mapping[str, Any] = {}
STREAMING = {"stream_results": True, "yield_per": 5_000}
LARGE = 10_000  # rows that are not read again and again
SETTLE = "SET CONSTRAINTS ALL IMMEDIATE"  # where a pipeline is: in standard SQL
BLOCK = 5_000  # rows that travel to or from a key table at once
Row = tuple[Any, ...]


class Store:
    """The address of a database, not yet connected."""

    def __init__(self, name: str, url: str, lock_seconds: float = 5.0, statement_seconds: float = 0.0) -> None:
        self.name = name
        self.dialect, parsed = parse_url(name, url)
        self._engine = self.dialect.connect(parsed, lock_seconds, statement_seconds)
        self.made: dict[Hashable, Prepared] = {}  # statements, for every session
        self.capturable: set[str] = set()  # tables whose rows are known to come back exactly

    def read_schema(self) -> Schema:
        """What the database looks like now."""
        from slett.stores.introspect import read_schema

        with self.connection() as connection, self._words():
            return read_schema(connection)

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        with self._words():
            try:
                connection = self._engine.connect()
            except (TypeError, ValueError):  # of the driver, over an option in the URL
                raise StoreError(self.name, "its url has an option that the driver does not know") from None
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def session(
        self, schema: Schema, today: date, *, inline_keys: int = 500, hash_key: bytes = b""
    ) -> Iterator["Session"]:
        """One connection, with empty key sets; its key tables go when it closes.

        A connection on which anything has failed does not serve anybody else: it may hold what is no longer so, as a
        statement that was prepared before somebody altered a table; and nor do the others that were kept.
        """
        with self.connection() as connection:
            session = Session(self, connection, schema, today, inline_keys, hash_key)
            try:
                yield session
            except BaseException:
                session._throw_away()
                self.close()
                raise
            session.clear()

    def lag(self) -> float | None:
        """How many seconds it is behind, as a replica, or its own replicas are; None: replication stands still."""
        with self.connection() as connection, self._words():
            return self.dialect.lag(connection)

    def close(self) -> None:
        """Close the connections that were kept for the next session."""
        self._engine.dispose()

    @contextmanager
    def _words(self) -> Iterator[None]:
        """A driver's error leaves here as a sentence without values."""
        try:
            yield
        except DBAPIError as error:
            raise self.dialect.sentence(error, self.name) from None
        except StoreError as error:
            if not error.store:
                raise type(error)(self.name, error.sentence) from None
            raise


class Session:
    """One connection to a store. Not for two threads at once."""

    def __init__(
        self, store: Store, connection: Connection, schema: Schema, today: date, inline_keys: int, hash_key: bytes
    ) -> None:
        self.store = store
        self.schema = schema
        self.known: dict[str, Inline | Listed | Stored] = {}
        self.statements = 0
        self._connection = connection
        self._dialect = store.dialect
        self._inline_keys = inline_keys
        self._tables = self._lists = 0
        self._sliced = self._exact = False
        self._others: list[str] = []  # temporary tables besides
        self.staged: list[Any] = []  # of `staging`: a row does not go back to a parent that is blocked
        self.conditions = Conditions(store.dialect, schema, self.known, today, hash_key)
        self.make = Statements(store.name, store.dialect, self.conditions, connection, store.made)

    # -- key sets -----------------------------------------------------------------------------------

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

    def clear(self) -> None:
        """Drop the key tables, so that the connection can serve others; a broken one is thrown away."""
        self.known.clear()
        names = [*(f"slett_keys_{number + 1}" for number in range(self._tables)), *self._others]
        names += [SLICES] if self._sliced else []
        try:
            self._dialect.run_aside(self._connection, [(f"{self._dialect.drop} {name}", ()) for name in names])
        except SQLAlchemyError:
            self._throw_away()

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
            types = column_types(keys, self.conditions, self.store.name)
            known = Listed(keys.columns, keys.families, f"slett_list_{self._lists}", keys.name, types)
        else:
            return None
        self.known[keys.name] = known
        return known

    def _key_table(self, keys: KeySet) -> tuple[Stored, Filled]:
        """An empty key table, and what makes it."""
        self._tables += 1
        stored, made = key_table(f"slett_keys_{self._tables}", keys, self.conditions, self.make)
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
            with self.store._words():
                self._dialect.fill(self._live, stored.name, block)
            stored.count += len(block)
        self.run_aside(self._settling(stored))

    def new_temporary(self, kind: str) -> str:
        """A name for one more temporary table, which goes with the session; the same in every session for its n-th."""
        self._others.append(f"slett_{kind}_{sum(each.startswith(f'slett_{kind}_') for each in self._others) + 1}")
        return self._others[-1]

    @contextmanager
    def exactly(self) -> Iterator[None]:
        """Within, values are read and written as they were handed out. Inside `transaction`, or inside itself."""
        if self._exact:
            yield
            return
        with self.store._words(), self._dialect.exactly(self._live):
            self._exact = True
            try:
                yield
            finally:
                self._exact = False

    @contextmanager
    def patiently(self) -> Iterator[None]:
        """Within, the transaction lasts while nothing happens in it, because another store's is worked on."""
        with self.store._words(), self._dialect.patiently(self._live):
            yield

    # -- looking ------------------------------------------------------------------------------------

    def count(self, changes: Sequence[Change]) -> list[int]:
        """How many rows each change would touch, all in one statement."""
        if not changes:
            return []
        found = {int(place): int(count) for place, count in self.ask(self.make.count(changes))}
        return [found[place] for place in range(len(changes))]

    def count_by_person(self, changes: Sequence[Change]) -> list[dict[int, int]]:
        """How many rows each change would touch of whom, by the person's number; all in one statement."""
        if not changes:
            return []
        if any(self.conditions.person(each.rows) is None for each in changes):  # inline: all of it is of one person
            return [{0: count} if count else {} for count in self.count(changes)]
        found: list[dict[int, int]] = [{} for _ in changes]
        for place, number, count in self.ask(self.make.by_person(changes)):
            found[place][number] = count
        return found

    def size(self, table: str) -> int:
        """How many rows a table has, counted."""
        return int(self.run(select(func.count()).select_from(self.conditions.table(table))).scalar_one())

    def read(self, rows: Rows, columns: Sequence[str], order: Sequence[str]) -> Iterator[Row]:
        """These columns of the rows, in this order; memory does not grow with them."""
        target = self.conditions.table(rows.table)
        statement = select(*(target.c[each] for each in columns)).where(self.conditions.where(rows, target))
        yield from self._stream(statement.order_by(*(target.c[each] for each in order)))

    def read_all(self, table: str, columns: Sequence[str]) -> Iterator[Row]:
        """These columns of every row of a table, whoever's it is; memory does not grow with them."""
        target = self.conditions.table(table)
        yield from self._stream(select(*(target.c[each] for each in columns)))

    def values_of(self, table: str, link: Link) -> Iterator[Row]:
        """What the rows of a table hold where this link compares them, each once, whoever's they are."""
        target = self.conditions.table(table)
        sides = [self.conditions.plain_side(link, each, target) for each in link.columns]
        when = [target.c[each] == self.conditions.bind(value) for each, value in link.when]
        yield from self._stream(select(*sides).where(*(side.is_not(None) for side in sides), *when).distinct())

    def read_keys(self, rows: Rows, key: Sequence[str]) -> Iterator[Row]:
        """The keys of the rows, as text; memory does not grow with them."""
        target = self.conditions.table(rows.table)
        wanted = (cast(target.c[each] if each in target.c else column(each), String) for each in key)
        yield from self._stream(select(*wanted).select_from(target).where(self.conditions.where(rows, target)))

    def read_kept(self, rows: Rows, due: Due, expected: int) -> Iterable[Row]:
        """Rows that stay, as (person's number, the date their time is counted from, *key); `expected` are how many."""
        target = self.conditions.table(rows.table)
        number, where = self.conditions.with_person(rows, target)
        key = [target.c[each] for each in self.schema.tables[rows.table].primary_key]
        statement = select(number, self.conditions.due_column(due, rows.table, target), *key).where(where)
        return self._stream(statement) if expected > BLOCK else self.run(statement)

    def rehearse(self, changes: Sequence[Change]) -> list[tuple[float, int]]:
        """(cost, rows) that the planner expects of each change; fails where the account may not do it."""
        with self.store._words():
            self._dialect.may_write(self._live)
        estimates = []
        for change in changes:
            prepared = self.make.change(change)
            parameters = prepared.parameters(self.known, {})
            with self.store._words():
                estimates.append(self._dialect.explain(self._live, prepared.text, parameters))
        return estimates

    def lag(self) -> float | None:
        """How many seconds the slowest replica is behind; None: one stands still. Not inside `transaction`."""
        with self.store._words():
            return self._dialect.lag(self._live)

    def busy(self) -> int:
        """How many sessions of others are at work."""
        with self.store._words():
            return self._dialect.busy(self._live)

    # -- changing -----------------------------------------------------------------------------------

    @contextmanager
    def transaction(self, *, defer: bool = False) -> Iterator[Self]:
        """All of it or none. Deferred constraints are settled before the commit, where they still have a name."""
        self.run_text(self._dialect.begin)
        try:
            if defer:
                with self.store._words():
                    self._dialect.defer(self._live)
            yield self
            if self.has_deferrable:
                with self.store._words():
                    self._dialect.settle(self._live)
            self.run_text("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def apply_all(self, changes: Sequence[Change]) -> list[int]:
        """Run changes in their order; says how many rows each touched.

        Raises:
            Unproven: a statement would not be bound to keys. None ran.
        """
        if not changes:
            return []
        return self.run_all(self._filled(changes))

    def apply_whole(self, changes: Sequence[Change], parts: Sequence[Slice | None] = ()) -> list[int]:
        """The same in a transaction of its own, in as few round trips as may be.

        Args:
            parts: of each change the slice that is run; without, all of it.

        Raises:
            Unproven: a statement would not be bound to keys. None ran.
        """
        filled = self._filled(changes, parts)
        if len(filled) == 1 and not self.has_deferrable:
            return self.run_all(filled)  # which commits by itself
        if not self._dialect.pipelines:
            with self.transaction():
                return self.run_all(filled)
        settle = [(SETTLE, ())] if self.has_deferrable else []
        try:
            touched = self.run_all([(self._dialect.begin, ()), *filled, *settle, ("COMMIT", ())])
        except BaseException:
            self._roll_back()
            raise
        return touched[1 : 1 + len(filled)]

    def _filled(self, changes: Sequence[Change], parts: Sequence[Slice | None] = ()) -> list[Filled]:
        of = parts or [None] * len(changes)
        made = [
            (self.make.change(change, part.of if part else ""), part.bounds if part else NOTHING)
            for change, part in zip(changes, of, strict=True)
        ]
        with self.store._words():
            return [(prepared.text, prepared.parameters(self.known, bounds)) for prepared, bounds in made]

    def apply(self, change: Change, part: Slice | None = None) -> int:
        """Run one change, or one slice of it; says how many rows it touched.

        Raises:
            Unproven: the statement would not be bound to keys. Nothing ran.
        """
        return self.run_all(self._filled([change], [part]))[0]

    def goes_by_person(self, change: Change) -> bool:
        """Whether one key table says whose each row of the change is, so that it can go in slices of people."""
        rows = change.rows
        if self.conditions.person(rows) is None:
            return False
        if rows.among and not rows.others:
            return True
        live = self.schema.tables[rows.table]
        found = live.rows < LARGE or not any(each.rewrites or not live.is_indexed(each.columns) for each in rows.links)
        return len(rows.links) == 1 and found  # else each slice would read the whole table

    def goes_beside(self, change: Change) -> bool:
        """Whether slices of people of this change never wait for each other, in whatever order they run at once.

        Each locks rows of its own and nothing else: no row is of two persons, nothing else is written with a row, and
        nothing is compared with what another slice is about to write.
        """
        rows, live = change.rows, self.schema.tables[change.rows.table]
        if not self._dialect.locks_rows_alone or live.triggers or rows.unless or rows.others:
            return False
        if isinstance(change, Delete):
            referring = self.schema.referring(live.name)
            if any(key.on_delete not in ("NO ACTION", "RESTRICT") or table is live for table, key in referring):
                return False
        else:
            unique = {each for key in (live.primary_key, *live.unique, *live.unique_partly) for each in key}
            computed = any(each.generated for each in live.columns)
            if computed or any(
                each.path or each.rule != Rule("null") or each.column in unique for each in change.writes
            ):
                return False
        known = self.known[self.conditions.driving(rows)]
        if rows.among:
            at: Sequence[str] = rows.key
        elif len(rows.links) == 1 and not rows.links[0].rewrites:
            at = rows.links[0].at
        else:
            return False
        return isinstance(known, KeyTable) and self._tells_apart(known, at)

    def _tells_apart(self, known: KeyTable, at: Sequence[str]) -> bool:
        """Whether the same values of these columns of a key table are always the same person's."""
        person = known.table.c.person
        shared = select(literal(1)).select_from(known.table).group_by(*(known.column(each) for each in at))
        return self.run(shared.having(func.min(person) < func.max(person)).limit(1)).first() is None

    def find_by_person(self, change: Change) -> None:
        """Have an index find the rows of a large key table by person; not inside `transaction`."""
        known = self.known[self.conditions.driving(change.rows)]
        if isinstance(known, Stored) and known.count > LARGE and not known.by_person:
            index = f"CREATE INDEX {known.name}_{NUMBER} ON {known.name} ({NUMBER})"
            self.run_aside([(index, ()), *self._dialect.analysing(known.name)])
            known.by_person = True

    def goes_by_place(self, change: Change) -> bool:
        """Whether its rows can be found again where they lie, which is quicker than by their keys.

        A row that somebody writes lies elsewhere from then on, and is not found: whoever goes by place counts.
        """
        if not self._dialect.row_place:
            return False
        with self.store._words():
            return self._dialect.is_plain(self._live, self.schema.tables[change.rows.table])

    def number(self, change: Change, part: Slice | None = None, *, by: Kind = "rows") -> int | None:
        """Number the rows of a large change in a key table, so that it can go in slices; says how many there are.

        None where nothing tells the rows apart: then the change must go whole.

        Args:
            part: only the rows of these people.
            by: their keys, or their places where it `goes_by_place`.
        """
        if not self.make.row_key(change.rows.table):
            return None
        self._sliced = True
        numbered = self.make.prepare(self.make.numbered(change, by, of=part.of if part else ""))
        with self.store._words():
            parameters = numbered.parameters(self.known, part.bounds if part else NOTHING)
        create = (f"CREATE TEMPORARY TABLE {SLICES} AS {numbered.text}", parameters)
        _, made = self.run_aside([(f"{self._dialect.drop} {SLICES}", ()), create])
        if made < 0:
            made = int(self.run(select(func.count()).select_from(table(SLICES))).scalar_one())
        if made > LARGE:
            index = f"CREATE INDEX {SLICES}_{NUMBER} ON {SLICES} ({NUMBER})"
            self.run_aside([(index, ()), *self._dialect.analysing(SLICES)])
        return made

    @property
    def has_deferrable(self) -> bool:
        """Whether a foreign key of the store may wait for the end of a transaction."""
        return any(key.deferrable for each in self.schema.tables.values() for key in each.foreign_keys)

    # -- running ------------------------------------------------------------------------------------

    # For the rooms beside this one. A change must be proven before: `apply` does, and so does `putback`.

    def run(self, statement: Any) -> Any:
        """What comes of a statement that is made for this once."""
        return self.ask(self.make.prepare(statement))

    def run_all(self, filled: Sequence[Filled]) -> list[int]:
        """Run statements with their parameters, in their order; says how many rows each touched."""
        self.statements += len(filled)
        with self.store._words():
            return self._dialect.run_all(self._live, filled)

    def ask_all(self, prepared: Sequence[Prepared]) -> list[list[Row]]:
        """The rows that each of several queries finds, all sent at once where the database can."""
        if len(prepared) < 2:
            return [self.ask(each).all() for each in prepared]
        self.statements += len(prepared)
        with self.store._words():
            filled = [(each.text, each.parameters(self.known, NOTHING)) for each in prepared]
            return self._dialect.ask_all(self._live, filled)

    def run_aside(self, filled: Sequence[Filled]) -> list[int]:
        """The same of what changes temporary tables alone, for which nothing waits until it is on disk."""
        self.statements += len(filled)
        with self.store._words():
            return self._dialect.run_aside(self._live, filled)

    def ask(self, prepared: Prepared, extra: Mapping[str, Any] = NOTHING) -> Any:
        """What comes of a prepared statement, its slots filled now."""
        self.statements += 1
        parameters = prepared.parameters(self.known, extra)
        with self.store._words():
            return self._live.exec_driver_sql(prepared.text, parameters)

    def hand_out(self, prepared: Prepared, extra: Mapping[str, Any] = NOTHING) -> Iterator[bytes]:
        """What comes of a prepared statement, a row at a time as bytes; memory does not grow with it."""
        self.statements += 1
        with self.store._words():
            yield from self._dialect.hand_out(self._live, prepared.text, prepared.parameters(self.known, extra))

    def hand_out_all(self, prepared: Sequence[Prepared]) -> list[list[bytes]]:
        """The same of several statements that are sent at once; only where the database `returns`."""
        self.statements += len(prepared)
        with self.store._words():
            filled = [(each.text, each.parameters(self.known, NOTHING)) for each in prepared]
            return self._dialect.hand_out_all(self._connection, filled)

    def run_text(self, statement: str) -> None:
        """Run a statement that has no parameters and names no row."""
        self.statements += 1
        with self.store._words():
            self._live.exec_driver_sql(statement)

    @property
    def _live(self) -> Connection:
        """The connection; never a new one in its place, which would know no key sets and be in no transaction.

        Raises:
            Unavailable: it was lost.
        """
        if self._connection.invalidated:
            raise Unavailable(self.store.name, "the connection was lost")
        return self._connection

    def _stream(self, statement: Any) -> Iterator[Row]:
        """The rows, a block at a time in memory. Not inside `transaction`."""
        self.statements += 1
        prepared = self.make.prepare(statement)
        parameters = prepared.parameters(self.known, NOTHING)
        with self.store._words():
            if self._dialect.streams_in_transaction:
                self._live.exec_driver_sql("BEGIN")
            try:
                yield from map(
                    tuple, self._live.exec_driver_sql(prepared.text, parameters, execution_options=STREAMING)
                )
            finally:
                if self._dialect.streams_in_transaction:
                    self._roll_back()

    def _roll_back(self) -> None:
        """Undo what the transaction did; a lost connection has undone it already."""
        try:
            self._connection.exec_driver_sql("ROLLBACK")
        except SQLAlchemyError:
            self._throw_away()

    def _throw_away(self) -> None:
        with suppress(SQLAlchemyError):  # it may not know yet that the connection is lost
            self._connection.rollback()  # of SQLAlchemy's own idea of a transaction
        self._connection.invalidate()
