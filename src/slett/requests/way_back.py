"""The way back of a request: the vault it fills, who may open that, and its end.

An erasure has one while the service's undo window is open; only the service can open its vault. A sealed close has one
until its window ends; the person's recovery code opens it, or the service's own key where the settings say so.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta

from pyrage import x25519

from slett.execute.run import always
from slett.ledger import FINAL, Page, Request
from slett.ledger.requests import DONE
from slett.ledger.vaults import Holder, Vault
from slett.plan import Step
from slett.requests.batch import Batch
from slett.requests.failing import each_in_turn
from slett.requests.hold import hold_on
from slett.requests.service import Service
from slett.stores.capture import shape_of
from slett.stores.giveback import Blocked
from slett.stores.sql import Session
from slett.stores.taken import Taken
from slett.vault import (
    CannotGoBack,
    Filling,
    Given,
    Opened,
    Place,
    VaultError,
    draw_code,
    make_identity,
    put_back,
    unwrap_for_person,
    unwrap_for_service,
    wrap_for_person,
    wrap_for_service,
)

VaultIdentity = x25519.Identity
MEGABYTE = 1 << 20
RETURN_WITHIN = timedelta(days=7)  # longest time after the window that a return takes which was asked for within it


class NoWayBack(Exception):
    """What was taken out cannot be given back: there is no vault, or its time is over."""


# -- filling ----------------------------------------------------------------------------------------


def give_vault(page: Page, service: Service, batch: Batch) -> None:
    """Give the batch its vault, if its rows have a way back; on the page that journals the batch."""
    first = batch.requests[0]
    if mine := page.vaults.of_request(first.reference):
        vault: Vault | None = mine
    elif service.settings.vault.undo_window_hours and not first.follows:
        made = make_identity()
        vault = page.vaults.create(made.recipient, [wrap_for_service(service.ledger.keys, made.identity)])
    else:
        vault = None
    if vault:
        batch.vault = page.vaults.join(batch.lease, vault, [each.reference for each in batch.requests])


def insist_on_a_way_back(sessions: Mapping[str, Session], steps: Iterable[Step]) -> None:
    """Ask of every step whether what it takes could be given back.

    Raises:
        StoreError: not exactly; and so the step would not be carried out.
    """
    for step in steps:
        shape_of(sessions[step.store], step.change)


def sealing(service: Service) -> Holder | None:
    """Who can open an account that is sealed when it is closed; None where closing seals nothing."""
    if service.datamap.closing != "seal":
        return None
    return "service" if service.settings.vault.service_key else "person"


def prepare_sealing(page: Page, service: Service, request: Request) -> x25519.Identity:
    """The identity of a new vault for that close; until `give_to_person` the service could open it."""
    made = make_identity()
    page.vaults.create(
        made.recipient, [wrap_for_service(service.ledger.keys, made.identity)], request=request.reference
    )
    return made.identity


def give_to_person(request: Request, identity: x25519.Identity) -> Callable[[Page], str]:
    """What gives the key of a vault that was just prepared to the person: called with a page, their recovery code.

    The slow part is done by now, outside of any transaction. The service has no key from then on.
    """
    code = draw_code()
    wrapped = wrap_for_person(identity, code)

    def give(page: Page) -> str:
        vault = page.vaults.of_request(request.reference)
        if vault is None:
            return ""
        page.vaults.wrap(vault.number, [wrapped])
        page.vaults.unwrap(vault.number, "service")
        return code

    return give


def filling(service: Service, batch: Batch) -> Filling | None:
    """What takes in the rows of the batch, or None: they are gone when they are gone."""
    if batch.vault is None:
        return None
    ledger_bytes = service.settings.vault.ledger_mb * MEGABYTE
    return Filling(service.ledger, batch.lease, batch.vault, place_of(service), ledger_bytes)


def place_of(service: Service) -> Place | None:
    """Where large vaults are kept, if not in the ledger."""
    return Place(service.settings.vault.url) if service.settings.vault.url else None


def undo_until(service: Service, requests: Sequence[Request], now: datetime) -> datetime:
    """When an erasure that ends now is beyond recovery: within the window, and within what the law allows."""
    lawful = min(datetime.combine(each.law_due, time.max, UTC) for each in requests)
    return min(now + timedelta(hours=service.settings.vault.undo_window_hours), max(lawful, now))


# -- opening ----------------------------------------------------------------------------------------


def vault_of(page: Page, request: Request) -> Vault | None:
    """The vault that the rows of a request are in, or None."""
    own = page.vaults.of_request(request.reference)
    return own or (page.vaults.of_batch(request.batch) if request.batch is not None else None)


def sealed_before(page: Page, request: Request) -> Request | None:
    """The close that put this person's rows away, whose window has ended since; or None."""
    closed = page.requests.get(request.follows) if request.follows and request.kind == "erase" else None
    return closed if closed and closed.kind == "close" and vault_of(page, closed) else None


def drop_vault(page: Page, request: Request) -> None:
    """A close that is refused needs no vault, unless something is in it since a hold stopped it half way."""
    vault = page.vaults.of_request(request.reference)
    if vault and page.vaults.size(vault.number)[0] == 0:
        page.vaults.destroy(vault.number, at_end=False)


def needs_code(page: Page, closed: Request) -> bool:
    """Whether only the person's recovery code opens what this close put away."""
    vault = vault_of(page, closed)
    return vault is not None and "service" not in page.vaults.keys(vault.number)


def identity_by_code(service: Service, closed: Request, code: str) -> x25519.Identity:
    """The identity of a close's vault, by the person's recovery code.

    Raises:
        WrongCode: the code does not open it.
        NoWayBack: nothing does any more.
    """
    with service.ledger.read() as page:
        vault = vault_of(page, closed)
        wrapped = page.vaults.keys(vault.number).get("person") if vault else None
    if wrapped is None:
        raise NoWayBack("there is nothing to open any more")
    return unwrap_for_person(wrapped, code)


def let_service_open(page: Page, service: Service, closed: Request, identity: x25519.Identity) -> None:
    """The person comes back: from now on the service can open their vault, so that a crash does not stop the return."""
    if vault := vault_of(page, closed):
        page.vaults.wrap(vault.number, [wrap_for_service(service.ledger.keys, identity)])


def shut_again(page: Page, closed: Request) -> None:
    """What did not come back is the person's alone again; of a vault that only the service can open, it stays so."""
    vault = vault_of(page, closed)
    if vault and "person" in page.vaults.keys(vault.number):
        page.vaults.unwrap(vault.number, "service")


# -- giving back ------------------------------------------------------------------------------------


def bring_back(
    service: Service,
    request: Request,
    settle: Callable[[Page, Given], None],
    *,
    partly: bool,
    may_go_on: Callable[[], None] = always,
) -> Given:
    """Give back what a request took out. Repeatable: what is back counts as back.

    Args:
        request: an erasure or a close.
        settle: notes what came of it, in the commit that also settles the vault.
        partly: give back what can go, provided that the root rows can; what cannot stays sealed. Else all or nothing.
        may_go_on: asked before anything is committed; raises where nothing may be.

    Raises:
        NoWayBack: there is no vault, or its time is over.
        VaultError: it does not open.
        StoreError: a store failed. Repeat it.
    """
    with service.ledger.write() as page:
        _insist_on_waiting(kept_back_of(page, request))
        if request.batch is not None and page.batches.is_looked_at(request.batch):
            raise NoWayBack("late writes of theirs are being looked for at this moment; ask again in a minute")
        late = RETURN_WITHIN if request.kind == "close" else timedelta()  # whoever returns asked for it in time
        opened = [_begin(page, service, request, vault_of(page, request), late)]
        vault = opened[0].vault
        for before in page.vaults.earlier(request.reference, vault.number) if request.kind == "erase" else ():
            try:
                opened.append(_begin(page, service, request, before, late))
            except NoWayBack as error:
                filling = before.state == "filling"
                if filling or not partly:
                    rest = "" if filling else "; bring back the rest with --partly"
                    raise NoWayBack(f"what was taken of them before a hold stopped it: {error}{rest}") from None
    alone = len(vault.people) == 1
    roots = {str(each): each for each in service.datamap.roots}

    def needed(taken: Taken) -> bool:
        root = roots.get(f"{taken.store}/{taken.table}")  # its values, where it goes, are of others who are mentioned
        return not partly or (root is not None and (taken.what == "rows" or root.action != "delete"))

    def may_commit() -> None:
        """Whoever was frozen, or slow, may have been given up meanwhile: the keys destroyed, or all of it done."""
        may_go_on()
        with service.ledger.read() as page:
            now, rest = vault_of(page, request), kept_back_of(page, request)
            waits = page.vaults.rest(vault.number, request.reference)
            earlier = page.vaults.earlier(request.reference, vault.number) if len(opened) > 1 else ()
        _insist_on_waiting(rest)
        if now is None or not now.may_open:
            raise NoWayBack(_why_not(now))
        if waits != opened[0].rest:
            raise NoWayBack("another process brought something of it back meanwhile; ask again for what waits still")
        wanted = {one.vault.number for one in opened[1:]}
        if gone := [each for each in earlier if each.number in wanted and each.state == "destroyed"]:
            raise NoWayBack(_why_not(gone[0]))

    dropped = {str(each): each.dropped for each in service.datamap.tables if each.dropped}
    try:
        with service.sessions() as sessions:
            given = put_back(opened, sessions, needed=needed, dropped=dropped, may_commit=may_commit)
    except CannotGoBack as error:
        given = Given(0, error.blocked)
    except BaseException:
        with service.ledger.write() as page:
            for one in opened:
                page.vaults.end_return(one.vault.number)
        raise
    with service.ledger.write() as page:
        for one in opened if is_back(given) else ():  # what is back does not come again: its owner may delete it
            page.vaults.leave_rest(one.vault.number, request.reference, given.rests.get(one.vault.number))
        settle(page, given)
        if is_back(given):
            for each in (request.reference, *_twins(page, request)):
                page.tombstones.remove(each)
                page.kept.forget([kept.number for kept in page.kept.of(each)])
        if alone and not given.blocked:
            page.vaults.destroy(vault.number, at_end=False)
        else:
            page.vaults.end_return(vault.number)
        for one in opened[1:]:
            page.vaults.end_return(one.vault.number)
    return given


def _begin(page: Page, service: Service, request: Request, vault: Vault | None, late: timedelta) -> Opened:
    """That vault, open for what is the request's.

    Raises:
        NoWayBack: it does not open any more, or not yet.
    """
    wrapped = page.vaults.keys(vault.number).get("service") if vault else None
    if vault is None or wrapped is None or not page.vaults.begin_return(vault.number, late=late):
        raise NoWayBack(_why_not(vault))
    person = None if len(vault.people) == 1 else list(vault.people).index(request.reference)
    identity = unwrap_for_service(service.ledger.keys, wrapped)
    rest = page.vaults.rest(vault.number, request.reference)
    return Opened(service.ledger, vault, identity, place_of(service), person, rest)


def kept_back_of(page: Page, erased: Request) -> list[Request]:
    """The requests that wait to erase what a hold kept back of an erasure, or are about to."""
    others = page.requests.find(subject=erased.subject, kind="erase")
    return [
        each
        for each in others
        if each.follows == erased.reference and each.origin == "released" and each.state not in FINAL
    ]


def _insist_on_waiting(rest: Sequence[Request]) -> None:
    if any(each.batch is not None for each in rest):
        raise NoWayBack("what a hold had kept back of theirs is being erased at this moment; ask again when it is done")


def _twins(page: Page, request: Request) -> list[str]:
    """The erasures of the same person before and after a backup brought them back: whoever undoes one undoes both."""
    twins = page.requests.some(page.tombstones.twins(request.reference)).values()
    again = ("replay", "doubtful")
    return [each.reference for each in twins if request.origin in again or each.origin in again]


def say_blocked(found: Sequence[Blocked]) -> str:
    """What could not go back, and why."""
    return "; ".join(f"{say_rows(each.rows)} of `{each.store}/{each.table}`: {each.why}" for each in found)


def say_rows(rows: int) -> str:
    """How many."""
    return "1 row" if rows == 1 else f"{rows:,} rows"


def is_back(given: Given) -> bool:
    """Whether the person is: everything, or what they can be without."""
    return given.rows > 0 or not given.blocked


def _why_not(vault: Vault | None) -> str:
    if vault is None:
        return "nothing was put away: nothing was taken out, or `vault.undo_window_hours` was 0 when it was carried out"
    if vault.state == "filling":
        return "it is not done yet"
    return "its way back has ended: the keys are destroyed, and nobody can open what was put away"


# -- the end ----------------------------------------------------------------------------------------


def end_ways_back(service: Service) -> int:
    """How many vaults came to their end: their keys are destroyed now, and then their parts, wherever they are."""
    _settle_forgotten(service)
    with service.ledger.read() as page:
        over = [each for each in page.vaults.over() if not _has_window(page, each)]
        scattered = page.vaults.scattered()
    ended = 0
    for vault in over:
        with service.ledger.write() as page:
            if not _is_held(page, vault) and page.vaults.destroy(vault.number, at_end=True):
                page.log.append([{"event": "beyond recovery", "request": each} for each in vault.people])
                ended += 1
    each_in_turn(scattered, lambda number: _sweep_up(service, number))
    return ended


def _is_held(page: Page, vault: Vault) -> bool:
    """Whether it is of a close, and somebody holds what is in it: what is left of it stays until the release."""
    closed = page.requests.get(vault.request) if vault.request else None
    return closed is not None and closed.kind == "close" and hold_on(page, closed) is not None


def _settle_forgotten(service: Service) -> None:
    """Whatever is in a vault that nobody sealed has its time, too; one in which nothing is needs none."""
    with service.ledger.read() as page:
        forgotten = page.vaults.forgotten()
    for vault in forgotten:
        with service.ledger.write() as page:
            if vault.batch is None:
                page.vaults.destroy(vault.number, at_end=False)
            else:
                page.vaults.leave(vault.number, page.now + timedelta(hours=service.settings.vault.undo_window_hours))


def _has_window(page: Page, vault: Vault) -> bool:
    """Whether it is of a close that nothing has followed yet: that ends with its window. Or a return is on its way.

    Whoever asked to come back in time does come back, however long a store is down or paused meanwhile.
    """
    closed = page.requests.get(vault.request) if vault.request else None
    if closed is None or closed.kind != "close" or closed.state not in DONE:
        return False
    ended = page.requests.get(closed.followed_by) if closed.followed_by else None
    if ended is None or vault.until is None:
        return closed.followed_by is None
    return ended.kind == "return" and ended.state not in FINAL and page.now < vault.until + RETURN_WITHIN


def _sweep_up(service: Service, number: int) -> None:
    place = place_of(service)
    if place is None:
        raise VaultError("parts of a destroyed vault are still kept elsewhere; set `vault.url` to where that is")
    with service.ledger.read() as page:
        names = page.vaults.elsewhere(number)
    place.remove(number, names)
    with service.ledger.write() as page:
        page.vaults.forget_parts(number)
