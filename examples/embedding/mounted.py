"""The portal inside an application of one's own: one process, one address, the host's own sign-in.

uvicorn --factory --port 8000 examples.embedding.mounted:from_settings
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated

from fastapi import FastAPI, Form
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from slett.requests.identity import Identity
from slett.requests.subject import Subject
from slett.settings import Settings, read_settings
from slett.web import create_app

COOKIE = "session"
PEOPLE = {"kari": (1, "kari.nordmann@example.org"), "ola": (2, "ola@example.org")}  # name → key, verified address


def create_host(settings: Settings, root: str) -> FastAPI:
    """The host, with the portal at `/leave`.

    Args:
        root: the root of the data map that the people's keys are of.
    """
    sessions: dict[str, tuple[str, datetime]] = {}

    def identify(request: Request) -> Identity | None:
        """Whom the host has signed in. Asked at every page of the portal, so whoever signed out is out there too."""
        found = sessions.get(request.cookies.get(COOKIE, ""))
        if found is None:
            return None
        name, signed_in_at = found
        key, address = PEOPLE[name]
        return Identity(Subject(root, (key,)), (address,), language="nb", signed_in_at=signed_in_at, how="host")

    portal = create_app(settings, identify, run=True)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with portal.router.lifespan_context(portal):  # a host does not run this by itself
            yield

    host = FastAPI(lifespan=lifespan, openapi_url=None)

    @host.get("/")
    def home(request: Request) -> Response:
        if request.cookies.get(COOKIE, "") in sessions:
            return HTMLResponse("<a href=/leave/>Close or erase my account</a>")
        return HTMLResponse("<form method=post action=/sign-in><input name=name><button>Sign in</button></form>")

    @host.post("/sign-in")
    def sign_in(name: Annotated[str, Form()]) -> Response:
        if name not in PEOPLE:
            return HTMLResponse("Who?", 403)
        token = secrets.token_urlsafe(32)
        sessions[token] = (name, datetime.now(UTC))
        response = RedirectResponse("/", 303)
        response.set_cookie(COOKIE, token, httponly=True, samesite="lax")
        return response

    host.mount("/leave", portal)
    return host


def from_settings() -> FastAPI:
    """The host, with the settings that lie here, for a map whose root is `shop/users`."""
    return create_host(read_settings(), "shop/users")
