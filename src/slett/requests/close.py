"""Closing an account and opening it again: nothing is lost but what the map says to delete.

Three parts, so that the caller can seal what was before any of it changes: `look_before`, `close`, `reopen`. Each may
be repeated after a crash. Rows are found by the keys that were remembered; what somebody wrote since is left alone.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from slett.execute import Run, Walk
from slett.execute.run import always
from slett.plan import Step
from slett.plan.closing import CLOSING, by_key, closing, lighter_step, remembered
from slett.requests.before import Before, Remembered, Row
from slett.requests.refuse import Refused, find_refusals
from slett.requests.service import Service
from slett.requests.subject import Subject, name_people
from slett.stores.errors import StoreError
from slett.stores.operations import Delete, Update
from slett.stores.putback import plain, put_back, read_now, read_old

Counts = dict[str, dict[str, int]]  # `store/table` → what was done → rows


@dataclass(frozen=True, slots=True)
class Closed:
    """What closing changed, this time."""

    counts: Counts

    @property
    def rows(self) -> int:
        """How many rows in all."""
        return sum(sum(done.values()) for done in self.counts.values())


@dataclass(frozen=True, slots=True)
class Otherwise:
    """A column that is not as before, because somebody wrote there since; or, without a column, rows that are gone."""

    store: str
    table: str
    column: str
    rows: int


@dataclass(frozen=True, slots=True)
class Reopened:
    """What came back."""

    rows: int  # that are now as they were
    otherwise: tuple[Otherwise, ...]


def look_before(service: Service, subject: Subject) -> Before:
    """What closing would change of this person, as it is now. Nothing is changed.

    Raises:
        Refused: nobody is found, several are meant, or more than the ceiling would be touched.
        StoreError: a store does not answer, or a column holds what cannot be put back.
    """
    steps = closing(service.relations, service.plan.keysets)
    with _walk(service, steps, [subject]) as walk:
        walk.collect()
        _, people = Run(walk, service.settings.chunk_rows).count_people()
        for refusal in find_refusals(service, walk, [subject], people).values():
            raise Refused(refusal)
        names = dict.fromkeys(f"{step.store}/{step.table}" for step in steps if isinstance(step.change, Update))
        return Before(_named(walk), tuple(_remember(service, walk, name) for name in names))


def close(service: Service, subject: Subject, before: Before, may_go_on: Callable[[], None] = always) -> Closed:
    """Close the account: the rows of `before` are written, and what the map says to delete goes.

    `before` must be sealed by now. A second time changes nothing, whatever became of the first.

    Args:
        may_go_on: asked before each transaction; raises where it must not begin.

    Raises:
        Refused: several people are meant by now, or more than the ceiling would be touched. Nothing was changed.
        StoreError: a store failed. What was done is done; repeat it.
    """
    steps = list(_steps(service, before))
    with _walk(service, steps, [subject]) as walk:
        for keys, rows in _again(walk, before):
            walk.name(keys, rows)
        for each in before.tables:
            walk.name(remembered(service.relations, each.name), each.keys())
        walk.collect()
        run = Run(walk, service.settings.chunk_rows, paces=service.paces, may_go_on=may_go_on)
        planned, people = run.count_people()
        for refusal in find_refusals(service, walk, [subject], people).values():
            if refusal.state == "refused":
                raise Refused(refusal)
        counts: Counts = {}
        for done in run.apply(planned):
            for each_done in done:
                step = steps[each_done.position]
                of_table = counts.setdefault(f"{step.store}/{step.table}", {})
                of_table[step.what] = of_table.get(step.what, 0) + each_done.rows
    return Closed(counts)


def reopen(service: Service, before: Before, may_go_on: Callable[[], None] = always) -> Reopened:
    """Put back what closing wrote, in every column that still holds it. Deleted rows stay away.

    Args:
        may_go_on: as `close`.

    Raises:
        StoreError: a store failed, or a table is not as it was. What was done is done; repeat it.
    """
    rows = 0
    otherwise: list[Otherwise] = []
    with service.sessions() as sessions:
        walk = Walk(service.plan, sessions, 1)
        for each in before.tables:
            _check_table(service, each)
        for each in before.tables:
            session = sessions[each.store]
            writes = [write for _, write in each.writes]
            old = [(row[: len(each.key)], row[len(each.key) :]) for row in each.rows]
            for start in range(0, len(old), service.settings.chunk_rows):
                may_go_on()
                with session.transaction():
                    some = old[start : start + service.settings.chunk_rows]
                    put_back(session, each.table, each.key, writes, some)
            same, others = _compare(service, walk, each)
            rows += same
            otherwise += others
    return Reopened(rows, tuple(otherwise))


@contextmanager
def _walk(service: Service, steps: Sequence[Step], subjects: Sequence[Subject]) -> Iterator[Walk]:
    with service.sessions() as sessions:
        walk = Walk(replace(service.plan, steps=tuple(steps), keepings=()), sessions, len(subjects))
        name_people(walk, subjects)
        yield walk


def _named(walk: Walk) -> tuple[tuple[str, tuple[Row, ...]], ...]:
    """The keys of the person's root rows and their identifiers: closing may overwrite what they were found by."""
    found = []
    identifiers = {each.name: each.keys.name for each in walk.plan.identifiers}
    for named in walk.plan.named:
        name = named.root or identifiers[named.identifier]
        places = [1 + walk.columns_of(name).index(each) for each in named.keys.columns]
        rows = (tuple(plain(row[place]) for place in places) for row in walk.rows_of(name))
        found.append((named.keys.name, tuple(dict.fromkeys(rows))))
    return tuple(found)


def _again(walk: Walk, before: Before) -> Iterator[tuple[Any, list[Row]]]:
    known = dict(before.named)
    for named in walk.plan.named:
        rows = [*walk.rows_of(named.keys.name), *((0, *row) for row in known.get(named.keys.name, ()))]
        yield named.keys, list(dict.fromkeys(rows))


def _remember(service: Service, walk: Walk, name: str) -> Remembered:
    """The rows of one table that any step would change, with the columns that all of them write."""
    mapped, key = service.relations.tables[name], service.relations.live(name).primary_key
    steps = [step for step in walk.plan.steps if f"{step.store}/{step.table}" == name]
    updates = [(step.what, step.change) for step in steps if isinstance(step.change, Update)]
    writes = tuple(dict.fromkeys((what, write) for what, change in updates for write in change.writes))
    columns = (*key, *(write.column for _, write in writes))
    rows: dict[Row, Row] = {}
    for _, change in updates:
        walk.bring(mapped.store, change.rows)
        for row in read_old(walk.sessions[mapped.store], change, columns):
            rows[row[: len(key)]] = row
    return Remembered(mapped.store, mapped.name, key, writes, tuple(rows.values()))


def _steps(service: Service, before: Before) -> Iterator[Step]:
    """What was remembered is written by key; what goes is whatever is there now, a new session too."""
    now = closing(service.relations, service.plan.keysets)
    for what in CLOSING:
        for each in before.tables:
            if writes := tuple(write for key, write in each.writes if key == what):
                _check_table(service, each)
                change = Update(by_key(service.relations, each.name), writes)
                yield lighter_step(each.store, each.table, what, change, "remembered")
        yield from (step for step in now if step.what == what and isinstance(step.change, Delete))


def _check_table(service: Service, each: Remembered) -> None:
    live = service.schemas[each.store].tables.get(each.table) if each.store in service.schemas else None
    mapped = each.name in service.relations.tables
    if not (live and mapped and live.primary_key == each.key and all(live.column(name) for name in each.columns)):
        sentence = f"`{each.table}` is not as it was when the account was closed; map it again, with these columns"
        raise StoreError(each.store, sentence)


def _compare(service: Service, walk: Walk, each: Remembered) -> tuple[int, list[Otherwise]]:
    """How many remembered rows are what they were, and where the others are not."""
    rows = by_key(service.relations, each.name)
    walk.name(remembered(service.relations, each.name), each.keys())
    walk.bring(each.store, rows)
    size = len(each.key)
    read = read_now(walk.sessions[each.store], rows, (*each.key, *each.columns))
    now = {row[:size]: row[size:] for row in read}
    there = [(row[size:], now[row[:size]]) for row in each.rows if row[:size] in now]
    found = [(name, sum(old[n] != new[n] for old, new in there)) for n, name in enumerate(each.columns)]
    found.append(("", len(each.rows) - len(there)))
    same = sum(old == new for old, new in there)
    return same, [Otherwise(each.store, each.table, name, rows) for name, rows in found if rows]
