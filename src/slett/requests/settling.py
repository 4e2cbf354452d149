"""What an erasure leaves sealed for a late look: the persons' root keys and identifiers, and nothing else.

They stay until the settle window has passed. Of the keys of other rows nothing stays: by then such a key may be of a
row that is somebody else's.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from slett.execute import Walk
from slett.execute.scope import pack, unpack
from slett.ledger import Page
from slett.plan import Plan
from slett.plan.links import identifier_set
from slett.requests.batch import Batch
from slett.requests.service import Service

LATE = "late"  # of the sealed scope: who, and what is known of them
Rows = list[tuple[Any, ...]]  # (person's number, *values)


@dataclass(frozen=True, slots=True)
class Settled:
    """Those of a batch, as their erasure knew them."""

    people: tuple[str, ...]  # references, by number; empty: not of this batch any more
    columns: dict[str, tuple[str, ...]]  # by root
    keys: dict[str, Rows]  # by root
    identifiers: dict[str, Rows]

    def fits(self, plan: Plan) -> bool:
        """Whether the roots of the map are found by what they were found by then."""
        return self.columns == {each.root: each.keys.columns for each in plan.named if each.root}


def settle(page: Page, service: Service, batch: Batch, walk: Walk) -> None:
    """End the batch: for good, or, of an erasure, but for a late look.

    Of a person who is held in part a request goes on, which looks by itself.
    """
    hours = service.settings.settle_hours
    if not hours or batch.kind != "erase" or batch.held:
        page.batches.finish(batch.lease)
        return
    page.batches.settle(batch.lease, page.now + timedelta(hours=hours))
    page.scope.destroy(batch.lease)
    page.scope.put(batch.lease, _sealed(batch, walk))


def _sealed(batch: Batch, walk: Walk) -> Iterator[tuple[str, int, bytes]]:
    people = ["" if number in batch.left_out else each.reference for number, each in enumerate(batch.requests)]
    kinds = [(each.root, each.identifier, each.keys.columns) for each in walk.plan.named]
    yield LATE, 0, json.dumps({"people": people, "kinds": kinds}).encode()
    for place, named in enumerate(walk.plan.named):
        name = named.root or identifier_set(named.identifier)
        places = [0, *(1 + walk.columns_of(name).index(each) for each in named.keys.columns)]
        rows = (tuple(row[each] for each in places) for row in walk.rows_of(name))
        for part, content in enumerate(pack(rows)):
            yield f"{LATE} {place}", part, content


def read_settled(page: Page, number: int) -> Settled:
    """What was sealed of a batch."""
    facts = json.loads(b"".join(page.scope.read(number, LATE)))
    found = Settled(tuple(facts["people"]), {}, {}, {})
    for place, (root, identifier, columns) in enumerate(facts["kinds"]):
        rows = list(unpack(page.scope.read(number, f"{LATE} {place}")))
        if root:
            found.columns[root] = tuple(columns)
            found.keys[root] = rows
        else:
            found.identifiers[identifier] = rows
    return found
