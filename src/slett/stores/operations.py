"""The words between a plan and the stores: what to find and what to change, as plain frozen data.

A plan is made of these; every store answers them. Nothing here knows a driver, a database or a person:
the values that select a person's rows live in *key sets*, which an operation only names.
"""

from dataclasses import dataclass
from typing import Literal

from slett.stores.schema import Family

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Rule:
    """What a column becomes.

    `null`, `constant` (value) · `hash` (keyed, of the value; always 38 characters, `slett-` and 32 hex digits) ·
    `template` (value: text with `{column}` of the primary key in it) · `year`, `month` (a date cut to its first day) ·
    `prefix` (value: how many characters stay).
    """

    how: Literal["null", "constant", "hash", "template", "year", "month", "prefix"]
    value: Scalar = None


@dataclass(frozen=True, slots=True)
class KeySet:
    """What is known of the persons' rows in one table: the distinct values of some of its columns.

    `store` is empty for the values that a request names and for identifiers, which belong to no table.
    """

    name: str
    store: str
    table: str
    columns: tuple[str, ...]
    families: tuple[Family, ...]  # of the columns
    key: tuple[str, ...]  # those columns that tell rows apart


@dataclass(frozen=True, slots=True)
class Link:
    """Rows whose `columns` hold the same values as `at` in some row of a key set, compared as one row value."""

    columns: tuple[str, ...]
    keys: str
    at: tuple[str, ...]
    fold: bool = False  # letter case folded on both sides
    text: bool = False  # compared as text, because the two sides differ in type
    exact: bool = False  # text is the same letter by letter: over there the collation is another
    path: tuple[str, ...] = ()  # the column holds JSON; the value is at this path
    when: tuple[tuple[str, Scalar], ...] = ()  # and these columns hold these values
    none: tuple[Scalar, ...] = ()  # values that mean nobody, besides null and the empty text

    @property
    def rewrites(self) -> bool:
        """Whether both sides are put into another form before they are compared."""
        return bool(self.fold or self.exact or self.text or self.path)


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody else who still holds a shared row: another owner column, or another row of a link table.

    With `table`, a row of it whose `match` equals `columns` here and whose `key` is not in the key set;
    without, `columns` here hold somebody who is not in the key set at `key`.
    """

    columns: tuple[str, ...]
    keys: str
    key: tuple[str, ...]
    table: str = ""
    match: tuple[str, ...] = ()
    none: tuple[Scalar, ...] = ()
    link: Link | None = None  # without `table`: how the columns here are compared


@dataclass(frozen=True, slots=True)
class Due:
    """The time a kept row may go: `months` after `column`, or after the end of that column's year.

    With `parents`, the column is that of the parent row at the end of those hops: (columns here, table, match there).
    """

    column: str
    months: int
    year_end: bool
    parents: tuple[tuple[tuple[str, ...], str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one table that hang on a person: by any of the links, and in `among` where that is given."""

    table: str
    links: tuple[Link, ...]
    among: str = ""  # a key set of this table: only rows already collected
    key: tuple[str, ...] = ()  # the columns compared with it
    others: bool = False  # with `among`, turned round: only rows that were not collected
    unless: tuple[Holder, ...] = ()  # only rows that nobody else holds
    held: bool = False  # turned round: only rows that somebody else holds
    earlier: tuple[Link, ...] = ()  # ways that an earlier step deals with: not to be counted twice
    due: Due | None = None
    is_due: bool = True  # with `due`: rows whose time has come, or those whose time has not


@dataclass(frozen=True, slots=True)
class Collect:
    """Add the keys of these rows to a key set."""

    into: str
    rows: Rows


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete these rows."""

    rows: Rows


@dataclass(frozen=True, slots=True)
class Write:
    """One column's new value; with `path`, the value at that place of a JSON column."""

    column: str
    rule: Rule
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Update:
    """Write these columns in those of the rows where they are not so yet: a second time changes nothing."""

    rows: Rows
    writes: tuple[Write, ...]
    until: tuple[Write, ...] = ()  # what a later step makes of the same columns: then they are so already


Change = Delete | Update
