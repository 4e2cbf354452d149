"""Who came back with a backup: told by tombstones, from the stores as they are now. Nothing is changed.

Every root's keys are read once, and what else names a person without a root row that answers for it: references to a
root that no foreign key guards, and references by an identifier. Memory grows with those who came back, and no more.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from slett.execute import Run
from slett.plan.links import Way
from slett.requests.service import Service
from slett.requests.subject import Subject, SubjectError, by_key, collected
from slett.requests.vouch import text_of, vouched

T = TypeVar("T")
BLOCK = 5_000  # keys compared with the tombstones at once


@dataclass(slots=True)
class Returned:
    """Who came back: certainly, or perhaps."""

    certain: list[Subject] = field(default_factory=list)
    doubtful: list[Subject] = field(default_factory=list)
    rows: int = 0  # that an erasure of the certain ones would touch


def find_returned(service: Service, since: datetime | None = None) -> Returned:
    """Everybody whose rows are here though they were erased.

    Args:
        since: when the backup was made. Only who was erased after that can have come back with it. Without it nobody
            can say whether a row that only an identifier names is old, or of somebody who came anew: it is doubtful.
    """
    found = Returned()
    seen: set[tuple[str, str]] = set()
    for root in service.plan.roots:
        _sort(service, _buried_keys(service, root, since), found, seen)
        _sort(service, _buried_owners(service, root, since), found, seen, lost=True)
    for identifier in service.plan.identifiers:
        guests = _buried_guests(service, identifier.name, since)
        _sort(service, guests, found, seen, lost=True, certain=since is not None)
    return found


# -- what has a tombstone ---------------------------------------------------------------------------


def _buried_keys(service: Service, root: str, since: datetime | None) -> Iterator[Subject]:
    """The persons of a root whose key has a tombstone."""
    mapped, key = service.relations.tables[root], service.relations.live(root).primary_key
    with service.sessions() as sessions:
        rows = sessions[mapped.store].read_all(mapped.name, key)
        found = [Subject(root, values) for values in _buried(service, root, rows, since)]
    yield from found


def _buried_owners(service: Service, root: str, since: datetime | None) -> Iterator[Subject]:
    """Whoever a row hangs on by the key of a root, and has a tombstone: perhaps without a row of the root itself."""
    key = service.relations.live(root).primary_key
    found: dict[str, tuple[Any, ...]] = {}
    for name, way in _ways(service):
        if way.parent == root and set(way.link.at) == set(key) and not _is_guarded(service, name, way):
            mapped = service.relations.tables[name]
            places = [way.link.at.index(each) for each in key]
            nobody = {"", *map(str, way.link.none)}
            with service.sessions() as sessions:
                owners = (
                    tuple(row[place] for place in places)
                    for row in sessions[mapped.store].values_of(mapped.name, way.link)
                    if nobody.isdisjoint(map(str, row))
                )
                found |= {text_of(root, each): each for each in _buried(service, root, owners, since)}
    for values in found.values():
        try:
            yield by_key(service.plan, ",".join(map(str, values)), root)
        except SubjectError:
            continue  # it cannot be a key of that root: not of the erased


def _buried_guests(service: Service, identifier: str, since: datetime | None) -> Iterator[Subject]:
    """Whoever a row names by an identifier that has a tombstone."""
    found: dict[str, Any] = {}
    for name, way in _ways(service):
        if way.reference and way.reference.identifier == identifier:
            mapped = service.relations.tables[name]
            nobody = {"", *map(str, way.link.none)}
            with service.sessions() as sessions:
                values = (
                    row for row in sessions[mapped.store].values_of(mapped.name, way.link) if str(row[0]) not in nobody
                )
                found |= {text_of(identifier, each): each for each in _buried(service, identifier, values, since)}
    for values in found.values():
        yield Subject(identifier, tuple(values))


def _buried(
    service: Service, kind: str, rows: Iterable[Sequence[Any]], since: datetime | None
) -> Iterator[tuple[Any, ...]]:
    """Those values that have a tombstone, set at that moment or later."""
    for block in blocks(rows, BLOCK):
        texts = {text_of(kind, row): tuple(row) for row in block}
        with service.ledger.read() as page:
            stones = page.tombstones.find(kind, texts)
        yield from (texts[text] for text, stone in stones.items() if since is None or stone.at >= since)


def blocks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items, so many at a time."""
    rest = iter(items)
    while block := list(islice(rest, size)):
        yield block


def _ways(service: Service) -> Iterator[tuple[str, Way]]:
    buckets = (service.relations.owned, service.relations.shared, service.relations.mentions)
    yield from ((name, way) for bucket in buckets for name, ways in bucket.items() for way in ways if way.reference)


def _is_guarded(service: Service, name: str, way: Way) -> bool:
    """Whether the database itself sees to it that what is referred to is there."""
    child = service.relations.tables[name]
    if service.schemas[child.store].dialect == "sqlite":
        return False  # a foreign key holds only on connections that say so
    parent = service.relations.tables[way.parent]
    return child.store == parent.store and any(
        key.table == parent.name and set(key.columns) == set(way.link.columns)
        for key in service.relations.live(name).foreign_keys
    )


# -- who is meant -----------------------------------------------------------------------------------


def _sort(
    service: Service,
    subjects: Iterable[Subject],
    found: Returned,
    seen: set[tuple[str, str]],
    *,
    lost: bool = False,
    certain: bool = True,
) -> None:
    """Those of whom an erasure would change something, each once, sorted into certain and doubtful.

    Args:
        lost: only those without a root row that is there: with one, that one says who they are.
    """
    for some in blocks(subjects, service.settings.batch_people):
        with service.sessions() as sessions:
            walk = collected(service.plan, sessions, some)
            _, people = Run(walk, service.settings.chunk_rows).count_people()
            there = walk.found_roots()
            known = vouched(service, walk, people)
            owned: dict[int, set[tuple[str, str]]] = {}
            for root in walk.plan.roots:
                columns = walk.plan.keysets[root].columns
                places = [1 + columns.index(each) for each in service.relations.live(root).primary_key]
                for row in walk.living_roots(root):
                    owned.setdefault(row[0], set()).add((root, text_of(root, [row[place] for place in places])))
        touched: dict[int, int] = {}
        for place, counts in people.items():
            once = service.plan.steps[place].phase != "disable"  # what is disabled first is deleted afterwards
            for number, rows in counts.items():
                touched[number] = touched.get(number, 0) + rows * once
        for number, one in enumerate(some):
            if number not in touched or (one.kind, one.text) in seen or (lost and number in there):
                continue
            seen |= owned.get(number, set()) | {(one.kind, one.text)}
            if certain and (lost or number in known):
                found.certain.append(one)
                found.rows += touched[number]
            else:
                found.doubtful.append(one)
