"""The last look before a statement runs: does its own expression hold a key condition?

This module knows nothing of how statements are made. It is given the finished SQLAlchemy statement and the
columns that must be bound, and looks at the WHERE clause alone. What it cannot see through, it refuses.
"""

import re
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Delete, Select, TableClause, TableValuedAlias, Update
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import (
    BinaryExpression,
    BindParameter,
    BooleanClauseList,
    ClauseList,
    CollectionAggregate,
    ColumnClause,
    False_,
    Grouping,
    UnaryExpression,
)
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import ScalarSelect, SelectBase, Subquery

from slett.stores.errors import Unproven

FAITHFUL = {"lower", "convert", "slett_fold", "json_extract", "json_unquote", "nullif"}  # of null they make null
KEY_TABLE = re.compile(r"slett_((keys|list)_\d+|slices|staged_[0-9a-f]{32}_\d+)")


def insist(store: str, statement: Delete | Update, keys: Iterable[tuple[str, ...]]) -> None:
    """Let the statement pass, or not: see `is_bound`.

    Raises:
        Unproven: it is not bound to keys.
    """
    if not is_bound(statement, keys):
        raise Unproven(store, f"a change of `{statement.table}` is not bound to keys; report this as a fault")


def insist_on_locked(store: str, statement: Update, key: tuple[str, ...], keys: Iterable[tuple[str, ...]]) -> None:
    """Let an UPDATE pass whose rows are those of a subquery, by their key, where the subquery is bound.

    Raises:
        Unproven: it is not.
    """
    table, wanted = statement.table, {frozenset(each) for each in keys if each}
    pairs = _equated(statement.whereclause)
    rows = pairs[0][1].table if pairs else None
    select = rows.element if isinstance(rows, Subquery) else None
    if (
        key
        and isinstance(table, TableClause)
        and isinstance(select, Select)
        and select.whereclause is not None
        and all(left.table is table and right.table is rows for left, right in pairs)
        and [left.name for left, _ in pairs] == list(key)
        and [_of(table, select.selected_columns[right.name]) for _, right in pairs] == list(key)
        and _bound(select.whereclause, table.name, wanted)
    ):
        return
    raise Unproven(store, f"a change of `{statement.table}` is not bound to keys; report this as a fault")


def _equated(clause: Any) -> list[tuple[Any, Any]]:
    """The two sides of each equation of columns, where the clause is nothing but those joined by AND."""
    both = isinstance(clause, BooleanClauseList) and clause.operator is operators.and_
    clauses = clause.clauses if both else [clause]
    plain = all(
        isinstance(each, BinaryExpression)
        and each.operator is operators.eq
        and isinstance(each.left, ColumnClause)
        and isinstance(each.right, ColumnClause)
        for each in clauses
    )
    return [(each.left, each.right) for each in clauses] if plain else []


def _of(table: TableClause, selected: Any) -> str | None:
    """The column of the table that is selected, under whatever name."""
    source = getattr(selected, "element", selected)
    return source.name if isinstance(source, ColumnClause) and source.table is table else None


def is_bound(statement: Delete | Update, keys: Iterable[tuple[str, ...]]) -> bool:
    """Whether the statement can only reach rows that hold a listed key, or a key of a key table.

    Args:
        statement: what is about to run.
        keys: the column groups of which at least one must be compared whole, as a row value.
    """
    where, table = statement.whereclause, statement.table
    if where is None or not isinstance(table, TableClause):
        return False
    return _bound(where, table.name, {frozenset(key) for key in keys if key})


def _bound(clause: Any, table: str, keys: set[frozenset[str]]) -> bool:
    if isinstance(clause, Grouping) or (isinstance(clause, UnaryExpression) and clause.operator is operators.is_true):
        return _bound(clause.element, table, keys)
    if isinstance(clause, False_):
        return True  # no row at all
    if isinstance(clause, BooleanClauseList) and clause.operator is operators.or_:
        return bool(clause.clauses) and all(_bound(part, table, keys) for part in clause.clauses)
    if isinstance(clause, BooleanClauseList) and clause.operator is operators.and_:
        return any(_bound(part, table, keys) for part in clause.clauses) or _joined(clause.clauses, table) in keys
    if isinstance(clause, BinaryExpression) and clause.operator is operators.in_op:
        return _compared(clause.left, table) in keys and _key_values(clause.right)
    if isinstance(clause, BinaryExpression):
        return _joined([clause], table) in keys
    return False


def _joined(clauses: Iterable[Any], table: str) -> frozenset[str]:
    """The columns of `table` that are equated with a column of one and the same key table, or with values."""
    found: dict[str, set[str]] = {}
    for clause in clauses:
        if isinstance(clause, Grouping):
            clause = clause.element
        if not (isinstance(clause, BinaryExpression) and clause.operator is operators.eq):
            continue
        left = _compared(clause.left, table)
        if len(left) == 1 and (source := _source(clause.right)) is not None:
            found.setdefault(source, set()).update(left)
    return frozenset(max(found.values(), key=lambda group: len(set(group)), default=set()))


def _source(clause: Any) -> str | None:
    """The one key table that all columns of an expression are of; the empty text where there is none in it."""
    if any(isinstance(part, CollectionAggregate) and part.operator is not operators.any_op for part in _parts(clause)):
        return None  # every row equals all of nothing
    tables = {_key_table(column) for column in _columns(clause)}
    if not tables:
        return ""
    return next(iter(tables)) if len(tables) == 1 else None


def _key_table(column: Any) -> str | None:
    source = column.table
    plain = isinstance(source, TableClause) and source.schema is None
    if plain or (isinstance(source, TableValuedAlias) and _is_listed(source.element)):
        return str(source.name) if KEY_TABLE.fullmatch(source.name) else None
    return None


def _is_listed(clause: Any) -> bool:
    """Whether it is a table made of arrays that are sent along, and of nothing that is in the database."""
    unnested = isinstance(clause, FunctionElement) and clause.name == "unnest"
    return unnested and all(each.is_literal and each.table is None for each in _columns(clause))  # names of types


def _columns(clause: Any) -> list[ColumnClause[Any]]:
    return [part for part in _parts(clause) if isinstance(part, ColumnClause)]


def _parts(clause: Any) -> list[Any]:
    return list(visitors.iterate(clause))


def _compared(clause: Any, table: str) -> frozenset[str]:
    """The columns of `table` on one side of a comparison: one each, alone or under functions that know nothing else."""
    sides = clause.clauses if isinstance(clause, ClauseList) else [clause]
    names = [{column.name for column in _own(side, table)} for side in sides]
    return frozenset().union(*names) if all(len(each) == 1 for each in names) else frozenset()


def _own(clause: Any, table: str) -> list[ColumnClause[Any]]:
    if any(isinstance(part, FunctionElement) and part.name not in FAITHFUL for part in visitors.iterate(clause)):
        return []
    columns = _columns(clause)
    mine = all(getattr(column.table, "name", "") == table for column in columns)
    return columns if mine else []


def _key_values(clause: Any) -> bool:
    """Whether the right side of IN is a non-empty list of values, or a SELECT of columns of key tables alone."""
    if isinstance(clause, Grouping):
        return _key_values(clause.element)
    if isinstance(clause, BindParameter):
        return bool(clause.expanding and clause.value)
    if isinstance(clause, ScalarSelect | Subquery):
        return _key_values(clause.element)
    if isinstance(clause, SelectBase):
        return isinstance(clause, Select) and all(_source(part) for part in clause.selected_columns)
    if isinstance(clause, ClauseList):
        return bool(clause.clauses) and all(not _columns(part) for part in clause.clauses)
    return False
