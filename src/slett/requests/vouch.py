"""Is a root row that came back with a backup really that of somebody who was erased?

A key alone does not say so: after a restore, a sequence hands out once more what an erased person had. An identifier
alone says so even less: an address is free at once. Both together, of one and the same erasure, do; and so does an
anonymised row that is as its erasure left it.
"""

from collections.abc import Sequence
from typing import Any

from slett.execute import Walk
from slett.ledger import Page
from slett.requests.batch import Batch
from slett.requests.refuse import Counts, Refusal
from slett.requests.service import Service
from slett.requests.subject import Subject
from slett.requests.way_back import sealed_before

Row = tuple[Any, ...]


def text_of(kind: str, values: Sequence[Any]) -> str:
    """A key or an identifier as its tombstone hashes it."""
    return Subject(kind, tuple(values)).text


def not_vouched(service: Service, walk: Walk, batch: Batch, people: Counts) -> dict[int, Refusal]:
    """Of those whom nobody but a replay asked to erase: whose root rows are not, or not any more, of the erased."""
    watched = {
        number
        for number, request in enumerate(batch.requests)
        if request.origin == "replay"
        or (request.origin == "doubtful" and batch.subjects[number].kind not in walk.plan.roots)
    }
    if not watched:
        return {}
    reason = "somebody has that key or identifier who is not known to be erased; look at the row, and name it by key"
    there = watched.intersection(walk.found_roots())
    return {number: Refusal("refused", reason) for number in there - vouched(service, walk, people)}


def not_sealed(service: Service, walk: Walk, batch: Batch, people: Counts) -> set[int]:
    """Of those who were put away when they closed their account: of whom what is there may be somebody else's by now.

    Their rows are in their vault. A root row that has their key or their identifier is of somebody who came since, or
    of themselves, who came anew and asked for nothing; and so may be what nothing but an identifier names. Whomever a
    backup brings back a replay erases.
    """
    with service.ledger.read() as page:
        closes = {
            number: sealed_before(page, request) for number, request in enumerate(batch.requests) if request.follows
        }
    sealed = {number for number, closed in closes.items() if closed and closed.state == "fulfilled"}
    if not sealed:
        return set()
    there: set[int] = set()
    for root in walk.plan.roots:
        living = {row[0] for row in walk.living_roots(root)}
        stays = service.relations.tables[root].action == "anonymise"
        there |= sealed & (living & _unfinished(walk, root, people) if stays else living)
    touched = sealed.intersection(number for counts in people.values() for number, rows in counts.items() if rows)
    named = {number for number in touched - there if batch.subjects[number].kind not in walk.plan.roots}
    return named | there


def vouched(service: Service, walk: Walk, people: Counts) -> set[int]:
    """The numbers of those of whom a root row that is there was erased before."""
    found: set[int] = set()
    with service.ledger.read() as page:
        for root in walk.plan.roots:
            rows = list(walk.living_roots(root))
            found.update(_of_one_erasure(service, page, walk, root, rows))
            if service.relations.tables[root].action == "anonymise":
                found.update({row[0] for row in rows} - _unfinished(walk, root, people))
    return found


def _of_one_erasure(service: Service, page: Page, walk: Walk, root: str, rows: Sequence[Row]) -> set[int]:
    """Those of whose row key and identifier have a tombstone of the same request."""
    columns = walk.plan.keysets[root].columns
    places = [1 + columns.index(each) for each in service.relations.live(root).primary_key]
    texts = [text_of(root, [row[place] for place in places]) for row in rows]
    by_key = page.tombstones.every(root, texts)
    keyed = [
        (row, {stone.request for stone in by_key[text]})
        for row, text in zip(rows, texts, strict=True)
        if text in by_key
    ]
    found: set[int] = set()
    for identifier, column in service.relations.tables[root].identifiers:
        place = 1 + columns.index(column)
        named = [(row[0], requests, text_of(identifier, [row[place]])) for row, requests in keyed if row[place]]
        stones = page.tombstones.every(identifier, dict.fromkeys(text for _, _, text in named))
        found.update(
            number for number, requests, text in named if requests & {stone.request for stone in stones.get(text, ())}
        )
    return found


def _unfinished(walk: Walk, root: str, people: Counts) -> set[int]:
    """Those whose row of that root an erasure would still change."""
    mine = (counts for place, counts in people.items() if _is_of(walk, place, root))
    return {number for counts in mine for number, rows in counts.items() if rows}


def _is_of(walk: Walk, place: int, root: str) -> bool:
    step = walk.plan.steps[place]
    return f"{step.store}/{step.table}" == root
