"""Operations become SQL expressions here: which rows, and what is written. Built, never run."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import (
    String,
    TableClause,
    and_,
    any_,
    bindparam,
    cast,
    column,
    exists,
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

from slett.stores.dialect import Dialect
from slett.stores.due import cutoff
from slett.stores.known import (
    LISTED,
    PLAIN,
    Bounds,
    Every,
    Inline,
    KeyTable,
    Known,
    Listed,
    Slot,
    Value,
    bind,
    key_column,
    projected,
    rounded,
)
from slett.stores.operations import Due, Holder, Link, Rows, Rule, Scalar, Update, Write
from slett.stores.schema import Family, Schema

Condition = Any  # as `Value` is

HASH_MARK = "slett-"
HASH_LENGTH = len(HASH_MARK) + 32


class Conditions:
    """Renders operations for one store, with the key sets known at the moment."""

    def __init__(self, dialect: Dialect, schema: Schema, known: Known, today: date, hash_key: bytes) -> None:
        self.dialect = dialect
        self.schema = schema
        self.known = known
        self.today = today
        self.hash_key = hash_key

    def table(self, name: str) -> TableClause:
        """The table, under its schema-qualified name."""
        live = self.schema.tables[name]
        return table(live.plain_name, *(column(each.name) for each in live.columns), schema=live.schema or None)

    # -- which rows ---------------------------------------------------------------------------------

    def where(
        self,
        rows: Rows,
        target: TableClause,
        *,
        join: bool = False,
        sliced: bool = False,
        people: Bounds | None = None,
    ) -> Condition:
        """The condition of these rows.

        Args:
            join: key tables are equated instead of asked with IN.
            sliced: the rows were numbered by this very condition, so their primary keys are not compared once more.
            people: only what is of these persons, as the key table of `person` says.
        """
        parts: list[Condition] = [true()]
        # without a primary key a slice goes by places, and at one of those may be another's row by now
        if rows.among and not (sliced and self.schema.tables[rows.table].primary_key):
            driving = None if rows.others else people
            collected = self.among(rows.among, rows.key, target, join=join and not rows.others, people=driving)
            parts.append(not_(collected) if rows.others else collected)
            join = join and rows.others  # one key table drives the join; the links only confirm
            people = people if rows.others else None
        if rows.links:
            parts.append(or_(*(self.link(link, rows.table, target, join=join, people=people) for link in rows.links)))
        if rows.unless:
            held = or_(*(self.holder(holder, rows.table, target) for holder in rows.unless))
            parts.append(held if rows.held else not_(held))
        if rows.due:
            due = self.due(rows.due, rows.table, target)
            parts.append(due if rows.is_due else not_(due))
        return and_(*parts)

    def not_earlier(self, rows: Rows, target: TableClause) -> Condition:
        """Rows that no earlier step has reached."""
        reached = (self.link(link, rows.table, target) for link in rows.earlier)
        return and_(true(), *(not_(func.coalesce(each, false())) for each in reached))

    def link(
        self, link: Link, name: str, target: TableClause, *, join: bool = False, people: Bounds | None = None
    ) -> Condition:
        sides = [self._side(link, each, name, target) for each in link.columns]
        keys = self.known[link.keys]
        when = [target.c[each] == bind(value) for each, value in link.when]
        if isinstance(keys, Inline):
            if not link.rewrites:
                return and_(self._in(sides, link.keys, keys, link.at, link.none), *when)
            if not projected(keys, link.at, link.none):
                return false()  # nothing is an index's to find: a plan for whatever comes would read the whole table
            values = self._slots(link.keys, keys, link.at, link.none, text=link.text or bool(link.path))
            return and_(self._among_values(sides, values, link), *when)
        others = self._others(link, name, keys)
        somebody = [*self._somebody(keys, link), *_within(keys, people)]
        if join:
            return and_(*(side == other for side, other in zip(sides, others, strict=True)), *somebody, *when)
        return and_(_row(sides).in_(select(*others).where(*somebody)), *when)

    def among(
        self,
        keys: str,
        columns: Sequence[str],
        target: TableClause,
        *,
        join: bool = False,
        people: Bounds | None = None,
    ) -> Condition:
        """Rows whose own key is in a key set."""
        known = self.known[keys]
        sides = [target.c[each] for each in columns]
        if isinstance(known, Inline):
            return self._in(sides, keys, known, tuple(columns))
        others = [known.column(each) for each in columns]
        if join:
            return and_(*(side == other for side, other in zip(sides, others, strict=True)), *_within(known, people))
        return _row(sides).in_(select(*others).where(*_within(known, people)))

    def holder(self, holder: Holder, name: str, target: TableClause) -> Condition:
        """Whether somebody else than the persons who leave holds the row."""
        here = [target.c[each] for each in holder.columns]
        if holder.table:
            other = self.table(holder.table).alias("slett_holder")
            same = [other.c[there] == mine for there, mine in zip(holder.match, here, strict=True)]
            return exists(select(literal(1)).select_from(other).where(*same, not_(self._mine(holder, other))))
        live = self.schema.tables[name]
        somebody: list[Condition] = [each.is_not(None) for each in here]
        somebody += [each != "" for each in here if (found := live.column(each.name)) and found.family == "text"]
        somebody += [each != bind(value) for each in here for value in holder.none]
        if holder.link:
            return and_(*somebody, not_(func.coalesce(self.link(holder.link, name, target), false())))
        return and_(*somebody, not_(self.among_at(holder.keys, here, holder.key)))

    def among_at(self, keys: str, sides: list[Any], at: Sequence[str]) -> Condition:
        """Rows whose given columns equal the columns `at` of a key set."""
        known = self.known[keys]
        if isinstance(known, Inline):
            return func.coalesce(self._in(sides, keys, known, tuple(at)), false())
        return func.coalesce(_row(sides).in_(select(*(known.column(each) for each in at))), false())

    def _mine(self, holder: Holder, other: Any) -> Condition:
        return self.among_at(holder.keys, [other.c[each] for each in holder.key], holder.key)

    def due(self, due: Due, name: str, target: Any) -> Condition:
        """Rows whose time has come; a row without a date never is."""
        if due.parents:
            rest, parent, there, hop = self._hop(due, name, target)
            return exists(select(literal(1)).select_from(there).where(*hop, self.due(rest, parent, there)))
        return func.coalesce(target.c[due.column] < bind(cutoff(due, self.today).isoformat()), false())

    def due_column(self, due: Due, name: str, target: Any) -> Value:
        """The date from which a kept row's time is counted."""
        if not due.parents:
            column: Value = target.c[due.column]
            return column
        rest, parent, there, hop = self._hop(due, name, target)
        return select(self.due_column(rest, parent, there)).where(*hop).limit(1).scalar_subquery()

    def _hop(self, due: Due, name: str, target: Any) -> tuple[Due, str, Any, list[Condition]]:
        """One hop nearer to the row that says when: (what remains, its table, that table here, what joins the two)."""
        columns, parent, match = due.parents[0]
        there = self.table(parent).alias(f"slett_parent{len(due.parents)}")
        joined = []
        for mine, theirs in zip(columns, match, strict=True):
            sides = [target.c[mine], there.c[theirs]]
            families = {self._family(name, mine), self._family(parent, theirs)}
            if len(families) > 1:
                sides = [self.dialect.exact(cast(side, String)) for side in sides]
            joined.append(sides[0] == sides[1])
        return replace(due, parents=due.parents[1:]), parent, there, joined

    def _family(self, name: str, column: str) -> Family | None:
        live = self.schema.tables[name].column(column)
        return live.family if live else None

    def plain_side(self, link: Link, name: str, target: TableClause) -> Value:
        """What a link compares of a row, as it stands there."""
        return self.dialect.json_text(target.c[name], link.path) if link.path else target.c[name]

    def _side(self, link: Link, name: str, table_name: str, target: TableClause) -> Value:
        mine: Value = target.c[name]
        if link.path:
            return self._folded(link, self.dialect.json_text(mine, link.path))
        live = self.schema.tables[table_name].column(name)
        if link.text and live is not None and live.family != "text":
            mine = cast(mine, String)
        if link.exact and live is not None:
            mine = self.dialect.strictly(mine, live.collation)
        return self._folded(link, mine)

    def _others(self, link: Link, name: str, keys: KeyTable) -> list[Value]:
        """The columns of a key table, as they are compared with those of a link."""
        found = []
        for mine, at in zip(link.columns, link.at, strict=True):
            value: Value = keys.column(at)
            live = self.schema.tables[name].column(mine)
            if live is not None and not (link.rewrites or keys.local):
                value = self.dialect.as_column(value, live.collation)
            found.append(self._folded(link, cast(value, String) if link.text or link.path else value))
        return found

    def _folded(self, link: Link, value: Value) -> Value:
        if link.fold:
            return self.dialect.fold(value)
        return self.dialect.exact(value) if link.exact or link.text or link.path else value

    def _among_values(self, sides: list[Any], values: list[tuple[Any, ...]], link: Link) -> Condition:
        folded = [[self._folded(link, bind(each)) for each in value] for value in values]
        if len(sides) == 1:
            return sides[0].in_([value[0] for value in folded])
        return or_(*(and_(*(s == v for s, v in zip(sides, value, strict=True))) for value in folded))

    def _somebody(self, keys: KeyTable, link: Link) -> list[Condition]:
        """Keys that mean nobody never select a row: the empty text, and what the map says. Null equals nothing."""
        found = []
        for each in link.at:
            value = keys.column(each)
            if keys.families[keys.columns.index(each)] == "text":
                found.append(value != "")
            found += [cast(value, String) != str(none) for none in link.none if none is not None]
        return found

    def _in(
        self, sides: Sequence[Any], name: str, keys: Inline, at: tuple[str, ...], none: tuple[Scalar, ...] = ()
    ) -> Condition:
        if self._is_array(keys, at):
            return sides[0] == any_(bind(Every(name, at[0], none)))
        rows = self._slots(name, keys, at, none)
        if len(sides) > 1:
            return tuple_(*sides).in_(rows)
        values = [value for (value,) in rows]
        return sides[0].in_(bindparam(None, values, type_=PLAIN, expanding=True, unique=True))

    def _is_array(self, keys: Inline, at: tuple[str, ...]) -> bool:
        """Whether the values at those columns travel as one array, however many there are."""
        return self.dialect.arrays and len(at) == 1 and keys.families[keys.columns.index(at[0])] in LISTED

    @staticmethod
    def _slots(
        name: str, keys: Inline, at: tuple[str, ...], none: tuple[Scalar, ...] = (), *, text: bool = False
    ) -> list[tuple[Slot, ...]]:
        """As many rows of slots as the key set needs, rounded up, so that few different statements serve everybody."""
        rows = rounded(len(projected(keys, at, none)))
        return [tuple(Slot(name, at, none, text, row, place) for place in range(len(at))) for row in range(rows)]

    def shape(self, rows: Rows) -> tuple[int | str, ...]:
        """What of the key sets decides how a statement looks: how many values, or which key table."""
        wanted = [(link.keys, link.at, link.none, link.rewrites) for link in (*rows.links, *rows.earlier)]
        wanted += [(holder.keys, holder.key, (), False) for holder in rows.unless]
        wanted += [(each.keys, each.at, each.none, each.rewrites) for holder in rows.unless if (each := holder.link)]
        if rows.among:
            wanted.append((rows.among, rows.key, (), False))
        found: list[int | str] = []
        for name, at, none, rewrites in wanted:
            keys = self.known[name]
            if isinstance(keys, Listed):
                found.append("listed")
            elif isinstance(keys, KeyTable):
                found.append(keys.name)
            elif rewrites or not self._is_array(keys, at):
                count = len(projected(keys, at, none))
                found.append(-1 if rewrites and not count else rounded(count))
            else:
                found.append(0)
        return tuple(found)

    # -- what is written ----------------------------------------------------------------------------

    def written(self, write: Write, name: str, target: TableClause) -> Value:
        """The column's new value."""
        mine = target.c[write.column]
        if write.path:
            return self.dialect.json_put(mine, write.path, write.rule.value)
        live = self.schema.tables[name].column(write.column)
        return self._value(write.rule, mine, live.family if live else "other", target)

    def _value(self, rule: Rule, mine: Any, family: Any, target: TableClause) -> Value:
        match rule.how:
            case "null":
                return bind(None)
            case "constant":
                return bind(_fitting(rule.value, family))
            case "hash":
                digits = self.dialect.keyed_hash(mine, self.hash_key)
                return literal(HASH_MARK, String) + func.substr(digits, 1, 32)
            case "template":
                return self._template(str(rule.value), target)
            case "prefix":
                return func.substr(mine, 1, rule.value)
            case "year" | "month":
                return self.dialect.cut(mine, rule.how, family)

    def _template(self, template: str, target: TableClause) -> Value:
        parts: list[Any] = []
        for number, piece in enumerate(split_template(template)):
            parts.append(cast(target.c[piece], String) if number % 2 else literal(piece, String))
        whole = parts[0]
        for part in parts[1:]:
            whole = whole + part
        return whole

    def differs(self, write: Write, name: str, target: TableClause) -> Condition:
        """Whether the column is not yet what would be written: an update is never repeated on a finished row."""
        mine: Any = target.c[write.column]
        if write.path:
            wanted = write.rule.value
            now = self.dialect.json_text(mine, write.path)
            return now.is_not(None) if wanted is None else now.is_distinct_from(bind(str(wanted)))
        if write.rule.how == "null" or (write.rule.how == "constant" and write.rule.value is None):
            return mine.is_not(None)
        if write.rule.how == "hash":
            done = and_(mine.like(f"{HASH_MARK}%"), func.length(mine) == HASH_LENGTH)
            return and_(mine.is_not(None), not_(done))
        return self._differs(mine, self.written(write, name, target), name, write.column)

    def _differs(self, mine: Any, wanted: Any, name: str, column: str) -> Condition:
        live = self.schema.tables[name].column(column)
        if live is not None and live.family in ("text", "json"):
            mine, wanted = self.dialect.exact(cast(mine, String)), self.dialect.exact(cast(wanted, String))
        return mine.is_distinct_from(wanted)

    def unfinished(self, change: Update, target: TableClause) -> Condition:
        """Some column of it is neither written yet nor what a later step makes of it."""
        parts = []
        for write in change.writes:
            ends = (write, *(each for each in change.until if each.column == write.column))
            parts.append(and_(*(self.differs(end, change.rows.table, target) for end in ends)))
        return or_(false(), *parts)

    # -- people -------------------------------------------------------------------------------------

    def person(self, rows: Rows) -> Value | None:
        """The column that holds the person's number, where a key table tells persons apart."""
        keys = self.known[self.driving(rows)]
        return None if isinstance(keys, Inline) else keys.table.c.person

    @staticmethod
    def driving(rows: Rows) -> str:
        """The key set that says whose the rows are."""
        return rows.among if rows.among and not rows.others else rows.links[0].keys

    def with_person(self, rows: Rows, target: TableClause) -> tuple[Value, Condition]:
        """(the person's number, the condition of these rows)."""
        number = self.person(rows)
        if number is None:
            return literal_column("0"), self.where(rows, target)
        return number, self.where(rows, target, join=True)

    def once(
        self, rows: Rows, target: TableClause, *, sliced: bool = False, people: Bounds | None = None
    ) -> tuple[Value, Condition]:
        """The same, each row once: of several persons who reach a row, the lowest number."""
        number = self.person(rows)
        if number is None:
            return literal_column("0"), self.where(rows, target, sliced=sliced)
        if rows.among and not rows.others:
            keys, more = self._stored(rows.among), []
            sides, others = [target.c[each] for each in rows.key], [keys.column(each) for each in rows.key]
            rest = self.where(replace(rows, among=""), target)
        else:
            (link,) = rows.links
            keys, more = self._stored(link.keys), [target.c[each] == bind(value) for each, value in link.when]
            sides = [self._side(link, each, rows.table, target) for each in link.columns]
            others = self._others(link, rows.table, keys)
            rest = self.where(replace(rows, links=()), target)
        nobody = self._somebody(keys, rows.links[0]) if not rows.among else []
        named = [each.label(key_column(n)) for n, each in enumerate(others)]
        first = select(func.min(keys.table.c.person).label("person"), *named).where(*nobody, *_within(keys, people))
        lowest = first.group_by(*others).subquery("slett_people")
        same = [side == lowest.c[key_column(n)] for n, side in enumerate(sides)]
        return lowest.c.person, and_(*same, *more, rest)

    def _stored(self, name: str) -> KeyTable:
        keys = self.known[name]
        assert isinstance(keys, KeyTable)  # noqa: S101 - asked only where a key table tells persons apart
        return keys


def _within(keys: KeyTable, people: Bounds | None) -> list[Condition]:
    """The rows of a key table that are of these persons."""
    return [keys.table.c.person > people[0], keys.table.c.person <= people[1]] if people else []


def _fitting(value: Scalar, family: Family) -> Scalar:
    """A constant as the column's type takes it."""
    if value is None or isinstance(value, str):
        return value
    if family == "boolean":
        return bool(value)
    return {"json": json.dumps(value), "text": str(value)}.get(family, value)


def split_template(template: str) -> list[str]:
    """Text and column names in turn: `a-{id}-b` is `a-`, `id`, `-b`."""
    pieces: list[str] = []
    rest = template
    while "{" in rest:
        text, _, rest = rest.partition("{")
        name, _, rest = rest.partition("}")
        pieces += [text, name]
    return [*pieces, rest]


def _row(sides: Sequence[Any]) -> Any:
    return sides[0] if len(sides) == 1 else tuple_(*sides)
