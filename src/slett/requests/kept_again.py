"""Kept rows after a restore: those whose time had come are due once more, and those that are not back are forgotten."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from slett.datamap.model import TableMap
from slett.execute.scope import pack, unpack
from slett.ledger import Kept
from slett.plan.steps import due_of, owner_detaching
from slett.requests.expire import KEPT, kept_kind, key_text
from slett.requests.returned import blocks
from slett.requests.service import Service
from slett.stores.operations import KeySet, Link, Rows
from slett.stores.sql import Session

Row = tuple[Any, ...]


def count(service: Service) -> int:
    """How many rows that were kept and erased on their day are back."""
    return sum(len(some) for _, some, _ in _returned(service))


def remember(service: Service) -> int:
    """How many such rows are due again, from now on: what erases kept rows on their day erases them."""
    found = 0
    for mapped, rows, requests in _returned(service):
        kept: dict[str, list[Row]] = {}
        for row, request in zip(rows, requests, strict=True):
            kept.setdefault(request, []).append(row)
        with service.ledger.write() as page:
            known = {key_text(key) for each in kept for old in page.kept.of(each) for key in unpack([old.keys])}
            page.kept.add(
                Kept(request, mapped.store, mapped.name, service.today, content)
                for request, some in kept.items()
                for content in pack(row for row in some if key_text(row) not in known)
            )
        found += len(rows)
    return found


def _returned(service: Service) -> Iterator[tuple[TableMap, list[Row], list[str]]]:
    """(table, keys, the requests that they were kept for), a block at a time."""
    with service.ledger.read() as page:
        kinds = page.tombstones.kinds()
    for name, mapped in service.relations.tables.items():
        if mapped.action != "keep" or (kind := kept_kind(mapped.store, mapped.name)) not in kinds:
            continue
        key = service.relations.live(name).primary_key
        with service.sessions() as sessions:
            every = list(_buried(service, kind, sessions[mapped.store].read_all(mapped.name, key)))
        for some in blocks(every, service.settings.chunk_rows):
            with service.sessions() as sessions:
                nobodys = _nobodys(service, sessions[mapped.store], mapped, [row for row, _ in some])
            found = [(row, request) for row, request in some if key_text(row) in nobodys]
            if found:
                yield mapped, [row for row, _ in found], [request for _, request in found]


def _buried(service: Service, kind: str, rows: Iterator[Row]) -> Iterator[tuple[Row, str]]:
    for block in blocks(rows, service.settings.chunk_rows):
        texts = {key_text(row): row for row in block}
        with service.ledger.read() as page:
            stones = page.tombstones.find(kind, texts)
        yield from ((texts[text], stone.request) for text, stone in stones.items())


def _nobodys(service: Service, session: Session, mapped: TableMap, keys: list[Row]) -> set[str]:
    """Those rows that are due and have lost their person: whoever has been given such a key anew is somebody."""
    rows = replace(_by_key(service, session, str(mapped), keys), due=due_of(service.relations, mapped))
    key = rows.key
    gone = [
        write.column
        for way in service.relations.ways(str(mapped))
        for write in owner_detaching(service.relations, mapped, str(mapped), way)
        if not write.path
    ]
    gone += [column for column, rule in mapped.anonymise if rule.how == "null"]
    columns = tuple(dict.fromkeys(gone))
    return {
        key_text(row[: len(key)])
        for row in session.read(rows, (*key, *columns), key)
        if all(value is None for value in row[len(key) :])
    }


def forget_lost(service: Service) -> int:
    """How many kept rows are forgotten because they are not there: given out again, their keys are somebody else's."""
    after = forgotten = 0
    while True:
        with service.ledger.read() as page:
            some = page.kept.all(after=after)
        if not some:
            return forgotten
        after = some[-1].number
        for each in some:
            forgotten += _forget_lost(service, each)


def _forget_lost(service: Service, kept: Kept) -> int:
    name = f"{kept.store}/{kept.table}"
    if name not in service.relations.tables:
        return 0
    keys: list[Row] = list(unpack([kept.keys]))
    with service.sessions() as sessions:
        session = sessions[kept.store]
        rows = _by_key(service, session, name, keys)
        there = {key_text(row) for row in session.read(rows, rows.key, rows.key)}
    left = [key for key in keys if key_text(key) in there]
    if len(left) < len(keys):
        with service.ledger.write() as page:
            page.kept.forget([kept.number])
            page.kept.add(replace(kept, keys=content) for content in pack(left))
    return len(keys) - len(left)


def _by_key(service: Service, session: Session, name: str, keys: list[Row]) -> Rows:
    mapped, live = service.relations.tables[name], service.relations.live(name)
    families = tuple(column.family for each in live.primary_key if (column := live.column(each)))
    known = KeySet(KEPT, mapped.store, mapped.name, live.primary_key, families, live.primary_key)
    session.know(known, ((0, *key) for key in keys), people=1)
    return Rows(mapped.name, (Link(live.primary_key, KEPT, live.primary_key),), key=live.primary_key)
