"""Whoever is put away since they closed their account, and does not want to wait: a code, a word, and it is gone."""

from starlette.responses import Response

from slett.requests.answers import Needs
from slett.requests.codes import CodeError
from slett.web.errors import code_problem, code_status
from slett.web.prove import hidden, unanswered
from slett.web.visitor import Visitor


def ask(visitor: Visitor) -> Response:
    """What it means, and where code and word are typed."""
    return _page(visitor, sent=visitor.request.query_params.get("sent") == "1")


def confirmed(visitor: Visitor) -> Response:
    """The final act: the keys are destroyed when this answers."""
    if visitor.asked is None:
        return visitor.to("status_form")
    session, request = visitor.asked
    errors = unanswered(visitor, Needs(code=True, phrase=True))
    if errors and request.state == "filed":
        return _page(visitor, sent=True, errors=errors, status=422)
    code, phrase_ok = visitor.form.get("code", ""), "phrase" not in errors
    try:
        done = visitor.portal.desk.confirm(session, request, code=code, phrase_ok=phrase_ok, network=visitor.network)
    except CodeError as error:
        errors["code"] = code_problem(visitor.words, error)
        return _page(visitor, sent=True, errors=errors, status=code_status(error))
    visitor.hold_status(done.request.reference, done.secret)
    return visitor.to("filed")


def _page(visitor: Visitor, *, sent: bool, errors: dict[str, str] | None = None, status: int = 200) -> Response:
    asked = visitor.asked
    if asked is None or asked[1].kind != "erase" or asked[0].identity.is_proven:
        return visitor.to("status_form")
    session, request = asked
    if session.secret and request.state != "filed":
        return visitor.to("filed")
    closed = visitor.portal.desk.closed_before(request)
    return visitor.page(
        "erase_now.html",
        status,
        errors=errors,
        sent=sent,
        mailbox=hidden(session.identity.addresses[0]),
        until=closed.until if closed and closed.followed_by is None else None,
        typed=visitor.form.get("phrase", ""),
        typed_code=visitor.form.get("code", "") if errors and "code" not in errors else "",
        portal=visitor.portal.settings.portal,
        status_page=visitor.path("status", reference=closed.reference) if closed else visitor.path("status_form"),
        back=visitor.path("erase_now"),
    )
