"""What should be gone and is still there."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from slett.datamap.model import Rule, TableMap
from slett.plan.links import Relations, Way, is_through
from slett.plan.model import Plan
from slett.plan.steps import due_of, owner_detaching
from slett.stores.operations import Change, Delete, Rows, Update, Write
from slett.stores.sql import Session

Recall = Callable[[str], Iterable[tuple[Any, ...]]]  # key set → rows of (person's number, *values)


@dataclass(frozen=True, slots=True)
class Expectation:
    """Rows that must not be there: a deletion names rows that should be gone, an update such as are unfinished."""

    store: str
    change: Change
    why: str  # by which reference


@dataclass(frozen=True, slots=True)
class Left:
    """Rows of one table that should have gone, or changed, and have not."""

    store: str
    table: str
    rows: int
    why: str


def look_again(
    expectations: Sequence[Expectation], plan: Plan, sessions: Mapping[str, Session], recall: Recall, people: int
) -> tuple[list[Left], int]:
    """(what is left, how many statements asked), over every mapped table of every store, one statement a store.

    Args:
        expectations: see `expect`.
        sessions: fresh ones, with no key sets yet.
        recall: reads a key set from the sealed scope.
        people: how many persons the scope is of.
    """
    every = plan.keysets | {keys.name: keys for keys in plan.free_keysets}
    left: list[Left] = []
    for store, session in sessions.items():
        asked = [each for each in expectations if each.store == store]
        names = dict.fromkeys(name for each in asked for name in _needed(each.change.rows))
        session.know_all(((every[name], recall(name)) for name in names), people=people)
        counts = session.count([each.change for each in asked])
        left += [
            Left(store, each.change.rows.table, count, each.why)
            for each, count in zip(asked, counts, strict=True)
            if count
        ]
    return left, sum(session.statements for session in sessions.values())


def _needed(rows: Rows) -> Iterator[str]:
    """The key sets by which rows are found."""
    yield from (link.keys for link in rows.links)
    yield from (holder.keys for holder in rows.unless)


def expect(relations: Relations) -> tuple[Expectation, ...]:
    """All that a finished erasure must not leave behind, in every mapped table."""
    return tuple(
        Expectation(mapped.store, change, why)
        for name, mapped in relations.tables.items()
        for change, why in _expected(relations, name, mapped)
    )


def _expected(relations: Relations, name: str, mapped: TableMap) -> Iterator[tuple[Change, str]]:
    for way in relations.ways(name):
        writes = (*_written(mapped.anonymise), *owner_detaching(relations, mapped, name, way))
        rows = Rows(mapped.name, (way.link,), unless=way.holders)
        match mapped.action:
            case "delete":
                yield Delete(rows), way.why
            case "anonymise" if writes:
                yield Update(rows, writes), way.why
            case "keep":
                due = due_of(relations, mapped)
                yield Delete(replace(rows, due=due)), f"{way.why}, its time has come"
                if writes:
                    yield Update(replace(rows, due=due, is_due=False), writes), way.why
    for way in relations.mentions.get(name, ()):
        yield from ((change, way.why) for change in _mention(relations, mapped, way))
    for way in relations.shared.get(name, ()):
        if not is_through(relations, way):
            yield Delete(Rows(mapped.name, (way.link,), unless=way.holders, held=True)), way.why


def _mention(relations: Relations, mapped: TableMap, way: Way) -> Iterator[Change]:
    """A row that goes is mentioned by nobody; one that stays may be, as far as the map leaves it."""
    rows = Rows(mapped.name, (way.link,))
    parent = relations.tables.get(way.parent)
    if parent is None or parent.action == "delete" or parent.store != mapped.store:
        yield Delete(rows)
        return
    if way.reference and way.reference.anonymise:
        yield Update(rows, _written(way.reference.anonymise))
    if parent.action == "keep":
        due = due_of(relations, parent)
        hops = ((way.link.columns, parent.name, way.link.at), *due.parents)
        yield Delete(replace(rows, due=replace(due, parents=hops)))


def _written(rules: Iterable[tuple[str, Rule]]) -> tuple[Write, ...]:
    return tuple(Write(column, rule) for column, rule in rules)
