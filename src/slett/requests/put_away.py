"""Whoever is put away since they closed their account, and shall be erased at once and not when the window ends.

What the end of the window does is done now: the keys are destroyed in one commit, with the erasure that certifies it.
A hold goes first. A return that nobody has begun with is cancelled, because the later wish is the one that counts; one
that has begun comes to its end, since some of the rows may be back by then, and its person can be erased like anybody.
"""

from collections.abc import Sequence

from slett.ledger import FINAL, Page, Request
from slett.ledger.requests import DONE
from slett.requests import hooks
from slett.requests.answers import TooLate
from slett.requests.batch import Outcome
from slett.requests.erase import Watch, erase_filed, unwatched
from slett.requests.hold import hold_on
from slett.requests.particulars import Particulars, read_particulars
from slett.requests.pause import insist_on_work
from slett.requests.progress import move_on, record_cancelled
from slett.requests.rest import came_back_by, leave_as_it_was
from slett.requests.service import Service
from slett.requests.subject import Subject, collected, newest_stones
from slett.requests.undo import AGREE_WITHIN
from slett.requests.way_back import sealed_before, vault_of
from slett.requests.windows import end_window, file_after, schedule_after

AGREE = "another person must run the same command, from their own account, within a day"
COMING_BACK = "they have asked to come back, and that has begun; erase them when it is done"
OVER = "what was put away is destroyed already; nothing is left to erase"
BACK = "they have come back meanwhile; erase them like anybody"


def may_end(page: Page, closed: Request) -> bool:
    """Whether what a close has put away may be destroyed now, as far as nobody's hold shows on it."""
    vault = vault_of(page, closed) if closed.kind == "close" and closed.state in DONE else None
    if vault is None or vault.state != "sealed" or closed.held is not None:
        return False
    after = page.requests.get(closed.followed_by) if closed.followed_by else None
    if after is None:
        return True
    return after.kind == "return" and after.state == "scheduled" and came_back_by(page, closed) is None


def is_beyond(page: Page, request: Request) -> bool:
    """Whether it is the erasure of somebody whose keys are destroyed: nobody can cancel that any more."""
    closed = sealed_before(page, request)
    return closed is not None and closed.followed_by == request.reference


# -- their own wish ---------------------------------------------------------------------------------


def file_end(page: Page, service: Service, closed: Request, subject: str) -> Request:
    """The erasure that the person may confirm: the one they have asked for within the hour, or one filed now."""
    page.requests.lock("erase", subject)
    for each in page.requests.find(subject=subject, kind="erase", state="filed"):
        if each.follows == closed.reference:
            return each
    request = file_after(page, service, closed, subject, "filed")
    hooks.record(page, request, "filed")
    return request


def confirm_end(page: Page, service: Service, closed: Request, request: Request) -> str:
    """The secret of the status page. The erasure, `verified` until now, is due, or refused because of a hold.

    Raises:
        TooLate: they are back, or about to be, or another was first. Nothing of this page may be written.
    """
    who = read_particulars(page, closed.reference)
    if who is None:
        raise TooLate("over")
    if hold := hold_on(page, closed):
        reason = f"held: {hold.basis}"
        page.particulars.put(request.reference, who.pack())
        move_on(page, request.reference, "verified", "refused", reason=reason)
        page.log.append([{"event": "refused", "request": request.reference, "reason": reason}])
    else:
        _end(page, service, closed, who, request)
    return who.secret


def _end(page: Page, service: Service, closed: Request, who: Particulars, request: Request) -> None:
    """The keys are destroyed on this page, and the erasure is due. Nobody holds what is put away."""
    closed = page.requests.get(closed.reference) or closed  # as it is now that nobody else ends it
    if closed.followed_by:
        _cancel_return(page, closed, closed.followed_by)
    schedule_after(page, service, closed, who, request)
    end_window(page, closed, request.reference)


def _cancel_return(page: Page, closed: Request, reference: str) -> None:
    after = page.requests.get(reference)
    if after is None or after.kind != "return" or not page.requests.withdraw(reference):
        raise TooLate(after.state if after else "over")
    leave_as_it_was(page, closed, after)
    record_cancelled(page, after)


# -- the operator's ---------------------------------------------------------------------------------


def find_sealed(service: Service, subjects: Sequence[Subject]) -> dict[int, Request]:
    """The closes that have put these people away, by their place. Nobody of whom a root row is there by now.

    One whose erasure was begun with, and came to no end, is found again.
    """
    found: dict[int, Request] = {}
    with service.ledger.read() as page:
        stones = newest_stones(page, subjects)
        closes = page.requests.some({stone.request for stone in stones.values()})
        for number, one in enumerate(subjects):
            stone = stones.get((one.kind, one.text))
            closed = closes.get(stone.request) if stone else None
            if closed and closed.kind == "close" and (_is_sealed(page, closed) or _unfinished(page, closed)):
                found[number] = closed
    if not found:
        return {}
    with service.sessions() as sessions:
        walk = collected(service.plan, sessions, [subjects[number] for number in found])
        living = walk.found_roots()
    return {number: closed for place, (number, closed) in enumerate(found.items()) if place not in living}


def erase_sealed(service: Service, closes: Sequence[Request], who: str, watch: Watch = unwatched) -> list[Outcome]:
    """What became of each. Repeatable: what is destroyed is destroyed, and its erasure goes on.

    Args:
        who: the account that asks; where two must agree on an undo, two must on this.

    Raises:
        StoreError: a store failed, or is paused. What is due is done by whoever carries out requests.
    """
    insist_on_work(service)
    found: dict[str, Outcome] = {}
    due: dict[str, tuple[Request, Subject]] = {}
    for closed in closes:
        try:
            with service.ledger.write() as page:
                came = _decide(page, service, closed, who)
        except TooLate:
            came = _overtaken(service, closed)
        if isinstance(came, Outcome):
            found[closed.reference] = came
        else:
            due[closed.reference] = came
    references = list(due)
    for start in range(0, len(references), service.settings.batch_people):
        some = references[start : start + service.settings.batch_people]
        done = {each.reference: each for each in erase_filed(service, [due[each] for each in some], watch)}
        for each in some:
            request, _ = due[each]
            waits = Outcome(
                request.reference, "scheduled", "the keys are destroyed; a worker, or `slett sweep`, goes on"
            )
            found[each] = done.get(request.reference, waits)
    return [found[closed.reference] for closed in closes]


def _decide(page: Page, service: Service, closed: Request, who: str) -> Outcome | tuple[Request, Subject]:
    """The erasure that is due and whom it means; or why there is none."""
    if begun := _unfinished(page, closed):
        named = read_particulars(page, begun.reference)
        return (begun, named.subject) if named else Outcome(begun.reference, begun.state)
    asked = page.approvals.add(closed.reference, who, within=AGREE_WITHIN)
    page.log.append([{"event": "erasure asked for", "request": closed.reference}])
    if asked < service.settings.vault.approvals:
        return Outcome(closed.reference, "waiting", AGREE)
    if hold := hold_on(page, closed):
        return Outcome(closed.reference, "held", f"held: {hold.basis}")
    named = read_particulars(page, closed.reference)
    if named is None:
        raise TooLate("over")
    request = file_after(page, service, closed, closed.subject, "verified")
    _end(page, service, closed, named, request)
    return request, named.subject


def _overtaken(service: Service, closed: Request) -> Outcome | tuple[Request, Subject]:
    """What somebody else did in that very moment: they are erased, or back, or about to be."""
    with service.ledger.read() as page:
        now = page.requests.get(closed.reference) or closed
        after = page.requests.get(now.followed_by) if now.followed_by else None
        begun = _unfinished(page, now)
        named = read_particulars(page, begun.reference) if begun else None
    if begun and named:
        return begun, named.subject
    if after and after.kind == "erase":
        rows = sum(sum(done.values()) for done in after.counts.values())
        return Outcome(after.reference, after.state, after.reason, rows)
    if after and after.kind == "return" and after.state in DONE:
        return Outcome(closed.reference, "refused", BACK)
    return Outcome(closed.reference, "refused", COMING_BACK if after and after.kind == "return" else OVER)


def _is_sealed(page: Page, closed: Request) -> bool:
    vault = vault_of(page, closed)
    return closed.state in DONE and vault is not None and vault.may_open


def _unfinished(page: Page, closed: Request) -> Request | None:
    """The erasure that ended the close, if it has not come to its own end."""
    after = page.requests.get(closed.followed_by) if closed.followed_by else None
    return after if after and after.kind == "erase" and after.state not in FINAL else None
