"""The fourth page: filed. What to write down, when it is due, how to stop it; and, if they like, why they leave."""

import re
from typing import cast, get_args

from starlette.responses import Response

from slett.languages import N_
from slett.requests.answers import Leaving
from slett.requests.way_back import sealing
from slett.web.status import waits
from slett.web.visitor import Visitor

REASONS = {  # why they leave, as they may say it
    "unused": N_("I do not use it any more"),
    "privacy": N_("I want less about me to be stored"),
    "mail": N_("I get too much mail"),
    "trouble": N_("Something did not work, or somebody troubled me"),
    "cost": N_("It costs too much"),
    "elsewhere": N_("I have found something else"),
    "other": N_("Something else"),
}


def filed(visitor: Visitor) -> Response:
    """The reference number, and what happens next."""
    asked = visitor.asked
    if asked is None or not asked[0].secret:
        return visitor.to("home")
    session, request = asked
    visitor.hold_status(request.reference, session.secret)
    return visitor.page(
        "filed.html",
        waits=waits(request),
        status=visitor.portal.desk.status(request, visitor.words.tag),
        request=request,
        secret=spaced(session.secret),
        code=session.code,
        sealing=sealing(visitor.portal.service),
        link=visitor.address("open_status", reference=request.reference, secret=session.secret),
        mailed=bool(session.identity.addresses),
        portal=visitor.portal.settings.portal,
        reasons=[(code, visitor.words._(text)) for code, text in REASONS.items()],
        thanked=visitor.request.query_params.get("thanks") == "1",
    )


def reason(visitor: Visitor) -> Response:
    """Why they leave. Nothing depends on it."""
    session, said = visitor.session, visitor.form.get("reason", "")
    if session is None or session.request is None or not session.secret:
        return visitor.to("home")
    if said not in get_args(Leaving):
        return visitor.to("filed")
    visitor.portal.desk.give_reason(session.request, session, cast(Leaving, said))
    return visitor.to("filed", query="thanks=1")


def spaced(secret: str) -> str:
    """The key as it is easier to write down: `7K4M2 9XQA0 …`; its last part is the longest."""
    return re.sub(r"(.{5})(?=.{5})", r"\1 ", secret)
