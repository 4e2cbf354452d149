"""What stands in the way of staged rows and values: each is there already, may go back, or cannot, and why.

Asked of the live tables as they are now. What only trying tells is tried, and undone.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from sqlalchemy import and_, case, exists, func, literal, not_, or_, select, true, update

from slett.stores.errors import Conflict
from slett.stores.schema import ForeignKey, Table
from slett.stores.sql import Session
from slett.stores.staging import BACK, SOME, Column, Staged, image
from slett.stores.writing import ask, insert, present, value_columns, write_back


def judge(session: Session, staged: Staged) -> list[int]:
    """Say of every staged row, or of every column of it, whether it is back, may go back, or why it cannot.

    Returns:
        How many rows each of the `reasons` blocks.
    """
    staged.reasons.clear()
    mine = staged.table
    if not staged.rows:
        return []
    if staged.judged >= 0:
        ask(session, staged, "reset", lambda: update(mine).values(dict.fromkeys(staged.flags, 0)))
    live = session.schema.tables[staged.taken.table]
    if staged.taken.what == "rows":
        _judge_rows(session, staged, live)
    else:
        _judge_values(session, staged, live)
    return _count(session, staged)


def _count(session: Session, staged: Staged) -> list[int]:
    """How many rows are back, may go back, and are blocked for each reason."""
    mine = staged.table
    named = [flag for flag, name in zip(staged.flags, staged.taken.columns, strict=False) if staged.decides(name)]

    def having(number: int) -> Any:
        return func.count(case((or_(*(mine.c[each] == number for each in staged.flags)), 1)))

    def make() -> Any:
        back = func.count(case((and_(true(), *(mine.c[each] == BACK for each in named)), 1)))
        return select(back, having(0), *(having(number + 1) for number in range(len(staged.reasons)))).select_from(mine)

    found = ask(session, staged, ("state", len(staged.reasons)), make).one()
    staged.back, staged.free, *counts = map(int, found)
    staged.judged = session.statements
    return counts


def _number(staged: Staged, why: str) -> int:
    """The number of a reason."""
    if why not in staged.reasons:
        staged.reasons.append(why)
    return staged.reasons.index(why) + 1


def _mark(session: Session, staged: Staged, why: str, condition: Any, flag: str = "why") -> int:
    """Block the rows of the condition that are not judged yet; says how many."""
    number, mine = _number(staged, why), staged.table
    return int(session.run(update(mine).values({flag: number}).where(mine.c[flag] == 0, condition)).rowcount)


def _judge_rows(session: Session, staged: Staged, live: Table) -> None:
    mine, keyed = staged.table, bool(staged.taken.key)
    if not _is_whole(session, staged, live):
        return
    if not keyed:
        _find_equals(session, staged)
    names = {each.of for each in present(staged)}
    checks: list[tuple[str, Callable[[], Any]]] = [
        (_taken(key, live), partial(_is_taken, session, staged, key))
        for key in dict.fromkeys((live.primary_key, *live.unique))
        if key and set(key) <= names
    ]
    refers = [each for each in live.foreign_keys if set(each.columns) <= names]
    checks += [
        (_orphaned(each), partial(_is_orphan, session, staged, each)) for each in refers if each.table != live.name
    ]
    numbered = [(check, _number(staged, why)) for why, check in checks]

    def make() -> Any:
        first = [(_is_back(session, staged), BACK)] if keyed else []
        why = case(*first, *((check(), number) for check, number in numbered), else_=0)
        return update(mine).values(why=why).where(mine.c.why == 0)

    if keyed or numbered:
        ask(session, staged, ("rows", _beside(session, staged)), make)
    if keyed and _hidden(live, names):
        _try_insert(session, staged, live, names)
    itself = [each for each in refers if each.table == live.name]
    while sum(_mark_orphans(session, staged, each) for each in itself):
        pass  # what hangs on a row that was just blocked


def _mark_orphans(session: Session, staged: Staged, foreign: ForeignKey) -> int:
    """Block the rows whose parent in the same table is not there; says how many were not judged yet."""
    mine, number = staged.table, _number(staged, _orphaned(foreign))

    def make() -> Any:
        orphan = _is_orphan(session, staged, foreign)
        return update(mine).values(why=number).where(mine.c.why == 0, orphan)

    what = ("orphans", foreign, number, _beside(session, staged))
    return int(ask(session, staged, what, make).rowcount)


def mark_back(session: Session, staged: Staged) -> int:
    """Note which rows are back now; says how many. Only where a key tells rows apart."""
    mine = staged.table
    made = ask(session, staged, "back", lambda: update(mine).values(why=BACK).where(_is_back(session, staged)))
    return int(made.rowcount)


def _settled(staged: Staged) -> list[tuple[Column, str]]:
    """The columns by which a row is known to be back, and their types."""
    return [(each, each.now) for each in present(staged) if each.now is not None and each.of not in staged.open]


def _is_back(session: Session, staged: Staged) -> Any:
    """Whether the row is there already, byte for byte."""
    mine, target = staged.table, session.conditions.table(staged.taken.table)
    settled = _settled(staged)
    same = image(session, target, [(each.of, now) for each, now in settled]) == image(
        session, mine, [(each.name, now) for each, now in settled]
    )
    keyed = [target.c[each] == mine.c[staged.of(each)] for each in staged.taken.key]
    return exists(select(literal(1)).select_from(target).where(*keyed, same))


def _is_taken(session: Session, staged: Staged, key: tuple[str, ...]) -> Any:
    """Whether a row is there that has its key."""
    mine, target = staged.table, session.conditions.table(staged.taken.table)
    alike = [target.c[each] == mine.c[staged.of(each)] for each in key]
    return exists(select(literal(1)).select_from(target).where(*alike))


def _is_whole(session: Session, staged: Staged, live: Table) -> bool:
    """Whether the rows have a value for every column that wants one, and a column for every value."""
    captured = {each.of for each in staged.columns}
    whys = [
        f"its column `{each.of}` is gone"
        for each in staged.columns
        if each.now is None and each.of not in staged.without
    ]
    whys += [
        f"its column `{each}` is of another type now, which does not take what was in it" for each in staged.misfits
    ]
    whys += [
        f"the column `{each.name}` is new, and is neither null nor has a default"
        for each in live.columns
        if each.name not in captured and not (each.nullable or each.default or each.generated)
    ]
    for why in whys[:1]:
        _mark(session, staged, why, true())
    return not whys


def _find_equals(session: Session, staged: Staged) -> None:
    """Where no key tells rows apart: of equal rows, as many are back as there are."""
    mine, target = staged.table, session.conditions.table(staged.taken.table)

    def make() -> Any:
        settled = _settled(staged)
        pairs = [(each.of, now) for each, now in settled]
        live = select(image(session, target, pairs).label("image"), func.count().label("times")).group_by("image")
        whole = image(session, mine, [(each.name, now) for each, now in settled])
        nth = func.row_number().over(partition_by=whole, order_by=mine.c.line)
        numbered = select(mine.c.line, whole.label("image"), nth.label("nth")).subquery("numbered")
        counted = live.subquery("counted")
        back = select(numbered.c.line).where(numbered.c.image == counted.c.image, numbered.c.nth <= counted.c.times)
        return update(mine).values(why=BACK).where(mine.c.line.in_(back))

    ask(session, staged, "equals", make)


def _others(session: Session, foreign: ForeignKey) -> list[Staged]:
    """What is staged of the rows that a reference is to."""
    found = [each for each in session.staged if each.taken.table == foreign.table and each.taken.what == "rows"]
    return [each for each in found if set(foreign.match) <= set(each.taken.fields)]


def _beside(session: Session, staged: Staged) -> tuple[Hashable, ...]:
    """The staged tables that what becomes of this one's rows depends on."""
    live = session.schema.tables[staged.taken.table]
    return tuple((each.name, each.taken) for foreign in live.foreign_keys for each in _others(session, foreign))


def _is_orphan(session: Session, staged: Staged, foreign: ForeignKey) -> Any:
    """Whether the row refers to one that is not there, or that is not the one that was: that one is blocked itself."""
    mine = staged.table
    here = [mine.c[staged.of(each)] for each in foreign.columns]
    parent = session.conditions.table(foreign.table).alias("parent")
    same = [parent.c[there] == each for there, each in zip(foreign.match, here, strict=True)]
    found: Any = exists(select(literal(1)).select_from(parent).where(*same))
    for number, other in enumerate(_others(session, foreign)):
        row = other.table.alias(f"other{number}")
        same = [row.c[other.of(there)] == each for there, each in zip(foreign.match, here, strict=True)]
        found = and_(found, ~exists(select(literal(1)).select_from(row).where(*same, row.c.why > 0)))
        waits = foreign.deferrable or session.schema.dialect == "sqlite"  # which defers them all
        if other is staged or waits:
            found = or_(found, exists(select(literal(1)).select_from(row).where(*same, row.c.why == 0)))
    return and_(*(each.is_not(None) for each in here), not_(found))


def _taken(key: tuple[str, ...], live: Table) -> str:
    named = ", ".join(f"`{each}`" for each in key)
    return (
        f"another row has its key ({named}) now"
        if key == live.primary_key
        else f"{named} must be unique, and another row has its value now"
    )


def _orphaned(foreign: ForeignKey) -> str:
    return f"the row of `{foreign.table}` that it refers to is not there ({foreign.name})"


def _judge_values(session: Session, staged: Staged, live: Table) -> None:
    mine, target = staged.table, session.conditions.table(live.name)
    taken = staged.taken
    if any(live.column(each) is None for each in taken.key):
        for flag in staged.flags:
            _mark(session, staged, f"its key ({', '.join(taken.key)}) is gone", true(), flag)
        return
    keyed = [target.c[each] == mine.c[staged.of(each)] for each in taken.key]

    def there(*conditions: Any) -> Any:
        return exists(select(literal(1)).select_from(target).where(*keyed, *conditions))

    def holds(name: str, column: Column, now: str) -> Any:
        return there(image(session, target, [(name, now)]) == image(session, mine, [(column.name, now)]))

    def lacks(name: str, column: Column, now: str) -> Any:
        return not_(holds(name, column, now))

    checks: dict[str, list[tuple[Callable[[], Any], int]]] = {}
    for flag, name, old, new in value_columns(staged):
        if old.now is None:
            if name not in staged.without:
                _mark(session, staged, f"its column `{name}` is gone", true(), flag)
            else:
                session.run(update(mine).values({flag: BACK}))
            continue
        if name in staged.misfits:
            why = f"its column `{name}` is of another type now, which does not take what was in it"
            _mark(session, staged, why, true(), flag)
            continue
        checks[flag] = [
            (partial(holds, name, old, old.now), BACK),
            (lambda: not_(there()), _number(staged, "the row is gone")),
            (partial(lacks, name, new, old.now), _number(staged, f"its column `{name}` was written since")),
        ]
    for flag, check, why in _references(session, staged, live):
        if flag in checks:
            checks[flag].append((check, _number(staged, why)))

    def make() -> Any:
        whys = {flag: case(*((check(), number) for check, number in each), else_=0) for flag, each in checks.items()}
        return update(mine).values(whys)

    if checks:
        ask(session, staged, ("values", tuple(staged.reasons), _beside(session, staged)), make)
    if _hidden(live, set(taken.columns)):
        _try_write(session, staged, live)


def _references(session: Session, staged: Staged, live: Table) -> Iterator[tuple[str, Callable[[], Any], str]]:
    """(flag, condition, why not) of old values that must be unique, or refer to somebody.

    With the row's other columns as they are captured.
    """
    mine, target = staged.table, session.conditions.table(live.name)
    flags = {name: flag for flag, name, _, _ in value_columns(staged)}
    names = set(staged.taken.fields)

    def is_others(key: tuple[str, ...]) -> Any:
        alike = [target.c[each] == mine.c[staged.of(each)] for each in key]
        itself = and_(*(target.c[each] == mine.c[staged.of(each)] for each in staged.taken.key))
        return exists(select(literal(1)).select_from(target).where(*alike, not_(itself)))

    for key in live.unique:
        if set(key) <= names:
            yield from ((flags[each], partial(is_others, key), _taken(key, live)) for each in key if each in flags)
    for foreign in live.foreign_keys:
        if set(foreign.columns) <= names:
            check = partial(_is_orphan, session, staged, foreign)
            yield from ((flags[each], check, _orphaned(foreign)) for each in foreign.columns if each in flags)


# -- what only trying tells -----------------------------------------------------------------------------


def _hidden(live: Table, names: set[str]) -> list[tuple[str, ...]]:
    """Columns of UNIQUE indexes that are computed, hold for some rows only, or have columns that were not captured."""
    computed = {each.name for each in live.columns if each.generated}
    beyond = [each for each in live.unique if not set(each) <= names and set(each) & (names | computed)]
    return [*beyond, *(each for each in live.unique_partly if set(each) & names)]


def _try_insert(session: Session, staged: Staged, live: Table, names: set[str]) -> None:
    """Block the rows that such an index keeps out: tried, and undone."""
    mine, target = staged.table, session.conditions.table(live.name)
    keyed = [target.c[each] == mine.c[staged.of(each)] for each in staged.taken.key]
    with _undone(session):
        insert(session, staged, unless_there=True)
        away = ~exists(select(literal(1)).select_from(target).where(*keyed))
        lines = [line for (line,) in session.run(select(mine.c.line).where(mine.c.why == 0, away))]
    for some in _some(lines):
        _mark(session, staged, _kept_out(_hidden(live, names)), mine.c.line.in_(some))


def _try_write(session: Session, staged: Staged, live: Table) -> None:
    """Block the values that such an index keeps out: tried on all rows, then on half of them, and so on; and undone."""
    mine, hidden = staged.table, _hidden(live, set(staged.taken.columns))
    columns = {name for each in hidden for name in each}
    if columns & {each.name for each in live.columns if each.generated}:
        columns |= set(staged.taken.columns)  # from which it is computed is not known
    flags = [flag for flag, name, _, _ in value_columns(staged) if name in columns]
    lines = [line for (line,) in session.run(select(mine.c.line).where(or_(*(mine.c[each] == 0 for each in flags))))]
    open_ = list(_some(lines))
    while open_:
        some = open_.pop()
        try:
            with _undone(session):
                write_back(session, staged, some)
        except Conflict:
            if len(some) > 1:
                open_ += [some[: len(some) // 2], some[len(some) // 2 :]]
                continue
            for flag in flags:
                _mark(session, staged, _kept_out(hidden), mine.c.line.in_(some), flag)


def _kept_out(hidden: list[tuple[str, ...]]) -> str:
    named = " or ".join("(" + ", ".join(f"`{name}`" for name in each) + ")" for each in hidden)
    return f"another row has its value of a UNIQUE index over {named} now"


def _some(lines: Sequence[int]) -> Iterator[Sequence[int]]:
    return (lines[start : start + SOME] for start in range(0, len(lines), SOME))


@contextmanager
def _undone(session: Session) -> Iterator[None]:
    session.run_text("SAVEPOINT slett_trial")
    try:
        yield
    finally:
        session.run_text("ROLLBACK TO SAVEPOINT slett_trial")
        session.run_text("RELEASE SAVEPOINT slett_trial")
