"""What a live database looks like, as plain data.

Read by a store, compared with the map by `datamap`, and turned into steps by `plan`. Nothing here
does I/O. A table is named as in the map: `orders` in the database's default schema, `audit.log` elsewhere.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Family = Literal[
    "integer", "decimal", "text", "uuid", "boolean", "date", "timestamp", "time", "binary", "json", "array", "other"
]
OnDelete = Literal["NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT"]
STRICT = ("_bin", "_cs", "BINARY")  # collations in which a letter is itself alone
Dialect = Literal["postgresql", "mariadb", "sqlite"]


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    family: Family
    type: str  # as the database writes it, for messages and casts
    nullable: bool = True
    length: int | None = None  # characters, where the type limits them
    default: bool = False
    generated: bool = False  # computed by the database: can be neither set nor anonymised
    stamped: bool = False  # written by the database whenever another column of the row is
    collation: str = ""  # of text: what it takes for the same; on PostgreSQL only where that is more than equal bytes


@dataclass(frozen=True, slots=True)
class ForeignKey:
    name: str
    columns: tuple[str, ...]
    table: str
    match: tuple[str, ...]  # the columns over there
    on_delete: OnDelete = "NO ACTION"
    deferrable: bool = False


@dataclass(frozen=True, slots=True)
class Trigger:
    name: str
    event: Literal["DELETE", "INSERT", "UPDATE"]


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Table:
    name: str  # with its schema in front where that is not the default one
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()  # besides the primary key; partial and computed ones are not listed
    unique_partly: tuple[tuple[str, ...], ...] = ()  # those: equal values of these columns may still collide
    indexes: tuple[tuple[str, ...], ...] = ()  # columns in order, primary key and unique ones included
    foreign_keys: tuple[ForeignKey, ...] = ()
    checks: tuple[Check, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    rows: int = 0  # the database's own estimate
    schema: str = ""  # empty: the default one
    transactions: bool = True  # whether what was changed can be rolled back

    @property
    def plain_name(self) -> str:
        """The name without its schema."""
        return self.name.removeprefix(f"{self.schema}.") if self.schema else self.name

    def column(self, name: str) -> Column | None:
        """The column of that name, or None."""
        return next((column for column in self.columns if column.name == name), None)

    def told_apart(self, name: str, other: "Table", theirs: str) -> Literal["", "exact", "fold"]:
        """How that column of another table is compared with this one, so that nobody's value is taken for another's.

        As its own collation says, if that is this one's, too; else by its bytes, or by those of its small letters
        where this column takes large and small ones for the same.
        """
        mine, its = (_alike(each.collation) if each else "" for each in (self.column(name), other.column(theirs)))
        if not its or mine == its:
            return ""
        if not mine or mine.endswith(STRICT):
            return "exact"
        if its.endswith(STRICT):
            return ""
        return "fold" if mine.endswith("_ci") else "exact"

    def is_unique(self, columns: tuple[str, ...]) -> bool:
        """Whether no two rows can hold the same values in these columns (nulls aside)."""
        wanted = set(columns)
        return any(key and set(key) <= wanted for key in (self.primary_key, *self.unique))

    def is_indexed(self, columns: tuple[str, ...]) -> bool:
        """Whether some index begins with these columns, in any order."""
        wanted = set(columns)
        return any(set(index[: len(columns)]) == wanted for index in self.indexes)


def _alike(collation: str) -> str:
    """Without which of MariaDB's two UTF-8s it is of: both take the same for the same."""
    return re.sub("^utf8(mb[34])?_", "", collation)


@dataclass(frozen=True, slots=True)
class Schema:
    dialect: Dialect
    tables: Mapping[str, Table] = field(default_factory=dict)

    def referring(self, name: str) -> list[tuple[Table, ForeignKey]]:
        """The tables whose foreign keys lead to that table, each with the key."""
        return [(table, key) for table in self.tables.values() for key in table.foreign_keys if key.table == name]
