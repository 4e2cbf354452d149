"""Who is meant, from what was sealed of them: the same persons and rows, whoever has taken their names since."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from slett.execute import Walk
from slett.execute.scope import unpack
from slett.requests.batch import Batch
from slett.requests.service import Service
from slett.stores.operations import Delete
from slett.stores.sql import Session


def recalled(service: Service, batch: Batch, sessions: Mapping[str, Session]) -> Walk:
    """The walk again from what is sealed, the same persons, whoever has taken their names since; and what is new."""
    walk = Walk(service.plan, sessions, len(batch.requests))
    number = batch.lease.batch
    with service.ledger.read() as page:
        for keys in service.plan.keysets.values():
            walk.remember(keys, still_in(batch, unpack(page.scope.read(number, keys.name))))
        for identifier in service.plan.identifiers:
            walk.name(identifier.keys, still_in(batch, unpack(page.scope.read(number, identifier.keys.name))))
    walk.pin()
    forget_shared(walk)
    walk.collect(identifiers=False)
    return walk


def still_in(batch: Batch, rows: Iterable[tuple[Any, ...]]) -> Iterable[tuple[Any, ...]]:
    """Without whoever is left out."""
    return (row for row in rows if row[0] not in batch.left_out) if batch.left_out else rows


def forget_shared(walk: Walk) -> None:
    """From the moment somebody else has an identifier, it says nothing of whose a row is: such rows are left."""
    for name, rows in walk.plan.strangers:
        store, _, identifier = name.partition("/")
        walk.bring(store, rows)
        shared = {number for number, count in walk.sessions[store].count_by_person([Delete(rows)])[0].items() if count}
        if shared:
            (keys,) = (each.keys for each in walk.plan.identifiers if each.name == identifier)
            walk.name(keys, [row for row in walk.rows_of(keys.name) if row[0] not in shared])


def pinned(service: Service, read: Callable[[str], Iterable[tuple[Any, ...]]], name: str) -> Iterable[tuple[Any, ...]]:
    """What was named is, from the first look on, the root rows that were found."""
    named = next((each for each in service.plan.named if each.keys.name == name), None)
    if named is None:
        return read(name)
    if not named.root:
        return ()
    places = [1 + service.plan.keysets[named.root].columns.index(each) for each in named.keys.columns]
    return ((row[0], *(row[place] for place in places)) for row in read(named.root))
