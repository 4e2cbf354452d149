"""Captured rows and values go straight back, where nothing at all stands in their way: which is nearly always.

    with session.transaction(), session.exactly():
        way = Straight(session, person)
        rows = sum(way.take(taken, blocks) for taken, blocks in groups)   # what was taken last comes first
        way.finish()

Nothing is asked beforehand. Rows are inserted, and old values written where their columns still hold what was written
over them; every key and constraint objects by itself, and as many rows must be written as were captured. Else `Astray`
is raised: roll back, and let `giveback` look at what stands in the way. It is also raised, before anything is written,
where databases would not object: at triggers, and at columns that are of another type now.

A small person's rows travel at once where the database allows it, and never pass through a temporary table.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

from sqlalchemy import update

from slett.stores.dialect import Filled
from slett.stores.errors import Busy, StoreError, Unavailable
from slett.stores.giveback import blocked, give_back
from slett.stores.known import bind
from slett.stores.proof import insist
from slett.stores.schema import Table
from slett.stores.sql import SETTLE, Session
from slett.stores.staging import stage
from slett.stores.statements import Extra, Prepared
from slett.stores.taken import Taken, form_of
from slett.stores.writing import insert

MANY = 1 << 18  # bytes of rows that the server had better take in by itself
HELD = 1 << 20  # bytes of statements that wait to be sent


class Astray(Exception):
    """Not all of it goes straight back. Nothing may be committed."""


class Straight:
    """The way straight back of one person, or of everybody, into one store."""

    def __init__(self, session: Session, person: int | None) -> None:
        self._session = session
        self._person = person
        self._waiting: list[Filled] = []
        self._expected: list[int | None] = []  # rows that each of these must touch
        self._bytes = 0

    def take(self, taken: Taken, blocks: Iterable[bytes]) -> int:
        """Give back what one change took; says how many rows those are.

        Raises:
            Astray: not all of it goes.
            Busy: somebody holds a lock.
            Unavailable: the store was lost.
        """
        live = self._session.schema.tables.get(taken.table)
        if live is None or not _is_plain(self._session, taken, live):
            raise Astray
        with _astray():
            return self._take(taken, live, iter(blocks))

    def finish(self) -> None:
        """Have everything written and checked.

        Raises:
            The same as `take`.
        """
        if self._session.has_deferrable and self._session.store.dialect.pipelines:
            self._wait((SETTLE, ()), None, 0)
        with _astray():
            self._send()

    def _take(self, taken: Taken, live: Table, blocks: Iterator[bytes]) -> int:
        dialect, connection = self._session.store.dialect, self._session.live
        first = next(blocks, b"")
        if not first:
            return 0
        large = len(first) > MANY and (taken.what == "values" or dialect.pipelines)
        itself = dialect.checks_each_row and any(each.table == live.name for each in live.foreign_keys)
        apart = dialect.rows_of(connection, first, self._person)
        if large or apart is None or not taken.key or (itself and taken.what == "rows"):
            return self._stage(taken, chain([first], blocks))
        rows = self._write(taken, list(apart), len(first))
        for block in blocks:
            rows += self._write(taken, list(dialect.rows_of(connection, block, self._person) or ()), len(block))
        return rows

    def _write(self, taken: Taken, rows: list[tuple[Any, ...]], size: int) -> int:
        """Write rows that were taken apart, when enough of them have come together."""
        dialect = self._session.store.dialect
        if taken.what == "rows" and rows:
            quote = self._session.live.dialect.identifier_preparer
            names = ", ".join(quote.quote(each) for each in taken.columns)
            table = quote.format_table(self._session.conditions.table(taken.table))
            before, (_, after) = f"INSERT INTO {table} ({names}) {dialect.overriding}", dialect.unless_there
            for filled, count in dialect.put_in(before, rows, f" {after}"):
                self._wait(filled, count, size)
                size = 0
        elif rows:
            made = self._update(taken)
            keys, columns = len(taken.key), len(taken.columns)
            for row in rows:
                old, new = row[keys : keys + columns], row[keys + columns :]
                values: dict[str, Any] = {"new": new}
                for kind, each in (("key", row[:keys]), ("old", old), ("new", new)):
                    values |= {f"{kind} {n}": value for n, value in enumerate(each)}
                filled = dialect.fill_in(made.text, made.parameters({}, values))
                self._wait(filled, 1, size // len(rows))
        return len(rows)

    def _update(self, taken: Taken) -> Prepared:
        """The UPDATE of one row whose columns still hold what was written; made once for rows of this shape."""
        session = self._session

        def field(name: str) -> Any:
            return bind(Extra(name))

        def make() -> Any:
            target = session.conditions.table(taken.table)
            keyed = [target.c[each] == field(f"key {n}") for n, each in enumerate(taken.key)]
            types = taken.types[len(taken.key) :]
            columns = [(target.c[each], type_) for each, type_ in zip(taken.columns, types, strict=True)]
            values = {each: field(f"old {n}") for n, each in enumerate(taken.columns)}
            statement = update(target).where(*keyed, session.store.dialect.holds(columns, field)).values(values)
            insist(session.store.name, statement, [taken.key])
            return statement

        return session.make.recall(("straight", taken), make)

    def _stage(self, taken: Taken, blocks: Iterable[bytes]) -> int:
        """Through a temporary table, where that is faster, or the only way."""
        self._send()
        session = self._session
        staged = stage(session, taken, blocks, self._person)
        if taken.what == "rows" and taken.key and not session.store.dialect.checks_each_row:
            back = insert(session, staged, unless_there=True)
        elif blocked(session, staged):
            raise Astray
        else:
            back = give_back(session, staged)
        if back != staged.rows:
            raise Astray
        return back

    def _wait(self, filled: Filled, rows: int | None, size: int) -> None:
        self._waiting.append(filled)
        self._expected.append(rows)
        self._bytes += size
        if self._bytes >= HELD or not self._session.store.dialect.pipelines:
            self._send()

    def _send(self) -> None:
        waiting, expected = self._waiting, self._expected
        self._waiting, self._expected, self._bytes = [], [], 0
        if waiting:
            touched = self._session.run_all(waiting)
            if any(wanted not in (None, found) for wanted, found in zip(expected, touched, strict=True)):
                raise Astray


def defers(session: Session) -> bool:
    """Whether foreign keys may wait for the end of the transaction: SQLite looks at them only when it commits."""
    return session.schema.dialect != "sqlite"


def _is_plain(session: Session, taken: Taken, live: Table) -> bool:
    """Whether the database itself objects to whatever stands in the way, and writes nothing else."""
    columns = [live.column(each) for each in taken.fields]
    same = all(
        column is not None and not column.generated and column.type == type_
        for column, type_ in zip(columns, taken.types, strict=True)
    )
    fires = any(each.event != "DELETE" for each in live.triggers)
    waits = not defers(session) and any(each.deferrable for each in live.foreign_keys)
    return same and not fires and not waits and taken.form == form_of(session)


@contextmanager
def _astray() -> Iterator[None]:
    """Whatever the database forbids is for others to look at; not that it is busy or away."""
    try:
        yield
    except (Busy, Unavailable):
        raise
    except StoreError:
        raise Astray from None
