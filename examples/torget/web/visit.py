"""One request to Torget: who it is, in which language, and how it is answered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from babel.dates import format_date
from babel.numbers import format_currency
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from examples.torget.web import accounts
from examples.torget.web.leaving import Door
from examples.torget.web.mailbox import LINK, Mailbox
from examples.torget.web.texts import LANGUAGES, say
from slett.languages import choose

LANGUAGE = "torget_language"
PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Torget:
    """What every page stands on."""

    engine: sa.Engine
    door: Door
    mailbox: Mailbox


class Visit:
    def __init__(self, request: Request, form: Mapping[str, str]) -> None:
        self.request = request
        self.form = form
        self.torget: Torget = request.app.state.torget

    @cached_property
    def account(self) -> accounts.Account | None:
        """Whoever is signed in."""
        with self.torget.engine.connect() as connection:
            return accounts.whose(connection, self.request.cookies.get(accounts.COOKIE, ""))

    @cached_property
    def language(self) -> str:
        """As chosen here, else as the browser says."""
        header = self.request.headers.get("accept-language", "")
        return choose(self.request.cookies.get(LANGUAGE, ""), header, LANGUAGES, "nb")

    def say(self, sentence: str, **values: object) -> str:
        """A sentence in their language. A value is isolated, since its own language may run the other way."""
        said = say(sentence, self.language)
        if not values:
            return said
        return escape(said).format(**{name: Markup("<bdi>{}</bdi>").format(value) for name, value in values.items()})

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page."""
        locale = {"nb": "nb_NO", "en": "en_GB", "ar": "ar"}[self.language]
        known = {
            "_": self.say,
            "language": self.language,
            "languages": LANGUAGES,
            "account": self.account,
            "here": self.request.url.path,
            "portal": self.torget.door.portal,
            "crowns": lambda amount: format_currency(amount / 100, "NOK", "#,##0 ¤", locale, currency_digits=False),
            "day": partial(format_date, format="long", locale=locale),
            "linked": linked,
        }
        return HTMLResponse(PAGES.get_template(template).render(known | values), status)

    def to(self, address: str) -> Response:
        """A redirect, which the browser follows with GET."""
        return RedirectResponse(address, 303)

    def to_sign_in(self) -> Response:
        """To the sign-in page, and back here."""
        return self.to(f"/sign-in?return_to={self.request.url.path}")


def endpoint(answer: Callable[[Visit], Response]) -> Callable[[Request], Any]:
    """An endpoint of Starlette that runs `answer` in a thread."""

    async def asked(request: Request) -> Response:
        form: dict[str, str] = {}
        if request.method == "POST":
            async with request.form() as sent:
                form = {name: value for name, value in sent.items() if isinstance(value, str)}
        return await run_in_threadpool(answer, Visit(request, form))

    return asked


def linked(text: str) -> Markup:
    """The text of a mail with its links as links. Nothing else in it is markup."""
    pieces, end = [], 0
    for found in LINK.finditer(text):
        pieces += [escape(text[end : found.start()]), Markup('<a href="{0}" dir="ltr">{0}</a>').format(found[0])]
        end = found.end()
    return Markup().join([*pieces, escape(text[end:])])
