"""The third page: is it you? Signed in just now, a code from the mailbox, a word typed, and the one final button."""

from datetime import UTC, datetime

from starlette.responses import Response

from slett.ledger import FINAL, Request
from slett.requests.answers import Needs, TooLate
from slett.requests.codes import CodeError, TooMany
from slett.requests.sessions import Session
from slett.stores.errors import StoreError
from slett.web.errors import code_problem, code_status
from slett.web.links import sign_in_url
from slett.web.visitor import Visitor

SENT = "sent=1"


def go_and_prove(visitor: Visitor, session: Session, request: Request) -> Response:
    """On to the page that asks; a code is on its way, unless they have to sign in first."""
    needs = _needs(visitor, session, request)
    if not needs.code or needs.sign_in:
        return visitor.to("confirm")
    try:
        visitor.portal.desk.send_code(session, request, network=visitor.network)
    except TooMany:  # an earlier code may still do; the page says so when it does not
        return visitor.to("confirm")
    return visitor.to("confirm", query=SENT)


def confirm(visitor: Visitor) -> Response:
    """What is still to be proven."""
    found = _asked(visitor)
    if isinstance(found, Response):
        return found
    session, request = found
    return _page(visitor, session, request, sent=visitor.request.query_params.get("sent") == "1")


def confirmed(visitor: Visitor) -> Response:
    """The final act."""
    found = _asked(visitor)
    if isinstance(found, Response):
        return found
    session, request = found
    needs = _needs(visitor, session, request)
    code = visitor.form.get("code", "")
    phrase_ok = visitor.words.agrees(visitor.form.get("phrase", ""))
    if needs.sign_in:
        return visitor.to("confirm")
    if errors := unanswered(visitor, needs):
        return _page(visitor, session, request, sent=True, errors=errors, status=422)
    try:
        filed = visitor.portal.desk.confirm(session, request, code=code, phrase_ok=phrase_ok, network=visitor.network)
    except CodeError as error:
        errors["code"] = code_problem(visitor.words, error)
        return _page(visitor, session, request, sent=True, errors=errors, status=code_status(error))
    except StoreError:
        if _now(visitor, session) == "filed":
            raise  # nothing was done
        return visitor.to("filed")  # confirmed; the rest goes on by itself
    visitor.hold_status(filed.request.reference, filed.secret)
    response = visitor.to("filed")
    if request.kind in ("close", "erase") and visitor.stands_alone:
        response.headers["Clear-Site-Data"] = '"cache", "storage"'  # the cookie stays: it shows the next page
    return response


def send_again(visitor: Visitor) -> Response:
    """Another code."""
    asked = visitor.asked
    if asked is None:
        return visitor.to("home")
    session, request = asked
    page = _place(session, request)
    visitor.portal.desk.send_code(session, request, network=visitor.network)
    return visitor.to(page, query=SENT)


def unanswered(visitor: Visitor, needs: Needs) -> dict[str, str]:
    """What is missing or wrong of what is typed, by the field: what to type."""
    words, errors = visitor.words, {}
    if needs.code and not visitor.form.get("code", "").strip():
        errors["code"] = words._("Type the code from the e-mail.")
    if needs.phrase and not words.agrees(visitor.form.get("phrase", "")):
        errors["phrase"] = words._("Type the word exactly as it is shown: {phrase}", phrase=words.phrase)
    return errors


def hidden(address: str) -> str:
    """An address that its owner knows again, and nobody learns: `k•••@example.org`."""
    name, at, domain = address.rpartition("@")
    return f"{name[:1]}•••{at}{domain}"


def _asked(visitor: Visitor) -> tuple[Session, Request] | Response:
    asked = visitor.asked
    if asked is None:
        return visitor.to("home")
    session, request = asked
    if (place := _place(session, request)) != "confirm":
        return visitor.to(place)
    if session.secret and request.state != "filed":
        return visitor.to("filed")
    if request.state in FINAL:
        raise TooLate(request.state)
    return session, request


def _place(session: Session, request: Request) -> str:
    """The page on which that request is confirmed."""
    if request.kind == "return":
        return "come_back"
    return "confirm" if session.identity.is_proven else "erase_now"


def _needs(visitor: Visitor, session: Session, request: Request) -> Needs:
    return visitor.portal.desk.needs(session, request, datetime.now(UTC))


def _now(visitor: Visitor, session: Session) -> str:
    request = visitor.portal.desk.request_of(session)
    return request.state if request else "filed"


def _page(
    visitor: Visitor,
    session: Session,
    request: Request,
    *,
    sent: bool,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    portal = visitor.portal.settings.portal
    return visitor.page(
        "confirm.html",
        status,
        errors=errors,
        kind=request.kind,
        asked_before=request.state != "filed",
        needs=_needs(visitor, session, request),
        sent=sent,
        mailbox=hidden(session.identity.addresses[0]) if session.identity.addresses else "",
        typed=visitor.form.get("phrase", ""),
        portal=portal,
        sign_in=sign_in_url(visitor, "confirm"),
        back=visitor.path("confirm"),
    )
