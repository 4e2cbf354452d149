"""Whoever is at the other end of a request: their visit, their language, and the answers that fit both."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Router

from slett.languages import Translator, choose, translator
from slett.ledger import Request as Filed
from slett.requests import sessions
from slett.requests.identity import Identity
from slett.requests.limits import network_of
from slett.requests.sessions import Session
from slett.web import cookies
from slett.web.drawing import draw, version_of
from slett.web.portal import Portal
from slett.web.security import is_secure

Answer = Callable[["Visitor"], Response]
ROOT = "slett.root"  # in the scope: the path at which the portal is mounted, kept where no inner mount changes it


class Visitor:
    """One request to the portal. Lives in one thread, and as long as that request."""

    def __init__(self, request: Request, form: Mapping[str, str]) -> None:
        self.request = request
        self.form = form
        self.portal: Portal = request.app.state.portal
        self._token: str | None = None  # a new visit's, to be set; empty: to be taken back
        self._status: str | None = None

    # -- who ----------------------------------------------------------------------------------------

    @cached_property
    def secure(self) -> bool:
        """Whether the browser sees https."""
        return is_secure(self.request, self.portal.settings.portal.url)

    @cached_property
    def identity(self) -> Identity | None:
        """Who the host application says it is, where the portal is part of one."""
        return self.portal.identify(self.request) if self.portal.identify else None

    @cached_property
    def session(self) -> Session | None:
        """The visit, or None.

        Raises:
            SomebodyElse: the host application says that another person signed in meanwhile.
        """
        token = cookies.read_cookie(self.request, cookies.VISIT, self.secure)
        session = sessions.find(self.portal.service, token) if token else None
        if session is None or self.portal.identify is None or session.identity.how != "host" or session.secret:
            return session  # what is confirmed is shown to its end, though the account is gone by now
        if self.identity is None:
            self.end()
            return None
        if self.identity.subject == session.identity.subject and not _later(self.identity, session.identity):
            return session
        return self._entered(sessions.renew(self.portal.service, session, self.identity))

    def enter(self) -> Session | None:
        """The visit, begun now if the host application says who it is."""
        if self.session is None and self.identity is not None:
            self.session = self._entered(sessions.begin(self.portal.service, self.identity))
        return self.session

    @property
    def asked(self) -> tuple[Session, Filed] | None:
        """The visit, and the request that it is about."""
        if self.session is None:
            return None
        request = self.portal.desk.request_of(self.session)
        return (self.session, request) if request else None

    def begin(self, token: str) -> None:
        """From now on this is the visit of that token."""
        self._token = token

    def end(self) -> None:
        """End the visit and take its cookies back."""
        token = cookies.read_cookie(self.request, cookies.VISIT, self.secure)
        if token and (session := sessions.find(self.portal.service, token)):
            sessions.end(self.portal.service, session)
        self.forget()

    def forget(self) -> None:
        """Take the cookies back of a visit that has ended already."""
        self.session = None
        self._token = ""

    def _entered(self, token: str) -> Session | None:
        self._token = token
        return sessions.find(self.portal.service, token)

    @property
    def network(self) -> str:
        """The network they come from, behind as many proxies as are believed."""
        address = self.request.client.host if self.request.client else ""
        if proxies := self.portal.settings.portal.proxies:
            named = ",".join(self.request.headers.getlist("x-forwarded-for")).split(",")
            if len(named) >= proxies and (network := network_of(named[-proxies].strip())):
                return network
        return network_of(address)  # also where the proxy says nothing that is an address: uncounted is nobody

    # -- the status page's key ----------------------------------------------------------------------

    def status_secret(self, reference: str) -> str:
        """The secret that the browser has for that request, or an empty text."""
        held, _, secret = cookies.read_cookie(self.request, cookies.STATUS, self.secure).partition(".")
        return secret if held == reference else ""

    def hold_status(self, reference: str, secret: str) -> None:
        """Let the browser open that request's status page."""
        self._status = f"{reference}.{secret}"

    # -- their language -----------------------------------------------------------------------------

    @cached_property
    def words(self) -> Translator:
        """Their language: as they chose it here, else as the account says, else the browser."""
        portal = self.portal.settings.portal
        chosen = cookies.read_cookie(self.request, cookies.LANGUAGE, self.secure)
        account = "" if chosen in portal.languages else self._account_language()
        header = self.request.headers.get("accept-language", "")
        return translator(choose(chosen or account, header, portal.languages, portal.language))

    def _account_language(self) -> str:
        with suppress(Exception):  # while the service cannot be opened, its error page needs a language too
            if known := self.session.identity if self.session else self.identity:
                return known.language
        return ""

    @property
    def stands_alone(self) -> bool:
        """Whether the portal has this host to itself: then what the browser keeps for it may go."""
        return not self.request.scope[ROOT] and self.portal.identify is None

    # -- answers ------------------------------------------------------------------------------------

    def path(self, name: str, /, **params: Any) -> str:
        """The path of a page on this origin, wherever the portal is mounted."""
        router: Router = self.request.app.router
        root: str = self.request.scope[ROOT]
        return root + str(router.url_path_for(name, **params))

    def address(self, name: str, /, **params: Any) -> str:
        """The whole address of a page, as it is written down or sent elsewhere."""
        path = self.path(name, **params)
        if public := self.portal.settings.portal.url.rstrip("/"):
            return public + path.removeprefix(self.request.scope[ROOT])
        return f"{self.request.url.scheme}://{self.request.url.netloc}{path}"

    def page(
        self, template: str, status_code: int = 200, *, errors: Mapping[str, str] | None = None, **view: Any
    ) -> Response:
        """A page. `errors` are what is wrong with a form, by the field to go to."""
        portal = self.portal.settings.portal
        frame = {
            "path": self.path,
            "moment": self.moment,
            "service": self.portal.settings.service,
            "service_url": portal.service_url,
            "support": link_of(portal.support),
            "exit": bool(portal.exit_url or portal.service_url),
            "languages": [translator(tag) for tag in portal.languages],
            "back": view.pop("back", None) or self.request.url.path,
            "stylesheet": f"{self.path('static', path='slett.css')}?{version_of('slett.css')}",
            "own_stylesheet": self.path("own_stylesheet") if portal.stylesheet else "",
            "icon": f"{self.path('static', path='mark.svg')}?{version_of('mark.svg')}",
            "errors": errors or {},
        }
        response = HTMLResponse(draw(template, self.words, frame | view), status_code)
        response.headers["Content-Language"] = self.words.tag
        return response

    def to(self, name: str, /, query: str = "", **params: Any) -> Response:
        """A redirect to another page, which is then asked for with GET."""
        return RedirectResponse(self.path(name, **params) + (f"?{query}" if query else ""), 303)

    def moment(self, at: datetime) -> str:
        """A moment, written out as people here say it."""
        return self.words.moment(at, ZoneInfo(self.portal.settings.portal.zone))

    def sealed(self, response: Response) -> Response:
        """The answer with the cookies that follow from it."""
        if self._token == "":
            cookies.drop_cookie(response, cookies.VISIT, self.secure)
            cookies.drop_cookie(response, cookies.STATUS, self.secure)
        elif self._token:
            cookies.set_cookie(response, cookies.VISIT, self._token, self.secure)
        if self._status:
            cookies.set_cookie(response, cookies.STATUS, self._status, self.secure)
        return response


def begin_session(request: Request, identity: Identity) -> Response:
    """The answer to whoever comes with a proof of who they are: their visit begins, or goes on where it was.

    For the doors: hand-off, OpenID Connect, or one of the service's own.

    Raises:
        SomebodyElse: another person began. The request is cancelled, and they are told.
    """
    visitor = Visitor(request, {})
    session = visitor.session
    if session is None:
        visitor.begin(sessions.begin(visitor.portal.service, identity))
        return visitor.sealed(visitor.to("home"))
    visitor.begin(sessions.renew(visitor.portal.service, session, identity))
    same = session.identity.subject == identity.subject
    return visitor.sealed(visitor.to("confirm" if session.request and same and not session.secret else "home"))


def endpoint(answer: Answer) -> Callable[[Request], Any]:
    """An endpoint of Starlette that runs `answer` in a thread: the engine behind it is synchronous."""

    async def asked(request: Request) -> Response:
        form: dict[str, str] = {}
        if request.method == "POST":
            async with request.form(max_files=0, max_fields=20) as sent:
                form = {name: value for name, value in sent.items() if isinstance(value, str)}
        visitor = Visitor(request, form)
        request.state.visitor = visitor
        return visitor.sealed(await run_in_threadpool(answer, visitor))

    return asked


def link_of(support: str) -> str:
    """Where "help" leads: an address of the web as it is, one of mail as a link that writes a mail."""
    return f"mailto:{support}" if "@" in support and ":" not in support else support


def _later(now: Identity, before: Identity) -> bool:
    return now.signed_in_at is not None and (before.signed_in_at is None or now.signed_in_at > before.signed_in_at)
