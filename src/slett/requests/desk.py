"""The desk: everything that a page, or the API, can do for a person who wants to leave.

What looks and what acts are apart. Each change of state is one compare-and-swap in the ledger, so of two browsers, or
of a person and the clock, one wins and the other is told. Who it is, and when they signed in, comes from the session.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import get_args

from slett.ledger import FINAL, Page, Request, read_reference
from slett.ledger.requests import Doubt, Kind
from slett.requests import hooks
from slett.requests.answers import (
    Blocked,
    Filed,
    Leaving,
    Needs,
    NotFresh,
    NotTheirs,
    TooLate,
    Wish,
    WrongPhrase,
)
from slett.requests.at_once import AT_ONCE, carry_out
from slett.requests.away import ask, begin_return, open_sealed
from slett.requests.codes import CodeError, send_code, try_code
from slett.requests.identity import Identity
from slett.requests.mailbox import begin_by_mailbox, prove_mailbox
from slett.requests.outlook import Outlook, find_blocks, outlook
from slett.requests.particulars import Particulars, draw_secret, hash_secret, read_particulars
from slett.requests.progress import move_on, record_cancelled, tell
from slett.requests.put_away import confirm_end, is_beyond, may_end
from slett.requests.rest import leave_as_it_was, may_come_again
from slett.requests.service import Service
from slett.requests.sessions import Session, bind_session
from slett.requests.status import Status, status_of, waiting_of
from slett.requests.theirs import (
    find_or_file,
    has_secret,
    is_theirs,
    opened_by,
    own,
    purpose_of,
    require_proven,
    session_now,
)
from slett.requests.way_back import (
    VaultIdentity,
    give_to_person,
    needs_code,
    prepare_sealing,
    sealing,
    shut_again,
)


class Desk:
    """The desk; threads may share it.

    Args:
        service_of: gives today's service.
    """

    def __init__(self, service_of: Callable[[], Service]) -> None:
        self._service_of = service_of

    # -- looking ------------------------------------------------------------------------------------

    def outlook(self, session: Session, language: str) -> Outlook:
        """What would happen to this person's data, and what stands in the way.

        Raises:
            NotTheirs: the session has yet to prove the mailbox.
            Refused: several people are meant.
            StoreError: a store does not answer.
        """
        require_proven(session)
        return outlook(self._service_of(), session.identity.subject, language)

    def request_of(self, session: Session) -> Request | None:
        """What the session is about, or None."""
        if session.request is None:
            return None
        service = self._service_of()
        with service.ledger.read() as page:
            request = page.requests.get(session.request)
        return request if request and is_theirs(service, session, request) else None

    def needs(self, session: Session, request: Request, now: datetime) -> Needs:
        """What is still to be proven."""
        if request.kind == "unsubscribe":
            return Needs()
        identity, portal = session.identity, self._service_of().settings.portal
        fresh = identity.is_fresh(now, portal.fresh_minutes)
        by_mailbox = identity.how == "mailbox"
        return Needs(
            sign_in=not by_mailbox and (not fresh or identity.lacks_factor),
            second_factor=not by_mailbox and identity.lacks_factor,
            code=bool(identity.addresses) and not (by_mailbox and fresh),  # that was a code just now
            phrase=request.kind in ("close", "erase"),
        )

    def by_secret(self, reference: str, secret: str) -> Request | None:
        """The request, or None: whether the reference or the secret is wrong shows in nothing."""
        service = self._service_of()
        with service.ledger.read() as page:
            request = page.requests.get(read_reference(reference) or "")
        return request if has_secret(service, request, secret) else None

    def status(self, request: Request, language: str = "") -> Status:
        """How far the request has come, as it is now."""
        service = self._service_of()
        with service.ledger.read() as page:
            request = page.requests.get(request.reference) or request
            found = status_of(service, request, page.now, language)
            who = read_particulars(page, request.reference) if may_end(page, request) else None
            stoppable = found.can_cancel and not is_beyond(page, request)
            return replace(
                found,
                can_cancel=stoppable,
                can_return=found.can_return or may_come_again(page, request) is not None,
                can_erase=who is not None and bool(who.addresses),
                waits=waiting_of(service, page, request, language),
            )

    # -- asking -------------------------------------------------------------------------------------

    def begin_by_mailbox(self, address: str, language: str, network: str = "") -> str:
        """See `mailbox.begin_by_mailbox`."""
        return begin_by_mailbox(self._service_of(), address, language, network)

    def prove_mailbox(self, session: Session, code: str, network: str = "") -> str:
        """See `mailbox.prove_mailbox`."""
        return prove_mailbox(self._service_of(), session, code, network)

    def choose(self, session: Session, kind: Wish) -> Request:
        """The filed request: what the session is about from now on. An open one of the same kind is given back instead.

        Raises:
            Blocked: something must be settled first; for close and erase.
            NotTheirs: the session has ended, or has yet to prove the mailbox.
            StoreError: a store does not answer.
        """
        require_proven(session)
        service = self._service_of()
        language = session.identity.language or service.settings.portal.language
        if kind in ("close", "erase") and (blocks := find_blocks(service, session.identity.subject, language)):
            raise Blocked(blocks)
        with service.ledger.write() as page:
            session = session_now(page, session, lock=True)
            request = find_or_file(page, service, session.identity, kind)
            secret = session.secret if session.request == request.reference else ""
            bind_session(page, session, request.reference, secret)
        return request

    def send_code(self, session: Session, request: Request, *, network: str = "") -> None:
        """Send a code for this request to the person's main address; earlier ones are worth nothing from now on.

        Raises:
            NotTheirs: the session has ended, or is about something else.
            TooMany: to this account, to this address, or from this network.
        """
        service = self._service_of()
        with service.ledger.read() as page:
            session, request = own(page, service, session, request)
        if session.identity.addresses:
            send_code(service, session, purpose_of(request), request, session.identity.addresses[0], network=network)

    # -- acting -------------------------------------------------------------------------------------

    def confirm(
        self,
        session: Session,
        request: Request,
        *,
        code: str,
        phrase_ok: bool,
        network: str = "",
        opened: VaultIdentity | None = None,
    ) -> Filed:
        """The request, confirmed: an erasure or a copy waits for its turn, anything else is done by now.

        Asked again by the same session, the same answer.

        Args:
            opened: of a return to a sealed account, what the recovery code has opened.

        Raises:
            NotTheirs: the session has ended, or is about something else.
            NotFresh: they must sign in again.
            WrongPhrase: `phrase_ok` is False where the phrase is needed.
            WrongCode, ExpiredCode, TooMany: as `check_code`.
            TooLate: the request is over.
            StoreError: a store failed while an account was closed; that goes on by itself.
        """
        service = self._service_of()
        refusal: CodeError | None = None
        identity, holder = None, None
        with service.ledger.write() as page:
            session, request = own(page, service, session, request, lock=True)
            if session.secret and request.state != "filed":
                return Filed(request, session.secret, session.code)
            needs = self.needs(session, request, page.now)
            if needs.sign_in:
                raise NotFresh(second_factor=needs.second_factor)
            if needs.phrase and not phrase_ok:
                raise WrongPhrase
            if request.state in FINAL and request.state != "fulfilled":
                raise TooLate(request.state)
            if needs.code:
                refusal = try_code(page, service, session, purpose_of(request), request, code, network)
            if refusal is None:
                filed = self._confirmed(page, service, session, request, opened)
                holder = sealing(service) if request.kind == "close" else None
                if holder and page.vaults.of_request(request.reference) is None:
                    identity = prepare_sealing(page, service, request)
        if refusal:
            raise refusal
        if identity is not None and holder == "person":
            give = give_to_person(request, identity)
            with service.ledger.write() as page:
                filed = replace(filed, code=give(page))
                bind_session(page, session, request.reference, filed.secret, filed.code)
        if request.kind in AT_ONCE:
            carry_out(service, request.reference)
        return filed

    def cancel(self, reference: str, by: Session | str) -> bool:
        """Whether the request is cancelled now; False if it was too late: its state tells.

        Args:
            by: the session of the person, or the secret of its status page.

        Raises:
            NotTheirs: there is no such request for them.
        """
        service = self._service_of()
        with service.ledger.write() as page:
            request = opened_by(page, service, reference, by)
            if is_beyond(page, request) or not page.requests.withdraw(request.reference):
                return False
            if closed := page.requests.get(request.follows) if request.kind == "return" and request.follows else None:
                leave_as_it_was(page, closed, request)
                shut_again(page, closed)
            record_cancelled(page, request)
            if who := read_particulars(page, request.reference):
                tell(page, service, "cancelled", request, who)
        return True

    def give_reason(self, reference: str, by: Session | str, reason: Leaving) -> None:
        """Note why they leave, if they like to say.

        Raises:
            NotTheirs: there is no such request for them.
            ValueError: it is not one of `Leaving`.
        """
        if reason not in get_args(Leaving):
            raise ValueError("the reason is not one of the list")
        service = self._service_of()
        with service.ledger.write() as page:
            page.requests.give_reason(opened_by(page, service, reference, by).reference, reason)

    # -- coming back --------------------------------------------------------------------------------

    def ask_return(self, reference: str, secret: str, language: str = "", network: str = "") -> str:
        """The token of a session that is about the return; a code is on its way to the person's main address.

        Raises:
            NotTheirs: there is no such request for them.
            TooLate: the account has no way back any more.
            TooMany: codes to this account, to its address, or from this network.
        """
        return ask(self._service_of(), reference, secret, "return", language, network)

    def ask_erasure(self, reference: str, secret: str, language: str = "", network: str = "") -> str:
        """The token of a session that is about erasing a sealed person at once; a code is on its way.

        What must be confirmed is the erasure, by `confirm`: the keys are destroyed then.

        Raises:
            NotTheirs: there is no such request for them.
            TooLate: nothing is put away any more, or it is held, or they are coming back.
            Refused: no mailbox is known by which they could show who they are.
            TooMany: codes to this account, to its address, or from this network.
        """
        return ask(self._service_of(), reference, secret, "erase", language, network)

    def confirm_return(self, session: Session, code: str, recovery: str = "", network: str = "") -> Filed:
        """The return, carried out: the account is as it was. If the window has ended meanwhile, nothing is done.

        Args:
            recovery: the recovery code, where only that opens what was sealed: see `needs_recovery`.

        Raises:
            NotTheirs: the session has ended, or is about something else.
            WrongCode, ExpiredCode, TooMany: as `check_code`.
            WrongRecovery: the recovery code does not open the account. The other code was not used up.
            TooLate: the account has no way back any more.
            StoreError: a store failed; the return goes on by itself.
        """
        request = self.request_of(session)
        if request is None or request.kind != "return":
            raise NotTheirs
        needed = request.state == "filed" and self.needs_recovery(request)
        opened = open_sealed(self._service_of(), request, recovery, network) if needed else None
        return self.confirm(session, request, code=code, phrase_ok=True, network=network, opened=opened)

    def closed_before(self, request: Request) -> Request | None:
        """The close that a request comes after, as it is now; or None."""
        with self._service_of().ledger.read() as page:
            return page.requests.get(request.follows) if request.follows else None

    def needs_recovery(self, request: Request) -> bool:
        """Whether this return needs the recovery code of a sealed account."""
        service = self._service_of()
        with service.ledger.read() as page:
            closed = page.requests.get(request.follows) if request.follows else None
            return closed is not None and needs_code(page, closed)

    # -- parts --------------------------------------------------------------------------------------

    def _confirmed(
        self, page: Page, service: Service, session: Session, request: Request, opened: VaultIdentity | None
    ) -> Filed:
        """Everything that changes at the moment of confirmation, in one commit."""
        if not move_on(page, request.reference, "filed", "verified"):
            return self._joined(page, session, request)
        closed = page.requests.get(request.follows) if request.follows else None
        if closed and request.kind == "erase":
            secret = confirm_end(page, service, closed, request)
            bind_session(page, session, request.reference, secret)
            return Filed(page.requests.get(request.reference) or request, secret)
        before = begin_return(page, service, closed, request, opened) if closed else None
        identity = session.identity
        secret = before.secret if before else draw_secret()
        who = Particulars(identity.subject, identity.addresses, identity.old_addresses, identity.language, secret)
        page.particulars.put(request.reference, who.pack())
        sealed = request.kind == "close" and sealing(service) is not None  # in truth not to be undone by its owner
        doubt = _doubt(identity) if request.kind in ("erase", "export") or sealed else ""
        wait = _wait(service, request.kind, doubt)
        scheduled = page.requests.schedule(
            request,
            secret=hash_secret(service.ledger.keys, secret),
            promise=timedelta(hours=service.settings.promise_hours),
            not_before=page.now + wait,
            doubt=doubt,
        )
        hooks.record(page, scheduled, "scheduled")
        bind_session(page, session, request.reference, secret)
        if request.kind not in AT_ONCE or wait:
            starts = scheduled.not_before if wait else None
            tell(page, service, "filed", scheduled, who, starts=starts, due=scheduled.due_at, doubt=doubt)
        return Filed(scheduled, secret)

    def _joined(self, page: Page, session: Session, request: Request) -> Filed:
        """Another browser of the same person confirmed it."""
        now, who = page.requests.get(request.reference), read_particulars(page, request.reference)
        if now is None or who is None:
            raise TooLate(now.state if now else "cancelled")
        bind_session(page, session, request.reference, who.secret)
        return Filed(now, who.secret)


def _doubt(identity: Identity) -> Doubt:
    """Why they might not be who they say: then it waits longer, and everybody concerned is told."""
    return "address_changed" if identity.old_addresses else "mailbox_only" if identity.how == "mailbox" else ""


def _wait(service: Service, kind: Kind, doubt: Doubt) -> timedelta:
    portal = service.settings.portal
    if doubt:
        return timedelta(hours=max(portal.doubt_hours, portal.wait_hours if kind == "erase" else 0))
    return timedelta(hours=portal.wait_hours if kind == "erase" else 0)
