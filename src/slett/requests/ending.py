"""The end of a batch: counts, tombstones, certificates."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

from slett.certify import KeptTable, LeftTable, Proven, Verification, certificate_body, enter, prove, write_proven
from slett.certify.body import Body
from slett.execute import Walk
from slett.ledger import LedgerError, Page, Request
from slett.ledger.requests import Counts, State
from slett.plan.links import identifier_set
from slett.requests import hooks
from slett.requests.batch import Batch, Outcome
from slett.requests.hold import ask_again, by_keys
from slett.requests.journal import mark
from slett.requests.particulars import read_particulars
from slett.requests.progress import tell
from slett.requests.rest import end_rests
from slett.requests.service import Service
from slett.requests.settling import settle
from slett.requests.subject import Subject
from slett.requests.way_back import needs_code, sealed_before, undo_until, vault_of
from slett.verify import Left

FILES = 100  # people in a batch up to which the certificates' files are written at once, and not when asked for


def finish(service: Service, batch: Batch, walk: Walk, left: Sequence[Left], reason: str, statements: int) -> None:
    """Tombstones, certificates and the end of the batch, in one commit; then the files, of a few."""
    numbered = [(n, each.reference) for n, each in enumerate(batch.requests) if n not in batch.left_out]
    references = [reference for _, reference in numbered]
    if batch.held:
        left, reason = [*left, *_kept_back(batch)], reason or f"held: {batch.held.hold.basis}"
    state: State = "partially_fulfilled" if left else "fulfilled"
    there = [batch.requests[number] for number, _ in numbered]
    counts = _counts(service, batch)
    for number in batch.left_out:
        del counts[batch.requests[number].reference]
    proven: Proven | None = None
    with service.ledger.write() as page:
        settle(page, service, batch, walk)
        mark(service, batch, page)
        for request in there:
            if closed := sealed_before(page, request):
                counts[request.reference] = _together(closed.counts, counts[request.reference])
        why = reason if left else ""
        moved = page.requests.move(references, "running", state, through=["verifying"], reason=why)
        if len(moved) < len(references):
            raise LedgerError("a request of this batch was moved by somebody else; nothing is certified")
        hooks.record_all(page, service, there, "verifying")
        hooks.record_all(page, service, there, state)
        ended = {
            number: replace(each, state=state, finished_at=page.now, reason=why, counts=counts[each.reference])
            for (number, _), each in zip(numbered, there, strict=True)
        }
        stones = _stones(service, batch, walk)
        _end_restores(page, service, stones)
        if batch.kind != "close":
            end_rests(page, service.ledger.keys, stones)
        if not left:
            page.tombstones.add(stones)  # of a sealed account, until its owner comes back
        if batch.kind == "close":
            page.requests.count(counts)
            _open_window(page, service, batch, by_keys(walk, {0}).get(0, batch.subjects[0]))
        else:
            found = sum(each.rows for each in left) - sum(batch.held_rows.values())
            looked = Verification(page.now, statements, found)
            places = enter(page, _certified(page, service, batch, ended, looked, left), counts)
            few = places if len(places) <= FILES else ()
            proven = prove(page, few, service.ledger.keys.id)
        if batch.held:
            ask_again(page, service, there[0], by_keys(walk, {0}).get(0, batch.subjects[0]), batch.held)
    paths = write_proven(service.ledger.keys, service.settings.home / "certificates", proven) if proven else {}
    for reference in references:
        rows = sum(sum(actions.values()) for actions in counts[reference].values())
        batch.outcomes[reference] = Outcome(reference, state, reason, rows, tuple(left), paths.get(reference))


def _kept_back(batch: Batch) -> list[Left]:
    """The rows that a hold keeps."""
    assert batch.held  # noqa: S101 - of such a batch only
    why = f"held: {batch.held.hold.basis}"
    return [Left(*name.partition("/")[::2], rows, why) for name, rows in batch.held_rows.items()]


def _certified(
    page: Page,
    service: Service,
    batch: Batch,
    ended: Mapping[int, Request],
    looked: Verification,
    left: Sequence[Left],
) -> list[Body]:
    """What the certificates say; with them the way back is counted, if there is one."""
    kept = _kept_tables(service, batch)
    until = None
    if batch.vault:
        until = undo_until(service, batch.requests, page.now)
        page.vaults.seal(batch.lease, batch.vault.number, until)
    return [
        certificate_body(
            each,
            service=service.settings.service,
            key=service.ledger.keys.id,
            kept=kept.get(number, ()),
            left=[
                LeftTable(one.store, one.table, one.rows, one.why if batch.held else each.reason or one.why)
                for one in left
            ],
            verification=looked,
            erased=(closed.finished_at if (closed := sealed_before(page, each)) else None) or page.now,
            beyond_recovery=until or page.now,
        )
        for number, each in ended.items()
    ]


def _open_window(page: Page, service: Service, batch: Batch, subject: Subject) -> None:
    """The account is put away; from now on it has a way back, and is known by a key that nobody else takes."""
    (request,) = batch.requests
    until = page.now + timedelta(days=service.settings.portal.window_days)
    page.requests.open_window(request.reference, until)
    if batch.vault:
        page.vaults.seal(batch.lease, batch.vault.number, until)
    page.log.append([{"event": "close fulfilled", "request": request.reference}])
    if who := read_particulars(page, request.reference):
        page.particulars.put(request.reference, replace(who, subject=subject).pack())
        tell(page, service, "closed", request, who, until=until, erased=True, recovery=needs_code(page, request))


def _counts(service: Service, batch: Batch) -> dict[str, dict[str, dict[str, int]]]:
    """What was done to how many rows of each table: as counted when changed, or, after a crash, as planned."""
    counts: list[dict[str, dict[str, int]]] = [{} for _ in batch.requests]
    alone = len(batch.requests) == 1
    for place, step in enumerate(service.plan.steps):
        people = batch.people.get(place, {})
        if alone:
            done = batch.done.get(place, 0)
            people = {0: max(done, people.get(0, 0)) if batch.resumed else done}
        name = f"{step.store}/{step.table}"
        for number, rows in people.items():
            if rows:
                actions = counts[number].setdefault(name, {})
                actions[step.what] = actions.get(step.what, 0) + rows
    return {request.reference: each for request, each in zip(batch.requests, counts, strict=True)}


def _together(one: Counts, other: Counts) -> dict[str, dict[str, int]]:
    """What was done when the account was sealed, and since."""
    whole = {name: dict(actions) for name, actions in one.items()}
    for name, actions in other.items():
        mine = whole.setdefault(name, {})
        for action, rows in actions.items():
            mine[action] = mine.get(action, 0) + rows
    return whole


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


def _end_restores(page: Page, service: Service, stones: Sequence[tuple[str, str, str]]) -> None:
    """Whoever was restored in part, and leaves again, does not come back by what is left of that way back."""
    restores = page.requests.find(kind="restore", state="partially_fulfilled")
    erased = page.requests.some(each.follows for each in restores if each.follows)
    undone = {each.subject: each for each in erased.values() if each.followed_by in {one.reference for one in restores}}
    if not undone:
        return
    for kind, text, reference in stones:
        before = undone.pop(service.ledger.keys.subject(kind, text), None)
        if before and page.requests.undo(before.reference, reference):
            vault = vault_of(page, before)
            if vault and len(vault.people) == 1:
                page.vaults.destroy(vault.number, at_end=False)


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
