"""For people without the app or a session: a mailbox is enough. And the link in a mail that ends the mail."""

import re

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from slett.requests.codes import CodeError
from slett.requests.one_click import read_unsubscribe_token
from slett.requests.subject import Subject
from slett.requests.unsubscribe import unsubscribe
from slett.web.errors import code_problem, code_status
from slett.web.prove import hidden
from slett.web.visitor import Visitor

LONGEST = 254  # RFC 5321
ADDRESS = re.compile(r"[^\s@<>\"(),:;\[\]\\]+@[^\s@<>\"(),:;\[\]\\]+")
ONE_CLICK = "One-Click"  # RFC 8058


def without_account(visitor: Visitor) -> Response:
    """Where the address is typed."""
    return visitor.page("without_account.html", typed="")


def ask_mailbox(visitor: Visitor) -> Response:
    """A code goes to that mailbox if it is known; the answer is the same if it is not."""
    address, words = visitor.form.get("email", "").strip(), visitor.words
    if len(address) > LONGEST or not ADDRESS.fullmatch(address):
        errors = {"email": words._("Type an e-mail address, like kari@example.no.")}
        return visitor.page("without_account.html", 422, errors=errors, typed=address)
    visitor.begin(visitor.portal.desk.begin_by_mailbox(address, words.tag, visitor.network))
    return visitor.to("mailbox")


def mailbox(visitor: Visitor) -> Response:
    """Where the code is typed."""
    return _mailbox(visitor)


def prove_mailbox(visitor: Visitor) -> Response:
    """The code was typed: from here on the path is the same as with an account."""
    session, code, words = visitor.session, visitor.form.get("code", ""), visitor.words
    if session is None or session.identity.is_proven:
        return visitor.to("home")
    if not code.strip():
        return _mailbox(visitor, {"code": words._("Type the code from the e-mail.")}, 422)
    try:
        visitor.begin(visitor.portal.desk.prove_mailbox(session, code, visitor.network))
    except CodeError as error:
        return _mailbox(visitor, {"code": code_problem(words, error)}, code_status(error))
    return visitor.to("home")


def unsubscribe_page(visitor: Visitor) -> Response:
    """The link of a mail, opened: a button, and nothing done yet."""
    token, _ = _read(visitor)
    return visitor.page("unsubscribe.html", token=token, done=False, back=visitor.path("unsubscribe", token=token))


def unsubscribe_now(visitor: Visitor) -> Response:
    """The mail ends: by our own button, or by the mail program's (RFC 8058). No cookie is looked at."""
    token, subject = _read(visitor)
    unsubscribe(visitor.portal.service, subject)
    by_a_person = "text/html" in visitor.request.headers.get("accept", "")
    if visitor.form.get("List-Unsubscribe") == ONE_CLICK and not by_a_person:
        return PlainTextResponse("OK\n")
    return visitor.page("unsubscribe.html", token=token, done=True, back=visitor.path("unsubscribe", token=token))


def _read(visitor: Visitor) -> tuple[str, Subject]:
    token = visitor.request.path_params["token"]
    subject = read_unsubscribe_token(visitor.portal.service, token)
    if subject is None:
        raise HTTPException(404)
    return token, subject


def _mailbox(visitor: Visitor, errors: dict[str, str] | None = None, status: int = 200) -> Response:
    session = visitor.session
    if session is None or session.identity.is_proven:
        return visitor.to("home")
    return visitor.page(
        "mailbox.html",
        status,
        errors=errors,
        mailbox=hidden(session.identity.addresses[0]),
        portal=visitor.portal.settings.portal,
        back=visitor.path("mailbox"),
    )
