"""The application: which page is where, what stands around them all, and what lives as long as it does."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from slett.requests.runner import Runner
from slett.requests.service import Service
from slett.settings import Settings
from slett.web import erase_now, filed, guide, leave, prove, public, status, tongue
from slett.web.doors import door_routes
from slett.web.drawing import STATIC
from slett.web.errors import HANDLERS, refuse
from slett.web.portal import Identify, Portal
from slett.web.security import (
    BODY_LIMIT,
    Faults,
    Headers,
    KnownHost,
    SameOrigin,
    content_policy,
)
from slett.web.visitor import ROOT, Answer, Visitor, endpoint

PAGES: Sequence[tuple[str, str, Mapping[str, Answer]]] = (  # path, name, what answers
    ("/", "home", {"GET": leave.home}),
    ("/choose", "choose", {"POST": leave.choose}),
    ("/what", "what", {"GET": leave.what, "POST": leave.go_on}),
    ("/confirm", "confirm", {"GET": prove.confirm, "POST": prove.confirmed}),
    ("/code", "code", {"POST": prove.send_again}),
    ("/filed", "filed", {"GET": filed.filed}),
    ("/reason", "reason", {"POST": filed.reason}),
    ("/status", "status_form", {"GET": status.form, "POST": status.look_up}),
    ("/s/{reference}/{secret}", "open_status", {"GET": status.open_status}),
    ("/status/{reference}", "status", {"GET": status.status}),
    ("/status/{reference}/cancel", "cancel", {"POST": status.cancel}),
    ("/status/{reference}/return", "return", {"POST": status.ask_return}),
    ("/status/{reference}/erase", "erase", {"POST": status.ask_erasure}),
    ("/status/{reference}/receipt", "receipt", {"GET": status.receipt}),
    ("/status/{reference}/receipt.json", "receipt_json", {"GET": status.receipt_json}),
    ("/status/{reference}/receipt.pdf", "receipt_pdf", {"GET": status.receipt_pdf}),
    ("/status/{reference}/copy.zip", "copy", {"GET": status.copy}),
    ("/come-back", "come_back", {"GET": status.come_back, "POST": status.came_back}),
    ("/erase-now", "erase_now", {"GET": erase_now.ask, "POST": erase_now.confirmed}),
    ("/without-account", "without_account", {"GET": public.without_account, "POST": public.ask_mailbox}),
    ("/without-account/code", "mailbox", {"GET": public.mailbox, "POST": public.prove_mailbox}),
    ("/unsubscribe/{token}", "unsubscribe", {"GET": public.unsubscribe_page, "POST": public.unsubscribe_now}),
    ("/guide", "guide", {"GET": guide.guide}),
    ("/.well-known/account-deletion", "well_known", {"GET": guide.well_known}),
    ("/language", "language", {"GET": tongue.language}),
    ("/exit", "exit", {"POST": tongue.leave_quickly}),
)

# Who asks here is proven by a token of its own: these may be posted to from elsewhere.
OPEN = ("/api/", "/handoff", "/unsubscribe/")


def create_app(
    settings: Settings,
    identify: Identify | None = None,
    service: Service | None = None,
    *,
    run: bool = False,
    routes: Sequence[BaseRoute] = (),
) -> Starlette:
    """The portal, as an ASGI application: a server of its own, or mounted at any path of another.

    A mounted application's lifespan is not run by most hosts: then the service is opened by the first page that needs
    it, and `app.state.portal.close()` closes it.

    Args:
        identify: who the host application has signed in; None: nobody. Called in a thread, for every page.
        service: an opened one to be used; it stays open. Without it the one of the settings is opened.
        run: also carry out what is filed, in threads of this process.
        routes: further routes, before the pages.
    """
    portal = Portal(settings, identify, service)
    url = settings.portal.url

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        runner = Runner(lambda: portal.service) if run else None
        await run_in_threadpool(portal.open)
        if runner:
            runner.start()
        try:
            yield
        finally:
            if runner:
                await run_in_threadpool(runner.stop)
            await run_in_threadpool(portal.close)

    doors: list[BaseRoute] = [*door_routes()]
    if settings.portal.api_token_hashes:
        from slett.web.api import create_api  # FastAPI takes a while to import, and most services need none

        doors.append(Mount("/api", create_api(portal), name="api"))
    leads_to = (settings.portal.sign_in_url, settings.portal.service_url, settings.portal.exit_url)
    app = Starlette(
        routes=[*routes, *doors, *_pages(settings)],
        middleware=[
            Middleware(Mounted),
            Middleware(Headers, policy=content_policy((url, *leads_to)), portal_url=url),
            Middleware(KnownHost, portal_url=url, refuse=refuse),
            Middleware(SameOrigin, portal_url=url, open_to=OPEN, refuse=refuse),
            Middleware(Faults, refuse=refuse),
            Middleware(RequestBodyLimitMiddleware, max_body_size=BODY_LIMIT),
        ],
        exception_handlers=HANDLERS,
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # it would take the host from the request
    app.state.portal = portal
    return app


class Mounted:
    """Notes where the portal is mounted, before an inner mount changes it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[ROOT] = scope.get("root_path", "").rstrip("/")
        await self.app(scope, receive, send)


class KeptAYear(StaticFiles):
    """Static files; their addresses change when they do."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response: Response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]  # passed on as they came
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def _pages(settings: Settings) -> list[BaseRoute]:
    routes: list[BaseRoute] = [
        Route(path, endpoint(_by_method(answers)), name=name, methods=list(answers)) for path, name, answers in PAGES
    ]
    if own := settings.portal.stylesheet:
        sheet = FileResponse(own, media_type="text/css")
        routes.append(Route("/static/own.css", lambda _: sheet, name="own_stylesheet"))
    routes.append(Mount("/static", KeptAYear(directory=str(STATIC)), name="static"))
    return routes


def _by_method(answers: Mapping[str, Answer]) -> Answer:
    def answer(visitor: Visitor) -> Response:
        method = visitor.request.method
        return answers["GET" if method == "HEAD" else method](visitor)

    return answer
