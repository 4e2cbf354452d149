"""A shop whose people leave by the portal: one store, a map that knows closing, and a desk."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from slett.ledger import Request, open_ledger
from slett.requests import at_once
from slett.requests.answers import Filed, Wish
from slett.requests.desk import Desk
from slett.requests.identity import Identity
from slett.requests.mails import Letter
from slett.requests.service import Service
from slett.requests.sessions import Session, begin, find
from slett.requests.subject import Subject, by_key
from slett.stores.errors import StoreError
from tests.journeys.scene import Scene
from tests.ledger.clock import Clock

TABLES = (
    "CREATE TABLE users (id integer PRIMARY KEY, email varchar(80), name varchar(80),"
    " active boolean NOT NULL DEFAULT true, newsletter boolean NOT NULL DEFAULT true)",
    "CREATE TABLE listings (id integer PRIMARY KEY, user_id integer NOT NULL REFERENCES users (id),"
    " title varchar(80), hidden boolean NOT NULL DEFAULT false)",
    "CREATE TABLE orders (id integer PRIMARY KEY, user_id integer NOT NULL REFERENCES users (id),"
    " paid boolean NOT NULL DEFAULT true)",
)
MAP = """
users:
  root: true
  identifiers: {email: email}
  disable: {active: false}
  unsubscribe: {newsletter: false}
  action: delete
listings:
  references: [{column: user_id, to: users}]
  close: {hidden: true}
  category: listings
  action: delete
orders:
  references: [{column: user_id, to: users}]
  blocks: [{when: {paid: false}, text: Pay first, link: /orders}]
  action: delete
"""
INDEXES = ("CREATE INDEX listings_user ON listings (user_id)", "CREATE INDEX orders_user ON orders (user_id)")


def fill(scene: Scene, people: int) -> None:
    """People 1, 2, … with a listing each."""
    scene.sql(
        *TABLES,
        *INDEXES,
        *(
            f"INSERT INTO users VALUES ({n}, 'p{n}@example.org', 'Person {n}', true, true)"
            for n in range(1, people + 1)
        ),
        *(f"INSERT INTO listings VALUES ({n}, {n}, 'Chair', false)" for n in range(1, people + 1)),
    )
    scene.map("categories: {listings: {en: Listings, nb: Annonser}}", shop=MAP)


@dataclass
class Counter:
    """The desk, the person before it, and what lies behind."""

    scene: Scene
    service: Service
    clock: Clock

    @property
    def desk(self) -> Desk:
        return Desk(lambda: self.service)

    def identity(self, number: int = 1, **changes: Any) -> Identity:
        """Person `number`, signed in just now."""
        fresh = Identity(self.subject(number), (f"p{number}@example.org",), signed_in_at=self.clock.now)
        return replace(fresh, **changes)

    def subject(self, number: int) -> Subject:
        return by_key(self.service.plan, str(number))

    def session(self, number: int = 1, **changes: Any) -> Session:
        """A new session of that person."""
        return self.opened(begin(self.service, self.identity(number, **changes)))

    def opened(self, token: str) -> Session:
        session = find(self.service, token)
        assert session
        return session

    def again(self, session: Session) -> Session:
        """The session as the next request of the browser would have it."""
        with self.service.ledger.read() as page:
            visit = page.sessions.get(session.id)
        assert visit
        return replace(session, request=visit.request)

    def letters(self, kind: str = "") -> list[Letter]:
        """What is written in the mails that wait, oldest first; as if they were sent now."""
        with self.service.ledger.write() as page:
            taken = page.notices.take(10_000, timedelta())
        return [letter for each in taken if (letter := Letter.unpack(each.content)).kind == kind or not kind]

    def code(self, session: Session, request: Request) -> str:
        """The code that the person finds in their mailbox."""
        self.desk.send_code(session, request)
        return str(self.letters("code")[-1].values["code"])

    def file(self, session: Session, kind: Wish) -> Filed:
        """Choose and confirm, with all that is needed."""
        request = self.desk.choose(session, kind)
        session = self.again(session)
        needs = self.desk.needs(session, request, self.clock.now)
        code = self.code(session, request) if needs.code else ""
        return self.desk.confirm(session, request, code=code, phrase_ok=True)

    def come_back(self, filed: Filed, recovery: str | None = None) -> Filed:
        """By the status page, the code from the mailbox and the recovery code: their own, or another."""
        session = self.opened(self.desk.ask_return(filed.request.reference, filed.secret))
        code = str(self.letters("code")[-1].values["code"])
        return self.desk.confirm_return(session, code, filed.code if recovery is None else recovery)

    def holders(self, filed: Filed) -> set[str]:
        """Who can open the vault of a close."""
        with self.service.ledger.read() as page:
            vault = page.vaults.of_request(filed.request.reference)
            assert vault
            return set(page.vaults.keys(vault.number))

    def state(self, reference: str) -> str:
        return self.request(reference).state

    def request(self, reference: str) -> Request:
        with self.service.ledger.read() as page:
            request = page.requests.get(reference)
        assert request
        return request

    def events(self, reference: str) -> list[str]:
        """The states that the service was told of."""
        with self.service.ledger.read() as page:
            return [each.body["data"]["state"] for each in page.deliveries.of(reference)]


@contextmanager
def opened_counter(scene: Scene, clock: Clock) -> Iterator[Counter]:
    """The counter of that scene, with a clock that stands still."""
    with scene.open() as service, open_ledger(service.settings, clock=clock) as ledger:
        yield Counter(scene, replace(service, ledger=ledger), clock)


@contextmanager
def store_down() -> Iterator[None]:
    """Somebody comes back while the store does not answer."""

    def down(*_: Any, **__: Any) -> Any:
        raise StoreError("shop", "is down")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(at_once, "bring_back", down)
        yield
