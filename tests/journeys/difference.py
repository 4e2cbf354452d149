"""What an erasure did, row by row, so that every row of a stranger is part of every assertion."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tests.journeys.scene import Rows, Scene

Difference = dict[str, Rows]  # `-users`: rows that went or were changed; `+users`: what they became


def erased(scene: Scene, *keys: Any, email: str | Sequence[str] = (), root: str = "") -> Difference:
    """Erase these people; what that changed in all stores. Whatever is not in it is as it was."""
    before = scene.snapshot()
    outcomes = scene.erase(*keys, email=email, root=root)
    assert [(each.state, each.reason) for each in outcomes] == [("fulfilled", "")] * len(outcomes)
    return difference(before, scene.snapshot())


def difference(before: Mapping[str, Rows], after: Mapping[str, Rows]) -> Difference:
    """The rows that are in one snapshot and not, byte for byte, in the other; `shop/` is left out of the names."""
    found: Difference = {}
    for table in sorted({*before, *after}):
        for sign, here, there in (("-", before, after), ("+", after, before)):
            if rows := _only(here.get(table, []), there.get(table, [])):
                found[sign + table.removeprefix("shop/")] = rows
    return found


def _only(here: Rows, there: Rows) -> Rows:
    rest = Counter(map(repr, there))
    rows = []
    for row in here:
        rest[repr(row)] -= 1
        if rest[repr(row)] < 0:
            rows.append(row)
    return sorted(rows, key=lambda row: [(len(repr(value)), repr(value)) for value in row])
