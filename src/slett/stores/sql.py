"""A SQL database of the service: everything that is ever read from or changed in it goes through here.

A `Store` is an address; a `Session` is one connection: what runs on it is in `line`, what was collected on it in
`keyring`, and here is what is looked at and changed. Each statement that changes rows is proven first.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from typing import Any

from sqlalchemy import Connection, String, cast, column, func, literal, select, table

from slett.stores.dialect import Filled, parse_url
from slett.stores.errors import StoreError
from slett.stores.keyring import BLOCK, Keyring
from slett.stores.known import KeyTable, Stored, bind
from slett.stores.line import NOTHING, Row, worded
from slett.stores.operations import Change, Delete, Due, Link, Rows, Rule
from slett.stores.schema import Schema
from slett.stores.statements import NUMBER, SLICES, Kind, Prepared, Slice

LARGE = 10_000  # rows that are not read again and again
SETTLE = "SET CONSTRAINTS ALL IMMEDIATE"  # where a pipeline is: in standard SQL


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

        A connection on which the store has failed does not serve anybody else: it may hold what is no longer so, as a
        statement that was prepared before somebody altered a table; and nor do the others that were kept.
        """
        with self.connection() as connection:
            session = Session(self, connection, schema, today, inline_keys, hash_key)
            try:
                yield session
            except StoreError:
                session.throw_away()
                self.close()
                raise
            finally:
                session.clear()

    def lag(self) -> float | None:
        """How many seconds it is behind, as a replica, or its own replicas are; None: replication stands still."""
        with self.connection() as connection, self._words():
            return self.dialect.lag(connection)

    def close(self) -> None:
        """Close the connections that were kept for the next session."""
        self._engine.dispose()

    def _words(self) -> AbstractContextManager[None]:
        return worded(self.dialect, self.name)


class Session(Keyring):
    """One connection to a store: what was collected on it is counted, read and changed."""

    def __init__(
        self, store: Store, connection: Connection, schema: Schema, today: date, inline_keys: int, hash_key: bytes
    ) -> None:
        super().__init__(store, connection, schema, today, inline_keys, hash_key)
        self.store = store
        self.staged: list[Any] = []  # of `staging`: a row does not go back to a parent that is blocked

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
        when = [target.c[each] == bind(value) for each, value in link.when]
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
        with self.words():
            self._dialect.may_write(self.live)
        estimates = []
        for change in changes:
            prepared = self.make.change(change)
            parameters = prepared.parameters(self.known, {})
            with self.words():
                estimates.append(self._dialect.explain(self.live, prepared.text, parameters))
        return estimates

    def lag(self) -> float | None:
        """How many seconds the slowest replica is behind; None: one stands still. Not inside `transaction`."""
        with self.words():
            return self._dialect.lag(self.live)

    def busy(self) -> int:
        """How many sessions of others are at work."""
        with self.words():
            return self._dialect.busy(self.live)

    # -- changing -----------------------------------------------------------------------------------

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
        with self.words():
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

    def goes_by_place(self, change: Change) -> bool:
        """Whether its rows can be found again where they lie, which is quicker than by their keys.

        A row that somebody writes lies elsewhere from then on, and is not found: whoever goes by place counts.
        """
        if not self._dialect.row_place:
            return False
        with self.words():
            return self._dialect.has_places(self.live, self.schema.tables[change.rows.table])

    def _tells_apart(self, known: KeyTable, at: Sequence[str]) -> bool:
        """Whether the same values of these columns of a key table are always the same person's."""
        person = known.table.c.person
        shared = select(literal(1)).select_from(known.table).group_by(*(known.column(each) for each in at))
        return self.run(shared.having(func.min(person) < func.max(person)).limit(1)).first() is None

    def find_by_person(self, change: Change) -> None:
        """Have an index find the rows of a large key table by person; not inside `transaction`."""
        known = self.known[self.conditions.driving(change.rows)]
        if isinstance(known, Stored) and known.count > LARGE and not known.by_person:
            self._index_numbers(known.name)
            known.by_person = True

    def number(self, change: Change, part: Slice | None = None, *, by: Kind = "rows") -> int | None:
        """Number the rows of a large change in a key table, so that it can go in slices; says how many there are.

        None where nothing tells the rows apart: then the change must go whole.

        Args:
            part: only the rows of these people.
            by: their keys, or their places where it `goes_by_place`.
        """
        if not self.make.row_key(change.rows.table):
            return None
        if SLICES not in self._temporary:
            self._temporary.append(SLICES)
        numbered = self.make.prepare(self.make.numbered(change, by, of=part.of if part else ""))
        with self.words():
            parameters = numbered.parameters(self.known, part.bounds if part else NOTHING)
        create = (f"CREATE TEMPORARY TABLE {SLICES} AS {numbered.text}", parameters)
        _, made = self.run_aside([(f"{self._dialect.drop} {SLICES}", ()), create])
        if made < 0:
            made = int(self.run(select(func.count()).select_from(table(SLICES))).scalar_one())
        if made > LARGE:
            self._index_numbers(SLICES)
        return made

    def _index_numbers(self, name: str) -> None:
        """Let a large key table be read by its numbers."""
        index = f"CREATE INDEX {name}_{NUMBER} ON {name} ({NUMBER})"
        self.run_aside([(index, ()), *self._dialect.analysing(name)])
