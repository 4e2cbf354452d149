"""Torget as an application."""

from pathlib import Path

import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from examples.torget.web import account_pages, market_pages, post_pages
from examples.torget.web.leaving import Door
from examples.torget.web.mailbox import Mailbox
from examples.torget.web.visit import Torget, endpoint


def create_torget(engine: sa.Engine, door: Door, mailbox: Mailbox) -> Starlette:
    """Torget on that database, with that way out, showing that mailbox."""
    pages = {**market_pages.PAGES, **account_pages.PAGES, **post_pages.PAGES}
    routes = [
        Route(path, endpoint(answer), methods=[method.upper()])
        for name, answer in pages.items()
        for method, path in [name.split()]
    ]
    static = Mount("/static", StaticFiles(directory=Path(__file__).with_name("static")))
    app = Starlette(
        routes=[*routes, static],
        middleware=[Middleware(Guarded, portal=door.portal)],
        exception_handlers={404: not_found},
    )
    app.state.torget = Torget(engine, door, mailbox)
    return app


async def not_found(request: Request, _: Exception) -> Response:
    """Where to go instead."""
    response: Response = await endpoint(lambda visit: visit.page("not_found.html", 404))(request)
    return response


class Guarded:
    """Nothing is loaded from elsewhere, and forms lead to Torget, or with a token to the portal."""

    def __init__(self, app: ASGIApp, portal: str) -> None:
        self.app = app
        own = "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; base-uri 'none'"
        self.policy = f"{own}; frame-ancestors 'self'; form-action 'self' {portal}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                if not any(name == b"content-security-policy" for name, _ in headers):
                    headers.append((b"content-security-policy", self.policy))
                headers.append((b"x-content-type-options", b"nosniff"))
                headers.append((b"referrer-policy", b"same-origin"))
                headers.append((b"cache-control", b"no-cache" if scope["path"].startswith("/static") else b"no-store"))
            await send(message)

        await self.app(scope, receive, send_guarded if scope["type"] == "http" else send)
