"""A small marketplace with two stores, whose people leave by the portal; and a browser to do it with."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import urljoin

from httpx2 import Response
from starlette.testclient import TestClient

from slett.languages import translator
from slett.requests.identity import Identity
from slett.requests.mails import Letter
from slett.requests.service import Service
from slett.requests.sessions import begin
from slett.requests.subject import by_key
from tests.journeys.scene import Scene

HOSTILE = "<script>alert('x')</script>\"'&{{ 7*7 }}"
ADDRESS = "https://leave.torget.example"
SETTINGS: dict[str, Any] = {
    "service": "Torget",
    "portal": {
        "url": ADDRESS,
        "service_url": "https://torget.example",
        "sign_in_url": "https://torget.example/sign-in",
        "support": "hjelp@torget.example",
        "exit_url": "https://weather.example",
        "language": "en",
    },
}
TABLES = (
    "CREATE TABLE users (id integer PRIMARY KEY, email varchar(80), name varchar(80),"
    " active boolean NOT NULL DEFAULT true, newsletter boolean NOT NULL DEFAULT true)",
    "CREATE TABLE listings (id integer PRIMARY KEY, user_id integer NOT NULL REFERENCES users (id),"
    " title varchar(80), hidden boolean NOT NULL DEFAULT false)",
    "CREATE TABLE orders (id integer PRIMARY KEY, user_id integer REFERENCES users (id), placed_at date NOT NULL,"
    " name varchar(80), paid boolean NOT NULL DEFAULT true)",
    "CREATE TABLE reviews (id integer PRIMARY KEY, user_id integer REFERENCES users (id), author varchar(80))",
    "CREATE TABLE messages (id integer PRIMARY KEY, sender integer NOT NULL REFERENCES users (id),"
    " receiver integer REFERENCES users (id), body varchar(200))",
    *(
        f"CREATE INDEX {table}_{column} ON {table} ({column})"
        for table, column in (
            ("listings", "user_id"),
            ("orders", "user_id"),
            ("reviews", "user_id"),
            ("messages", "sender"),
            ("messages", "receiver"),
        )
    ),
)
ODD = "@odd@"
HEAD = f"""
categories:
  account: {{en: Account, nb: Konto, ar: الحساب}}
  listings: {{en: Listings, nb: Annonser, ar: الإعلانات}}
  orders: {{en: Orders and payments, nb: Kjøp og betalinger, ar: الطلبات والمدفوعات}}
  messages: {{en: Messages, nb: Meldinger, ar: الرسائل}}
  odd: {ODD}
recipients:
  - {{name: Fjordbank AS, what: {{en: took payments, nb: tok imot betaling, ar: استلم المدفوعات}}, country: Norway}}
  - {{name: {ODD}, what: {ODD}}}
backups: {{days: 35}}
"""
SHOP = """
users:
  root: true
  identifiers: {email: email}
  disable: {active: false}
  unsubscribe: {newsletter: false}
  category: account
  action: delete
listings:
  references: [{column: user_id, to: users}]
  close: {hidden: true}
  category: listings
  action: delete
orders:
  references: [{column: user_id, to: users}]
  blocks:
    - when: {paid: false}
      text: {en: Pay your order first., nb: Betal bestillingen først.}
      link: /orders?x=1&y=2
  category: orders
  action: keep
  until: {column: placed_at, add: 5 years, from: year-end}
  basis: Bokføringsloven § 13
  columns: [id, placed_at, paid]
  anonymise: {user_id: null, name: (deleted)}
reviews:
  references: [{column: user_id, to: users}]
  category: odd
  action: anonymise
  anonymise: {user_id: null, author: (deleted)}
messages:
  references:
    - {column: sender, to: users}
    - {column: receiver, to: users, kind: mention}
  category: messages
  action: delete
"""
OWNER = """
persons:
  references: [{column: email, to: shop/users, match: email, fold: true}]
  category: account
  action: delete
"""
TAG = re.compile(r"<[^>]+>")


def fill(scene: Scene, people: int = 4, odd: str = HOSTILE, head: str = "") -> None:
    """People 1, 2, …: everyone has something of every kind. Person 2 owes money. `odd` stands where texts stand."""
    owing = {2}
    people_of = range(1, people + 1)
    scene.sql(
        *TABLES,
        *(f"INSERT INTO users VALUES ({n}, 'p{n}@torget.example', 'Person {n}', true, true)" for n in people_of),
        *(f"INSERT INTO listings VALUES ({n}{k}, {n}, 'Chair', false)" for n in people_of for k in range(3)),
        *(f"INSERT INTO orders VALUES ({n}, {n}, '2090-02-01', 'Person', {n not in owing})" for n in people_of),
        *(f"INSERT INTO reviews VALUES ({n}, {n}, 'Person')" for n in people_of),
        *(f"INSERT INTO messages VALUES ({n}{k}, {n}, {n % people + 1}, 'Hei')" for n in people_of for k in range(5)),
    )
    scene.sql(
        "CREATE TABLE persons (id integer PRIMARY KEY, email varchar(80))",
        "CREATE INDEX persons_email ON persons (lower(email))",
        *(f"INSERT INTO persons VALUES ({n}, 'P{n}@torget.example')" for n in people_of),
        store="owner",
    )
    scene.map(f"{head}{HEAD}".replace(ODD, json.dumps(odd)), shop=SHOP, owner=OWNER)


@dataclass
class Town:
    """The marketplace, its portal, and the mails that wait to be sent."""

    scene: Scene
    service: Service

    def identity(self, number: int = 1, **changes: Any) -> Identity:
        """Person `number`, signed in just now."""
        fresh = Identity(
            by_key(self.service.plan, str(number), "shop/users"),
            (f"p{number}@torget.example",),
            signed_in_at=datetime.now(UTC),
        )
        return replace(fresh, **changes)

    def letters(self, kind: str = "") -> list[Letter]:
        """What is written in the mails that wait, oldest first."""
        with self.service.ledger.write() as page:
            taken = page.notices.take(10_000, timedelta())
        return [letter for each in taken if (letter := Letter.unpack(each.content)).kind == kind or not kind]

    def code(self) -> str:
        """The code that was sent last."""
        return str(self.letters("code")[-1].values["code"])

    def phrase(self, language: str) -> str:
        return translator(language).phrase

    def snapshot(self) -> dict[str, list[Any]]:
        """Every row of every store, and of the ledger: whatever a GET must not change."""
        ledger = Scene(self.scene.folder, {"ledger": self.service.settings.ledger})
        rows = self.scene.snapshot() | ledger.snapshot()
        return {name: found for name, found in rows.items() if name not in ("ledger/log_head",)}


@dataclass
class Browser:
    """A person's browser: sends what a browser sends, and knows forms."""

    client: TestClient
    town: Town
    headers: dict[str, str] = field(default_factory=lambda: {"accept-language": "en"})

    def sign_in(self, number: int = 1, **changes: Any) -> "Browser":
        """As if the service had handed them over."""
        token = begin(self.town.service, self.town.identity(number, **changes))
        self.client.cookies.set("__Host-slett", token, domain="leave.torget.example", path="/")
        return self

    def get(self, path: str, follow: bool = True, **headers: str) -> Response:
        return self.client.get(path, headers={**self.headers, **headers}, follow_redirects=follow)

    def post(self, path: str, follow: bool = True, **form: str) -> Response:
        """A form of our own pages, sent."""
        headers = {**self.headers, "sec-fetch-site": "same-origin", "origin": ADDRESS}
        return self.client.post(path, data=form, headers=headers, follow_redirects=follow)

    def to_confirm(self, wish: str = "erase") -> Response:
        """From the first page to the third."""
        self.post("/choose", wish=wish)
        return self.post("/what", wish=wish)

    def leave(self, wish: str = "erase") -> Response:
        """The whole way: what the last page says."""
        if wish in ("close", "erase"):
            self.to_confirm(wish)
        else:
            self.post("/choose", wish=wish)
        code = {} if wish == "unsubscribe" else {"code": self.town.code()}
        return self.post("/confirm", phrase="agree", **code)


def text_of(response: Response) -> str:
    """What a page says, without its tags."""
    return re.sub(r"\s+", " ", unescape(TAG.sub(" ", response.text)))


def links_of(response: Response) -> list[str]:
    """Where a page's links lead."""
    found = re.findall(r'(?:href|action)="([^"]*)"', response.text)
    return [urljoin(str(response.url), unescape(each)) for each in found]


@contextmanager
def opened_town(scene: Scene) -> Iterator[Town]:
    with scene.open() as service:
        yield Town(scene, service)
