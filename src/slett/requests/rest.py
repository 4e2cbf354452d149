"""What could not come back of a sealed account with its person: until its window ends they may come for it again.

Each vault holds what its close took out. Who leaves again by closing takes the rest of an earlier one nowhere: it waits
for its own end, and nothing of it comes back while they are away. Who is erased is erased there, too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from slett.ledger import Keys, Page, Request
from slett.ledger.holds import Mark
from slett.ledger.vaults import Vault
from slett.requests.particulars import read_particulars

WAITS = "wait"  # among what was done to rows: they are put away still


@dataclass(frozen=True, slots=True)
class Rest:
    """What waits since somebody came back in part."""

    closed: Request  # what put it away
    back: Request  # the return that brought the others, the last one of several
    vault: Vault
    until: datetime

    @property
    def rows(self) -> Mapping[str, int]:
        """How many wait, by `store/table`."""
        return {name: done[WAITS] for name, done in self.back.counts.items() if WAITS in done}


def rest_of(page: Page, request: Request) -> Rest | None:
    """What waits since the return from a close, or None. The request is the close, or a return that follows it."""
    closed = page.requests.get(request.follows) if request.kind == "return" and request.follows else request
    if closed is None or closed.kind != "close" or closed.followed_by is None:
        return None
    vault = page.vaults.of_request(closed.reference)
    if vault is None or not vault.may_open or vault.until is None:
        return None
    back = came_back_by(page, closed)
    waits = back and page.vaults.rest(vault.number, closed.reference)
    return Rest(closed, back, vault, vault.until) if back and waits else None


def came_back_by(page: Page, closed: Request) -> Request | None:
    """The last return that brought back a part of what a close put away; or None: they have never been back."""
    after = page.requests.get(closed.followed_by) if closed.followed_by else None
    if after is None or after.kind != "return":
        return None
    if after.state == "partially_fulfilled":
        return after
    returns = page.requests.find(kind="return", subject=after.subject, state="partially_fulfilled")
    return next((each for each in returns if each.follows == closed.reference), None)


def may_come_again(page: Page, request: Request) -> Rest | None:
    """What they may come for now: nobody has begun with it, they are there, and its window is open."""
    rest = rest_of(page, request)
    if rest is None or rest.closed.followed_by != rest.back.reference or page.now >= rest.until:
        return None
    return None if is_away(page, rest) else rest


def is_away(page: Page, rest: Rest) -> bool:
    """Whether they have closed their account again since, and are not back: its tombstones stand until they are."""
    who = read_particulars(page, rest.back.reference)
    if who is None:
        return True
    stones = page.tombstones.every(who.subject.kind, [who.subject.text]).get(who.subject.text, [])
    found = page.requests.some({stone.request for stone in stones} - {rest.closed.reference}).values()
    closes = [each for each in found if each.kind == "close"]
    ends = page.requests.some(each.followed_by for each in closes if each.followed_by)
    erased = {reference for reference, each in ends.items() if each.kind == "erase"}  # whoever had the key before
    return any(each.followed_by not in erased for each in closes)


def leave_as_it_was(page: Page, closed: Request, request: Request) -> None:
    """A return came to nothing: the account is as closed, or as far back, as it was before it."""
    back = came_back_by(page, closed)
    page.requests.follow_instead(closed.reference, request.reference, back.reference if back else None)


def rests_of(page: Page, keys: Keys, marks: Iterable[Mark]) -> list[tuple[Rest, Mark]]:
    """What waits of whoever has one of these keys or identifiers, and which of them they have."""
    found = [rest for each in page.vaults.with_rest() if (rest := _rest_by(page, each))]
    hashes = {keys.subject(kind, text): (kind, text) for kind, text in marks} if found else {}
    return [(rest, hashes[rest.back.subject]) for rest in found if rest.back.subject in hashes]


def _rest_by(page: Page, reference: str) -> Rest | None:
    closed = page.requests.get(reference)
    return rest_of(page, closed) if closed else None


def end_rests(page: Page, keys: Keys, stones: Sequence[tuple[str, str, str]]) -> None:
    """Whoever is erased has nothing to come back for: it is destroyed with the rest, unless somebody holds it."""
    by = {(kind, text): reference for kind, text, reference in stones}
    for rest, mark in rests_of(page, keys, by):
        closed = rest.closed
        page.requests.lock("close", closed.subject)
        page.requests.follow_instead(closed.reference, closed.followed_by or "", by[mark])
        of_close: Mark = ("request", closed.reference)
        if not page.holds.match([of_close]).get(of_close):
            page.vaults.destroy(rest.vault.number, at_end=False)
            page.log.append([{"event": "beyond recovery", "request": closed.reference}])
