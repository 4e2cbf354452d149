"""What every answer carries, and what is refused before any page sees it.

Plain ASGI: `Headers` around everything, then `KnownHost`, `SameOrigin`, `Faults`. A refusal is a page
like any other, made by `refuse`, so that it too can be read in twelve languages.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable
from traceback import extract_tb
from urllib.parse import urlsplit

from starlette.datastructures import Headers as Received
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Refuse = Callable[[Request, str], Awaitable[Response]]

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
SWITCHED_OFF = ", ".join(
    f"{feature}=()"
    for feature in ("camera", "display-capture", "geolocation", "microphone", "payment", "usb", "browsing-topics")
)
BODY_LIMIT = 64 * 1024  # bytes: the longest form has four short fields

log = logging.getLogger("slett.web")


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL, as browsers write an origin; empty if it has none."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower() if parts.scheme in ("http", "https") and parts.netloc else ""


def own_origin(request: Request, portal_url: str) -> str:
    """The origin of the portal: as it is set, else as the browser asked for it."""
    return origin_of(portal_url) or origin_of(str(request.base_url))


def is_secure(request: Request, portal_url: str) -> bool:
    """Whether the browser sees https, whatever a proxy in front makes of it."""
    return own_origin(request, portal_url).startswith("https:")


def content_policy(others: Iterable[str]) -> str:
    """The content security policy: this origin's style and images, and nothing that runs."""
    forms = " ".join(("'self'", *dict.fromkeys(filter(None, map(origin_of, others)))))
    return (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action {forms}"
    )


class Headers:
    """Puts the headers on every answer, those of a refusal and of a fault too."""

    def __init__(self, app: ASGIApp, policy: str, portal_url: str) -> None:
        self.app = app
        self.policy = policy
        self.portal_url = portal_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        secure = is_secure(Request(scope), self.portal_url)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", self.policy)
                headers.setdefault("Cache-Control", "no-store")
                headers["X-Content-Type-Options"] = "nosniff"
                headers["X-Frame-Options"] = "DENY"
                headers["Referrer-Policy"] = "same-origin"  # `no-referrer` would take the Origin from our own forms
                headers["Permissions-Policy"] = SWITCHED_OFF
                headers["Cross-Origin-Opener-Policy"] = "same-origin"
                headers["Cross-Origin-Resource-Policy"] = "same-origin"
                if secure:
                    headers["Strict-Transport-Security"] = "max-age=31536000"
            await send(message)

        await self.app(scope, receive, send_with_headers)


class KnownHost:
    """Refuses a request for another host than the portal's: a poisoned cache or a rebound name asks so."""

    def __init__(self, app: ASGIApp, portal_url: str, refuse: Refuse) -> None:
        self.app = app
        self.host = urlsplit(portal_url).netloc.lower()
        self.refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self.host and Received(scope=scope).get("host", "").lower() != self.host:
            response = await self.refuse(Request(scope, receive), "host")
            await response(scope, receive, send)
            return
        await self.app(scope, receive, send)


class SameOrigin:
    """Refuses what changes something unless the browser shows that one of our own pages sent it.

    Args:
        open_to: paths that prove who asks in another way, by a token of their own, and read no cookie for it.
    """

    def __init__(self, app: ASGIApp, portal_url: str, open_to: tuple[str, ...], refuse: Refuse) -> None:
        self.app = app
        self.portal_url = portal_url
        self.open_to = open_to
        self.refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in SAFE and not self._allows(scope):
            response = await self.refuse(Request(scope, receive), "form")
            await response(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _allows(self, scope: Scope) -> bool:
        if scope["path"].removeprefix(scope.get("root_path", "")).startswith(self.open_to):
            return True
        headers = Received(scope=scope)
        site = headers.get("sec-fetch-site")
        if site == "same-origin":
            return True
        if site not in (None, "none"):
            return False
        return headers.get("origin", "").lower() == own_origin(Request(scope), self.portal_url)


class Faults:
    """Turns a fault of ours into a page without details. What is logged is where it happened, and no value."""

    def __init__(self, app: ASGIApp, refuse: Refuse) -> None:
        self.app = app
        self.refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        except Exception as error:
            places = [f"{each.filename}:{each.lineno}" for each in extract_tb(error.__traceback__)]
            log.error("%s at %s", type(error).__name__, " < ".join(reversed(places[-6:])))
            if started:
                raise
            response = await self.refuse(Request(scope, receive), "fault")
            await response(scope, receive, send)
