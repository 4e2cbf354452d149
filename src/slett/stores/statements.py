"""Statements, made once and used for everybody: the same operation on as many keys is the same text.

A person's values are not part of a statement. It has slots, filled from the key sets each time that it runs, so
that making, proving and compiling it costs nothing from the second person on.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from sqlalchemy import (
    Connection,
    TableClause,
    and_,
    any_,
    delete,
    func,
    literal_column,
    select,
    table,
    tuple_,
    update,
)
from sqlalchemy import column as sa_column

from slett.stores.conditions import Conditions
from slett.stores.dialect import Dialect
from slett.stores.known import Bounds, Every, Known, Nth, Slot, bind, key_column
from slett.stores.operations import Change, Delete, Rows
from slett.stores.proof import insist

SLICES = "slett_slices"  # the numbered keys of one large step
Kind = Literal["rows", "places", "people"]
Part = Literal["", Kind]  # the whole of a change, or slices of one kind
NUMBER = "person"  # the first column of every key table: here, of each key


@dataclass(frozen=True, slots=True)
class Slice:
    """Part of a change: those who are numbered above `after` and up to `upto`.

    Persons, or a step's own rows: by their keys, or by the places where they lay when they were numbered.
    """

    after: int
    upto: int
    of: Kind = "rows"

    @property
    def bounds(self) -> dict[str, int]:
        """The values of a statement's `Extra`s."""
        return {"after": self.after, "upto": self.upto}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement as the driver takes it, with slots among its parameters."""

    text: str
    values: tuple[Any, ...]

    def parameters(self, known: Known, extra: Mapping[str, Any]) -> tuple[Any, ...]:
        """The parameters for the persons known now."""
        seen: dict[Hashable, list[tuple[Any, ...]]] = {}
        return tuple(
            each.value(known, seen)
            if isinstance(each, Slot | Every | Nth)
            else extra[each.name]
            if isinstance(each, Extra)
            else each
            for each in self.values
        )


@dataclass(frozen=True, slots=True)
class Extra:
    """A value that differs from run to run without being a key: a slice's bounds."""

    name: str


class Statements:
    """Makes the statements of one store, and remembers them in `made`."""

    def __init__(
        self,
        store: str,
        dialect: Dialect,
        conditions: Conditions,
        connection: Connection,
        made: dict[Hashable, Prepared],
    ) -> None:
        self.store = store
        self._dialect = dialect
        self._conditions = conditions
        self._connection = connection
        self._made = made

    def change(self, change: Change, of: Part = "") -> Prepared:
        """The DELETE or UPDATE of a change, proven; with `of`, of one slice of it.

        Raises:
            Unproven: its WHERE clause is not a key condition.
        """
        return self.remember(("change", change, of), change.rows, partial(self._change, change, of))

    def count(self, changes: Sequence[Change]) -> Prepared:
        """The SELECT that counts what each change would touch: rows of (place, count).

        It is put together from a part a change, each remembered by itself: one person's mixture of a few keys here
        and many there is hardly ever the next one's.
        """
        parts = [self.remember(("count", each), each.rows, partial(self._count, each)) for each in changes]
        text = " UNION ALL ".join(f"SELECT {place}, ({part.text})" for place, part in enumerate(parts))
        return Prepared(text, tuple(value for part in parts for value in part.values))

    def keys(self, rows: Rows, columns: tuple[str, ...], limit: int) -> Prepared:
        """The SELECT of (person's number, *some columns) of the rows, distinct."""

        def make() -> Any:
            target = self._conditions.table(rows.table)
            number, where = self._conditions.with_person(rows, target)
            wanted = select(number, *(target.c[each] for each in columns)).where(where)
            # written out: a plan that serves any limit would walk the primary key
            return wanted.distinct().limit(literal_column(str(limit)))

        return self.remember(("keys", rows, columns, limit), rows, make)

    def by_person(self, changes: Sequence[Change]) -> Prepared:
        """The SELECT that counts per person, for key sets in tables: rows of (place, person's number, count)."""
        parts = [self.remember(("by person", each), each.rows, partial(self._by_person, each)) for each in changes]
        text = " UNION ALL ".join(
            f"SELECT {place} AS place, part.* FROM ({part.text}) AS part"  # noqa: S608 - made here, with its parameters apart
            for place, part in enumerate(parts)
        )
        return Prepared(text, tuple(value for part in parts for value in part.values))

    def _by_person(self, change: Change) -> Any:
        target = self._conditions.table(change.rows.table)
        number: Any = self._conditions.person(change.rows)
        return (
            select(number.label("person"), func.count().label("rows"))
            .select_from(target, number.table)
            .where(self._counted(change, target, join=True))
            .group_by(number)
        )

    def numbered(self, change: Change, by: Kind, *, of: Part = "") -> Any:
        """The SELECT of the keys or places of a change's rows with their numbers; with `of`, of some people's."""
        target = self._conditions.table(change.rows.table)
        columns = [_key_column(target, each) for each in self._told_by(change.rows.table, by)]
        named = [each.label(key_column(n)) for n, each in enumerate(columns)]
        order = columns if by == "rows" else None  # else as they lie
        number = func.row_number().over(order_by=order).label(NUMBER)
        return select(number, *named).where(self.touched(change, target, people=self.bounds(of)))

    def row_key(self, name: str) -> tuple[str, ...]:
        """The columns that tell a table's rows apart; empty where nothing does."""
        return self._conditions.schema.tables[name].primary_key or self._dialect.row_key

    def _told_by(self, name: str, of: Part) -> tuple[str, ...]:
        """The columns that tell a table's rows apart in slices of that kind."""
        return (self._dialect.row_place,) if of == "places" else self.row_key(name)

    # -- making -------------------------------------------------------------------------------------

    def remember(self, what: tuple[Hashable, ...], rows: Rows, make: Callable[[], Any]) -> Prepared:
        key = (what, self._conditions.shape(rows), self._conditions.today, self._conditions.hash_key)
        return self.recall(key, make)

    def recall(self, key: Hashable, make: Callable[[], Any]) -> Prepared:
        """The statement of a key that says everything it is made of; made the first time."""
        if key not in self._made:
            self._made[key] = self.prepare(make())
        return self._made[key]

    def prepare(self, statement: Any) -> Prepared:
        """The statement as the driver takes it."""
        compiled = statement.compile(self._connection)
        state = compiled.construct_expanded_state()
        escaped = compiled.escaped_bind_names or {}  # of columns whose names a driver could not read
        names = (escaped.get(name, name) for name in state.positiontup or ())
        return Prepared(state.statement, tuple(state.parameters[name] for name in names))

    def _change(self, change: Change, of: Part) -> Any:
        rows = change.rows
        target = self._conditions.table(rows.table)
        joins, sliced = self._dialect.joins, of == "rows"
        parts = [self.touched(change, target, join=joins and not sliced, sliced=sliced, people=self.bounds(of))]
        if sliced:
            parts.append(self.in_slice(rows.table, target, join=joins))
        elif of == "places":
            parts.append(self._in_places(target))
        if isinstance(change, Delete):
            statement: Any = delete(target).where(*parts)
        else:
            values = {each.column: self._conditions.written(each, rows.table, target) for each in change.writes}
            statement = update(target).where(*parts).values(values)
        insist(self.store, statement, self.bound(rows, of))
        return statement

    def bound(self, rows: Rows, of: Part) -> list[tuple[str, ...]]:
        """The columns by which a change of these rows must be bound to keys: any one group of them."""
        if of in ("rows", "places"):
            return [self._told_by(rows.table, of)]
        return [rows.key] if rows.among else [each.columns for each in rows.links]

    def _count(self, change: Change) -> Any:
        target = self._conditions.table(change.rows.table)
        return select(func.count()).select_from(target).where(self._counted(change, target))

    def touched(
        self,
        change: Change,
        target: TableClause,
        *,
        join: bool = False,
        sliced: bool = False,
        people: Bounds | None = None,
    ) -> Any:
        """The condition of the rows that the change would touch now."""
        where = self._conditions.where(change.rows, target, join=join, sliced=sliced, people=people)
        if isinstance(change, Delete):
            return where
        return and_(where, self._conditions.unfinished(change, target))

    def _counted(self, change: Change, target: TableClause, *, join: bool = False) -> Any:
        """The same, without rows that an earlier step has counted already."""
        return and_(self.touched(change, target, join=join), self._conditions.not_earlier(change.rows, target))

    def bounds(self, of: Part) -> Bounds | None:
        """What bounds a slice of people: the extras `after` and `upto`."""
        return (bind(Extra("after")), bind(Extra("upto"))) if of == "people" else None

    def in_slice(self, name: str, target: TableClause, *, join: bool) -> Any:
        """The condition of the rows of a slice: its bounds are the extras `after` and `upto`."""
        key = self.row_key(name)
        numbered, bounds = self._slice(len(key))
        mine = [_key_column(target, each) for each in key]
        theirs = [numbered.c[key_column(n)] for n in range(len(key))]
        if join:
            return and_(*(one == other for one, other in zip(mine, theirs, strict=True)), bounds)
        left = mine[0] if len(mine) == 1 else tuple_(*mine)
        return left.in_(select(*theirs).where(bounds))

    def _in_places(self, target: TableClause) -> Any:
        """The same where the places are numbered: they travel as one array, by which rows are found without an index.

        Another's row may lie there by now, so this never stands alone: the condition of the change is beside it.
        """
        numbered, bounds = self._slice(1)
        places = select(numbered.c[key_column(0)]).where(bounds).scalar_subquery()
        return _key_column(target, self._dialect.row_place) == any_(func.array(places))

    def _slice(self, width: int) -> tuple[TableClause, Any]:
        """The numbered keys, of so many columns, and the condition of those of a slice."""
        numbered = table(SLICES, sa_column(NUMBER), *(sa_column(key_column(n)) for n in range(width)))
        after, upto = bind(Extra("after")), bind(Extra("upto"))
        return numbered, and_(numbered.c[NUMBER] > after, numbered.c[NUMBER] <= upto)


def _key_column(target: TableClause, name: str) -> Any:
    return target.c[name] if name in target.c else sa_column(name, _selectable=target)
