"""The doors by which the service sends people here: a hand-off token, or OpenID Connect.

Each ends at a clean address with a visit begun: neither the token nor the code stays in the browser's history. To
sign in is not to act on anything, so a GET may do it; each token is good once, so a scanner of links gains nothing.
"""

import logging
from collections.abc import Callable
from datetime import timedelta

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from slett.settings import SettingsError
from slett.web import cookies
from slett.web.handoff import HandoffError, take_handoff
from slett.web.oidc import LASTS, OidcError, Provider, provider_of
from slett.web.portal import Portal
from slett.web.visitor import Visitor, begin_session

SIGNING_IN = "slett_sign_in"

log = logging.getLogger("slett.web")


def door_routes() -> list[Route]:
    """`handoff`, `sign_in` and `signed_in`, to be routed beside the pages."""
    routes = [
        Route("/handoff", handoff, name="handoff", methods=["GET", "POST"]),
        Route("/sign-in", sign_in, name="sign_in", methods=["GET"]),
        Route("/signed-in", signed_in, name="signed_in", methods=["GET"]),
    ]
    for route in routes:
        (route.methods or set()).discard("HEAD")  # whoever only looks must not use up a token
    return routes


async def handoff(request: Request) -> Response:
    """The visit of whoever the service hands over begins.

    Raises:
        HandoffError, SettingsError: as `take_handoff`.
        SomebodyElse: another person began.
    """
    if request.method == "POST":
        async with request.form(max_files=0, max_fields=5) as form:
            token = str(form.get("token", ""))
    else:
        token = request.query_params.get("token", "")
    return await _in_thread(lambda: begin_session(request, take_handoff(_portal(request).service, token)))


async def sign_in(request: Request) -> Response:
    """To the issuer. Whoever is known already signs in once more: they are asked for nothing less fresh than now.

    Raises:
        OidcError: no issuer is set, or it does not answer.
    """

    def answer() -> Response:
        visitor = Visitor(request, {})
        service = visitor.portal.service
        minutes = 0 if visitor.session else service.settings.portal.fresh_minutes
        start = _provider(request).start(service, visitor.address("signed_in"), timedelta(minutes=minutes))
        response = RedirectResponse(start.url, 303)
        cookies.set_cookie(response, SIGNING_IN, start.cookie, visitor.secure, max_age=int(LASTS.total_seconds()))
        return response

    return await _in_thread(answer)


async def signed_in(request: Request) -> Response:
    """Back from the issuer: the visit of whoever signed in begins, or goes on.

    Raises:
        OidcError: as `Provider.finish`.
        SomebodyElse: another person began.
    """

    def answer() -> Response:
        visitor = Visitor(request, {})
        cookie = cookies.read_cookie(request, SIGNING_IN, visitor.secure)
        identity = _provider(request).finish(visitor.portal.service, cookie, request.query_params)
        response = begin_session(request, identity)
        cookies.drop_cookie(response, SIGNING_IN, visitor.secure)
        return response

    return await _in_thread(answer)


def _portal(request: Request) -> Portal:
    portal: Portal = request.app.state.portal
    return portal


def _provider(request: Request) -> Provider:
    """The issuer of the settings. What it says about itself is remembered as long as the application lives."""
    state = request.app.state
    if not hasattr(state, "issuer"):
        state.issuer = provider_of(_portal(request).service)
    provider: Provider | None = state.issuer
    if provider is None:
        raise OidcError("nobody signs in here: set `portal.oidc_issuer`")
    return provider


async def _in_thread(answer: Callable[[], Response]) -> Response:
    """The answer. Why a door stayed shut is for the service's log; the person is told what to do."""
    try:
        return await run_in_threadpool(answer)
    except (HandoffError, OidcError, SettingsError) as error:
        log.warning("nobody came in: %s", error)
        raise
