"""What should be gone and is still there."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from slett.datamap.model import Rule, TableMap
from slett.plan.links import Relations, Way, is_through
from slett.plan.model import Plan
from slett.plan.steps import due_of
from slett.stores.operations import Change, Delete, Rows, Update, Write
from slett.stores.schema import Family
from slett.stores.sql import Session

Recall = Callable[[str], Iterable[tuple[Any, ...]]]  # key set → rows of (person's number, *values)


@dataclass(frozen=True, slots=True)
class Left:
    """Rows of one table that should have gone, or changed, and have not."""

    store: str
    table: str
    rows: int
    why: str


def look_again(
    relations: Relations, plan: Plan, sessions: Mapping[str, Session], recall: Recall, people: int
) -> tuple[list[Left], int]:
    """(what is left, how many statements asked), over every mapped table of every store, one statement a store.

    Args:
        sessions: fresh ones, with no key sets yet.
        recall: reads a key set from the sealed scope.
        people: how many persons the scope is of.
    """
    left: list[Left] = []
    for store, session in sessions.items():
        asked = [each for each in _expectations(relations) if each[0].store == store]
        for _, change, _ in asked:
            _know(relations, plan, session, change.rows, recall, people)
        counts = session.count([change for _, change, _ in asked])
        left += [
            Left(store, mapped.name, count, why) for (mapped, _, why), count in zip(asked, counts, strict=True) if count
        ]
    return left, sum(session.statements for session in sessions.values())


def _know(relations: Relations, plan: Plan, session: Session, rows: Rows, recall: Recall, people: int) -> None:
    for name in dict.fromkeys([*(link.keys for link in rows.links), *(holder.keys for holder in rows.unless)]):
        if name not in session.known:
            families: tuple[Family, ...]
            keys = plan.keysets.get(name)
            if keys is not None:
                live = relations.live(name)
                families = tuple(column.family for each in keys.columns if (column := live.column(each)))
            else:
                named = {each.keys.name: (each.keys, each.families) for each in plan.named}
                known = {each.keys.name: (each.keys, (each.family,)) for each in plan.identifiers}
                keys, families = (named | known)[name]
            session.know(keys, recall(name), families, people=people)


def _expectations(relations: Relations) -> Iterator[tuple[TableMap, Change, str]]:
    """(table, rows that must not be there, by which reference): a deletion counts rows, an update unfinished ones."""
    for name, mapped in relations.tables.items():
        for way in relations.ways(name):
            rows = Rows(mapped.name, (way.link,), unless=way.holders)
            writes = _written(mapped.anonymise)
            match mapped.action:
                case "delete":
                    yield mapped, Delete(rows), way.why
                case "anonymise":
                    yield mapped, Update(rows, writes), way.why
                case "keep":
                    due = due_of(relations, mapped)
                    yield mapped, Delete(replace(rows, due=due)), f"{way.why}, its time has come"
                    yield mapped, Update(replace(rows, due=due, is_due=False), writes), way.why
        for way in relations.mentions.get(name, ()):
            yield from ((mapped, change, way.why) for change in _mention(relations, mapped, way))
        for way in relations.shared.get(name, ()):
            if not is_through(relations, way):
                yield mapped, Delete(Rows(mapped.name, (way.link,))), way.why


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
