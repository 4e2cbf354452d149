"""Whom we must not erase, or cannot: found before anything is touched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from slett.execute import Walk
from slett.requests.service import Service
from slett.requests.status import can_return
from slett.requests.subject import Subject, newest_stones
from slett.stores.operations import Delete

LARGE_TABLE = 1_000  # rows from which on the ceiling's share counts

Counts = Mapping[int, Mapping[int, int]]  # step → person → rows


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one person's request ends here. The reason holds no value of theirs."""

    state: Literal["refused", "not_found"]
    reason: str
    erased_before: bool = False


class Refused(Exception):
    """A wish that was not carried out. Nothing was changed."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


def find_refusals(service: Service, walk: Walk, subjects: Sequence[Subject], per_person: Counts) -> dict[int, Refusal]:
    """The refusals, by the person's number."""
    found: dict[int, Refusal] = {}
    found |= _not_found(service, walk, subjects, per_person)
    found |= doubled(walk)
    found |= _sharing(walk)
    found |= over_ceiling(service, walk, per_person)
    return found


def _not_found(service: Service, walk: Walk, subjects: Sequence[Subject], per_person: Counts) -> dict[int, Refusal]:
    roots = walk.found_roots()
    touched = {number for people in per_person.values() for number, rows in people.items() if rows}
    empty = [number for number in range(len(subjects)) if number not in touched]
    if not empty:
        return {}
    with service.ledger.read() as page:
        stones = newest_stones(page, [subjects[number] for number in empty])
        closes = page.requests.some({stone.request for stone in stones.values()})
        sealed = {each.reference: each.until for each in closes.values() if can_return(each, page.now)}
    found = {}
    for number in empty:
        one = subjects[number]
        stone = stones.get((one.kind, one.text))
        if stone and (until := sealed.get(stone.request)):
            reason = (
                f"put away when the account was closed, by request {stone.request}; "
                f"unless they come back, it is destroyed on {until:%Y-%m-%d}, or at once by `slett erase --now`"
            )
            found[number] = Refusal("not_found", reason)
        elif stone:
            reason = f"erased before, on {stone.at:%Y-%m-%d}, by request {stone.request}; nothing is left to change"
            found[number] = Refusal("not_found", reason, erased_before=True)
        elif number not in roots:
            found[number] = Refusal("not_found", "nobody was found by what was given, in any store")
    return found


def doubled(walk: Walk) -> dict[int, Refusal]:
    """Persons who were named by something that several people share."""
    return {
        number: Refusal("refused", f"several rows of `{root}` share what was given; name the person by key")
        for number, root in walk.doubled_roots().items()
    }


def _sharing(walk: Walk) -> dict[int, Refusal]:
    """Rows found by an identifier that somebody else has too might be theirs."""
    found: dict[int, Refusal] = {}
    for name, rows in walk.plan.strangers:
        store, _, identifier = name.partition("/")
        walk.bring(store, rows)
        for number, count in walk.sessions[store].count_by_person([Delete(rows)])[0].items():
            if count:
                reason = f"somebody else in `{store}/{rows.table}` has the same {identifier}; tell them apart first"
                found[number] = Refusal("refused", reason)
    return found


def over_ceiling(service: Service, walk: Walk, per_person: Counts) -> dict[int, Refusal]:
    """A wrong map must not empty a table."""
    ceiling = service.datamap.ceiling
    totals: dict[int, int] = {}
    found: dict[int, Refusal] = {}
    for place, people in per_person.items():
        step = walk.plan.steps[place]
        estimate = service.schemas[step.store].tables[step.table].rows
        size = 0
        if max(people.values(), default=0) > ceiling.share * max(estimate, LARGE_TABLE):
            size = walk.sessions[step.store].size(step.table)  # nobody is refused on an estimate
        for number, rows in people.items():
            totals[number] = totals.get(number, 0) + rows
            if size >= LARGE_TABLE and rows > ceiling.share * size:
                reason = (
                    f"it would touch {rows} of {size} rows of `{step.store}/{step.table}`, "
                    f"more than the ceiling of {ceiling.share:.0%}; check the map, or raise `ceiling: share`"
                )
                found[number] = Refusal("refused", reason)
    for number, total in totals.items():
        if total > ceiling.rows:
            reason = f"it would touch {total} rows, more than the ceiling of {ceiling.rows}; check the map, or raise it"
            found[number] = Refusal("refused", reason)
    return found
