"""Key sets as a statement sees them, and where their values go in it.

A statement is made once and serves everybody: it has slots, which are filled from the key sets that are known when it
runs.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, column, func, literal_column, table
from sqlalchemy.types import NullType

from slett.stores.operations import Scalar
from slett.stores.schema import Family

Value = Any  # SQLAlchemy's types tell one expression from another more finely than these builders can say
LISTED = {"integer", "decimal", "text", "uuid", "date"}  # of these, text in an array is read as it is in a parameter
PLAIN = NullType()  # parameters without a cast, so that the column's own type decides


@dataclass(slots=True)
class Inline:
    """A key set small enough to travel inside each statement. All of it is of one person."""

    columns: tuple[str, ...]
    families: tuple[Family, ...]
    values: list[tuple[Any, ...]]


@dataclass(slots=True)
class KeyTable:
    """A key set as a table in the store: a `person` number and the columns."""

    columns: tuple[str, ...]
    families: tuple[Family, ...]
    name: str
    table: Any = field(init=False)
    local: bool = field(default=True, init=False)  # whether its columns are those of a table of the store

    def column(self, name: str) -> Value:
        """The column of the key table that holds a column of the key set."""
        return self.table.c[key_column(self.columns.index(name))]


@dataclass(slots=True)
class Stored(KeyTable):
    """A key set in a temporary table."""

    count: int = 0
    by_person: bool = False  # an index finds its rows by person
    unindexed: list[str] = field(default_factory=list)  # what makes its other indexes, until it has rows

    def __post_init__(self) -> None:
        columns: list[Any] = [column(key_column(number)) for number in range(len(self.columns))]
        self.table = table(self.name, column("person"), *columns)


@dataclass(slots=True)
class Listed(KeyTable):
    """A key set of several persons, small enough to travel inside each statement, as arrays that make a table there.

    Args:
        keys: the name of the key set.
        types: of its columns, as the database writes them.
    """

    keys: str
    types: tuple[str, ...]
    values: list[tuple[Any, ...]] = field(default_factory=list)  # (person's number, *columns)

    def __post_init__(self) -> None:
        names = ["person", *map(key_column, range(len(self.columns)))]
        arrays = [
            bind(Nth(self.keys, place)).op("::")(literal_column(f"{type_}[]"))
            for place, type_ in enumerate(("integer", *self.types))
        ]
        self.table = func.unnest(*arrays).table_valued(*map(column, names)).render_derived(name=self.name)


Known = Mapping[str, Inline | KeyTable]
Bounds = tuple[Value, Value]  # persons' numbers: above the first, up to the second


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a value of an inline key set goes in a statement, so that the statement serves the next person too."""

    keys: str
    at: tuple[str, ...]
    none: tuple[Scalar, ...]
    text: bool
    row: int
    place: int

    def value(self, known: Known, seen: dict[Hashable, list[tuple[Any, ...]]]) -> Any:
        """The value for the persons known now; of too few, the last fills the other slots, and of none, null."""
        which = (self.keys, self.at, self.none)
        if which not in seen:
            keys = known[self.keys]
            assert isinstance(keys, Inline)  # noqa: S101 - the statement was chosen by the shape of its key sets
            seen[which] = projected(keys, self.at, self.none)
        values = seen[which]
        if not values:
            return None
        found = values[min(self.row, len(values) - 1)][self.place]
        return str(found) if self.text else found


@dataclass(frozen=True, slots=True)
class Every:
    """Where all values of an inline key set go at once, as one array: see `Dialect.arrays`."""

    keys: str
    at: str
    none: tuple[Scalar, ...]

    def value(self, known: Known, seen: dict[Hashable, list[tuple[Any, ...]]]) -> str:
        """The values as PostgreSQL writes an array. It has no type of its own: the column that it meets decides."""
        which = (self.keys, (self.at,), self.none)
        if which not in seen:
            keys = known[self.keys]
            assert isinstance(keys, Inline)  # noqa: S101 - the statement was chosen by the shape of its key sets
            seen[which] = projected(keys, (self.at,), self.none)
        return _array(value for (value,) in seen[which])


@dataclass(frozen=True, slots=True)
class Nth:
    """Where one column of a listed key set goes, as an array."""

    keys: str
    place: int  # 0: the persons' numbers

    def value(self, known: Known, _seen: dict[Hashable, list[tuple[Any, ...]]]) -> str:
        """The values as PostgreSQL writes an array."""
        keys = known[self.keys]
        assert isinstance(keys, Listed)  # noqa: S101 - the statement was chosen by the shape of its key sets
        return _array(row[self.place] for row in keys.values)


def key_column(number: int) -> str:
    """The name of a key table's column: never that of a column of the service's, which could be anything."""
    return f"k{number}"


def bind(value: Any) -> Value:
    """A parameter of no type: the column that it meets decides."""
    return bindparam(None, value, type_=PLAIN, unique=True)


def rounded(count: int) -> int:
    """A size from few: 1, 8, 64, 512, …"""
    size = 1
    while size < count:
        size *= 8
    return size


def projected(keys: Inline, at: Sequence[str], none: tuple[Scalar, ...]) -> list[tuple[Any, ...]]:
    """The distinct values at those columns, without any that means nobody."""
    places = [keys.columns.index(each) for each in at]
    nobody = {"", *(str(each) for each in none)}
    values = dict.fromkeys(tuple(row[place] for place in places) for row in keys.values)
    return [value for value in values if not any(each is None or str(each) in nobody for each in value)]


def _array(values: Iterable[Any]) -> str:
    quoted = (value if value is None else str(value).replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join("NULL" if each is None else f'"{each}"' for each in quoted) + "}"
