"""Captured rows in a temporary table beside the live one, from where they can be compared with it and given back.

A staged row has its number (`line`), the `person`, why it cannot go back (`why`, or for values one such column each),
its fields (`f0`, `f1`, …) and, of values, what was written over them (`w0`, `w1`, …).
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, TableClause, case, delete, func, or_, select, table, update
from sqlalchemy import column as sa_column

from slett.stores.errors import Busy, StoreError, Unavailable
from slett.stores.schema import Table
from slett.stores.sql import Session
from slett.stores.statements import Prepared
from slett.stores.taken import Taken, form_of

SOME = 5_000  # lines named in one statement
BACK = -1  # in the place of why not: it is there already
FEW = 100  # rows that are found without an index, and need no statistics


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a staging table."""

    name: str
    of: str  # the captured column
    then: str  # its type when it was captured
    now: str | None  # and today; None where it is gone

    @property
    def like(self) -> str | None:
        """The live column that it is made like."""
        return None if self.now is None else self.of

    @property
    def loaded(self) -> str:
        """Where its values are put first: of another type than today's they are text, and then converted."""
        return self.name if self.now in (None, self.then) else f"r{self.name}"


@dataclass(slots=True)
class Staged:
    """Captured rows of one change, or some of them, in a temporary table of the session."""

    taken: Taken
    name: str
    columns: tuple[Column, ...]
    without: frozenset[str]  # columns that may be gone
    open: set[str] = field(default_factory=set)  # columns that other captures speak of, too
    misfits: tuple[str, ...] = ()  # columns whose values their present type does not take
    rows: int = 0
    reasons: list[str] = field(default_factory=list)  # why 1, 2, …
    judged: int = -1  # how many statements the session had run when the reasons were found; below nought: never
    free: int = 0  # rows that may go back, wholly or in part
    back: int = 0  # rows that are back
    table: TableClause = field(init=False)

    def __post_init__(self) -> None:
        place = ("place",) if not self.taken.key else ()
        columns = dict.fromkeys(name for each in self.columns for name in (each.name, each.loaded))
        self.table = table(self.name, *map(sa_column, ("line", "person", *place, *self.flags, *columns)))

    @property
    def flags(self) -> tuple[str, ...]:
        """The columns that say why not: one a row, or one a column of values."""
        return ("why",) if self.taken.what == "rows" else tuple(f"why{n}" for n in range(len(self.taken.columns)))

    def decides(self, name: str) -> bool:
        """Whether a row is back only with this column: not so for time stamps and what triggers write."""
        return self.taken.what == "rows" or name in self.taken.written

    def of(self, name: str) -> str:
        """The staging column that holds a captured column as it was."""
        return f"f{self.taken.fields.index(name)}"


def stage(
    session: Session,
    taken: Taken,
    blocks: Iterable[bytes],
    person: int | None = None,
    *,
    without: Collection[str] = (),
    lines: Sequence[Sequence[int]] | None = None,
) -> Staged:
    """The captured rows, or those of one person, in a temporary table. Changes nothing that lasts.

    A row that was captured twice, because the first time was never committed, is staged once, as it was the last time.

    Args:
        blocks: as they were handed out, whole and in their order; of several captures of the same shape, if need be.
        without: captured columns that may be missing by now.
        lines: (first, last) of each run of rows that are wanted, as `lines_left` gave them; None: all.

    Raises:
        StoreError: the table is gone, or the blocks are not of this kind of database.
    """
    live = session.schema.tables.get(taken.table)
    if live is None:
        raise StoreError(session.store.name, f"`{taken.table}` is gone, and with it the place of the captured rows")
    if taken.form != form_of(session):
        raise StoreError(session.store.name, f"rows of `{taken.table}` were captured as `{taken.form}`, not known here")
    name = session.new_temporary(f"staged_{_digest(taken)}")
    staged = Staged(taken, name, tuple(_columns(session, taken, live)), frozenset(without))
    dialect, connection = session.store.dialect, session.live
    with session.exactly():
        indexes = _make(session, staged, live)
        names = ["person", *([] if taken.key else ["place"]), *(each.loaded for each in staged.columns)]
        with session.words():
            dialect.take_in(connection, staged.name, names, blocks, person)
        if person is not None:
            session.run(delete(staged.table).where(staged.table.c.person != person))
        if lines is not None:
            _leave_only(session, staged, lines)
        staged.rows = _collapse(session, staged)
        staged.misfits = tuple(dict.fromkeys(_misfits(session, staged)))
        if staged.rows > FEW:
            session.run_aside([*((each, ()) for each in indexes), *dialect.analysing(staged.name)])
    session.staged.append(staged)
    return staged


def lines_left(session: Session, staged: Staged) -> list[tuple[int, int]]:
    """(first, last) of each run of staged rows that are not back. Ask when all was tried.

    The same blocks have the same lines whenever they are staged for the same person.
    """
    runs: list[tuple[int, int]] = []
    if staged.rows and staged.back < staged.rows:
        mine = staged.table
        known = zip(staged.flags, staged.taken.columns, strict=False)
        waits = or_(*(mine.c[flag] != BACK for flag, name in known if staged.decides(name)))
        for (line,) in session.run(select(mine.c.line).where(waits).order_by(mine.c.line)):
            first = runs.pop()[0] if runs and runs[-1][1] == line - 1 else line
            runs.append((first, line))
    return runs


def _leave_only(session: Session, staged: Staged, lines: Sequence[Sequence[int]]) -> None:
    """Delete what lies between these runs of lines."""
    mine, after = staged.table.c.line, 0
    gaps: list[ColumnElement[bool]] = []
    for first, last in lines:
        if first > after + 1:
            gaps.append(mine.between(after + 1, first - 1))
        after = last
    gaps.append(mine > after)
    for start in range(0, len(gaps), FEW):
        session.run(delete(staged.table).where(or_(*gaps[start : start + FEW])))


def recall(session: Session, staged: Staged, what: Hashable, make: Callable[[], Any]) -> Prepared:
    """A statement over a staged table and the live one, made the first time that rows of this shape meet such a table.

    Args:
        what: which statement, and all that it is made of besides these two tables.
    """
    live = session.schema.tables[staged.taken.table]
    mine = (staged.name, staged.taken, staged.columns, staged.without, frozenset(staged.open), staged.misfits)
    return session.make.recall(("staged", what, mine, live.primary_key, live.unique, live.foreign_keys), make)


def _digest(taken: Taken) -> str:
    """What names a staging table of this shape in every session, so that its statements need making only once."""
    return sha256(repr(taken).encode()).hexdigest()[:32]


def image(session: Session, source: Any, pairs: Sequence[tuple[str, str]]) -> Any:
    """What is in some columns, exactly, as one value that can be compared: (column, its type) each."""
    dialect = session.store.dialect
    return dialect.image([dialect.literal(source.c[name], type_) for name, type_ in pairs])


def _columns(session: Session, taken: Taken, live: Table) -> Iterator[Column]:
    types = dict(zip(taken.fields, taken.types, strict=True))
    named = [(f"f{n}", name) for n, name in enumerate(taken.fields)]
    if taken.what == "values":
        named += [(f"w{n}", name) for n, name in enumerate(taken.columns)]
    for here, name in named:
        found = live.column(name)
        now = found.type if found and not found.generated else None
        # an SQLite column takes values of any type
        then = now if now is not None and session.schema.dialect == "sqlite" else types[name]
        yield Column(here, name, then, now)


def _make(session: Session, staged: Staged, live: Table) -> list[str]:
    """Make the table; says what makes indexes on it, where they are made apart."""
    numbers = {"person": "integer", **dict.fromkeys(staged.flags, "smallint DEFAULT 0")}
    columns = [(each.name, each.like, each.now or each.then) for each in staged.columns]
    columns += [(each.loaded, None, each.then) for each in staged.columns if each.loaded != each.name]
    if not staged.taken.key:
        columns.append(("place", None, "text"))
    groups = [
        key.match for key in live.foreign_keys if key.table == live.name and set(key.match) <= set(staged.taken.fields)
    ]
    if all(live.column(each) for each in staged.taken.key):
        groups.append(staged.taken.key)
    indexes = [[staged.of(each) for each in group] for group in dict.fromkeys(groups) if group]
    with session.words():
        target = session.conditions.table(live.name)
        made = session.store.dialect.staging(session.live, target, staged.name, numbers, columns, indexes)
    session.run_text(made[0])
    return made[1:]


def _collapse(session: Session, staged: Staged) -> int:
    """Of a row that is there several times, only the last stays; says how many rows there are then."""

    def count() -> Any:
        found = _numbered(session, staged)
        return select(func.count(), func.count(case((found.c.again > 1, 1)))).select_from(found)

    rows, repeated = map(int, session.ask(recall(session, staged, "count", count)).one())
    if repeated:
        found = _numbered(session, staged)
        lines = [line for (line,) in session.run(select(found.c.line).where(found.c.again > 1))]
        for start in range(0, len(lines), SOME):
            session.run(delete(staged.table).where(staged.table.c.line.in_(lines[start : start + SOME])))
    return rows - repeated


def _numbered(session: Session, staged: Staged) -> Any:
    """(line, again): the last of equal rows is 1, the one before it is 2."""
    mine: Any = staged.table
    taken = staged.taken
    if taken.key:
        alike: list[Any] = [mine.c[staged.of(each)] for each in taken.key]
    else:
        whole = image(session, mine, [(each.loaded, each.then) for each in staged.columns])
        alike = [mine.c.place, whole]
        if (
            session.store.dialect.place(mine) is None
        ):  # `place` only says which capture: the n-th of one is that of another
            nth = func.row_number().over(partition_by=alike, order_by=mine.c.line).label("nth")
            numbered = select(mine.c.line, whole.label("whole"), nth).subquery("numbered")
            mine, alike = numbered, [numbered.c.whole, numbered.c.nth]
    again = func.row_number().over(partition_by=alike, order_by=mine.c.line.desc()).label("again")
    return select(mine.c.line, again).subquery("found")


def _misfits(session: Session, staged: Staged) -> Iterator[str]:
    """Columns of another type by now, which does not take what was in them; the others are brought to that type."""
    mine = staged.table
    for each in staged.columns:
        if each.loaded != each.name and each.now is not None:
            session.run_text("SAVEPOINT slett_convert")
            try:
                value = session.store.dialect.of_type(sa_column(each.loaded), each.now)
                session.run(update(mine).values({each.name: value}))
            except (Unavailable, Busy):
                raise
            except StoreError:
                session.run_text("ROLLBACK TO SAVEPOINT slett_convert")
                yield each.of
            session.run_text("RELEASE SAVEPOINT slett_convert")
