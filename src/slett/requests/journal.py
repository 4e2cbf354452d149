"""What the ledger is told of a batch: everything before the first change, and how far it has come since."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from datetime import date
from itertools import chain
from typing import Any

from slett.execute import Run, Walk
from slett.execute.scope import pack, unpack
from slett.ledger import Kept, Page, Step
from slett.plan import Keeping
from slett.requests import hooks
from slett.requests.batch import Batch
from slett.requests.hold import HeldRequest
from slett.requests.pause import fits_day, insist_on_work
from slett.requests.service import Service
from slett.requests.way_back import give_vault, insist_on_a_way_back
from slett.stores.due import end

SHORT = 1.0  # seconds; whoever journals for longer may have kept the lease from being renewed
KEPT_TOGETHER = 5_000  # keys of kept rows sealed together


def journal(
    service: Service, batch: Batch, walk: Walk, counts: Sequence[int], people: dict[int, dict[int, int]]
) -> None:
    """Everything that a later process would need, in one commit, before the first row is touched.

    Raises:
        Paused: it is suspiciously much for a day. Nothing was touched, and nothing journaled.
        StoreError: something could not be undone, and is to be. Likewise.
    """
    if service.settings.vault.undo_window_hours and not batch.requests[0].follows:
        touched = (step for step, rows in zip(service.plan.steps, counts, strict=True) if rows)
        insist_on_a_way_back(walk.sessions, touched)
    batch.planned, batch.people, batch.total = list(counts), people, sum(counts)
    steps = [
        Step(place, step.store, step.table, step.what, planned=counts[place])
        for place, step in enumerate(service.plan.steps)
    ]
    with service.ledger.write() as page:
        fits = fits_day(page, service, batch.total)
        if fits:
            _journal(page, service, batch, walk, steps)
    if not fits:
        insist_on_work(service)


def _journal(page: Page, service: Service, batch: Batch, walk: Walk, steps: Sequence[Step]) -> None:
    begun = time.monotonic()
    references = [request.reference for request in batch.requests]
    page.steps.plan(batch.lease, steps)
    facts: dict[str, object] = {"requests": references, "planned": batch.planned, "people": batch.people}
    if batch.held:
        facts["held"] = [batch.held.hold.number, sorted(batch.held.tables), batch.held_rows]
    page.scope.put(batch.lease, chain(_packed(walk), [("facts", 0, json.dumps(facts, default=str).encode())]))
    page.kept.add(_kept(service, batch, walk))
    give_vault(page, service, batch)
    page.requests.move(references, "scheduled", "running")
    batch.requests = [replace(each, state="running", started_at=page.now) for each in batch.requests]
    hooks.record_all(page, service, batch.requests, "running")
    if time.monotonic() - begun > SHORT:
        page.batches.renew(batch.lease)


def read_facts(service: Service, batch: Batch) -> bool:
    """Take up what was journaled; False if nothing was, because nothing had been touched."""
    with service.ledger.read() as page:
        facts = json.loads(b"".join(page.scope.read(batch.lease.batch, "facts")) or b"null")
        batch.vault = page.vaults.of_batch(batch.lease.batch)
    if facts is None:
        return False
    with service.ledger.read() as page:
        known = page.requests.some(facts["requests"])
        holds = {each.number: each for each in page.holds.all()}
    batch.requests = [known[reference] for reference in facts["requests"]]
    batch.left_out = {place for place, each in enumerate(batch.requests) if each.batch != batch.lease.batch}
    if held := facts.get("held"):
        batch.held = HeldRequest(holds[held[0]], frozenset(held[1]))
        batch.held_rows = held[2]
    batch.planned = facts["planned"]
    batch.people = {int(place): {int(n): rows for n, rows in found.items()} for place, found in facts["people"].items()}
    return True


def _packed(walk: Walk) -> Iterator[tuple[str, int, bytes]]:
    for name in (*walk.plan.keysets, *(each.keys.name for each in walk.plan.identifiers)):
        for part, content in enumerate(pack(walk.rows_of(name))):
            yield name, part, content


def keep_more(service: Service, batch: Batch, walk: Walk) -> None:
    """Remember what was written meanwhile and stays, too."""
    if not service.plan.keepings:
        return
    places = {(each.store, each.table): place for place, each in enumerate(service.plan.keepings)}
    batch.kept.clear()
    known = set()
    with service.ledger.write() as page:
        page.batches.check(batch.lease)
        for number, request in enumerate(batch.requests):
            for each in page.kept.of(request.reference):
                keys = list(unpack([each.keys]))
                if (place := places.get((each.store, each.table))) is not None:  # else the map keeps it no more
                    batch.kept.append((number, place, len(keys), each.due or date.max))
                known |= {(each.store, each.table, *map(str, key)) for key in keys}
        page.kept.add(_kept(service, batch, walk, known))


def _kept(service: Service, batch: Batch, walk: Walk, known: Set[tuple[str, ...]] = frozenset()) -> Iterator[Kept]:
    """The keys of rows that stay, by person and day, before they lose their link to the person."""
    counts = Run(walk, service.settings.chunk_rows).count_kept()
    for place, (keeping, expected) in enumerate(zip(service.plan.keepings, counts, strict=True)):
        if not expected:
            continue
        days: dict[tuple[int, date], list[tuple[Any, ...]]] = {}
        for number, since, *key in walk.sessions[keeping.store].read_kept(keeping.rows, keeping.due, expected):
            if (keeping.store, keeping.table, *map(str, key)) in known:
                continue
            start = date.fromisoformat(str(since)[:10]) if since is not None else service.today
            person_and_day = (number, end(keeping.due, start))
            days.setdefault(person_and_day, []).append(tuple(key))
            if len(days[person_and_day]) == KEPT_TOGETHER:
                yield from _sealed_kept(batch, place, keeping, {person_and_day: days.pop(person_and_day)})
        yield from _sealed_kept(batch, place, keeping, days)


def _sealed_kept(
    batch: Batch, place: int, keeping: Keeping, days: Mapping[tuple[int, date], list[tuple[Any, ...]]]
) -> Iterator[Kept]:
    for (number, day), keys in sorted(days.items()):
        batch.kept.append((number, place, len(keys), day))
        for content in pack(keys):
            yield Kept(batch.requests[number].reference, keeping.store, keeping.table, day, content)


def mark(service: Service, batch: Batch, page: Page) -> None:
    """Write how far the steps have come."""
    marks = []
    for place in sorted(batch.unmarked):
        step, planned, done = service.plan.steps[place], batch.planned[place], batch.done[place]
        marks.append(Step(place, step.store, step.table, step.what, planned, done, "done"))
    page.steps.mark(batch.lease, marks)
    batch.unmarked.clear()
    batch.marked = time.monotonic()
