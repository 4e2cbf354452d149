"""A SQL database of the service: everything that is ever read from or changed in it goes through here.

A `Store` is an address; a `Session` is one connection with the key sets collected on it. Reading commits nothing.
Changing happens inside `transaction()`, one statement an operation, and each statement is proven first.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

from sqlalchemy import (
    Connection,
    TableClause,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    literal_column,
    select,
    table,
    tuple_,
    union_all,
    update,
)
from sqlalchemy import column as sa_column
from sqlalchemy.exc import DBAPIError

from slett.stores.conditions import PLAIN, Conditions, Inline, Stored, key_column
from slett.stores.dialect import parse_url
from slett.stores.errors import StoreError, Unproven
from slett.stores.operations import Change, Collect, Delete, Due, KeySet, Rows
from slett.stores.proof import is_bound
from slett.stores.schema import Family, Schema

BLOCK = 5_000  # rows that travel to or from a key table at once
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Slice:
    """A run of the numbered keys of one large step."""

    after: int
    upto: int


class Store:
    """The address of a database, not yet connected."""

    def __init__(self, name: str, url: str, lock_seconds: float = 5.0) -> None:
        self.name = name
        self.dialect, parsed = parse_url(name, url)
        self._engine = self.dialect.connect(parsed, lock_seconds)

    def read_schema(self) -> Schema:
        """What the database looks like now."""
        from slett.stores.introspect import read_schema

        with self.connection() as connection, self._words():
            return read_schema(connection)

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        with self._words():
            connection = self._engine.connect()
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def session(
        self, schema: Schema, today: date, *, inline_keys: int = 500, hash_key: bytes = b""
    ) -> Iterator["Session"]:
        """One connection, with empty key sets; its key tables go when it closes."""
        with self.connection() as connection:
            session = Session(self, connection, schema, today, inline_keys, hash_key)
            try:
                yield session
            finally:
                session.clear()

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
        self.known: dict[str, Inline | Stored] = {}
        self.statements = 0
        self._connection = connection
        self._dialect = store.dialect
        self._inline_keys = inline_keys
        self._tables = 0
        self._sliced = False
        self._conditions = Conditions(store.dialect, schema, self.known, today, hash_key)

    # -- key sets -----------------------------------------------------------------------------------

    def know(self, keys: KeySet, rows: Iterable[Row], families: Sequence[Family], *, people: int) -> None:
        """Bring in a key set from elsewhere: rows of (person's number, *columns)."""
        if people == 1:
            values = [row[1:] for row in rows]
            if len(values) <= self._inline_keys:
                self.known[keys.name] = Inline(keys.columns, list(dict.fromkeys(values)))
                return
            rows = ((0, *value) for value in values)
        stored = self._new_table(keys, None if keys.store == self.store.name else families)
        self._fill(stored, rows)

    def expect(self, keys: KeySet, *, people: int) -> None:
        """Begin a key set of a table here, empty, unless it is known already."""
        if keys.name not in self.known:
            self.known[keys.name] = Inline(keys.columns, []) if people == 1 else self._new_table(keys)

    def collect(self, collect: Collect, keys: KeySet) -> int:
        """Add the keys of these rows to the key set; says how many were new."""
        known = self.known[keys.name]
        inputs = [self.known[link.keys] for link in collect.rows.links]
        if isinstance(known, Inline) and all(isinstance(each, Inline) for each in inputs):
            added = self._collect_inline(collect.rows, known)
            if added is not None:
                return added
        if isinstance(known, Inline):
            values = known.values
            known = self._new_table(keys)
            self._fill(known, ((0, *value) for value in values))
        return self._collect_stored(collect.rows, keys, known)

    def _collect_inline(self, rows: Rows, known: Inline) -> int | None:
        target = self._conditions.table(rows.table)
        statement = (
            select(*(target.c[each] for each in known.columns))
            .where(self._conditions.where(rows, target))
            .distinct()
            .limit(self._inline_keys + 1)
        )
        found = [tuple(row) for row in self._run(statement)]
        if len(found) + len(known.values) > self._inline_keys:
            return None
        before = len(known.values)
        known.values[:] = dict.fromkeys([*known.values, *found])
        return len(known.values) - before

    def _collect_stored(self, rows: Rows, keys: KeySet, known: Stored) -> int:
        target = self._conditions.table(rows.table)
        person = self._conditions.by_person(rows, target)
        number, where = person if person else (literal(0), self._conditions.where(rows, target))
        parts = [where]
        if known.count:
            seen = known.table.alias("seen")
            same = [
                seen.c[key_column(known.columns.index(each))] == target.c[each] for each in (keys.key or keys.columns)
            ]
            parts.append(~exists(select(literal(1)).select_from(seen).where(seen.c.person == number, *same)))
        wanted = select(number, *(target.c[each] for each in known.columns)).where(*parts).distinct()
        added = int(self._run(insert(known.table).from_select(list(known.table.c), wanted)).rowcount)
        known.count += added
        with self.store._words():
            self._dialect.analyse(self._connection, known.name)
        return added

    def clear(self) -> None:
        """Drop the key tables, so that the connection can serve others; a broken one is thrown away."""
        self.known.clear()
        names = [f"slett_keys_{number + 1}" for number in range(self._tables)]
        try:
            for name in [*names, "slett_slices"] if self._sliced else names:
                self._connection.exec_driver_sql(f"DROP TABLE IF EXISTS {name}")
        except DBAPIError:
            self._connection.invalidate()

    def rows_of(self, name: str) -> Iterator[Row]:
        """The key set, as rows of (person's number, *columns); memory does not grow with it."""
        known = self.known[name]
        if isinstance(known, Inline):
            yield from ((0, *value) for value in known.values)
            return
        yield from self._stream(select(*known.table.c))

    def count_of(self, name: str) -> int:
        """How many rows the key set holds."""
        known = self.known[name]
        return len(known.values) if isinstance(known, Inline) else known.count

    def _new_table(self, keys: KeySet, families: Sequence[Family] | None = None) -> Stored:
        """An empty key table; of the table's own column types where it is of a table here."""
        self._tables += 1
        stored = Stored(keys.columns, f"slett_keys_{self._tables}")
        if families is None:
            source = self._conditions.table(keys.table)
            named = [source.c[each].label(key_column(n)) for n, each in enumerate(keys.columns)]
            shape = select(literal_column("0").label("person"), *named).where(literal_column("1 = 0"))
            sql = str(shape.compile(self._connection, compile_kwargs={"literal_binds": True}))
            self._run_text(f"CREATE TEMPORARY TABLE {stored.name} AS {sql}")
        else:
            types = [self._dialect.key_type(family) for family in families]
            columns = "".join(f", {key_column(n)} {each}" for n, each in enumerate(types))
            self._run_text(f"CREATE TEMPORARY TABLE {stored.name} (person integer{columns})")
        for n in range(len(keys.columns)):
            if self._indexable(keys, n, families):
                index = f"{stored.name}_{key_column(n)}"
                self._run_text(f"CREATE INDEX {index} ON {stored.name} ({key_column(n)})")
        self.known[keys.name] = stored
        return stored

    def _indexable(self, keys: KeySet, n: int, families: Sequence[Family] | None) -> bool:
        if families is not None:
            return True
        live = self.schema.tables[keys.table].column(keys.columns[n])
        return (
            live is not None
            and (live.family not in ("json", "other", "binary"))
            and (live.family != "text" or self.schema.dialect != "mariadb" or bool(live.length and live.length <= 700))
        )

    def _fill(self, stored: Stored, rows: Iterable[Row]) -> None:
        target = stored.table
        statement = insert(target).values({each: bindparam(each.name, type_=PLAIN) for each in target.c})
        names = [each.name for each in target.c]
        block: list[dict[str, Any]] = []
        for row in rows:
            block.append(dict(zip(names, row, strict=True)))
            if len(block) == BLOCK:
                self._run(statement, block)
                stored.count += len(block)
                block = []
        if block:
            self._run(statement, block)
            stored.count += len(block)
        with self.store._words():
            self._dialect.analyse(self._connection, stored.name)

    # -- looking ------------------------------------------------------------------------------------

    def count(self, changes: Sequence[Change], limit: int | None = None) -> list[int]:
        """How many rows each change would touch, all in one statement; counting stops at `limit`."""
        if not changes:
            return []
        parts: list[Any] = []
        for number, change in enumerate(changes):
            target = self._conditions.table(change.rows.table)
            rows = select(literal(1)).select_from(target).where(self._counted(change, target)).limit(limit)
            parts.append(select(literal_column(str(number)), func.count()).select_from(rows.subquery()))
        found: dict[int, int] = {number: int(count) for number, count in self._run(union_all(*parts))}
        return [found[number] for number in range(len(changes))]

    def count_by_person(self, change: Change) -> dict[int, int]:
        """How many rows the change would touch, per person's number."""
        target = self._conditions.table(change.rows.table)
        person = self._conditions.by_person(change.rows, target)
        if person is None:
            return {0: self.count([change])[0]}
        number, _ = person
        statement = (
            select(number, func.count())
            .select_from(target, number.table)
            .where(self._counted(change, target, join=True))
            .group_by(number)
        )
        return {int(number): int(count) for number, count in self._run(statement)}

    def read(self, rows: Rows, columns: Sequence[str], order: Sequence[str]) -> Iterator[Row]:
        """These columns of the rows, in this order; memory does not grow with them."""
        target = self._conditions.table(rows.table)
        statement = select(*(target.c[each] for each in columns)).where(self._conditions.where(rows, target))
        yield from self._stream(statement.order_by(*(target.c[each] for each in order)))

    def read_kept(self, rows: Rows, due: Due) -> Iterator[Row]:
        """Rows that stay, as (person's number, the date their time is counted from, *key)."""
        target = self._conditions.table(rows.table)
        person = self._conditions.by_person(rows, target)
        number, where = person if person else (literal(0), self._conditions.where(rows, target))
        key = [target.c[each] for each in self.schema.tables[rows.table].primary_key]
        yield from self._stream(select(number, self._conditions.due_column(due, target), *key).where(where))

    def rehearse(self, changes: Sequence[Change]) -> list[tuple[float, int]]:
        """(cost, rows) that the planner expects of each change; fails where the account may not do it."""
        with self.store._words():
            self._dialect.may_write(self._connection)
        estimates = []
        for change in changes:
            text, parameters = self._rendered(self._statement(change))
            with self.store._words():
                estimates.append(self._dialect.explain(self._connection, text, parameters))
        return estimates

    # -- changing -----------------------------------------------------------------------------------

    @contextmanager
    def transaction(self, *, defer: bool = False) -> Iterator[Self]:
        """All of it or none. Deferred constraints are settled before the commit, where they still have a name."""
        self._run_text(self._dialect.begin)
        try:
            if defer:
                with self.store._words():
                    self._dialect.defer(self._connection)
            yield self
            if self._has_deferrable:
                with self.store._words():
                    self._dialect.settle(self._connection)
            self._run_text("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def apply(self, change: Change, part: Slice | None = None) -> int:
        """Run one change, or one slice of it; says how many rows it touched.

        Raises:
            Unproven: the statement would not be bound to keys. Nothing ran.
        """
        return int(self._run(self._statement(change, part)).rowcount)

    def number(self, change: Change) -> int | None:
        """Number the rows of a large change in a key table, so that it can go in slices; says how many there are.

        None where nothing tells the rows apart: then the change must go whole.
        """
        key = self._row_key(change.rows.table)
        if not key:
            return None
        target = self._conditions.table(change.rows.table)
        columns = [self._key_column(target, each) for each in key]
        named = [each.label(key_column(n)) for n, each in enumerate(columns)]
        numbered = select(func.row_number().over(order_by=columns).label("person"), *named)
        numbered = numbered.where(self._touched(change, target))
        text, parameters = self._rendered(numbered)
        self._sliced = True
        self._run_text("DROP TABLE IF EXISTS slett_slices")
        with self.store._words():
            self._connection.exec_driver_sql(f"CREATE TEMPORARY TABLE slett_slices AS {text}", parameters)
        self._run_text("CREATE INDEX slett_slices_person ON slett_slices (person)")
        with self.store._words():
            self._dialect.analyse(self._connection, "slett_slices")
        return int(self._run(select(func.count()).select_from(table("slett_slices"))).scalar_one())

    def _statement(self, change: Change, part: Slice | None = None) -> Any:
        rows = change.rows
        target = self._conditions.table(rows.table)
        joins = self._dialect.joins
        parts = [self._touched(change, target, join=joins)]
        if part is not None:
            parts.append(self._in_slice(target, part, join=joins))
        if isinstance(change, Delete):
            statement: Any = delete(target).where(*parts)
        else:
            values = {each.column: self._conditions.written(each, rows.table, target) for each in change.writes}
            statement = update(target).where(*parts).values(values)
        if not is_bound(statement, [rows.key] if rows.among else [link.columns for link in rows.links]):
            raise Unproven(self.store.name, f"a change of `{rows.table}` is not bound to keys; report this as a fault")
        return statement

    def _touched(self, change: Change, target: TableClause, *, join: bool = False) -> Any:
        """The rows that the change would touch now."""
        where = self._conditions.where(change.rows, target, join=join)
        if isinstance(change, Delete):
            return where
        return and_(where, self._conditions.unfinished(change.writes, change.rows.table, target))

    def _counted(self, change: Change, target: TableClause, *, join: bool = False) -> Any:
        """The same, without rows that an earlier step has counted already."""
        return and_(self._touched(change, target, join=join), self._conditions.not_earlier(change.rows, target))

    def _in_slice(self, target: TableClause, part: Slice, *, join: bool) -> Any:
        key = self._row_key(target.name if target.schema is None else f"{target.schema}.{target.name}")
        numbered = table("slett_slices", sa_column("person"), *(sa_column(key_column(n)) for n in range(len(key))))
        range_ = and_(numbered.c.person > part.after, numbered.c.person <= part.upto)
        mine = [self._key_column(target, each) for each in key]
        theirs = [numbered.c[key_column(n)] for n in range(len(key))]
        if join:
            return and_(*(one == other for one, other in zip(mine, theirs, strict=True)), range_)
        left = mine[0] if len(mine) == 1 else tuple_(*mine)
        return left.in_(select(*theirs).where(range_))

    def _row_key(self, name: str) -> tuple[str, ...]:
        live = self.schema.tables[name]
        return live.primary_key or ((self._dialect.row_id,) if self._dialect.row_id else ())

    def _key_column(self, target: TableClause, name: str) -> Any:
        return target.c[name] if name in target.c else sa_column(name, _selectable=target)

    @property
    def _has_deferrable(self) -> bool:
        return any(key.deferrable for each in self.schema.tables.values() for key in each.foreign_keys)

    # -- running ------------------------------------------------------------------------------------

    def _run(self, statement: Any, parameters: Any = None) -> Any:
        self.statements += 1
        with self.store._words():
            return self._connection.execute(statement, parameters, execution_options={"preserve_rowcount": True})

    def _rendered(self, statement: Any) -> tuple[str, Any]:
        """The statement as the driver takes it: for what SQLAlchemy has no words for."""
        compiled = statement.compile(self._connection, compile_kwargs={"render_postcompile": True})
        if compiled.positiontup is None:
            return str(compiled), compiled.params
        return str(compiled), tuple(compiled.params[each] for each in compiled.positiontup)

    def _run_text(self, statement: str) -> None:
        self.statements += 1
        with self.store._words():
            self._connection.exec_driver_sql(statement)

    def _stream(self, statement: Any) -> Iterator[Row]:
        """The rows, a block at a time in memory. Not inside `transaction`."""
        self.statements += 1
        streaming = {"stream_results": True, "yield_per": BLOCK}
        with self.store._words():
            if self._dialect.streams_in_transaction:
                self._connection.exec_driver_sql("BEGIN")
            try:
                for row in self._connection.execute(statement, execution_options=streaming):
                    yield tuple(row)
            finally:
                if self._dialect.streams_in_transaction:
                    self._roll_back()

    def _roll_back(self) -> None:
        """Undo what the transaction did; a lost connection has undone it already."""
        try:
            self._connection.exec_driver_sql("ROLLBACK")
        except DBAPIError:
            self._connection.invalidate()
