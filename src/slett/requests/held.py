"""Where a batch meets holds: who is put back, what of a person goes on, and what is kept of them."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace

from slett.execute import Walk
from slett.requests.batch import Batch, Outcome
from slett.requests.filing import set_apart
from slett.requests.hold import HeldBack, HeldRequest, by_keys, find_held, kept_back, suspend
from slett.requests.recall import recalled
from slett.requests.refuse import Refusal
from slett.requests.service import Service


def suspend_held(service: Service, batch: Batch, walk: Walk, held: Mapping[int, HeldRequest]) -> None:
    """Put back whoever is held; who is held in part goes on in a batch of their own."""
    keyed = by_keys(walk, set(held))
    with service.ledger.write() as page:
        page.batches.check(batch.lease)
        for number, each in held.items():
            if each.tables:
                batch.apart.append(set_apart(page, batch, number, batch.lane or "small"))
            else:
                request, subject = batch.requests[number], batch.subjects[number]
                reason = suspend(page, request, keyed.get(number, subject), each)
                batch.outcomes[request.reference] = Outcome(request.reference, "held", reason)
    batch.drop(held)


def really_held(
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


def closes_in_part(batch: Batch, held: Mapping[int, HeldRequest]) -> dict[int, Refusal]:
    """An account is sealed whole or not at all: whoever came back would find what was held beside what was sealed."""
    return {
        number: Refusal("refused", f"held: {each.hold.basis}")
        for number, each in held.items()
        if each.tables and batch.requests[number].kind == "close"
    }


def whole_if_begun(batch: Batch, held: Mapping[int, HeldRequest]) -> dict[int, HeldRequest]:
    """Of an account that is half sealed by now nothing can be refused: it waits for whatever holds any of it."""
    return {
        number: replace(each, tables=frozenset())
        if batch.requests[number].kind == "close" and batch.requests[number].started_at
        else each
        for number, each in held.items()
    }


def held_rows(service: Service, walk: Walk, held: HeldRequest, counts: Sequence[int]) -> dict[str, int]:
    """How many rows are kept back of the person: table → rows."""
    back = kept_back(service, held.tables)
    found: dict[str, int] = {}
    for step, rows in zip(walk.plan.steps, counts, strict=True):
        name = f"{step.store}/{step.table}"
        if name in back and rows and step.phase != "disable":
            found[name] = found.get(name, 0) + rows
    return found


def recalled_unless_held(service: Service, batch: Batch, stack: ExitStack) -> Walk | None:
    """What a dead process left, without those on whom somebody placed a hold meanwhile."""
    walk = recalled(service, batch, stack.enter_context(service.sessions()))
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
            if batch.vault and len(batch.requests) == 1:
                page.vaults.wait_for(batch.vault.number, batch.requests[0].reference)
            page.batches.finish(batch.lease)
            return None
    return recalled(service, batch, stack.enter_context(service.sessions()))


def insist_on_nobody_held(service: Service, batch: Batch, walk: Walk, newest: int) -> None:
    """Nobody has placed a hold on one of them since the work began; `newest` is the last that was placed.

    Raises:
        HeldBack: somebody has.
    """
    if newest > batch.newest_hold:
        if any(each.newest > batch.newest_hold for each in find_held(service, walk).values()):
            raise HeldBack("", "somebody placed a hold on one of them; `slett resume` goes on with the others")
        batch.newest_hold = newest
