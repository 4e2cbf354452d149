"""No statement runs that is not bound to keys: what the last look refuses, and that it refuses nothing of ours."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    all_,
    and_,
    any_,
    bindparam,
    column,
    delete,
    false,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
    table,
    true,
    tuple_,
)
from sqlalchemy import text as raw_text
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import AsBoolean, BinaryExpression, BooleanClauseList, ColumnClause, False_, Grouping
from sqlalchemy.sql.selectable import Exists
from sqlalchemy.types import NullType

from slett.stores.conditions import Conditions
from slett.stores.dialect import parse_url
from slett.stores.known import Inline, Stored
from slett.stores.operations import Due, Holder, Link, Rows
from slett.stores.proof import is_bound
from slett.stores.schema import Column, Family, Schema, Table

ORDERS = table("orders", column("shop"), column("no"), column("user_id"), column("note"))
USERS = table("users", column("id"), column("mail"))
KEYS = table("slett_keys_1", column("person"), column("k0"), column("k1"))
MORE = table("slett_keys_2", column("person"), column("k0"), column("k1"))
KEY = ("shop", "no")
PAIR = tuple_(ORDERS.c.shop, ORDERS.c.no)

BOUND: dict[str, Any] = {
    "any of an array": ORDERS.c.user_id == any_(bindparam("keys", "{1,2}", type_=NullType())),
    "one column in a list": ORDERS.c.user_id.in_([1, 2]),
    "a row value in a list": PAIR.in_([(1, 2)]),
    "a row value in a key table": PAIR.in_(select(KEYS.c.k0, KEYS.c.k1)),
    "joined with a key table": and_(ORDERS.c.shop == KEYS.c.k0, ORDERS.c.no == KEYS.c.k1),
    "letter case folded": func.lower(ORDERS.c.user_id).in_(select(func.lower(KEYS.c.k0))),
    "any of several, all bound": or_(ORDERS.c.user_id.in_([1]), PAIR.in_([(1, 2)])),
    "further narrowed": and_(ORDERS.c.note.is_(None), ORDERS.c.user_id.in_([1])),
    "no row at all": false(),
    "no row at all, in one way": or_(false()),
}

UNBOUND: dict[str, Any] = {
    "true": true(),
    "not the case that there is no row": not_(or_(false())),
    "literal true": literal_column("1 = 1"),
    "text": raw_text("user_id IN (1)"),
    "bound, or true": or_(ORDERS.c.user_id.in_([1]), ORDERS.c.no == ORDERS.c.no),
    "bound, or literal true": or_(ORDERS.c.user_id.in_([1]), literal_column("true")),
    "bound, or another column": or_(ORDERS.c.user_id.in_([1]), ORDERS.c.note == "x"),
    "one column of a composite key": ORDERS.c.shop.in_([1]),
    "one column of a composite key, joined": ORDERS.c.shop == KEYS.c.k0,
    "a composite key, column by column": and_(ORDERS.c.shop.in_([1]), ORDERS.c.no.in_([2])),
    "a composite key from two key tables": and_(ORDERS.c.shop == KEYS.c.k0, ORDERS.c.no == MORE.c.k1),
    "a sum of the key's columns": (ORDERS.c.shop + ORDERS.c.no).in_([3]),
    "an expression that knows no row": func.coalesce(ORDERS.c.user_id, 1).in_([1]),
    "not in a list": ORDERS.c.user_id.not_in([1]),
    "not in, the other way": not_(ORDERS.c.user_id.in_([1])),
    "not in a key table": ORDERS.c.user_id.not_in(select(KEYS.c.k0)),
    "an empty list": ORDERS.c.user_id.in_([]),
    "in a table of the service": ORDERS.c.user_id.in_(select(USERS.c.id)),
    "in a table of the service beside a key table": ORDERS.c.user_id.in_(select(USERS.c.id).select_from(KEYS, USERS)),
    "in a table of the service that calls itself a key table": ORDERS.c.user_id.in_(
        select(USERS.alias("slett_keys_1").c.id)
    ),
    "in its own value, from a key table": ORDERS.c.user_id.in_(
        select(literal_column("orders.user_id")).select_from(KEYS)
    ),
    "joined with itself under a key table's name": ORDERS.c.user_id == ORDERS.alias("slett_keys_1").c.user_id,
    "a key table beside, nothing equated": KEYS.c.k0 == 1,
    "larger than a key": ORDERS.c.user_id > KEYS.c.k0,
    "equal to itself": ORDERS.c.user_id == ORDERS.c.user_id,
    "unlike a key": ORDERS.c.user_id != KEYS.c.k0,
    "equal to all of a list": ORDERS.c.user_id == all_(bindparam("keys", "{}", type_=NullType())),
    "equal to any in a table of the service": ORDERS.c.user_id == any_(select(USERS.c.id).scalar_subquery()),
    "a constant in a list": literal(1).in_([1]),
    "another column": ORDERS.c.note.in_(["x"]),
}


def bound(where: Any, *keys: tuple[str, ...]) -> bool:
    return is_bound(delete(ORDERS).where(where), keys or (KEY, ("user_id",)))


@pytest.mark.parametrize("what", BOUND)
def test_a_key_condition_is_seen(what: str) -> None:
    assert bound(BOUND[what])


@pytest.mark.parametrize("what", UNBOUND)
def test_what_is_no_key_condition_is_refused(what: str) -> None:
    assert not bound(UNBOUND[what])


def test_no_condition_is_refused() -> None:
    assert not is_bound(delete(ORDERS), [KEY])


@pytest.mark.parametrize("what", ["constant", "anything"])
def test_a_key_of_no_columns_binds_nothing(what: str) -> None:
    where = {"constant": literal(1).in_([1]), "anything": and_(ORDERS.c.note == "x", ORDERS.c.no == 1)}[what]
    assert not bound(where, ())


# -- everything that we make ------------------------------------------------------------------------

SCHEMA = Schema(
    "sqlite",
    {
        "orders": Table(
            "orders",
            (
                *(Column(name, "integer", "integer") for name in ("shop", "no", "user_id", "seller_id")),
                *(Column(name, "text", "text") for name in ("mail", "kind")),
                Column("placed", "date", "date"),
            ),
            primary_key=KEY,
        ),
        "members": Table(
            "members", tuple(Column(name, "integer", "integer") for name in ("shop", "no", "id")), primary_key=("id",)
        ),
    },
)
LINKS = (
    Link(("user_id",), "users", ("id",)),
    Link(("user_id",), "users", ("id",), none=(0,)),
    Link(("user_id",), "users", ("id",), text=True),
    Link(("user_id",), "users", ("id",), when=(("kind", "user"),)),
    Link(("mail",), "users", ("mail",), fold=True),
    Link(("mail",), "users", ("id",), path=("user", "id")),
    Link(("shop", "no"), "orders", ("shop", "no")),
    Link(("shop", "no"), "orders", ("shop", "no"), fold=True),
    Link(("seller_id", "no"), "orders", ("shop", "no")),
)
HOLDERS = (
    Holder(("seller_id",), "users", ("id",), none=(0,)),
    Holder(("shop", "no"), "members", ("id",), "members", ("shop", "no")),
)

KEY_SETS: dict[str, tuple[tuple[str, ...], tuple[Family, ...]]] = {
    "users": (("id", "mail"), ("integer", "text")),
    "orders": (KEY, ("integer", "integer")),
    "members": (("id",), ("integer",)),
}


@st.composite
def known(draw: st.DrawFn) -> dict[str, Inline | Stored]:
    found: dict[str, Inline | Stored] = {}
    for name, (columns, families) in KEY_SETS.items():
        values = draw(st.lists(st.tuples(*(st.integers(0, 9) for _ in columns)), max_size=3))
        if draw(st.booleans()):
            found[name] = Inline(columns, families, list(values))
        else:
            found[name] = Stored(columns, families, f"slett_keys_{len(found)}")
    return found


@st.composite
def selections(draw: st.DrawFn) -> Rows:
    links = tuple(draw(st.lists(st.sampled_from(LINKS), max_size=3, unique=True)))
    among = draw(st.booleans()) or not links
    due = draw(st.sampled_from([None, Due("placed", 60, False)]))
    holders = tuple(draw(st.lists(st.sampled_from(HOLDERS), max_size=2, unique=True)))
    held = bool(holders) and draw(st.booleans())
    return Rows(
        "orders",
        links,
        among="orders" if among else "",
        key=KEY,
        unless=holders,
        held=held,
        due=due,
        is_due=draw(st.booleans()),
    )


def conditions(kind: str, keys: dict[str, Inline | Stored]) -> tuple[Conditions, bool]:
    dialect, _ = parse_url("shop", f"{kind}://")
    return Conditions(dialect, SCHEMA, keys, date(2026, 11, 22), b"key"), dialect.joins


def groups(rows: Rows) -> list[tuple[str, ...]]:
    return [rows.key] if rows.among else [link.columns for link in rows.links]


@given(rows=selections(), keys=known(), kind=st.sampled_from(["sqlite", "postgresql", "mariadb"]))
@settings(max_examples=300, deadline=None, derandomize=True, database=None)
def test_whatever_we_make_is_bound(rows: Rows, keys: dict[str, Inline | Stored], kind: str) -> None:
    made, joins = conditions(kind, keys)
    target = made.table("orders")
    assert is_bound(delete(target).where(made.where(rows, target, join=joins)), groups(rows))


@given(rows=selections(), keys=known(), kind=st.sampled_from(["sqlite", "postgresql", "mariadb"]))
@settings(max_examples=300, deadline=None, derandomize=True, database=None)
def test_without_any_one_part_that_holds_the_key_nothing_is_bound(
    rows: Rows, keys: dict[str, Inline | Stored], kind: str
) -> None:
    """Rows that are found in one way: each part that compares a key column, or says that there is no row, is needed."""
    made, joins = conditions(kind, keys)
    one_way = replace(rows, links=() if rows.among else rows.links[:1])
    target = made.table("orders")
    where = made.where(one_way, target, join=joins)
    several = isinstance(where, BooleanClauseList) and where.operator is operators.and_
    parts = list(where.clauses) if several else [where]
    own = set(groups(one_way)[0])
    needed = [part for part in parts if _compares(part, own) and not isinstance(part, Exists)]
    assert needed
    for part in needed:
        rest = [other for other in parts if other is not part]
        assert not is_bound(delete(target).where(and_(true(), *rest)), groups(one_way))


def _compares(part: Any, columns: set[str]) -> bool:
    """Whether the part says what a key column of the table equals, or may equal; or that no row does."""
    if isinstance(part, Grouping) or (isinstance(part, AsBoolean) and part.operator is operators.is_true):
        return _compares(part.element, columns)
    if isinstance(part, False_):
        return True
    if isinstance(part, BooleanClauseList):  # one row value after the other, each whole or column by column
        return all(_compares(each, columns) for each in part.clauses)
    if not isinstance(part, BinaryExpression) or part.operator not in (operators.eq, operators.in_op):
        return False
    named = {
        each.name for each in visitors.iterate(part.left) if isinstance(each, ColumnClause) and not each.is_literal
    }
    return bool(named) and named <= columns
