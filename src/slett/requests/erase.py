"""The path of an erasure: file → collect → journal → change → look again → certify.

Every erasure is of a batch, and one person is a batch of one. What must survive a crash is in the ledger before it
matters: who is meant before the first look, which keys before the first change. `resume` takes up whatever a dead
process left, from there.
"""

import json
import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal

from slett.certify import (
    CertificateError,
    KeptTable,
    LeftTable,
    Verification,
    certificate_body,
    certificate_path,
    enter,
    write_certificates,
)
from slett.execute import Run, Walk
from slett.execute.scope import pack, unpack
from slett.ledger import Held, Kept, Lease, LedgerError, Page, Request
from slett.ledger import Step as JournalStep
from slett.ledger.requests import State
from slett.plan import Keeping
from slett.plan.links import identifier_set
from slett.requests.refuse import Refusal, find_refusals
from slett.requests.service import Service
from slett.requests.subject import Subject
from slett.stores.due import end
from slett.stores.errors import Conflict
from slett.stores.operations import Delete
from slett.stores.sql import Session
from slett.verify import Left, look_again

Stage = Literal["collect", "change", "verify", "certify"]
Watch = Callable[[Stage, int, int], None]  # stage, rows done, rows in all
KEPT_TOGETHER = 5_000  # keys of kept rows sealed together
MARK_SECONDS = 1.0  # progress is written at least so often; no step depends on it


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one person's request."""

    reference: str
    state: str
    reason: str = ""
    rows: int = 0
    left: tuple[Left, ...] = ()
    certificate: Path | None = None
    erased_before: bool = False


@dataclass(slots=True)
class Batch:
    """A batch on its way."""

    lease: Lease
    requests: list[Request]
    subjects: list[Subject]
    resumed: bool = False
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    done: dict[int, int] = field(default_factory=dict)  # rows, by step
    changed: int = 0  # rows, in all passes
    total: int = 0  # rows expected
    unmarked: set[int] = field(default_factory=set)  # steps whose progress is not written yet
    marked: float = field(default_factory=time.monotonic)
    planned: list[int] = field(default_factory=list)
    kept: list[tuple[int, int, int, date]] = field(default_factory=list)  # person, keeping, rows, day on which they go
    people: dict[int, dict[int, int]] = field(default_factory=dict)  # rows planned: step → person → rows


def unwatched(_stage: Stage, _done: int, _total: int) -> None:
    """Nobody watches."""


def erase(service: Service, subjects: Sequence[Subject], watch: Watch = unwatched) -> list[Outcome]:
    """What became of each person, in the same order.

    Raises:
        StoreError: a store failed on the way. The batch stays in the ledger; `resume` goes on with it.
        LedgerError: the ledger failed; likewise.
    """
    outcomes: list[Outcome] = []
    for start in range(0, len(subjects), service.settings.batch_people):
        batch = _file(service, subjects[start : start + service.settings.batch_people])
        outcomes += _carry_out(service, batch, watch)
    return outcomes


def erase_filed(service: Service, filed: Sequence[tuple[Request, Subject]], watch: Watch = unwatched) -> list[Outcome]:
    """The same for requests that are `scheduled` already, each with whom it means.

    Args:
        filed: at most `batch_people` of them; one that somebody moved meanwhile is left out of the answer.

    Raises:
        StoreError, LedgerError: as `erase`.
    """
    with service.ledger.write() as page:
        now = {each.reference: page.requests.get(each.reference) for each, _ in filed}
        waiting = [
            (request, subject)
            for each, subject in filed
            if (request := now[each.reference]) and request.state == "scheduled" and request.batch is None
        ]
        if not waiting:
            return []
        batch = _begin(page, [request for request, _ in waiting], [subject for _, subject in waiting])
    return _carry_out(service, batch, watch)


def resume(service: Service, watch: Watch = unwatched, *, force: bool = False) -> list[Outcome]:
    """What became of every request that a process which died, or a store which failed, left unfinished.

    Args:
        force: take batches over even if their leases still run, because those processes are known to be dead.

    Raises:
        Held: another process is at work on a batch.
    """
    outcomes = []
    held: Held | None = None
    with service.ledger.read() as page:
        waiting = page.batches.unfinished()
    for each in waiting:
        try:
            with service.ledger.write() as page:
                lease = page.batches.take(each.number, _owner(), force=force)
        except Held as error:
            held = error
            continue
        with service.ledger.read() as page:
            requests = {request.reference: request for request in page.requests.find(batch=each.number)}
            named = [row for part in page.scope.read(each.number, "subjects") for row in json.loads(part)]
        batch = Batch(
            lease,
            [requests[reference] for reference, _, _ in named],
            [Subject(kind, tuple(values)) for _, kind, values in named],
            resumed=True,
        )
        outcomes += _carry_out(service, batch, watch)
    _write_missing_certificates(service)
    if held is not None:
        raise held
    return outcomes


def _write_missing_certificates(service: Service) -> None:
    """Whoever dies between the last commit and the files leaves certificates in the log alone."""
    folder = service.settings.home / "certificates"
    with service.ledger.read() as page:
        ended = [
            request.reference
            for state in ("fulfilled", "partially_fulfilled")
            for request in page.requests.find(state=state, limit=service.settings.batch_people)
            if request.certificate is not None
        ]
    if missing := [each for each in ended if not certificate_path(folder, each).exists()]:
        with suppress(CertificateError):  # of an older signing key: its files are somewhere else
            write_certificates(service.ledger, folder, missing)


def _file(service: Service, subjects: Sequence[Subject]) -> Batch:
    """Write down who is meant, sealed, before anything is looked for."""
    keys, promise = service.ledger.keys, timedelta(hours=service.settings.promise_hours)
    with service.ledger.write() as page:
        hashes = [subject.hash(keys) for subject in subjects]
        # whoever is at the terminal answers for who it is
        requests = page.requests.file("erase", hashes, service.datamap.digest, promise, "scheduled")
        return _begin(page, requests, subjects)


def _begin(page: Page, requests: Sequence[Request], subjects: Sequence[Subject]) -> Batch:
    """A batch of these requests, held by this process."""
    lease = page.batches.take(page.batches.create([request.reference for request in requests]).number, _owner())
    named = [(request.reference, one.kind, one.values) for request, one in zip(requests, subjects, strict=True)]
    page.scope.put(lease, [("subjects", 0, json.dumps(named, default=str).encode())])
    return Batch(lease, list(requests), list(subjects))


def _carry_out(service: Service, batch: Batch, watch: Watch) -> list[Outcome]:
    references = [request.reference for request in batch.requests]
    try:
        _work(service, batch, watch)
    except BaseException:
        with suppress(LedgerError), service.ledger.write() as page:
            page.batches.release(batch.lease)
        raise
    return [batch.outcomes[reference] for reference in references if reference in batch.outcomes]


def _work(service: Service, batch: Batch, watch: Watch) -> None:
    left: list[Left] = []
    reason = ""
    with ExitStack() as stack:
        walk = _first_walk(service, batch, stack, watch)
        for attempt in range(service.settings.sweeps):
            if walk is None:
                return
            if attempt:
                walk = _recalled(service, batch, stack.enter_context(service.sessions()))
            if attempt or batch.resumed:
                _keep_more(service, batch, walk)
            reason = _change(service, batch, walk, watch, apart=bool(reason))
            left, statements = _look(service, batch, watch)
            if not left:
                break
        if walk is not None:
            _finish(service, batch, walk, left, reason, statements, watch)


def _first_walk(service: Service, batch: Batch, stack: ExitStack, watch: Watch) -> Walk | None:
    """Everybody's keys: from the journal where a dead process left one, else collected and journaled now.

    None when nobody is left to erase.
    """
    watch("collect", 0, 0)
    if batch.resumed and _read_facts(service, batch):
        return _recalled(service, batch, stack.enter_context(service.sessions()))
    while batch.requests:
        sessions = stack.enter_context(service.sessions())
        walk = Walk(service.plan, sessions, len(batch.requests))
        name_people(service, walk, batch.subjects)
        walk.collect()
        counts = Run(walk, service.settings.chunk_rows).count()
        people = count_people(walk, counts)
        refusals = find_refusals(service, walk, batch.subjects, people)
        if not refusals:
            _rehearse(service, sessions)
            _journal(service, batch, walk, counts, people)
            return walk
        _refuse(service, batch, refusals)
    with service.ledger.write() as page:
        page.batches.finish(batch.lease)
    return None


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


def count_people(walk: Walk, counts: Sequence[int]) -> dict[int, dict[int, int]]:
    """How many rows each step would change of whom: step → person → rows."""
    found: dict[int, dict[int, int]] = {}
    for place, step in enumerate(walk.plan.steps):
        if counts[place]:
            alone = walk.people == 1
            found[place] = {0: counts[place]} if alone else walk.sessions[step.store].count_by_person(step.change)
    return found


def _refuse(service: Service, batch: Batch, refusals: Mapping[int, Refusal]) -> None:
    """Settle those who cannot be erased, and go on with the others."""
    with service.ledger.write() as page:
        page.batches.check(batch.lease)
        for number, refusal in refusals.items():
            reference = batch.requests[number].reference
            page.requests.move([reference], "scheduled", refusal.state, reason=refusal.reason)
            page.log.append([{"event": refusal.state, "request": reference, "reason": refusal.reason}])
            batch.outcomes[reference] = Outcome(
                reference, refusal.state, refusal.reason, erased_before=refusal.erased_before
            )
    staying = [number for number in range(len(batch.requests)) if number not in refusals]
    batch.requests = [batch.requests[number] for number in staying]
    batch.subjects = [batch.subjects[number] for number in staying]


def _journal(
    service: Service, batch: Batch, walk: Walk, counts: Sequence[int], people: dict[int, dict[int, int]]
) -> None:
    """Everything that a later process would need, in one commit, before the first row is touched."""
    batch.planned, batch.people, batch.total = list(counts), people, sum(counts)
    references = [request.reference for request in batch.requests]
    steps = [
        JournalStep(place, step.store, step.table, step.what, planned=counts[place])
        for place, step in enumerate(service.plan.steps)
    ]
    with service.ledger.write() as page:
        page.steps.plan(batch.lease, steps)
        page.scope.put(batch.lease, _packed(walk))
        page.kept.add(_kept(service, batch, walk))
        facts = {"requests": references, "planned": batch.planned, "people": people}
        page.scope.put(batch.lease, [("facts", 0, json.dumps(facts, default=str).encode())])
        page.requests.move(references, "scheduled", "running")


def _read_facts(service: Service, batch: Batch) -> bool:
    """Take up what was journaled; False if nothing was, because nothing had been touched."""
    with service.ledger.read() as page:
        facts = json.loads(b"".join(page.scope.read(batch.lease.batch, "facts")) or b"null")
    if facts is None:
        return False
    by_reference = {request.reference: request for request in batch.requests}
    batch.requests = [by_reference[reference] for reference in facts["requests"]]
    batch.planned = facts["planned"]
    batch.people = {int(place): {int(n): rows for n, rows in found.items()} for place, found in facts["people"].items()}
    return True


def _packed(walk: Walk) -> Iterator[tuple[str, int, bytes]]:
    for name in (*walk.plan.keysets, *(each.keys.name for each in walk.plan.identifiers)):
        for part, content in enumerate(pack(walk.rows_of(name))):
            yield name, part, content


def _keep_more(service: Service, batch: Batch, walk: Walk) -> None:
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
                batch.kept.append((number, places[each.store, each.table], len(keys), each.due or date.max))
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


# -- the work, and the second look ------------------------------------------------------------------


def _recalled(service: Service, batch: Batch, sessions: Mapping[str, Session]) -> Walk:
    """The walk again from what is sealed, the same persons, whoever has taken their names since; and what is new."""
    walk = Walk(service.plan, sessions, len(batch.requests))
    number = batch.lease.batch
    with service.ledger.read() as page:
        for keys in service.plan.keysets.values():
            walk.remember(keys, unpack(page.scope.read(number, keys.name)))
        for identifier in service.plan.identifiers:
            walk.name(identifier.keys, unpack(page.scope.read(number, identifier.keys.name)))
    walk.pin()
    _forget_shared(walk)
    walk.collect(identifiers=False)
    return walk


def _forget_shared(walk: Walk) -> None:
    """From the moment somebody else has an identifier, it says nothing of whose a row is: such rows are left."""
    for name, rows in walk.plan.strangers:
        store, _, identifier = name.partition("/")
        walk.bring(store, rows)
        shared = {number for number, count in walk.sessions[store].count_by_person(Delete(rows)).items() if count}
        if shared:
            (keys,) = (each.keys for each in walk.plan.identifiers if each.name == identifier)
            walk.name(keys, [row for row in walk.rows_of(keys.name) if row[0] not in shared])


def _change(service: Service, batch: Batch, walk: Walk, watch: Watch, *, apart: bool) -> str:
    """Run every step; says which constraint stopped it, or nothing."""

    def progress(rows: int) -> None:
        batch.changed += rows
        batch.total = max(batch.total, batch.changed)
        watch("change", batch.changed, batch.total)

    run = Run(walk, service.settings.chunk_rows, progress, apart=apart)
    try:
        for done in run.apply(run.count() if batch.done or batch.resumed else batch.planned):
            for each in done:
                batch.done[each.position] = batch.done.get(each.position, 0) + each.rows
                batch.unmarked.add(each.position)
            if time.monotonic() - batch.marked > MARK_SECONDS:
                with service.ledger.write() as page:
                    _mark(service, batch, page)
    except Conflict as conflict:
        return conflict.sentence
    return ""


def _mark(service: Service, batch: Batch, page: Page) -> None:
    """Write how far the steps have come, and hold the batch a little longer."""
    marks = []
    for place in sorted(batch.unmarked):
        step, planned, done = service.plan.steps[place], batch.planned[place], batch.done[place]
        marks.append(JournalStep(place, step.store, step.table, step.what, planned, done, "done"))
    page.steps.mark(batch.lease, marks)
    page.batches.renew(batch.lease)
    batch.unmarked.clear()
    batch.marked = time.monotonic()


def _look(service: Service, batch: Batch, watch: Watch) -> tuple[list[Left], int]:
    watch("verify", 0, 0)
    number = batch.lease.batch
    with service.sessions() as sessions, service.ledger.read() as page:
        small = page.scope.small(number)

        def read(name: str) -> Iterable[tuple[Any, ...]]:
            return unpack([small[name]] if name in small else page.scope.read(number, name))

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


# -- saying so --------------------------------------------------------------------------------------


def _finish(
    service: Service, batch: Batch, walk: Walk, left: Sequence[Left], reason: str, statements: int, watch: Watch
) -> None:
    """Tombstones, certificates and the end of the batch, in one commit; then the files."""
    watch("certify", 0, 0)
    references = [request.reference for request in batch.requests]
    state: State = "partially_fulfilled" if left else "fulfilled"
    with service.ledger.write() as page:
        _mark(service, batch, page)
        page.requests.move(references, "running", "verifying")
        page.requests.count({each: _counts(service, batch, number) for number, each in enumerate(references)})
        page.requests.move(references, "verifying", state, reason=reason if left else "")
        if not left:
            page.tombstones.add(_stones(service, batch, walk))
        kept = _kept_tables(service, batch)
        verification = Verification(page.now, statements, sum(each.rows for each in left))
        ended = {request.reference: request for request in page.requests.find(batch=batch.lease.batch)}
        enter(
            page,
            [
                certificate_body(
                    ended[reference],
                    service=service.settings.service,
                    key=service.ledger.keys.id,
                    kept=kept.get(number, ()),
                    left=[LeftTable(each.store, each.table, each.rows, reason or each.why) for each in left],
                    verification=verification,
                )
                for number, reference in enumerate(references)
            ],
        )
        page.batches.finish(batch.lease)
    paths = write_certificates(service.ledger, service.settings.home / "certificates", references)
    for number, reference in enumerate(references):
        rows = sum(sum(actions.values()) for actions in _counts(service, batch, number).values())
        batch.outcomes[reference] = Outcome(reference, state, reason, rows, tuple(left), paths[reference])


def _counts(service: Service, batch: Batch, number: int) -> dict[str, dict[str, int]]:
    """What was done to how many rows of each table: as counted when changed, or, after a crash, as planned."""
    counts: dict[str, dict[str, int]] = {}
    alone = len(batch.requests) == 1
    for place, step in enumerate(service.plan.steps):
        planned = batch.people.get(place, {}).get(number, 0)
        done = batch.done.get(place, 0)
        rows = (max(done, planned) if batch.resumed else done) if alone else planned
        if rows:
            actions = counts.setdefault(f"{step.store}/{step.table}", {})
            actions[step.what] = actions.get(step.what, 0) + rows
    return counts


def _stones(service: Service, batch: Batch, walk: Walk) -> list[tuple[str, str, str]]:
    """Every root key and every identifier of the erased, so that they are known if they come back."""
    references = [request.reference for request in batch.requests]
    stones: dict[tuple[str, str], str] = {}
    for named in service.plan.named:
        kind = named.root or named.identifier
        name = named.root or identifier_set(named.identifier)
        places = [1 + walk.columns_of(name).index(each) for each in named.keys.columns]
        for row in walk.rows_of(name):
            stones[kind, Subject(kind, tuple(row[place] for place in places)).text] = references[row[0]]
    return [(kind, text, reference) for (kind, text), reference in stones.items()]


def _kept_tables(service: Service, batch: Batch) -> dict[int, list[KeptTable]]:
    """What stays of each person: how many rows of a table, on what basis, and when the last of them goes."""
    rows: dict[tuple[int, int], int] = {}
    last: dict[tuple[int, int], date] = {}
    for number, place, count, day in batch.kept:
        rows[number, place] = rows.get((number, place), 0) + count
        last[number, place] = max(last.get((number, place), date.min), day)
    found: dict[int, list[KeptTable]] = {}
    for number, place in rows:
        each = service.plan.keepings[place]
        kept = KeptTable(each.store, each.table, rows[number, place], each.basis, last[number, place])
        found.setdefault(number, []).append(kept)
    return found


def _owner() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"
