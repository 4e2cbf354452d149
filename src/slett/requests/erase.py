"""The path of an erasure: file → collect → journal → change → look again → certify.

Every erasure is of a batch, and one person is a batch of one. What must survive a crash is in the ledger before it
matters: who is meant before the first look, which keys before the first change. `carry_on` takes up whatever a dead
process left, from there.
"""

import json
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any, Literal

from slett.execute import Run, Walk
from slett.execute.scope import unpack
from slett.ledger import Held, Lane, LedgerError, Request
from slett.ledger.requests import Origin
from slett.requests.batch import Batch
from slett.requests.batch import Outcome as Outcome
from slett.requests.collect import first_walk
from slett.requests.ending import finish
from slett.requests.failing import note_failure
from slett.requests.filing import begin_batch, file, owner
from slett.requests.heart import Heart
from slett.requests.held import insist_on_nobody_held
from slett.requests.hold import narrowed
from slett.requests.journal import keep_more, mark
from slett.requests.pause import insist_on_work
from slett.requests.recall import pinned, recalled, still_in
from slett.requests.service import Service
from slett.requests.subject import Subject
from slett.requests.way_back import filling
from slett.stores.errors import Conflict
from slett.verify import Left, look_again

Stage = Literal["collect", "change", "wait", "verify", "certify"]
Watch = Callable[[Stage, int, int], None]  # stage, rows done, rows in all
log = logging.getLogger(__name__)

MARK_SECONDS = 1.0  # progress is written at least so often; no step depends on it


def unwatched(_stage: Stage, _done: int, _total: int) -> None:
    """Nobody watches."""


def erase(
    service: Service, subjects: Sequence[Subject], watch: Watch = unwatched, *, origin: Origin = ""
) -> list[Outcome]:
    """What became of each person, in the same order.

    Args:
        origin: what files the requests, if nobody asked now.

    Raises:
        StoreError: a store failed on the way. The batch stays in the ledger; `resume` goes on with it.
        LedgerError: the ledger failed; likewise.
        Paused: a store is, or was on the way; likewise.
    """
    outcomes: list[Outcome] = []
    for start in range(0, len(subjects), service.settings.batch_people):
        batch = file(service, subjects[start : start + service.settings.batch_people], origin)
        outcomes += _carry_out(service, batch, watch)
    return outcomes


def erase_filed(service: Service, filed: Sequence[tuple[Request, Subject]], watch: Watch = unwatched) -> list[Outcome]:
    """The same for requests that are `scheduled` already, each with whom it means.

    Whoever has more than `large_rows` is set apart, for whoever works in that lane.

    Args:
        filed: at most `batch_people` of them; one that somebody moved meanwhile is left out of the answer.

    Raises:
        StoreError, LedgerError: as `erase`.
    """
    batch = begin_batch(service, filed)
    if batch is None:
        return []
    return _carry_out(service, batch, watch)


def resume(service: Service, watch: Watch = unwatched, *, force: bool = False) -> list[Outcome]:
    """What became of every request that a process which died, or a store which failed, left unfinished.

    Dead letters are tried again, too. One batch that fails does not hold up the next.

    Args:
        force: take batches over even if their leases still run, because those processes are known to be dead.

    Raises:
        Held: another process is at work on a batch.
        StoreError, LedgerError: as `erase`, when all others are done.
    """
    outcomes = []
    failed: Exception | None = None
    with service.ledger.read() as page:
        waiting = page.batches.unfinished()
    for each in waiting:
        insist_on_work(service)
        try:
            outcomes += carry_on(service, each.number, watch, force=force)
        except Exception as error:  # the next one may do better
            failed = error if failed is None or isinstance(failed, Held) else failed
    if failed is not None:
        raise failed
    return outcomes


def carry_on(
    service: Service, number: int, watch: Watch = unwatched, *, lane: Lane | None = None, force: bool = False
) -> list[Outcome]:
    """What became of the requests of one batch, taken up where it was left.

    Args:
        lane: of whoever works on it.
        force: as `resume`.

    Raises:
        Held: another process is at work on it.
        StoreError, LedgerError: as `erase`.
    """
    with service.ledger.write() as page:
        lease = page.batches.take(number, owner(), force=force)
    with service.ledger.read() as page:
        requests = {request.reference: request for request in page.requests.find(batch=number)}
        named = [row for part in page.scope.read(number, "subjects") for row in json.loads(part)]
    there = [(requests[reference], kind, values) for reference, kind, values in named if reference in requests]
    batch = Batch(
        lease,
        [request for request, _, _ in there],
        [Subject(kind, tuple(values)) for _, kind, values in there],
        resumed=True,
        lane=lane,
    )
    return _carry_out(service, batch, watch)


def _carry_out(service: Service, batch: Batch, watch: Watch) -> list[Outcome]:
    references = [request.reference for request in batch.requests]
    try:
        with Heart(service.ledger, batch.lease) as heart:
            batch.check = heart.check
            _work(service, batch, watch)
    except Exception as error:
        with suppress(LedgerError), service.ledger.write() as page:
            note_failure(page, batch.lease, error, service.settings.tries)
        raise
    except BaseException:  # somebody stopped it
        with suppress(LedgerError), service.ledger.write() as page:
            page.batches.release(batch.lease)
        raise
    for number in batch.apart:
        with suppress(Held):  # somebody else works on it
            apart = carry_on(service, number, watch, lane=batch.lane)
            batch.outcomes |= {outcome.reference: outcome for outcome in apart}
    return [batch.outcomes[reference] for reference in references if reference in batch.outcomes]


def _work(service: Service, batch: Batch, watch: Watch) -> None:
    left: list[Left] = []
    reason = ""
    with ExitStack() as stack:
        watch("collect", 0, 0)
        walk = first_walk(service, batch, stack)
        if batch.held:
            service = narrowed(service, batch.held.tables)
        for attempt in range(service.settings.sweeps):
            if walk is None:
                return
            if attempt:
                walk = recalled(service, batch, stack.enter_context(service.sessions()))
            if attempt or batch.resumed:
                keep_more(service, batch, walk)
            reason = _change(service, batch, walk, watch, apart=bool(reason))
            left, statements = _look(service, batch, watch)
            if not left:
                break
        if walk is not None:
            watch("certify", 0, 0)
            finish(service, batch, walk, left, reason, statements)


def _change(service: Service, batch: Batch, walk: Walk, watch: Watch, *, apart: bool) -> str:
    """Run every step; says which constraint stopped it, or nothing."""

    def progress(rows: int) -> None:
        batch.changed += rows
        batch.total = max(batch.total, batch.changed)
        watch("change", batch.changed, batch.total)

    def may_go_on() -> None:
        batch.check()
        insist_on_nobody_held(service, batch, walk, insist_on_work(service))

    due = min(each.due_at for each in batch.requests)

    def late() -> bool:
        with service.ledger.read() as page:
            return page.now >= due

    def waiting(store: str, why: str) -> None:
        log.info("batch %d waits for `%s`: %s", batch.lease.batch, store, why)
        watch("wait", batch.changed, batch.total)

    first = not (batch.done or batch.resumed)
    people = batch.people if first else None
    run = Run(
        walk,
        service.settings.chunk_rows,
        progress,
        paces=service.paces,
        people=people,
        apart=apart,
        may_go_on=may_go_on,
        late=late,
        waiting=waiting,
        keeper=filling(service, batch),
        open_more=service.session if service.settings.pace.connections > 1 else None,
    )
    try:
        for done in run.apply(batch.planned if first else run.count()):
            for each in done:
                batch.done[each.position] = batch.done.get(each.position, 0) + each.rows
                batch.unmarked.add(each.position)
            if time.monotonic() - batch.marked > MARK_SECONDS:
                with service.ledger.write() as page:
                    mark(service, batch, page)
                    page.batches.renew(batch.lease, came_on=bool(batch.changed))
    except Conflict as conflict:
        return conflict.sentence
    return ""


def _look(service: Service, batch: Batch, watch: Watch) -> tuple[list[Left], int]:
    watch("verify", 0, 0)
    number = batch.lease.batch
    with service.sessions() as sessions, service.ledger.read() as page:
        small = page.scope.small(number)

        def read(name: str) -> Iterable[tuple[Any, ...]]:
            whole = small.get(name, b"[]")  # what has no part is empty
            return still_in(batch, unpack(page.scope.read(number, name) if whole is None else [whole]))

        recall = partial(pinned, service, read)
        return look_again(service.expectations, service.plan, sessions, recall, len(batch.requests))
