"""What a person reads when something is not as it should be: what happened, that nothing was lost, and what to do."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from slett.datamap.problem import MapError
from slett.languages import N_, Translator
from slett.ledger import LedgerError
from slett.plan import PlanError
from slett.requests.answers import NotFresh, NotTheirs, TooLate
from slett.requests.codes import CodeError, ExpiredCode, TooMany, WrongCode
from slett.requests.refuse import Refused
from slett.requests.sessions import SomebodyElse
from slett.settings import SettingsError
from slett.stores.errors import StoreError
from slett.vault import VaultError
from slett.web.handoff import HandoffError
from slett.web.oidc import OidcError
from slett.web.visitor import Visitor

# What happened: status, title, sentences. Whether a way on is offered, and which, follows in `WAYS`.
PROBLEMS: Mapping[str, tuple[int, str, tuple[str, ...]]] = {
    "not_found": (
        404,
        N_("There is nothing here"),
        (
            N_("The address may be mistyped, or what was here is over."),
            N_("If you have a reference number and a key, you can look up your request."),
        ),
    ),
    "form": (
        403,
        N_("That did not come from one of our own pages"),
        (
            N_("For your safety we only accept what you send from this portal yourself. Nothing was changed."),
            N_("Begin again here, in this browser."),
        ),
    ),
    "host": (
        421,
        N_("This is not our address"),
        (N_("The portal was reached by an address that is not its own. Nothing was changed."),),
    ),
    "size": (413, N_("That was too much at once"), (N_("Nothing was changed. Go back, and send less."),)),
    "unreadable": (400, N_("That could not be read"), (N_("Nothing was changed. Begin again."),)),
    "method": (405, N_("That cannot be done here"), (N_("Nothing was changed. Begin again."),)),
    "often": (
        429,
        N_("That was tried too often"),
        (
            N_("To keep others from guessing, we have stopped for a while. Nothing was changed."),
            N_("Wait an hour, then try again. A request that you have filed goes on."),
        ),
    ),
    "ended": (
        403,
        N_("Your visit here has ended"),
        (
            N_("You were away for a while, so we signed you out. Nothing was changed."),
            N_("Begin again. It takes a minute."),
        ),
    ),
    "door": (
        403,
        N_("Signing in did not work"),
        (
            N_("The link was used before, is too old, or is not for this portal. Nothing was changed."),
            N_("Go back to the service, and begin again there."),
        ),
    ),
    "somebody_else": (
        403,
        N_("Somebody else signed in"),
        (
            N_("You began as one person, and another one signed in. So we stopped: nothing was done."),
            N_("Sign in to your own account, and begin again."),
        ),
    ),
    "unclear": (
        409,
        N_("We cannot tell for certain who you are"),
        (
            N_("What we know fits more than one person, or is more than one person can have. Nothing was changed."),
            N_("Write to the service: a human will help you."),
        ),
    ),
    "down": (
        503,
        N_("One of our systems does not answer"),
        (N_("Nothing was changed. Try again in a few minutes."),),
    ),
    "fault": (
        500,
        N_("Something went wrong on our side"),
        (N_("It is not your fault, and a request that you have filed is not lost. Try again in a few minutes."),),
    ),
}

# Too late for what was asked: what the request is by now.
TOO_LATE: Mapping[str, str] = {
    "running": N_("It has begun, and can no longer be stopped."),
    "verifying": N_("It has begun, and can no longer be stopped."),
    "fulfilled": N_("It is done already."),
    "partially_fulfilled": N_("It is done already."),
    "cancelled": N_("It was cancelled."),
    "expired": N_("Nobody confirmed it in time, so it was dropped."),
    "refused": N_("It could not be carried out."),
    "not_found": N_("We found nothing about you."),
    "over": N_("The time in which you could come back has ended, or it was done already."),
}

STATUSES: Mapping[int, str] = {400: "unreadable", 403: "form", 404: "not_found", 405: "method", 413: "size"}


def problem(visitor: Visitor, name: str) -> Response:
    """The page that says what happened."""
    status, title, sentences = PROBLEMS[name]
    words = visitor.words
    response = visitor.page(
        "problem.html",
        status,
        problem=name,
        heading=words._(title),
        sentences=[words._(each) for each in sentences],
        back=visitor.path("home"),
    )
    if status in (429, 503):
        response.headers["Retry-After"] = "3600" if status == 429 else "120"
    return response


def too_late(visitor: Visitor, state: str) -> Response:
    """The page that says what the request is by now."""
    said = visitor.words._(TOO_LATE.get(state, TOO_LATE["over"]))
    heading = visitor.words._("It is too late for that")
    return visitor.page(
        "problem.html", 409, problem="late", heading=heading, sentences=[said], back=visitor.path("home")
    )


def code_problem(words: Translator, error: CodeError) -> str:
    """Why a code was not accepted, and what to do."""
    if isinstance(error, WrongCode):
        return words.ngettext(
            "That is not the code we sent. You have {count} try left.",
            "That is not the code we sent. You have {count} tries left.",
            error.tries_left,
        )
    if isinstance(error, ExpiredCode):
        return words._("This code was used before, is too old, or was tried too often. Ask for a new one.")
    return words._("That was tried too often. Wait an hour, then ask for a new code.")


def code_status(error: CodeError) -> int:
    """The status of the page that says so."""
    return 429 if isinstance(error, TooMany) else 422


def answer(visitor: Visitor, error: Exception) -> Response:
    """The page for an exception that no page has dealt with itself."""
    if isinstance(error, HTTPException):
        return problem(visitor, STATUSES.get(error.status_code, "fault" if error.status_code >= 500 else "method"))
    if isinstance(error, NotFresh):
        return visitor.to("confirm")
    if isinstance(error, NotTheirs):
        visitor.end()
        return problem(visitor, "ended")
    if isinstance(error, HandoffError | OidcError):
        return problem(visitor, "door")
    if isinstance(error, SomebodyElse):
        visitor.forget()
        return problem(visitor, "somebody_else")
    if isinstance(error, TooLate):
        return too_late(visitor, error.state)
    if isinstance(error, TooMany):
        return problem(visitor, "often")
    if isinstance(error, Refused):
        return problem(visitor, "unclear")
    return problem(visitor, "down")


EXPECTED = (
    HTTPException,
    HandoffError,
    OidcError,
    SettingsError,
    NotFresh,
    NotTheirs,
    SomebodyElse,
    TooLate,
    TooMany,
    Refused,
    MapError,
    PlanError,
    StoreError,
    LedgerError,
    VaultError,
)


async def on_exception(request: Request, error: Exception) -> Response:
    """The same, for Starlette."""
    visitor = getattr(request.state, "visitor", None) or Visitor(request, {})
    return visitor.sealed(await run_in_threadpool(answer, visitor, error))


async def refuse(request: Request, name: str) -> Response:
    """The same, for what is refused before a page sees it."""
    return await run_in_threadpool(problem, Visitor(request, {}), name)


HANDLERS: dict[Any, Callable[[Request, Exception], Awaitable[Response]]] = dict.fromkeys(EXPECTED, on_exception)
