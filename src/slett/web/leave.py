"""The first two pages: what do you want, and what will happen."""

from typing import cast, get_args

from starlette.responses import Response

from slett.ledger import Request
from slett.requests.answers import Blocked, Wish
from slett.requests.sessions import Session
from slett.requests.way_back import sealing
from slett.web.links import at_service, sign_in_url
from slett.web.prove import go_and_prove
from slett.web.visitor import Visitor

WISHES = get_args(Wish)
LEAVING = ("close", "erase")  # what happens is shown before


def home(visitor: Visitor) -> Response:
    """What do you want? Nobody is known yet: how to sign in."""
    session = visitor.session
    if session and not session.identity.is_proven:
        return visitor.to("mailbox")
    if session is None and visitor.identity is None:
        return visitor.page("sign_in.html", sign_in=sign_in_url(visitor, "home"))
    return visitor.page("home.html", portal=visitor.portal.settings.portal, filed=_filed(visitor, session))


def choose(visitor: Visitor) -> Response:
    """One of the four was chosen."""
    session, wish = visitor.enter(), visitor.form.get("wish", "")
    if session is None or wish not in WISHES:
        return visitor.to("home")
    if wish in LEAVING:
        return visitor.to("what", query=f"wish={wish}")
    return _file(visitor, session, cast(Wish, wish))


def what(visitor: Visitor) -> Response:
    """What will happen, counted now."""
    session, wish = visitor.session, visitor.request.query_params.get("wish", "")
    if session is None or wish not in LEAVING:
        return visitor.to("home")
    return visitor.page(
        "what.html",
        wish=wish,
        outlook=visitor.portal.desk.outlook(session, visitor.words.tag),
        at_service=lambda link: at_service(visitor, link),
        portal=visitor.portal.settings.portal,
        promise_hours=visitor.portal.settings.promise_hours,
        doubtful=bool(session.identity.old_addresses) or session.identity.how == "mailbox",
        sealing=sealing(visitor.portal.service),
        undo_hours=visitor.portal.settings.vault.undo_window_hours,
        back=f"{visitor.path('what')}?wish={wish}",
    )


def go_on(visitor: Visitor) -> Response:
    """They have read it, and go on."""
    session, wish = visitor.session, visitor.form.get("wish", "")
    if session is None or wish not in LEAVING:
        return visitor.to("home")
    try:
        return _file(visitor, session, cast(Wish, wish))
    except Blocked:
        return visitor.to("what", query=f"wish={wish}")


def _file(visitor: Visitor, session: Session, wish: Wish) -> Response:
    return go_and_prove(visitor, session, visitor.portal.desk.choose(session, wish))


def _filed(visitor: Visitor, session: Session | None) -> Request | None:
    """What this visit has confirmed already."""
    return visitor.portal.desk.request_of(session) if session and session.secret else None
