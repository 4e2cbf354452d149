"""A made-up service whose truth is known: every row remembers, by object and not by value, on whom it hangs.

What becomes of the rows when people leave is worked out here from the design's own words (section 3) and the page
on the data map, in plain Python and without Slett. Databases and the map are only written from it.
"""

import hashlib
import hmac
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from slett.stores.schema import Dialect

TODAY = date(2026, 11, 22)
Kind = Literal["owner", "shared", "mention"]
Action = Literal["delete", "anonymise", "keep"]


@dataclass(eq=False, repr=False)
class Reference:
    """One reference of the map; `foreign_key` is what follows REFERENCES, or None where nothing is declared."""

    kind: Kind
    columns: tuple[str, ...]
    to: "Table | None" = None
    match: tuple[str, ...] = ()
    identifier: str = ""
    through: bool = False  # shared by the rows of the link table `to`
    when: dict[str, str] = field(default_factory=dict)
    none: tuple[int, ...] = ()
    set: tuple[int, ...] = ()
    anonymise: dict[str, Any] = field(default_factory=dict)
    foreign_key: str | None = None

    def written(self) -> dict[str, Any]:
        found: dict[str, Any] = {"columns": self.columns, "kind": self.kind}
        if self.to is None:
            found["identifier"] = self.identifier
        else:
            found |= {"to": self.to.name} | ({"match": self.match} if self.match != self.to.key else {})
        written = {name: getattr(self, name) for name in ("when", "none", "set", "anonymise")}
        return found | {name: value for name, value in written.items() if value}


@dataclass(eq=False, repr=False)
class Row:
    """One row: `links` holds what each reference leads to, a row or somebody's address; nothing where to nobody."""

    table: "Table"
    values: dict[str, Any]
    links: dict[Reference, "Row | str"] = field(default_factory=dict)


@dataclass(eq=False, repr=False)
class Table:
    name: str
    key: tuple[str, ...] = ()
    columns: dict[str, str] = field(default_factory=dict)  # name → type, with NOT NULL
    unique: tuple[str, ...] = ()
    root: bool = False
    identifiers: dict[str, str] = field(default_factory=dict)
    references: list[Reference] = field(default_factory=list)
    action: Action = "delete"
    anonymise: dict[str, Any] = field(default_factory=dict)
    disable: dict[str, Any] | Literal["delete"] | None = None
    until: dict[str, Any] | None = None
    rows: list[Row] = field(default_factory=list)
    further: Reference | None = None  # a foreign key that the map does not speak of

    def nullable(self, column: str) -> bool:
        return "NOT NULL" not in self.columns[column] and column not in self.key

    @property
    def owned(self) -> bool:
        return self.root or any(each.kind != "mention" for each in self.references)

    @property
    def foreign_keys(self) -> list[Reference]:
        every = [*self.references, self.further] if self.further else self.references
        return [each for each in every if each.foreign_key is not None]

    def parent(self, reference: Reference, row: Row) -> Row | None:
        link = row.links.get(reference)
        return link if isinstance(link, Row) else None

    def written(self) -> dict[str, Any]:
        found: dict[str, Any] = {"references": [each.written() for each in self.references], "action": self.action}
        if self.action == "keep":
            found |= {"until": self.until, "basis": "a law"}
        written = {name: getattr(self, name) for name in ("root", "identifiers", "anonymise", "disable")}
        return found | {name: value for name, value in written.items() if value}


@dataclass(eq=False, repr=False)
class Person:
    """Somebody who may leave: their rows in the roots, or for a guest only an address."""

    number: int
    roots: list[Row] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)  # in lower case


@dataclass(eq=False, repr=False)
class World:
    tables: list[Table]
    people: list[Person]

    # -- written down ---------------------------------------------------------------------------------

    def map(self) -> str:
        """The YAML below `tables:`."""
        return "\n".join(f"{json.dumps(table.name)}: {json.dumps(table.written())}" for table in self.tables)

    def statements(self, dialect: Dialect) -> Iterator[str]:
        """Everything that makes the database, rows before the foreign keys that might forbid their order."""
        quote = "`" if dialect == "mariadb" else '"'

        def q(names: Iterable[str]) -> str:
            return ", ".join(f"{quote}{name}{quote}" for name in names)

        for table in self.tables:
            parts = [f"{q([name])} {kind}" for name, kind in table.columns.items()]
            parts += [f"PRIMARY KEY ({q(table.key)})"] if table.key else []
            parts += [f"UNIQUE ({q([name])})" for name in table.unique]
            if dialect == "sqlite":
                parts += [self._foreign_key(each, q) for each in table.foreign_keys]
            yield f"CREATE TABLE {q([table.name])} ({', '.join(parts)})"
        for table in self.tables:
            for row in table.rows:
                values = ", ".join("NULL" if each is None else repr(each) for each in row.values.values())
                yield f"INSERT INTO {q([table.name])} ({q(row.values)}) VALUES ({values})"
        for table in self.tables if dialect != "sqlite" else ():
            for each in table.foreign_keys:
                clause = self._foreign_key(each, q)
                clause = clause.partition(" DEFERRABLE")[0] if dialect == "mariadb" else clause
                yield f"ALTER TABLE {q([table.name])} ADD {clause}"

    @staticmethod
    def _foreign_key(reference: Reference, q: Any) -> str:
        assert reference.to
        return (
            f"FOREIGN KEY ({q(reference.columns)}) REFERENCES {q([reference.to.name])} ({q(reference.match)}) "
            f"{reference.foreign_key}"
        )

    def contents(self) -> dict[str, list[tuple[str, ...]]]:
        """Every row of every table, as text."""
        return {
            table.name: sorted(tuple(str(value) for value in row.values.values()) for row in table.rows)
            for table in self.tables
        }

    # -- what must become of it -----------------------------------------------------------------------

    def leave(self, people: Sequence[Person], hash_key: bytes) -> None:
        """These people are erased together: afterwards every row is as it must be."""
        taken, addresses = self.taken(people)
        changes = [(row, self._change(row, taken, addresses, hash_key)) for table in self.tables for row in table.rows]
        for row, change in changes:
            if change is None:
                row.table.rows.remove(row)
            else:
                row.values |= change
        for table in self.tables:
            for row in table.rows:
                for reference, _ in [*row.links.items()]:
                    if _is_cut(row, reference, changes):
                        del row.links[reference]

    def taken(self, people: Sequence[Person]) -> tuple[set[Row], set[str]]:
        """(the rows that are these people's, the addresses that are known of them)."""
        roots = [row for person in people for row in person.roots if row in row.table.rows]
        addresses = {address for person in people for address in person.addresses}
        taken = set(roots)
        while more := [
            row for table in self.tables for row in table.rows if row not in taken and _is_theirs(row, taken, addresses)
        ]:
            taken.update(more)
        return taken, addresses

    def _change(self, row: Row, taken: set[Row], addresses: set[str], hash_key: bytes) -> dict[str, Any] | None:
        """What a row becomes; None: it goes."""
        table, mine = row.table, row in taken
        change: dict[str, Any] = {}
        going = [each for each in table.references if _leads_to(row, each, taken, addresses) and not each.through]
        for each in going:
            if each.kind == "mention" or (each.kind == "shared" and not mine):
                change |= {} if each.kind == "mention" and _stays(row, each) else _detached(table, each)
                change |= _ruled(each.anonymise, row, hash_key)
        if not mine:
            return change
        if isinstance(table.disable, dict):
            change |= _ruled(table.disable, row, hash_key)
        if table.action == "delete" or (table.action == "keep" and _is_due(row)):
            return None
        for each in going:
            if each.kind != "mention" and _goes(table, each):
                decided = {*table.key, *table.anonymise}
                change |= {name: value for name, value in _detached(table, each).items() if name not in decided}
        return change | _ruled(table.anonymise, row, hash_key)


def _is_theirs(row: Row, taken: Collection[Row], addresses: set[str]) -> bool:
    table = row.table
    if any(each.kind == "owner" and _leads_to(row, each, taken, addresses) for each in table.references):
        return True
    if table.root:  # two roots of one person find each other
        for child in (child for child in taken if child.table.root):
            if any(each.kind == "owner" and child.links.get(each) is row for each in child.table.references):
                return True
    holders: list[bool] = []
    for each in table.references:
        if each.through and each.to:
            members = [member for member in each.to.rows if row in member.links.values()]
            holders += [member in taken for member in members]
        elif each.kind == "shared" and each in row.links:
            holders.append(_leads_to(row, each, taken, addresses))
    return bool(holders) and all(holders)


def _leads_to(row: Row, reference: Reference, taken: Collection[Row], addresses: set[str]) -> bool:
    link = row.links.get(reference)
    return link in addresses if isinstance(link, str) else link in taken


def _goes(table: Table, reference: Reference) -> bool:
    """Whether what a reference leads to goes, now or on a day of its own."""
    parent = reference.to
    if parent is None or parent.action == "delete":
        return True
    return parent.action == "keep" and (table.until or {}).get("as") != parent.name


def _stays(row: Row, mention: Reference) -> bool:
    """Whether what is mentioned stays, and with it the mention: for good, or until its time comes."""
    link = row.links[mention]
    if isinstance(link, str) or link.table.action == "delete":
        return False
    return not mention.set if link.table.action == "anonymise" else not _is_due(link)


def _is_cut(row: Row, reference: Reference, changes: list[tuple[Row, dict[str, Any] | None]]) -> bool:
    change = next((change for each, change in changes if each is row), None) or {}
    return any(name in change for name in reference.columns) and not reference.through


def _detached(table: Table, reference: Reference) -> dict[str, Any]:
    if reference.set:
        return dict(zip(reference.columns, reference.set, strict=True))
    return {name: None for name in reference.columns if table.nullable(name)}


def _is_due(row: Row) -> bool:
    until = row.table.until or {}
    if "as" in until:
        reference = next(
            each for each in row.table.references if each.kind == "owner" and each.to and each.to.name == until["as"]
        )
        parent = row.table.parent(reference, row)
        return parent is not None and _is_due(parent)
    start = date.fromisoformat(row.values[until["column"]])
    years = int(until["add"].split()[0])
    if until.get("from"):
        return TODAY.year > start.year + years
    return start.replace(year=start.year + years) < TODAY


def _ruled(rules: dict[str, Any], row: Row, hash_key: bytes) -> dict[str, Any]:
    return {column: _rule(rule, row.values[column], row, hash_key) for column, rule in rules.items()}


def _rule(rule: Any, value: Any, row: Row, hash_key: bytes) -> Any:
    match rule:
        case {"template": text}:
            return text.format(**row.values)
        case {"hash": True}:
            done = value is None or (value.startswith("slett-") and len(value) == 38)
            return value if done else "slett-" + hmac.new(hash_key, value.encode(), hashlib.sha256).hexdigest()[:32]
        case {"prefix": length}:
            return value and value[:length]
        case {"cut": unit}:
            return value and value[: {"year": 4, "month": 7}[unit]] + {"year": "-01-01", "month": "-01"}[unit]
        case _:
            return rule
