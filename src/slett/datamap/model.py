"""A data map, read and validated: frozen, with every default filled in and every place remembered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from slett.stores.operations import Rule as Rule
from slett.stores.operations import Scalar as Scalar

Kind = Literal["owner", "shared", "mention"]
Action = Literal["delete", "anonymise", "keep", "ignore", "undecided"]
Closing = Literal["hide", "seal"]  # flags and the like, or everything put away
OTHER = "other"  # the category of a table that has none


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the map a thing was written: for messages."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Reference:
    """How a row hangs on a person: `columns` here equal `match` over there.

    Either `table` is set (with `store`, the reference may cross stores), or `identifier`, the name of an
    identifier that roots declare.
    """

    columns: tuple[str, ...]
    place: Place
    kind: Kind = "owner"
    store: str = ""
    table: str = ""
    match: tuple[str, ...] = ()  # empty: the primary key over there
    identifier: str = ""
    fold: bool = False  # compare with letter case folded; always so for an identifier of text
    path: tuple[str, ...] = ()  # the column holds JSON, the value is at this path
    when: tuple[tuple[str, Scalar], ...] = ()  # polymorphic: only rows with these values
    none: tuple[Scalar, ...] = ()  # values that mean nobody, besides null and the empty text
    set: tuple[Scalar, ...] = ()  # what the map says that detaching writes, one a column; empty: nothing is said
    anonymise: tuple[tuple[str, Rule], ...] = ()  # columns of the row that stays

    @property
    def becomes(self) -> tuple[Scalar, ...]:
        """What detaching writes, one a column; empty: null wherever a column may be null."""
        return () if all(value is None for value in self.set) else self.set


@dataclass(frozen=True, slots=True)
class Until:
    """When a kept row ends: `months` after `column` (or after the end of its year), or with its parent `table`."""

    column: str = ""
    months: int = 0
    year_end: bool = False
    table: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """What a person reads, in one or more languages."""

    texts: tuple[tuple[str, str], ...] = ()  # language tag (BCP 47) → text; without a tag: in every language

    def said_in(self, language: str) -> str:
        """The text in that language, else without its region and script, else in English, else the first."""
        by_tag = {tag.casefold(): text for tag, text in reversed(self.texts)}
        wanted = language.casefold()
        while wanted:
            if wanted in by_tag:
                return by_tag[wanted]
            wanted = wanted.rpartition("-")[0]
        return by_tag.get("en", self.texts[0][1] if self.texts else "")


@dataclass(frozen=True, slots=True)
class Block:
    """What a person must settle first: their rows with these values, or those that nobody holds with them."""

    text: Words
    place: Place
    when: tuple[tuple[str, Scalar], ...] = ()
    alone: bool = False
    link: str = ""  # where they settle it


@dataclass(frozen=True, slots=True)
class Recipient:
    """A third party that must be told (Art. 19 GDPR)."""

    name: str
    what: Words  # what it holds or does
    country: str = ""


# What columns become, or that the rows go at once.
Change = tuple[tuple[str, Rule], ...] | Literal["delete"]


@dataclass(frozen=True, slots=True)
class TableMap:
    store: str
    name: str
    action: Action
    place: Place
    root: bool = False
    identifiers: tuple[tuple[str, str], ...] = ()  # identifier name → column
    references: tuple[Reference, ...] = ()
    anonymise: tuple[tuple[str, Rule], ...] = ()  # with `anonymise` and `keep`
    columns: tuple[str, ...] = ()  # with `keep`: these stay; with `anonymise`: personal-looking ones that may stay
    until: Until | None = None
    basis: str = ""  # of a row that is kept as long as its parent: the parent's, unless it has one of its own
    inherited_basis: bool = False
    reason: str = ""
    owner: str = ""
    review: date | None = None
    disable: Change | None = None  # done first, before any row goes
    close: Change | None = None  # done besides when the account is closed, and not erased
    unsubscribe: Change | None = None  # ends commercial mail
    category: str = OTHER  # under which the person is told of these rows
    blocks: tuple[Block, ...] = ()  # what must be settled before the person leaves
    triggers: tuple[str, ...] = ()  # triggers that somebody has looked at
    omit: tuple[str, ...] = ()  # columns that an export leaves out (password hashes)
    dropped: tuple[str, ...] = ()  # columns that are gone: rows come back without them
    places: Mapping[tuple[str | int, ...], Place] = field(default_factory=dict, compare=False, repr=False)

    def at(self, *path: str | int) -> Place:
        """Where something of this table was written, `at("anonymise", "email")`, or the nearest thing around it."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, self.place)

    @property
    def lighter(self) -> tuple[tuple[str, Change], ...]:
        """What closing the account does, in this order: the key of the map, and what it says."""
        every = (("disable", self.disable), ("unsubscribe", self.unsubscribe), ("close", self.close))
        return tuple((key, change) for key, change in every if change is not None)

    def __str__(self) -> str:
        return f"{self.store}/{self.name}"


@dataclass(frozen=True, slots=True)
class StoreMap:
    name: str
    url: str = field(repr=False)  # with the environment's values filled in; never print it whole
    written: str = field(repr=False)  # the same as it stands in the file
    tables: Mapping[str, TableMap]
    place: Place


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The most one person's erasure may touch: a wrong map cannot empty a table."""

    rows: int = 100_000
    share: float = 0.5  # of any table that holds a thousand rows or more
    per_day: int = 10_000_000  # rows of everybody together, after which all work is paused


@dataclass(frozen=True, slots=True)
class DataMap:
    file: str
    digest: str  # SHA-256 of the file, hexadecimal
    stores: Mapping[str, StoreMap]
    ceiling: Ceiling = field(default_factory=Ceiling)
    categories: Mapping[str, Words] = field(default_factory=dict)
    recipients: tuple[Recipient, ...] = ()
    backup_days: int | None = None  # how long backups keep what is erased
    closing: Closing = "hide"
    places: Mapping[tuple[str | int, ...], Place] = field(default_factory=dict, compare=False, repr=False)

    @property
    def tables(self) -> tuple[TableMap, ...]:
        """Every mapped table of every store, in the order of the file."""
        return tuple(table for store in self.stores.values() for table in store.tables.values())

    @property
    def roots(self) -> tuple[TableMap, ...]:
        """The tables that have one row per person."""
        return tuple(table for table in self.tables if table.root)

    def table(self, store: str, name: str) -> TableMap | None:
        """The mapped table of that name, or None."""
        return self.stores[store].tables.get(name) if store in self.stores else None

    def source(self, table: TableMap) -> TableMap | None:
        """The table whose rows say when those of this one end: itself, or where its `until: {as: …}` leads in the end.

        None where that leads to no mapped table, or back to where it began.
        """
        seen = set()
        while table.action == "keep" and table.until and table.until.table:
            seen.add(table.name)
            parent = self.table(table.store, table.until.table)
            if parent is None or parent.name in seen:
                return None
            table = parent
        return table

    def together(self, table: TableMap, parent: TableMap) -> bool:
        """Whether kept rows end with the kept ones of `parent` that they refer to: the same row says when."""
        if not (table.action == parent.action == "keep" and table.until and table.until.table):
            return False
        source = self.source(table)
        return source is not None and source is self.source(parent)
