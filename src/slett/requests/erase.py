"""The path of an erasure: file → collect → journal → change → look again → certify.

Every erasure is of a batch, and one person is a batch of one. What must survive a crash is in the ledger before it
matters: who is meant before the first look, which keys before the first change. `carry_on` takes up whatever a dead
process left, from there.
"""

import json
import logging
import os
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from contextlib import ExitStack, suppress
from datetime import timedelta
from functools import partial
from typing import Any, Literal

from slett.execute import Run, Walk
from slett.execute.scope import unpack
from slett.ledger import Held, Lane, Lease, LedgerError, Page, Request
from slett.ledger.requests import Origin
from slett.requests import hooks
from slett.requests.batch import Batch
from slett.requests.batch import Outcome as Outcome
from slett.requests.ending import finish
from slett.requests.failing import note_failure
from slett.requests.heart import Heart
from slett.requests.hold import HeldBack, HeldRequest, by_keys, find_held, kept_back, narrowed, suspend
from slett.requests.journal import journal, keep_more, mark, read_facts
from slett.requests.pause import insist_on_work
from slett.requests.refuse import Refusal, find_refusals
from slett.requests.service import Service
from slett.requests.subject import Subject
from slett.requests.vouch import not_vouched
from slett.requests.way_back import drop_vault, filling, sealed_before
from slett.stores.errors import Conflict
from slett.stores.operations import Delete
from slett.stores.sql import Session
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
        newest_hold = insist_on_work(service)
        batch = _file(service, subjects[start : start + service.settings.batch_people], origin)
        batch.newest_hold = newest_hold
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
    newest_hold = insist_on_work(service)
    batch = begin_batch(service, filed)
    if batch is None:
        return []
    batch.newest_hold = newest_hold
    return _carry_out(service, batch, watch)


def begin_batch(service: Service, filed: Sequence[tuple[Request, Subject]]) -> Batch | None:
    """A batch of these, held by this process; None when none of them waits any more."""
    with service.ledger.write() as page:
        now = page.requests.some((each.reference for each, _ in filed), alone=True)
        waiting = [
            (request, subject)
            for each, subject in filed
            if (request := now.get(each.reference)) and request.state == "scheduled" and request.batch is None
        ]
        if not waiting:
            return None
        batch = _begin(page, [request for request, _ in waiting], [subject for _, subject in waiting])
    batch.lane = "small"
    return batch


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


def _file(service: Service, subjects: Sequence[Subject], origin: Origin) -> Batch:
    """Write down who is meant, sealed, before anything is looked for."""
    keys, promise = service.ledger.keys, timedelta(hours=service.settings.promise_hours)
    with service.ledger.write() as page:
        hashes = [subject.hash(keys) for subject in subjects]
        # whoever is at the terminal answers for who it is
        requests = page.requests.file("erase", hashes, service.datamap.digest, promise, "scheduled", origin=origin)
        return _begin(page, requests, subjects)


def _begin(page: Page, requests: Sequence[Request], subjects: Sequence[Subject]) -> Batch:
    """A batch of these requests, held by this process."""
    lease = page.batches.create([request.reference for request in requests], owner()).lease
    _name(page, lease, requests, subjects)
    return Batch(lease, list(requests), list(subjects))


def _name(page: Page, lease: Lease, requests: Sequence[Request], subjects: Sequence[Subject]) -> None:
    """Seal who is meant."""
    named = [(request.reference, one.kind, one.values) for request, one in zip(requests, subjects, strict=True)]
    page.scope.put(lease, [("subjects", 0, json.dumps(named, default=str).encode())])


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
        walk = _first_walk(service, batch, stack, watch)
        if batch.held:
            service = narrowed(service, batch.held.tables)
        for attempt in range(service.settings.sweeps):
            if walk is None:
                return
            if attempt:
                walk = _recalled(service, batch, stack.enter_context(service.sessions()))
            if attempt or batch.resumed:
                keep_more(service, batch, walk)
            reason = _change(service, batch, walk, watch, apart=bool(reason))
            left, statements = _look(service, batch, watch)
            if not left:
                break
        if walk is not None:
            watch("certify", 0, 0)
            finish(service, batch, walk, left, reason, statements)


def _first_walk(service: Service, batch: Batch, stack: ExitStack, watch: Watch) -> Walk | None:
    """Everybody's keys: from the journal where a dead process left one, else collected and journaled now.

    None when nobody is left to erase.
    """
    watch("collect", 0, 0)
    if batch.resumed:
        with service.ledger.read() as page:
            batch.newest_hold = page.holds.newest()
    if batch.resumed and read_facts(service, batch):
        mine = narrowed(service, batch.held.tables) if batch.held else service
        return _recalled_unless_held(mine, batch, stack)
    _only_waiting(batch)
    while batch.requests:
        sessions = stack.enter_context(service.sessions())
        walk = Walk(service.plan, sessions, len(batch.requests))
        name_people(service, walk, batch.subjects)
        walk.collect()
        counts, people = Run(walk, service.settings.chunk_rows).count_people()
        refusals = _without_sealed(service, batch, find_refusals(service, walk, batch.subjects, people))
        refusals |= not_vouched(service, walk, batch, people)
        if refusals:
            _refuse(service, batch, refusals)
        # whoever places the first hold from now on is heard before each transaction
        elif batch.newest_hold and (held := _really_held(walk, people, find_held(service, walk))):
            if in_part := _closes_in_part(batch, held):
                _refuse(service, batch, in_part)
                continue
            if not any(each.tables for each in held.values()) or len(batch.requests) > 1:
                _suspend(service, batch, walk, held)
                continue
            batch.held = held[0]
            batch.held_rows = _held_rows(service, walk, held[0], counts)
            service = narrowed(service, held[0].tables)
            walk = Walk(service.plan, stack.enter_context(service.sessions()), 1)
            name_people(service, walk, batch.subjects)
            walk.collect()
            counts, people = Run(walk, service.settings.chunk_rows).count_people()
            _rehearse(service, walk.sessions)
            journal(service, batch, walk, counts, people)
            return walk
        elif large := _too_large(service, batch, people):
            if not _set_apart(service, batch, large):
                return None
        else:
            _rehearse(service, sessions)
            journal(service, batch, walk, counts, people)
            return walk
    with service.ledger.write() as page:
        page.batches.finish(batch.lease)
    return None


def _suspend(service: Service, batch: Batch, walk: Walk, held: Mapping[int, HeldRequest]) -> None:
    """Put back whoever is held; who is held in part goes on in a batch of their own."""
    keyed = by_keys(walk, set(held))
    with service.ledger.write() as page:
        page.batches.check(batch.lease)
        for number, each in held.items():
            request, subject = batch.requests[number], batch.subjects[number]
            if each.tables:
                apart = page.batches.set_apart(batch.lease, [request.reference], batch.lane or "small")
                _name(page, apart.lease, [request], [subject])
                batch.apart.append(apart.number)
            else:
                reason = suspend(page, request, keyed.get(number, subject), each)
                batch.outcomes[request.reference] = Outcome(request.reference, "held", reason)
    _keep_only(batch, set(range(len(batch.requests))) - set(held))


def _really_held(
    walk: Walk, people: Mapping[int, Mapping[int, int]], held: Mapping[int, HeldRequest]
) -> dict[int, HeldRequest]:
    """A hold on tables in which a person has no rows holds nothing of theirs."""
    touched: dict[int, set[str]] = {}
    for place, counts in people.items():
        step = walk.plan.steps[place]
        for number, rows in counts.items():
            if rows:
                touched.setdefault(number, set()).add(f"{step.store}/{step.table}")
    return {n: each for n, each in held.items() if not each.tables or each.tables & touched.get(n, set())}


def _closes_in_part(batch: Batch, held: Mapping[int, HeldRequest]) -> dict[int, Refusal]:
    """An account is sealed whole or not at all: whoever came back would find what was held beside what was sealed."""
    return {
        number: Refusal("refused", f"held: {each.hold.basis}")
        for number, each in held.items()
        if each.tables and batch.requests[number].kind == "close"
    }


def _held_rows(service: Service, walk: Walk, held: HeldRequest, counts: Sequence[int]) -> dict[str, int]:
    """How many rows are kept back of the person: table → rows."""
    back = kept_back(service, held.tables)
    found: dict[str, int] = {}
    for step, rows in zip(walk.plan.steps, counts, strict=True):
        name = f"{step.store}/{step.table}"
        if name in back and rows and step.phase != "disable":
            found[name] = found.get(name, 0) + rows
    return found


def _recalled_unless_held(service: Service, batch: Batch, stack: ExitStack) -> Walk | None:
    """What a dead process left, without those on whom somebody placed a hold meanwhile."""
    walk = _recalled(service, batch, stack.enter_context(service.sessions()))
    known = batch.held.tables if batch.held else frozenset()
    held = {
        number: each
        for number, each in find_held(service, walk).items()
        if number not in batch.left_out and not (batch.held and each.tables and each.tables <= known)
    }
    if not held:
        return walk
    keyed = by_keys(walk, set(held))
    with service.ledger.write() as page:
        page.batches.check(batch.lease)
        for number, each in held.items():
            request = batch.requests[number]
            reason = suspend(page, request, keyed.get(number, batch.subjects[number]), each)
            batch.outcomes[request.reference] = Outcome(request.reference, "held", reason)
        batch.left_out |= set(held)
        if len(batch.left_out) == len(batch.requests):
            page.batches.finish(batch.lease)
            return None
    return _recalled(service, batch, stack.enter_context(service.sessions()))


def _without_sealed(service: Service, batch: Batch, found: dict[int, Refusal]) -> dict[int, Refusal]:
    """Of whoever was put away when they closed their account nothing is found, and that is as it should be."""
    if not found:
        return found
    with service.ledger.read() as page:
        return {
            number: refusal
            for number, refusal in found.items()
            if refusal.state != "not_found" or not sealed_before(page, batch.requests[number])
        }


def _rehearse(service: Service, sessions: Mapping[str, Session]) -> None:
    """Every store must let us do every step before one of them is touched."""
    for store, session in sessions.items():
        if store not in service.rehearsed:
            session.rehearse([step.change for step in service.plan.steps if step.store == store])
            service.rehearsed.add(store)


def name_people(service: Service, walk: Walk, subjects: Sequence[Subject]) -> None:
    """Fill the key sets that a request fills: each person by what names them."""
    for named in service.plan.named:
        kind = named.root or named.identifier
        rows = [(number, *one.values) for number, one in enumerate(subjects) if one.kind == kind]
        walk.name(named.keys, rows)


def _only_waiting(batch: Batch) -> None:
    """Whoever was settled before a crash is settled."""
    _keep_only(batch, {number for number, each in enumerate(batch.requests) if each.state == "scheduled"})


def _keep_only(batch: Batch, numbers: Set[int]) -> None:
    batch.subjects = [one for number, one in enumerate(batch.subjects) if number in numbers]
    batch.requests = [one for number, one in enumerate(batch.requests) if number in numbers]


def _too_large(service: Service, batch: Batch, people: Mapping[int, Mapping[int, int]]) -> set[int]:
    """Whoever would hold up the others, where somebody else works on such."""
    if batch.lane != "small":
        return set()
    rows = Counter[int]()
    for found in people.values():
        rows.update(found)
    return {number for number, count in rows.items() if count > service.settings.large_rows}


def _set_apart(service: Service, batch: Batch, large: Set[int]) -> bool:
    """Give each of them a batch of their own in the lane of the large; says whether anybody is left in this one."""
    with service.ledger.write() as page:
        if len(batch.requests) == 1:
            page.batches.change_lane(batch.lease, "large")
            return False
        for number in sorted(large):
            request, subject = batch.requests[number], batch.subjects[number]
            apart = page.batches.set_apart(batch.lease, [request.reference], "large")
            _name(page, apart.lease, [request], [subject])
    _keep_only(batch, set(range(len(batch.requests))) - large)
    return True


def _refuse(service: Service, batch: Batch, refusals: Mapping[int, Refusal]) -> None:
    """Settle those who cannot be erased, and go on with the others."""
    with service.ledger.write() as page:
        page.batches.check(batch.lease)
        for number, refusal in refusals.items():
            reference = batch.requests[number].reference
            drop_vault(page, batch.requests[number])
            page.requests.move([reference], "scheduled", refusal.state, reason=refusal.reason)
            hooks.record_all(page, service, [batch.requests[number]], refusal.state)
            page.log.append([{"event": refusal.state, "request": reference, "reason": refusal.reason}])
            batch.outcomes[reference] = Outcome(
                reference, refusal.state, refusal.reason, erased_before=refusal.erased_before
            )
    _keep_only(batch, set(range(len(batch.requests))) - set(refusals))


# -- the work, and the second look ------------------------------------------------------------------


def _recalled(service: Service, batch: Batch, sessions: Mapping[str, Session]) -> Walk:
    """The walk again from what is sealed, the same persons, whoever has taken their names since; and what is new."""
    walk = Walk(service.plan, sessions, len(batch.requests))
    number = batch.lease.batch
    with service.ledger.read() as page:
        for keys in service.plan.keysets.values():
            walk.remember(keys, _others(batch, unpack(page.scope.read(number, keys.name))))
        for identifier in service.plan.identifiers:
            walk.name(identifier.keys, _others(batch, unpack(page.scope.read(number, identifier.keys.name))))
    walk.pin()
    forget_shared(walk)
    walk.collect(identifiers=False)
    return walk


def _others(batch: Batch, rows: Iterable[tuple[Any, ...]]) -> Iterable[tuple[Any, ...]]:
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


def _change(service: Service, batch: Batch, walk: Walk, watch: Watch, *, apart: bool) -> str:
    """Run every step; says which constraint stopped it, or nothing."""

    def progress(rows: int) -> None:
        batch.changed += rows
        batch.total = max(batch.total, batch.changed)
        watch("change", batch.changed, batch.total)

    def may_go_on() -> None:
        batch.check()
        _insist_on_nobody_held(service, batch, walk, insist_on_work(service))

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


def _insist_on_nobody_held(service: Service, batch: Batch, walk: Walk, newest: int) -> None:
    """Nobody has placed a hold on one of them since the work began; `newest` is the last that was placed.

    Raises:
        HeldBack: somebody has.
    """
    if newest > batch.newest_hold:
        if any(each.newest > batch.newest_hold for each in find_held(service, walk).values()):
            raise HeldBack("", "somebody placed a hold on one of them; `slett resume` goes on with the others")
        batch.newest_hold = newest


def _look(service: Service, batch: Batch, watch: Watch) -> tuple[list[Left], int]:
    watch("verify", 0, 0)
    number = batch.lease.batch
    with service.sessions() as sessions, service.ledger.read() as page:
        small = page.scope.small(number)

        def read(name: str) -> Iterable[tuple[Any, ...]]:
            return _others(batch, unpack([small[name]] if name in small else page.scope.read(number, name)))

        recall = partial(_pinned, service, read)
        return look_again(service.expectations, service.plan, sessions, recall, len(batch.requests))


def _pinned(service: Service, read: Callable[[str], Iterable[tuple[Any, ...]]], name: str) -> Iterable[tuple[Any, ...]]:
    """What was named is, from the first look on, the root rows that were found."""
    named = next((each for each in service.plan.named if each.keys.name == name), None)
    if named is None:
        return read(name)
    if not named.root:
        return ()
    places = [1 + service.plan.keysets[named.root].columns.index(each) for each in named.keys.columns]
    return ((row[0], *(row[place] for place in places)) for row in read(named.root))


def owner() -> str:
    """Who holds what this process works on: its machine and number."""
    return f"{socket.gethostname()}:{os.getpid()}"
