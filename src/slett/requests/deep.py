"""The deep look at every store: where people are still written, and what the map says of those places.

Best before an erasure: then the root rows still tell all that somebody is known by, and each place that the erasure
would clear is set against what is found, so that the rest is what the map does not know.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from slett.datamap.model import TableMap
from slett.execute import Walk
from slett.plan import Step
from slett.requests.service import Service
from slett.requests.subject import Subject, SubjectError, collected
from slett.stores.errors import StoreError
from slett.stores.operations import Update
from slett.stores.reading import read_texts, row_key, text_columns
from slett.stores.schema import Table
from slett.verify import Hits, Search, gather

READERS = 2  # tables that are read at once

Says = Literal["erased", "stays", "ignored", "unknown"]
Watch = Callable[[int, int], None]  # tables done, tables in all


@dataclass(frozen=True, slots=True)
class Seen:
    """One column in which people are written."""

    store: str
    table: str
    column: str
    rows: int
    people: int  # how many of those who were named
    erased: int  # rows of them that an erasure would clear
    map: Says  # of that column
    because: str  # the map's reason, or its basis
    told_apart: bool  # whether `erased` could be known

    @property
    def left(self) -> int:
        """Rows that an erasure would leave as they are."""
        return self.rows - self.erased

    @property
    def accounted(self) -> bool:
        """Whether the map answers for every row."""
        return not self.left or self.map == "stays"


@dataclass(frozen=True, slots=True)
class Unread:
    """A table that could not be searched, or not to its end."""

    store: str
    table: str
    why: str


@dataclass(frozen=True, slots=True)
class DeepLook:
    """What a deep look found."""

    seen: tuple[Seen, ...]
    unread: tuple[Unread, ...]
    tables: int  # searched
    columns: int
    size: int  # bytes
    needles: int
    short: int  # texts that say too little to be searched for
    unknown_people: int  # of whom nothing is known that could be searched for

    @property
    def clean(self) -> bool:
        """Whether all was searched, for everybody, and the map answers for all that was found."""
        return not (self.unread or self.unknown_people) and all(each.accounted for each in self.seen)


def unwatched(_done: int, _total: int) -> None:
    """Nobody watches."""


def look_deep(
    service: Service, subjects: Sequence[Subject], also: Sequence[str] = (), watch: Watch = unwatched
) -> DeepLook:
    """Where these people are written, in every text of every table of every store.

    Args:
        also: further texts to search for, of the one person who is named.

    Raises:
        SubjectError: nothing is known of anybody that could be searched for.
    """
    with service.sessions() as sessions:
        walk = collected(service.plan, sessions, subjects)
        known = [(0, text) for text in also] + list(_known(walk))
        needles, short = gather(known)
        if not needles:
            raise SubjectError(
                "nothing is known by which to search: the root rows are gone, or what they hold is too short. Name"
                " people by what they were known by: --email, --by NAME=VALUE or, for one person, --also TEXT"
            )
        named = {number for needle in needles for number in needle.people}
        found, unread, searched = _search(service, Search(needles), watch)
        seen = [
            each
            for (store, table), hits in sorted(found.items())
            for each in _weigh(service, walk, store, service.schemas[store].tables[table], hits)
        ]
    tables, columns, size = searched
    return DeepLook(tuple(seen), tuple(unread), tables, columns, size, len(needles), short, len(subjects) - len(named))


def _known(walk: Walk) -> Iterator[tuple[int, str]]:
    """All identifiers of everybody: those that they were named by, and those in their root rows."""
    for identifier in walk.plan.identifiers:
        for number, value in walk.rows_of(identifier.keys.name):
            yield number, str(value)


Places = dict[tuple[str, str], dict[str, Hits]]  # (store, table) → column → what is there


def _search(service: Service, search: Search, watch: Watch) -> tuple[Places, list[Unread], tuple[int, int, int]]:
    wanted = [
        (service.stores[store], table, columns)
        for store, schema in service.schemas.items()
        for table in sorted(schema.tables.values(), key=lambda each: -each.rows)  # so that the largest is not last
        if (columns := text_columns(service.stores[store], table))
    ]
    found: Places = {}
    unread: list[Unread] = []
    size = 0

    def read(place: int) -> tuple[dict[str, Hits], int]:
        store, table, columns = wanted[place]
        with read_texts(store, table, columns) as texts:
            return search.find(texts, len(row_key(store, table)), columns)

    with ThreadPoolExecutor(READERS) as pool:
        waiting = [pool.submit(read, place) for place in range(len(wanted))]
        try:
            for done, (store, table, _) in enumerate(wanted):
                watch(done, len(wanted))
                try:
                    hits, read_bytes = waiting[done].result()
                except StoreError as error:
                    unread.append(Unread(store.name, table.name, error.sentence))
                    continue
                size += read_bytes
                if hits:
                    found[store.name, table.name] = hits
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # whoever stops the search does not wait for what is queued
            raise
    return found, unread, (len(wanted) - len(unread), sum(len(each) for _, _, each in wanted), size)


# -- what the map says of it ----------------------------------------------------------------------------


def _weigh(service: Service, walk: Walk, store: str, table: Table, hits: dict[str, Hits]) -> Iterator[Seen]:
    mapped = service.datamap.table(store, table.name)
    cleared = {name: set[tuple[str, ...]]() for name in hits}
    for step in service.plan.steps:
        if (step.store, step.table) == (store, table.name):
            _take_away(service, walk, step, table, hits, cleared)
    for name, each in hits.items():
        says, because = _says(mapped, name)
        yield Seen(
            *(store, table.name, name, each.rows, len(each.people), len(cleared[name])),
            *(says, because, each.keys is not None),
        )


def _take_away(
    service: Service,
    walk: Walk,
    step: Step,
    table: Table,
    hits: dict[str, Hits],
    cleared: dict[str, set[tuple[str, ...]]],
) -> None:
    """Add the rows that a step deletes, or of which it writes the column."""
    names = set(hits)
    if isinstance(step.change, Update):
        names &= {write.column for write in step.change.writes}
    wanted = {name: keys for name in names if (keys := hits[name].keys)}
    if not wanted:
        return
    walk.bring(step.store, step.change.rows)
    key = row_key(service.stores[step.store], table)
    for row in walk.sessions[step.store].read_keys(step.change.rows, key):
        for name, keys in wanted.items():
            if row in keys:
                cleared[name].add(row)


def _says(mapped: TableMap | None, column: str) -> tuple[Says, str]:
    if mapped is None:
        return "unknown", ""
    if mapped.action == "ignore":
        return "ignored", mapped.reason
    if mapped.action == "delete":
        return "erased", ""
    if column in mapped.columns:
        return "stays", mapped.basis or mapped.reason
    ruled = {name for name, _ in mapped.anonymise}
    for reference in mapped.references:
        ruled |= {*reference.columns, *(name for name, _ in reference.anonymise)}
    return ("erased", "") if column in ruled else ("unknown", "")
