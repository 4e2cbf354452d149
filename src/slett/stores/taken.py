"""The shape of what was captured: enough to read its blocks again years later, and no value of anybody."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from slett.stores.errors import StoreError
from slett.stores.operations import Change, Delete
from slett.stores.schema import Table
from slett.stores.sql import Session


@dataclass(frozen=True, slots=True)
class Taken:
    """What one change takes out of one table.

    A captured row is: the person's number, its place where `key` is empty, then the `fields`; of values, the written
    columns follow once more, as they were written.
    """

    store: str
    table: str
    what: Literal["rows", "values"]
    columns: tuple[str, ...]  # rows: all that are stored; values: those that may differ after the change
    key: tuple[str, ...]  # the columns that tell rows apart; empty where nothing does
    types: tuple[str, ...]  # of the fields, as the database wrote them at that time
    written: tuple[str, ...] = ()  # values: those of the columns that the change names, not a trigger or a time stamp
    form: str = ""  # how the blocks are written

    @property
    def fields(self) -> tuple[str, ...]:
        """The columns of a captured row."""
        return self.columns if self.what == "rows" else (*self.key, *self.columns)

    def plain(self) -> dict[str, Any]:
        """The same as JSON takes it."""
        return asdict(self)

    @classmethod
    def from_plain(cls, found: dict[str, Any]) -> Self:
        """What `plain` gave."""
        values: dict[str, Any] = {name: tuple(each) if isinstance(each, list) else each for name, each in found.items()}
        return cls(**values)


def shape_of(session: Session, change: Change) -> Taken:
    """The shape of what the change would take. Reads catalogues at most, once a table, and no row.

    Raises:
        StoreError: what it takes could not be given back exactly.
    """
    table = change.rows.table
    taken = shape(session, change)
    if table not in session.store.capturable:
        with session.words():
            session.store.dialect.may_capture(session.live, session.schema.tables[table])
        session.store.capturable.add(table)
    return taken


def shape(session: Session, change: Change) -> Taken:
    """The same, of what is known of the table, without asking the database."""
    store, live = session.store, session.schema.tables[change.rows.table]
    stored = tuple(each.name for each in live.columns if not each.generated)
    form = form_of(session)
    if isinstance(change, Delete):
        return Taken(store.name, live.name, "rows", stored, key_of(live), _types(live, stored), form=form)
    written = tuple(dict.fromkeys(each.column for each in change.writes))
    key = next((each for each in (live.primary_key, *_unique(live)) if each and not set(each) & set(written)), ())
    if not key:
        sentence = f"`{live.name}` has no key that stays as it is, so that values written in it cannot be put back"
        raise StoreError(store.name, f"{sentence}; give it a primary key")
    triggered = any(each.event == "UPDATE" for each in live.triggers)
    columns = tuple(each for each in stored if triggered or each in written or _column(live, each).stamped)
    columns = tuple(each for each in columns if each not in key)
    types = _types(live, (*key, *columns))
    return Taken(store.name, live.name, "values", columns, key, types, written, form)


def form_of(session: Session) -> str:
    """How blocks are written by this kind of database, today."""
    return f"{session.schema.dialect} 1"


def key_of(live: Table) -> tuple[str, ...]:
    """The columns that tell the rows of a table apart, whatever is in them; empty where none do."""
    # a primary key of SQLite's may hold nulls, any number of them
    whole = all(not _column(live, each).nullable for each in live.primary_key)
    return live.primary_key if live.primary_key and whole else next(_unique(live), ())


def _unique(live: Table) -> Any:
    columns = {each.name: each for each in live.columns}
    return (each for each in live.unique if not any(columns[name].nullable or columns[name].generated for name in each))


def _types(live: Table, columns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_column(live, each).type for each in columns)


def _column(live: Table, name: str) -> Any:
    return next(each for each in live.columns if each.name == name)
