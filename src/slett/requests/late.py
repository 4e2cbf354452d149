"""Late writes: when the settle window has passed, the stores are looked at once more for those who were erased.

What hangs on the key of a root row that is gone is theirs, and is erased as everything else was. Three things are left
and named, because nobody can tell whose they are: whatever hangs on a key that a root row has by now, since databases
hand keys out again; rows that nothing but an identifier names, since whoever left may have come anew as a guest; and
whatever is of somebody who is held. Whoever was restored is not looked at.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from slett.execute import Run, Walk
from slett.ledger import Held, Lease, LedgerError, Request
from slett.requests.batch import Batch
from slett.requests.filing import owner
from slett.requests.heart import Heart
from slett.requests.hold import find_held
from slett.requests.journal import keep_more
from slett.requests.pause import A_DAY, fits_day, insist_on_work, is_paused
from slett.requests.recall import forget_shared
from slett.requests.refuse import over_ceiling
from slett.requests.service import Service, open_service
from slett.requests.settling import Settled, read_settled
from slett.requests.vouch import text_of
from slett.stores.errors import Conflict, Unavailable
from slett.stores.operations import Update

PLANNED = "late planned"  # of the sealed scope: what a look found, before it touched anything
GIVEN_UP = timedelta(days=7)  # of trying

TAKEN = "a root row has their key by now, theirs or somebody else's; look at it, and erase it by key if it is theirs"
HELD = "they are held by now"
ANOTHER_MAP = "the roots of the map are others by now"
DOUBTFUL = "nothing but an identifier names them, and whoever left may have come anew; erase them by it if not"
NEVER = "the stores could not be looked at for a week"

Tables = dict[str, dict[str, int]]  # table → what was done → to how many rows


class Interrupted(Unavailable):
    """While late rows were erased, one of the persons was held, or a root row came to have their key."""

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, slots=True)
class Late:
    """What a late look came to."""

    erased: Tables = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)  # reference → why

    @property
    def rows(self) -> int:
        """How many were erased."""
        return sum(rows for done in self.erased.values() for rows in done.values())


def sweep_settled(service: Service) -> int:
    """How many rows were erased that had been written late; the map and the stores are read anew."""
    with service.ledger.read() as page:
        today = page.now.date()
        due = page.batches.settled()
    if not due or is_paused(service):
        return 0
    with open_service(service.settings, today, starting=False) as fresh:
        return sum(each.rows for each in look_late(replace(fresh, ledger=service.ledger)))


def look_late(service: Service) -> list[Late]:
    """What came of every late look whose time has come; one that another process is at is left to that.

    Raises:
        StoreError, LedgerError: as an erasure, when all others are done. It is tried again.
    """
    found: list[Late] = []
    failed: Exception | None = None
    with service.ledger.read() as page:
        due = page.batches.settled()
    for each in due:
        insist_on_work(service)
        try:
            if late := _look(service, each.number):
                found.append(late)
        except Held:
            continue
        except Exception as error:  # the next one may do better
            failed = failed or error
    if failed is not None:
        raise failed
    return found


def _look(service: Service, number: int) -> Late | None:
    with service.ledger.write() as page:
        lease = page.batches.take_settled(number, owner())
        if lease is None:
            return None
        vault = page.vaults.of_batch(number)
        if vault and vault.state == "returning":  # one of them is being restored at this moment
            page.batches.release(lease)
            return None
    try:
        with Heart(service.ledger, lease) as heart:
            return _settle(service, lease, heart.check)
    except BaseException:
        with suppress(LedgerError), service.ledger.write() as page:
            page.batches.release(lease)
        raise


def _settle(service: Service, lease: Lease, check: Callable[[], None]) -> Late:
    with service.ledger.read() as page:
        settled = read_settled(page, lease.batch)
        requests = page.requests.some(each for each in settled.people if each)
        batch = page.batches.get(lease.batch)
        over = bool(batch and batch.finished_at and batch.finished_at + _longest(service) < page.now)
    left = _gone_away(settled, requests)
    if over or not settled.fits(service.plan):
        left |= {number: NEVER if over else ANOTHER_MAP for number, _ in _numbered(settled) if number not in left}
    erased: Tables = {}
    if len(left) < len(settled.people):
        erased = _sweep(service, lease, settled, requests, left, check)
        _doubt(service, settled, left)
    named = {settled.people[number]: why for number, why in sorted(left.items()) if why}
    with service.ledger.write() as page:
        page.batches.check(lease)
        entries: list[dict[str, Any]] = [{"event": "late writes erased", "tables": erased}] if erased else []
        entries += [{"event": "late writes left", "request": each, "reason": why} for each, why in named.items()]
        if entries:
            page.log.append(entries)
        page.batches.end_settling(lease)
    return Late(erased, named)


def _longest(service: Service) -> timedelta:
    return timedelta(hours=service.settings.settle_hours) + GIVEN_UP


def _numbered(settled: Settled) -> Iterator[tuple[int, str]]:
    return ((number, each) for number, each in enumerate(settled.people) if each)


def _gone_away(settled: Settled, requests: Mapping[str, Request]) -> dict[int, str]:
    """Those of whom nothing is looked for, and nothing said: put back into another batch, or restored since."""
    there = {number for number, each in _numbered(settled) if requests[each].followed_by is None}
    return {number: "" for number in range(len(settled.people)) if number not in there}


# -- erasing ----------------------------------------------------------------------------------------


def _sweep(
    service: Service,
    lease: Lease,
    settled: Settled,
    requests: Mapping[str, Request],
    left: dict[int, str],
    check: Callable[[], None],
) -> Tables:
    """What was erased; whoever must be left is added to `left`."""
    while True:
        with _walked(service, settled, left) as walk:
            counts, people = Run(walk, service.settings.chunk_rows).count_people()
            found = _not_theirs(service, walk, settled)
            found |= {number: each.reason for number, each in over_ceiling(service, walk, people).items()}
            if not found:
                planned = _tables(service, dict(enumerate(counts)))
                first = _known(service, lease, planned, sum(counts))
                if not any(counts):
                    return first
                anybody = next(iter(requests.values()))  # in the place of whoever is not of this batch
                together = [requests.get(each, anybody) for each in settled.people]
                keep_more(service, Batch(lease, together, [], resumed=True), walk)
                return _more(first, _change(service, walk, settled, left, people, counts, check))
        left |= found


@contextmanager
def _walked(service: Service, settled: Settled, left: Mapping[int, str]) -> Iterator[Walk]:
    """What is there now by the persons' root keys, and by nothing else."""
    with service.sessions() as sessions:
        walk = Walk(service.plan, sessions, len(settled.people))
        for named in service.plan.named:
            rows = settled.keys.get(named.root, []) if named.root else []
            walk.name(named.keys, [row for row in rows if row[0] not in left])
        for identifier in service.plan.identifiers:
            walk.name(identifier.keys, [])
        walk.collect(identifiers=False)
        yield walk


def _not_theirs(service: Service, walk: Walk, settled: Settled) -> dict[int, str]:
    """Those of whose key a root row is there that may be another's, and those who are held."""
    found = dict.fromkeys(_held(service, walk, settled), HELD)
    for root in walk.plan.roots:
        mapped = service.relations.tables[root]
        living = list(walk.living_roots(root))
        if living and mapped.action != "delete":
            changed = _rewritten(service, walk, root)
            columns = walk.plan.keysets[root].columns
            living = [
                row for row in living if row[0] in changed and not _is_named(service, settled, root, columns, row)
            ]
        found |= {row[0]: TAKEN for row in living}
    return found


def _rewritten(service: Service, walk: Walk, root: str) -> set[int]:
    """Those whose row of a root that stays is not as their erasure left it: in its identifiers, if it has any."""
    mapped = service.relations.tables[root]
    named = {column for _, column in mapped.identifiers}
    changes = []
    for step in walk.plan.steps:
        if f"{step.store}/{step.table}" == root and step.phase == "change" and isinstance(step.change, Update):
            mine = tuple(each for each in step.change.writes if each.column in named)
            changes.append(replace(step.change, writes=mine or step.change.writes))
            walk.bring(mapped.store, step.change.rows)
    return {number for some in walk.sessions[mapped.store].count_by_person(changes) for number in some}


def _is_named(service: Service, settled: Settled, root: str, columns: tuple[str, ...], row: tuple[Any, ...]) -> bool:
    """Whether a root row has an identifier that its person had: written back by whoever still knew it."""
    for identifier, column in service.relations.tables[root].identifiers:
        value = row[1 + columns.index(column)]
        known = {text_of(identifier, each[1:]) for each in settled.identifiers.get(identifier, ()) if each[0] == row[0]}
        if value not in (None, "") and text_of(identifier, [value]) in known:
            return True
    return False


def _held(service: Service, walk: Walk, settled: Settled) -> set[int]:
    """Whoever is held, by a key or by an identifier."""
    there = {row[0] for root in walk.plan.roots for row in walk.rows_of(root)}
    for identifier in walk.plan.identifiers:
        rows = settled.identifiers.get(identifier.name, [])
        walk.name(identifier.keys, [row for row in rows if row[0] in there])
    held = set(find_held(service, walk))
    for identifier in walk.plan.identifiers:
        walk.name(identifier.keys, [])
    return held


def _change(
    service: Service,
    walk: Walk,
    settled: Settled,
    left: dict[int, str],
    people: Mapping[int, Mapping[int, int]],
    counts: list[int],
    check: Callable[[], None],
) -> Tables:
    """Run every step that has rows; says what was done, and adds those to `left` of whom something is there still."""

    def may_go_on() -> None:
        check()
        insist_on_work(service)
        with _walked(service, settled, left) as now:
            if _not_theirs(service, now, settled):
                raise Interrupted("", "somebody was held, or came to have their key; it is looked at again later")

    run = Run(walk, service.settings.chunk_rows, paces=service.paces, people=people, may_go_on=may_go_on)
    done: dict[int, int] = {}
    why = "they were written while late rows were erased"
    try:
        for some in run.apply(counts):
            for each in some:
                done[each.position] = done.get(each.position, 0) + each.rows
    except Conflict as conflict:
        why = conflict.sentence
    _, still = run.count_people()
    left |= {number: why for some in still.values() for number, rows in some.items() if rows}
    return _tables(service, done)


def _tables(service: Service, rows: Mapping[int, int]) -> Tables:
    """What steps did, by table."""
    found: Tables = {}
    for place, step in enumerate(service.plan.steps):
        if rows.get(place):
            done = found.setdefault(f"{step.store}/{step.table}", {})
            done[step.what] = done.get(step.what, 0) + rows[place]
    return found


def _known(service: Service, lease: Lease, planned: Tables, rows: int) -> Tables:
    """What this look and those before it, which came to no end, found; written down before anything is touched.

    Raises:
        Paused: it is suspiciously much for a day. Nothing was touched.
    """
    with service.ledger.write() as page:
        batch = page.batches.get(lease.batch)
        before = batch.swept if batch and batch.swept_at and batch.swept_at > page.now - A_DAY else 0
        fits = fits_day(page, service, max(rows - before, 0))  # what it found before it died is counted already
        if planned and fits:
            page.batches.sweep(lease, max(rows, before))
            page.scope.put(lease, [(PLANNED, lease.fence, json.dumps(planned).encode())])
        every = [json.loads(part) for part in page.scope.read(lease.batch, PLANNED)]
    if not fits:
        insist_on_work(service)
    found: Tables = {}
    for each in every:
        found = _more(found, each)
    return found


def _more(one: Tables, other: Tables) -> Tables:
    """Of each the larger: what is counted twice is done once."""
    names = dict.fromkeys([*one, *other])
    return {
        name: {
            what: max(one.get(name, {}).get(what, 0), other.get(name, {}).get(what, 0))
            for what in dict.fromkeys([*one.get(name, {}), *other.get(name, {})])
        }
        for name in names
    }


# -- what is left -----------------------------------------------------------------------------------


def _doubt(service: Service, settled: Settled, left: dict[int, str]) -> None:
    """Name those of whom rows are there that only an identifier names, unless somebody else has it by now."""
    with _walked(service, settled, left) as walk:
        for identifier in service.plan.identifiers:
            rows = settled.identifiers.get(identifier.name, [])
            walk.name(identifier.keys, [row for row in rows if row[0] not in left])
        forget_shared(walk)
        walk.collect(identifiers=False)
        _, people = Run(walk, service.settings.chunk_rows).count_people()
    left |= {number: DOUBTFUL for some in people.values() for number, rows in some.items() if rows}
