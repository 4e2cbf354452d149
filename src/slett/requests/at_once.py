"""What is carried out as soon as it is confirmed: close, return, unsubscribe.

Whoever moves the request to `running` carries it out; for a close, what was before is sealed in the same commit. If
that process dies, another takes the request up: each of the three may be repeated.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from slett.ledger import Page, Request
from slett.ledger.requests import Counts, Kind, State
from slett.requests.before import Before
from slett.requests.close import close, look_before, reopen
from slett.requests.erase import erase_filed
from slett.requests.failing import each_in_turn
from slett.requests.particulars import Particulars, read_particulars
from slett.requests.pause import insist_on_work
from slett.requests.progress import move_on, tell
from slett.requests.refuse import Refused
from slett.requests.rest import WAITS, is_away, leave_as_it_was, rest_of
from slett.requests.service import Service
from slett.requests.unsubscribe import unsubscribe
from slett.requests.way_back import NoWayBack, bring_back, is_back, say_blocked, shut_again, vault_of
from slett.vault import Given

AT_ONCE: tuple[Kind, ...] = ("close", "return", "unsubscribe")
DEAD = timedelta(minutes=2)  # whoever has not finished by then has died


class Overtaken(Exception):
    """Another process came to the end meanwhile, or the person did something else. Nothing more may be changed."""


def carry_out(service: Service, reference: str) -> None:
    """Do what a scheduled request asks for, unless it waits, or somebody else has begun, or cancelled it.

    Raises:
        StoreError: a store failed. The request waits; `take_up` repeats it.
    """
    with service.ledger.read() as page:
        request, who, now = page.requests.get(reference), read_particulars(page, reference), page.now
    if request is None or who is None or (request.state == "scheduled" and _waits(request, now)):
        return
    insist_on_work(service)
    if request.kind == "close" and request.state == "fulfilled":
        _close_again(service, request, who)
    if request.state != "scheduled":
        return
    if request.kind == "close" and service.datamap.closing == "seal":
        erase_filed(service, [(request, who.subject)])
        return
    before: Before | None = None
    if request.kind == "close":
        try:
            before = look_before(service, who.subject)
        except Refused as refused:
            _refuse(service, request, who, refused)
            return
    with service.ledger.write() as page:
        if not move_on(page, reference, "scheduled", "running"):
            return
        if before is not None:
            page.before.put(reference, [before.pack()])
    _do(service, request, who)


def _waits(request: Request, now: datetime) -> bool:
    """Whether its turn has not come: somebody closes and seals an account who might not be its owner."""
    return request.not_before is not None and now < request.not_before


def take_up(service: Service) -> int:
    """How many requests were taken up that wait, or that a dead process left.

    Raises:
        StoreError, VaultError: a store failed, or a vault does not open. That request still waits; others do not.
    """
    with service.ledger.read() as page:
        waiting = [each for kind in AT_ONCE for each in page.requests.due(page.now - DEAD, kind)]
        left = [each for kind in AT_ONCE for each in page.requests.running(page.now - DEAD, kind)]
        told = {each.reference: read_particulars(page, each.reference) for each in left}

    def take(each: Request) -> None:
        if each.state == "scheduled":
            carry_out(service, each.reference)
        elif who := told[each.reference]:
            _do(service, each, who)

    each_in_turn([*waiting, *left], take)
    return len(waiting) + len(left)


def _do(service: Service, request: Request, who: Particulars) -> None:
    insist_on_work(service)
    with suppress(Overtaken):
        _work(service, request, who, _going_on(service, request, "running"))


def _going_on(service: Service, request: Request, state: State) -> Callable[[], None]:
    """What is asked before each transaction in a store: whoever was frozen may have been taken over since."""

    def may_go_on() -> None:
        with service.ledger.read() as page:
            now = page.requests.get(request.reference)
        if now is None or now.state != state or now.followed_by:
            raise Overtaken

    return may_go_on


def _work(service: Service, request: Request, who: Particulars, may_go_on: Callable[[], None]) -> None:
    counts: Counts = {}
    if request.kind == "unsubscribe":
        try:
            counts = {"": {"unsubscribe": unsubscribe(service, who.subject, may_go_on)}}
        except Refused as refused:
            _put_back(service, request, who, refused)
            return
    elif closed := _sealed(service, request):
        _bring_back(service, request, closed, who)
        return
    else:
        source = request.follows if request.kind == "return" else request.reference
        with service.ledger.read() as page:
            packed = b"".join(page.before.read(source or ""))
        if not packed:
            return  # another process came to the end meanwhile
        if request.kind == "close":
            try:
                counts = close(service, who.subject, Before.unpack(packed), may_go_on).counts
            except Refused as refused:
                _put_back(service, request, who, refused)
                return
        else:
            counts = {"": {"return": reopen(service, Before.unpack(packed), may_go_on).rows}}
    _finish(service, request, who, counts)


def _sealed(service: Service, request: Request) -> Request | None:
    """The close whose rows a return brings back from a vault, or None."""
    with service.ledger.read() as page:
        closed = page.requests.get(request.follows) if request.kind == "return" and request.follows else None
        return closed if closed and vault_of(page, closed) else None


def _bring_back(service: Service, request: Request, closed: Request, who: Particulars) -> None:
    """What was sealed comes back; without the root rows nothing does, and the account stays closed."""

    def settle(page: Page, given: Given) -> None:
        reason = f"could not come back: {say_blocked(given.blocked)}" if given.blocked else ""
        if not is_back(given):
            stays_closed(page, reason)
            return
        if given.blocked:
            shut_again(page, closed)
        waiting = {table: {WAITS: rows} for table, rows in given.waiting.items()}
        _end(page, service, request, who, {"": {"return": given.rows}, **waiting}, reason)

    def stays_closed(page: Page, reason: str) -> None:
        if move_on(page, request.reference, "running", "scheduled"):
            leave_as_it_was(page, closed, request)
            shut_again(page, closed)
            move_on(page, request.reference, "scheduled", "refused", reason=reason)
            tell(page, service, "refused", request, who, found=True, reason=reason)

    try:
        with service.ledger.read() as page:
            rest = rest_of(page, closed)
            if closed.followed_by != request.reference or (rest and is_away(page, rest)):
                raise NoWayBack("they have left again meanwhile")
        bring_back(service, closed, settle, partly=True, may_go_on=_going_on(service, request, "running"))
    except NoWayBack as error:  # or another process came to the end meanwhile: then nothing is moved
        with service.ledger.write() as page:
            stays_closed(page, str(error))


def _finish(service: Service, request: Request, who: Particulars, counts: Counts) -> None:
    with service.ledger.write() as page:
        _end(page, service, request, who, counts)


def _end(page: Page, service: Service, request: Request, who: Particulars, counts: Counts, left: str = "") -> None:
    reference = request.reference
    state: State = "partially_fulfilled" if left else "fulfilled"
    if not move_on(page, reference, "running", "verifying"):
        return
    page.requests.count({reference: counts})
    move_on(page, reference, "verifying", state, reason=left)
    page.log.append([{"event": f"{request.kind} {state.replace('_', ' ')}", "request": reference}])
    if request.kind == "close":
        until = page.now + timedelta(days=service.settings.portal.window_days)
        page.requests.open_window(reference, until)
        erased = service.settings.portal.after_window == "erase"
        tell(page, service, "closed", request, who, until=until, erased=erased, recovery=False)
    elif request.kind == "return":
        page.before.destroy(request.follows or "")
        rest = rest_of(page, request) if left else None
        tell(page, service, "returned", request, who, until=rest.until if rest else "")
    else:
        tell(page, service, "done", request, who, kept=[])


def _close_again(service: Service, request: Request, who: Particulars) -> None:
    """Somebody asked for it although the account is closed: whatever opened it meanwhile, it is closed now."""
    with service.ledger.read() as page:
        packed = b"".join(page.before.read(request.reference))
    if packed:
        with suppress(Overtaken):
            close(service, who.subject, Before.unpack(packed), _going_on(service, request, "fulfilled"))


def _put_back(service: Service, request: Request, who: Particulars, refused: Refused) -> None:
    """Nothing was changed, and nothing can be."""
    with service.ledger.write() as page:
        page.before.destroy(request.reference)
        if not move_on(page, request.reference, "running", "scheduled"):
            return
    _refuse(service, request, who, refused)


def _refuse(service: Service, request: Request, who: Particulars, refused: Refused) -> None:
    with service.ledger.write() as page:
        if move_on(page, request.reference, "scheduled", refused.refusal.state, reason=refused.refusal.reason):
            found = refused.refusal.state != "not_found"
            tell(page, service, "refused", request, who, found=found, reason=refused.refusal.reason)
