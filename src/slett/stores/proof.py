"""The last look before a statement runs: does its own expression hold a key condition?

This module knows nothing of how statements are made. It is given the finished SQLAlchemy statement and the
columns that must be bound, and looks at the WHERE clause alone. What it cannot see through, it refuses.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Delete, Select, TableClause, Update
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import (
    BinaryExpression,
    BindParameter,
    BooleanClauseList,
    ClauseList,
    ColumnClause,
    False_,
    Grouping,
    UnaryExpression,
)
from sqlalchemy.sql.selectable import ScalarSelect, SelectBase, Subquery

KEY_TABLE_PREFIX = "slett_"


def is_bound(statement: Delete | Update, keys: Iterable[tuple[str, ...]]) -> bool:
    """Whether the statement can only reach rows that hold a listed key, or a key of a key table.

    Args:
        statement: what is about to run.
        keys: the column groups of which at least one must be compared whole, as a row value.
    """
    where, table = statement.whereclause, statement.table
    if where is None or not isinstance(table, TableClause):
        return False
    return _bound(where, table.name, {frozenset(key) for key in keys})


def _bound(clause: Any, table: str, keys: set[frozenset[str]]) -> bool:
    if isinstance(clause, Grouping | UnaryExpression) and clause.operator in (None, operators.is_true):
        return _bound(clause.element, table, keys)
    if isinstance(clause, False_):
        return True  # no row at all
    if isinstance(clause, BooleanClauseList) and clause.operator is operators.or_:
        return bool(clause.clauses) and all(_bound(part, table, keys) for part in clause.clauses)
    if isinstance(clause, BooleanClauseList) and clause.operator is operators.and_:
        return any(_bound(part, table, keys) for part in clause.clauses) or _joined(clause.clauses, table) in keys
    if isinstance(clause, BinaryExpression) and clause.operator is operators.in_op:
        return _own_columns(clause.left, table) in keys and _key_values(clause.right)
    if isinstance(clause, BinaryExpression):
        return _joined([clause], table) in keys
    return False


def _joined(clauses: Iterable[Any], table: str) -> frozenset[str]:
    """The columns of `table` that are equated with a column of one and the same key table."""
    found: dict[str, set[str]] = {}
    for clause in clauses:
        if not (isinstance(clause, BinaryExpression) and clause.operator is operators.eq):
            continue
        left, right = _own_columns(clause.left, table), _tables(clause.right)
        if len(left) == 1 and len(right) == 1 and (other := next(iter(right))).startswith(KEY_TABLE_PREFIX):
            found.setdefault(other, set()).update(left)
    return frozenset(max(found.values(), key=lambda group: len(set(group)), default=set()))


def _columns(clause: Any) -> list[ColumnClause[Any]]:
    return [part for part in visitors.iterate(clause) if isinstance(part, ColumnClause) and not part.is_literal]


def _own_columns(clause: Any, table: str) -> frozenset[str]:
    columns = _columns(clause)
    mine = all(getattr(column.table, "name", "") == table for column in columns)
    return frozenset(column.name for column in columns) if mine else frozenset()


def _tables(clause: Any) -> set[str]:
    return {getattr(column.table, "name", "") for column in _columns(clause)}


def _key_values(clause: Any) -> bool:
    """Whether the right side of IN is a non-empty list of values, or a SELECT from key tables alone."""
    if isinstance(clause, Grouping):
        return _key_values(clause.element)
    if isinstance(clause, BindParameter):
        return bool(clause.expanding and clause.value)
    if isinstance(clause, ScalarSelect | Subquery):
        return _key_values(clause.element)
    if isinstance(clause, SelectBase):
        return isinstance(clause, Select) and all(
            getattr(source, "name", "").startswith(KEY_TABLE_PREFIX) for source in clause.get_final_froms()
        )
    if isinstance(clause, ClauseList):
        return bool(clause.clauses) and all(not _columns(part) for part in clause.clauses)
    return False
