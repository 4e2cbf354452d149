"""A service that hands its people over to the portal, which is a server of its own, with a signed token.

    openssl genpkey -algorithm ed25519 -out service.key
    openssl pkey -in service.key -pubout -out service.pub
    SLETT_PORTAL_URL=http://localhost:8000 SLETT_PORTAL_HANDOFF_KEY=service.pub slett serve &
    SERVICE_KEY=service.key PORTAL=http://localhost:8000 uvicorn --factory --port 9000 \
        examples.embedding.handoff_service:from_environment
"""

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from slett.handoff import sign_handoff

COOKIE = "session"
PEOPLE = {"kari": ("1", "kari.nordmann@example.org"), "ola": ("2", "ola@example.org")}  # name → key, verified address


def create_service(private_key: bytes, portal: str, audience: str, own: str = "http://localhost:9000") -> Starlette:
    """The service. Its sessions remember when somebody signed in: that, and not now, is `auth_time`."""
    sessions: dict[str, tuple[str, datetime]] = {}

    async def home(request: Request) -> Response:
        who = sessions.get(request.cookies.get(COOKIE, ""))
        button = "<form method=post action=/leave><button>Close or erase my account</button></form>"
        sign_in = "<form method=post action=/sign-in><input name=name><button>Sign in</button></form>"
        return HTMLResponse(button if who else sign_in)

    async def sign_in(request: Request) -> Response:
        name = str((await request.form()).get("name", ""))
        if name not in PEOPLE:
            return HTMLResponse("Who?", 403)
        token = secrets.token_urlsafe(32)
        sessions[token] = (name, datetime.now(UTC))
        response = RedirectResponse("/", 303)
        response.set_cookie(COOKIE, token, httponly=True, samesite="lax")
        return response

    async def leave(request: Request) -> Response:
        who = sessions.get(request.cookies.get(COOKIE, ""))
        if who is None:
            return RedirectResponse("/", 303)
        name, signed_in_at = who
        key, address = PEOPLE[name]
        token = sign_handoff(  # now that the button was pressed, and not before
            private_key,
            iss=own,
            aud=audience,
            sub=key,
            auth_time=signed_in_at,
            emails=[address],
            locale="nb",
            amr=["pwd"],
        )
        return RedirectResponse(f"{portal}/handoff?token={token}", 303, headers={"Cache-Control": "no-store"})

    return Starlette(
        routes=[
            Route("/", home),
            Route("/sign-in", sign_in, methods=["POST"]),
            Route("/leave", leave, methods=["POST"]),
        ]
    )


def from_environment() -> Starlette:
    """The service, as its environment describes it."""
    portal = os.environ["PORTAL"]
    return create_service(Path(os.environ["SERVICE_KEY"]).read_bytes(), portal, audience=portal)
