"""Schemas written in a line a table, and what the check says of a map beside them."""

import re
from collections.abc import Sequence
from datetime import date
from typing import cast, get_args

from slett.datamap.check import check_map
from slett.datamap.load import load_text
from slett.datamap.problem import Problem
from slett.stores.schema import Check, Column, Dialect, Family, ForeignKey, OnDelete, Schema, Table, Trigger

TODAY = date(2026, 11, 22)


def column(text: str) -> Column:
    """`email text(80)?`: a column, its family, how many characters it holds, and `?` where it may be null."""
    found = re.fullmatch(r"(\w+) (\w+)(?:\((\d+)\))?(\?)?( generated)?", text)
    assert found, text
    name, family, length, null, generated = found.groups()
    assert family in get_args(Family)
    return Column(
        name, cast(Family, family), family, bool(null), int(length) if length else None, generated=bool(generated)
    )


def key(
    columns: str, to: str, match: str = "id", on_delete: OnDelete = "NO ACTION", deferrable: bool = False
) -> ForeignKey:
    """A foreign key named after its columns."""
    return ForeignKey(
        f"{columns.replace(' ', '_')}_fk", tuple(columns.split()), to, tuple(match.split()), on_delete, deferrable
    )


def table(
    name: str,
    columns: str,
    *keys: ForeignKey,
    primary_key: str = "id",
    unique: Sequence[str] = (),
    unique_partly: Sequence[str] = (),
    checks: Sequence[str] = (),
    triggers: Sequence[Trigger] = (),
    indexes: Sequence[str] = (),
    rows: int = 0,
) -> Table:
    """A table: columns apart by commas, the columns of a key by blanks."""
    return Table(
        name,
        tuple(column(text.strip()) for text in columns.split(",")),
        primary_key=tuple(primary_key.split()),
        unique=tuple(tuple(each.split()) for each in unique),
        unique_partly=tuple(tuple(each.split()) for each in unique_partly),
        indexes=tuple(tuple(each.split()) for each in (primary_key, *unique, *indexes)),
        foreign_keys=keys,
        checks=tuple(Check(f"check_{number}", text) for number, text in enumerate(checks, 1)),
        triggers=tuple(triggers),
        rows=rows,
    )


USERS = table("users", "id integer, email text(80), active boolean", unique=["email"])


def found(text: str, *tables: Table, dialect: Dialect = "postgresql", today: date = TODAY) -> list[Problem]:
    """What the check says of the tables' entries, written below `tables:` of the one store `shop`."""
    datamap = load_text("slett: 1\nstores: {shop: {url: 'sqlite://', tables: {" + text + "}}}", environ={})
    return check_map(datamap, {"shop": Schema(dialect, {each.name: each for each in tables})}, today)


def codes(text: str, *tables: Table, dialect: Dialect = "postgresql", today: date = TODAY) -> list[str]:
    """The codes alone, warnings with a question mark."""
    return [
        problem.code + ("?" if problem.severity == "warning" else "")
        for problem in found(text, *tables, dialect=dialect, today=today)
    ]


ROOT = "users: {root: true, action: delete, identifiers: {email: email}}, "
