"""One connection to a store, and what runs on it.

Reading commits nothing. Changing happens inside `transaction()`, one statement an operation.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import date
from typing import Any, Protocol, Self

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from slett.stores.conditions import Conditions
from slett.stores.dialect import Dialect, Filled
from slett.stores.errors import StoreError, Unavailable
from slett.stores.known import Inline, Listed, Stored
from slett.stores.schema import Schema
from slett.stores.statements import Prepared, Statements

NOTHING: Mapping[str, Any] = {}
STREAMING = {"stream_results": True, "yield_per": 5_000}
Row = tuple[Any, ...]


@contextmanager
def worded(dialect: Dialect, store: str) -> Iterator[None]:
    """A driver's error leaves here as a sentence without values."""
    try:
        yield
    except DBAPIError as error:
        raise dialect.sentence(error, store) from None
    except StoreError as error:
        if not error.store:
            raise type(error)(store, error.sentence) from None
        raise


class Address(Protocol):
    """What a line needs to know of its store."""

    name: str
    dialect: Dialect
    made: dict[Hashable, Prepared]  # statements, for every line to the store


class Line:
    """One connection to a store. Not for two threads at once.

    Args:
        schema: what the store's database looks like.
        today: from which the age of a row is counted.
        hash_key: of the rule `hash`.
    """

    def __init__(self, store: Address, connection: Connection, schema: Schema, today: date, hash_key: bytes) -> None:
        self.schema = schema
        self.known: dict[str, Inline | Listed | Stored] = {}
        self.statements = 0
        self._name = store.name
        self._dialect = store.dialect
        self._connection = connection
        self._exact = False
        self.conditions = Conditions(store.dialect, schema, self.known, today, hash_key)
        self.make = Statements(store.name, store.dialect, self.conditions, connection, store.made)

    def words(self) -> AbstractContextManager[None]:
        """Within, a driver's error becomes a sentence without values."""
        return worded(self._dialect, self._name)

    # For the rooms beside this one. A change must be proven before: `apply` does, and so does `putback`.

    @property
    def live(self) -> Connection:
        """The connection; never a new one in its place, which would know no key sets and be in no transaction.

        Raises:
            Unavailable: it was lost.
        """
        if self._connection.invalidated:
            raise Unavailable(self._name, "the connection was lost")
        return self._connection

    def run(self, statement: Any) -> Any:
        """What comes of a statement that is made for this once."""
        return self.ask(self.make.prepare(statement))

    def run_all(self, filled: Sequence[Filled]) -> list[int]:
        """Run statements with their parameters, in their order; says how many rows each touched."""
        self.statements += len(filled)
        with self.words():
            return self._dialect.run_all(self.live, filled)

    def ask_all(self, prepared: Sequence[Prepared]) -> list[list[Row]]:
        """The rows that each of several queries finds, all sent at once where the database can."""
        if len(prepared) < 2:
            return [self.ask(each).all() for each in prepared]
        self.statements += len(prepared)
        with self.words():
            filled = [(each.text, each.parameters(self.known, NOTHING)) for each in prepared]
            return self._dialect.ask_all(self.live, filled)

    def run_aside(self, filled: Sequence[Filled]) -> list[int]:
        """The same of what changes temporary tables alone, for which nothing waits until it is on disk."""
        self.statements += len(filled)
        with self.words():
            return self._dialect.run_aside(self.live, filled)

    def ask(self, prepared: Prepared, extra: Mapping[str, Any] = NOTHING) -> Any:
        """What comes of a prepared statement, its slots filled now."""
        self.statements += 1
        parameters = prepared.parameters(self.known, extra)
        with self.words():
            return self.live.exec_driver_sql(prepared.text, parameters)

    def hand_out(self, prepared: Prepared, extra: Mapping[str, Any] = NOTHING) -> Iterator[bytes]:
        """What comes of a prepared statement, a row at a time as bytes; memory does not grow with it."""
        self.statements += 1
        with self.words():
            yield from self._dialect.hand_out(self.live, prepared.text, prepared.parameters(self.known, extra))

    def hand_out_all(self, prepared: Sequence[Prepared]) -> list[list[bytes]]:
        """The same of several statements that are sent at once; only where the database `returns`."""
        self.statements += len(prepared)
        with self.words():
            filled = [(each.text, each.parameters(self.known, NOTHING)) for each in prepared]
            return self._dialect.hand_out_all(self.live, filled)

    def run_text(self, statement: str) -> None:
        """Run a statement that has no parameters and names no row."""
        self.statements += 1
        with self.words():
            self.live.exec_driver_sql(statement)

    def _stream(self, statement: Any) -> Iterator[Row]:
        """The rows, a block at a time in memory. Not inside `transaction`."""
        self.statements += 1
        prepared = self.make.prepare(statement)
        parameters = prepared.parameters(self.known, NOTHING)
        with self.words():
            if self._dialect.streams_in_transaction:
                self.live.exec_driver_sql("BEGIN")
            try:
                yield from map(tuple, self.live.exec_driver_sql(prepared.text, parameters, execution_options=STREAMING))
            finally:
                if self._dialect.streams_in_transaction:
                    self._roll_back()

    # -- transactions -------------------------------------------------------------------------------

    @contextmanager
    def transaction(self, *, defer: bool = False) -> Iterator[Self]:
        """All of it or none. Deferred constraints are settled before the commit, where they still have a name."""
        self.run_text(self._dialect.begin)
        try:
            if defer:
                with self.words():
                    self._dialect.defer(self.live)
            yield self
            if self.has_deferrable:
                with self.words():
                    self._dialect.settle(self.live)
            self.run_text("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    @property
    def has_deferrable(self) -> bool:
        """Whether a foreign key of the store may wait for the end of a transaction."""
        return any(key.deferrable for each in self.schema.tables.values() for key in each.foreign_keys)

    @contextmanager
    def exactly(self) -> Iterator[None]:
        """Within, values are read and written as they were handed out. Inside `transaction`, or inside itself."""
        if self._exact:
            yield
            return
        with self.words(), self._dialect.exactly(self.live):
            self._exact = True
            try:
                yield
            finally:
                self._exact = False

    @contextmanager
    def patiently(self) -> Iterator[None]:
        """Within, the transaction lasts while nothing happens in it, because another store's is worked on."""
        with self.words(), self._dialect.patiently(self.live):
            yield

    def _roll_back(self) -> None:
        """Undo what the transaction did; a lost connection has undone it already."""
        try:
            self._connection.exec_driver_sql("ROLLBACK")
        except SQLAlchemyError:
            self.throw_away()

    def throw_away(self) -> None:
        """Close the connection for good, with all that it holds."""
        with suppress(SQLAlchemyError):  # it may not know yet that the connection is lost
            self._connection.rollback()  # of SQLAlchemy's own idea of a transaction
        self._connection.invalidate()
