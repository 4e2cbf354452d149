"""Kept rows whose time has come: erased by their keys, on the day that the certificate named."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from slett.execute.scope import unpack
from slett.ledger import Kept
from slett.plan.steps import NULL, detaching, owner_detaching
from slett.requests.pause import insist_on_work
from slett.requests.service import Service
from slett.stores.errors import StoreError
from slett.stores.operations import Change, Delete, KeySet, Link, Rows, Update
from slett.stores.sql import Session

KEPT = "kept"  # the key set of the rows at hand


@dataclass(frozen=True, slots=True)
class Expired:
    """Rows of one table that were kept and are now erased."""

    store: str
    table: str
    rows: int


def kept_kind(store: str, table: str) -> str:
    """What the tombstones of kept rows of that table are of."""
    return f"kept {store}/{table}"


def key_text(key: Iterable[Any]) -> str:
    """The key of a kept row, as it is hashed."""
    return ",".join(map(str, key))


def expire(service: Service) -> list[Expired]:
    """Erase every kept row that is due today, children before parents, whatever the map says of its table by now.

    A row that is gone already is forgotten silently: whoever deleted it did what was due. A row that belongs to
    somebody again, because its key was given out anew, stays and is forgotten, too.

    Raises:
        StoreError: a store failed, or is paused. What was erased is forgotten, the rest is due still.
    """
    found = []
    places = {(step.store, step.table): place for place, step in enumerate(service.plan.steps)}
    due = dict.fromkeys((each.store, each.table) for some in _due(service) for each in some)
    gone = [name for name in due if name[0] not in service.schemas or name[1] not in service.schemas[name[0]].tables]
    for store, table in sorted(set(due).difference(gone), key=lambda name: places.get(name, len(places))):
        insist_on_work(service)
        of_table = ([each for each in some if (each.store, each.table) == (store, table)] for some in _due(service))
        rows = sum(_erase(service, store, table, some) for some in of_table if some)
        if rows:
            found.append(Expired(store, table, rows))
    for store, table in gone:
        raise StoreError(store, f"table `{table}` is gone, and rows of it were kept that are due; name it in the map")
    return found


def _due(service: Service) -> Iterator[list[Kept]]:
    """What is due, some at a time in memory."""
    after = 0
    while True:
        with service.ledger.read() as page:
            some = page.kept.due(service.today, after=after)
        if not some:
            return
        after = some[-1].number
        yield list(some)


def _erase(service: Service, store: str, table: str, kept: list[Kept]) -> int:
    live = service.schemas[store].tables[table]
    families = tuple(column.family for each in live.primary_key if (column := live.column(each)))
    keys = KeySet(KEPT, store, table, live.primary_key, families, live.primary_key)
    gone = Delete(Rows(table, (Link(live.primary_key, KEPT, live.primary_key),), key=live.primary_key))
    rows: list[tuple[Any, ...]] = [(0, *key) for each in kept for key in unpack([each.keys])]
    erased = left = 0
    with service.sessions() as sessions:
        session = sessions[store]
        for start in range(0, len(rows), service.settings.chunk_rows):
            some = rows[start : start + service.settings.chunk_rows]
            session.know(keys, some, people=1)
            with session.transaction():
                if owned := _somebodys(service, session, f"{store}/{table}", gone.rows):
                    session.know(keys, [row for row in some if key_text(row[1:]) not in owned], people=1)
                    left += len(owned)
                for change in _letting_go(service, f"{store}/{table}"):
                    session.apply(change)
                erased += session.apply(gone)
    with service.ledger.write() as page:
        page.kept.forget([each.number for each in kept])
        page.tombstones.add(
            (kept_kind(store, table), key_text(key), each.request) for each in kept for key in unpack([each.keys])
        )
        page.log.append([{"event": "expired", "store": store, "table": table, "rows": erased}])
        if left:
            page.log.append([{"event": "expired rows left", "store": store, "table": table, "rows": left}])
    return erased


def _somebodys(service: Service, session: Session, name: str, rows: Rows) -> set[str]:
    """Those of the rows that have an owner again: what led to their person was made null when they were kept."""
    mapped = service.relations.tables.get(name)
    if mapped is None or mapped.action != "keep":
        return set()
    key = rows.key
    links = dict.fromkeys(
        write.column
        for way in service.relations.ways(name)
        for write in owner_detaching(service.relations, mapped, name, way)
        if write.rule == NULL and not write.path
    )
    if not links:
        return set()
    read = session.read(rows, (*key, *links), key)
    return {key_text(row[: len(key)]) for row in read if any(value is not None for value in row[len(key) :])}


def _letting_go(service: Service, parent: str) -> Iterator[Change]:
    """Other people's rows that still mention these."""
    key = service.relations.live(parent).primary_key
    for name, ways in service.relations.mentions.items():
        mapped, live = service.relations.tables[name], service.relations.live(name)
        for way in ways:
            if way.parent == parent and set(way.link.at) <= set(key):
                rows = Rows(mapped.name, (replace(way.link, keys=KEPT),), key=live.primary_key)
                yield Update(rows, detaching(live, way))
