"""Whose rows they are: everybody's keys are collected, who cannot be erased is settled, and the rest is journaled."""

from collections import Counter
from collections.abc import Mapping, Set
from contextlib import ExitStack

from slett.execute import Run, Walk
from slett.requests import hooks
from slett.requests.batch import Batch, Outcome
from slett.requests.filing import set_apart
from slett.requests.held import (
    closes_in_part,
    held_rows,
    really_held,
    recalled_unless_held,
    suspend_held,
    whole_if_begun,
)
from slett.requests.hold import find_held, narrowed
from slett.requests.journal import journal, read_facts
from slett.requests.refuse import Refusal, find_refusals
from slett.requests.service import Service
from slett.requests.subject import NOBODY, collected
from slett.requests.vouch import not_sealed, not_vouched
from slett.requests.way_back import drop_vault, sealed_before
from slett.stores.sql import Session


def first_walk(service: Service, batch: Batch, stack: ExitStack) -> Walk | None:
    """Everybody's keys: from the journal where a dead process left one, else collected and journaled now.

    None when nobody is left to erase.
    """
    if batch.resumed:
        with service.ledger.read() as page:
            batch.newest_hold = page.holds.newest()
        if read_facts(service, batch):
            mine = narrowed(service, batch.held.tables) if batch.held else service
            return recalled_unless_held(mine, batch, stack)
    # whoever was settled before a crash is settled
    batch.drop({number for number, each in enumerate(batch.requests) if each.state != "scheduled"})
    while batch.requests:
        walk, counts, people = _walk(service, batch, stack)
        if strangers := not_sealed(service, walk, batch, people):
            batch.subjects = [NOBODY if number in strangers else one for number, one in enumerate(batch.subjects)]
            continue
        refusals = _without_sealed(service, batch, find_refusals(service, walk, batch.subjects, people))
        if refusals := refusals | not_vouched(service, walk, batch, people):
            _refuse(service, batch, refusals)
            continue
        # whoever places the first hold from now on is heard before each transaction
        if batch.newest_hold and (held := really_held(walk, people, find_held(service, walk))):
            held = whole_if_begun(batch, held)
            if in_part := closes_in_part(batch, held):
                _refuse(service, batch, in_part)
                continue
            if not any(each.tables for each in held.values()) or len(batch.requests) > 1:
                suspend_held(service, batch, walk, held)
                continue
            batch.held = held[0]
            batch.held_rows = held_rows(service, walk, held[0], counts)
            service = narrowed(service, held[0].tables)
            walk, counts, people = _walk(service, batch, stack)
        elif half_way := _half_way(service, batch):
            _go_on_apart(service, batch, half_way)
            continue
        elif large := _too_large(service, batch, people):
            if not _set_apart(service, batch, large):
                return None
            continue
        _rehearse(service, walk.sessions)
        journal(service, batch, walk, counts, people)
        return walk
    with service.ledger.write() as page:
        page.batches.finish(batch.lease)
    return None


def _walk(service: Service, batch: Batch, stack: ExitStack) -> tuple[Walk, list[int], dict[int, dict[int, int]]]:
    """(Everybody's keys, rows that each step would change, and of whom: step → person → rows)."""
    walk = collected(service.plan, stack.enter_context(service.sessions()), batch.subjects)
    counts, people = Run(walk, service.settings.chunk_rows).count_people()
    return walk, counts, people


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


def _half_way(service: Service, batch: Batch) -> set[int]:
    """Whom a hold stopped half way: what was taken of them is in a vault of their own, and so comes the rest."""
    if len(batch.requests) == 1:
        return set()
    begun = [number for number, each in enumerate(batch.requests) if each.started_at]
    if not begun:
        return set()
    with service.ledger.read() as page:
        return {number for number in begun if page.vaults.of_request(batch.requests[number].reference)}


def _go_on_apart(service: Service, batch: Batch, numbers: Set[int]) -> None:
    with service.ledger.write() as page:
        for number in sorted(numbers):
            batch.apart.append(set_apart(page, batch, number, batch.lane or "small"))
    batch.drop(numbers)


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
            set_apart(page, batch, number, "large")
    batch.drop(large)
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
    batch.drop(refusals)
