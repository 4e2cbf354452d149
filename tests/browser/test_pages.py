"""Every page of the portal, the ones nobody hopes for too: looked at in three sizes, and by axe."""

from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from slett.requests.one_click import unsubscribe_token
from slett.requests.runner import run_once
from slett.requests.sessions import begin
from slett.web import create_app
from tests.browser.eyes import Eyes
from tests.conftest import NewDatabase
from tests.journeys.scene import Scene
from tests.servers.web import served
from tests.web.town import SETTINGS, Town, fill, opened_town

LOCALES = {"nb": "nb-NO", "ar": "ar-EG"}


@pytest.fixture
def head() -> str:
    """What stands in the map besides."""
    return ""


@pytest.fixture
def town(tmp_path: Path, new_database: NewDatabase, head: str) -> Iterator[Town]:
    urls = {"shop": new_database("sqlite"), "owner": new_database("sqlite")}
    settings = deepcopy(SETTINGS)
    settings["portal"]["url"] = ""
    settings["portal"]["codes_an_hour"] = 100
    scene = Scene(tmp_path, urls, settings, today=datetime.now(UTC).date())
    fill(scene, odd="Anmeldelser", head=head)
    with opened_town(scene) as town:
        yield town


@pytest.fixture
def address(town: Town) -> Iterator[str]:
    """Where the portal is."""
    with served(create_app(town.service.settings, service=town.service)) as address:
        yield address


class Visit:
    """Somebody who goes from page to page, and is looked at."""

    def __init__(self, context: BrowserContext, address: str, town: Town, eyes: Eyes, language: str) -> None:
        self.context = context
        self.page: Page = context.new_page()
        self.address = address
        self.town = town
        self.eyes = eyes
        self.language = language

    def is_(self, number: int, **changes: object) -> None:
        """From now on this person, signed in just now."""
        identity = self.town.identity(number, language=self.language, **changes)
        token = begin(self.town.service, identity)
        self.context.clear_cookies()
        self.context.add_cookies([{"name": "slett", "value": token, "url": self.address, "httpOnly": True}])

    def opens(self, path: str) -> None:
        self.page.goto(self.address + path)
        self.looks()

    def presses(self, selector: str) -> None:
        self.page.locator(selector).first.click()
        self.page.wait_for_load_state()
        self.looks()

    def types(self, **fields: str) -> None:
        for name, text in fields.items():
            self.page.fill(f"[name={name}]", text)

    def looks(self) -> None:
        self.eyes.look(self.page, "page", self.language)

    def confirms(self, wish: str) -> None:
        """From the first page to the last."""
        self.opens("/")
        self.presses(f"button[value={wish}]")
        if wish in ("close", "erase"):
            self.presses("main form .button")
        if wish != "unsubscribe":
            self.types(code=self.town.code())
        if wish in ("close", "erase"):
            self.types(phrase=self.town.phrase(self.language))
        self.presses("main form[action$='/confirm'] .button")


@pytest.fixture(params=LOCALES)
def visit(request: pytest.FixtureRequest, chromium: Browser, address: str, town: Town, eyes: Eyes) -> Iterator[Visit]:
    language: str = request.param
    context = chromium.new_context(locale=LOCALES[language], java_script_enabled=False)
    context.set_default_timeout(10_000)
    yield Visit(context, address, town, eyes, language)
    context.close()


def test_somebody_who_erases_everything(visit: Visit) -> None:
    visit.opens("/")
    visit.is_(1, signed_in_at=datetime.now(UTC) - timedelta(hours=1))
    visit.opens("/")
    visit.presses("button[value=erase]")
    visit.presses("main form .button")  # sign in again
    visit.is_(1)
    visit.opens("/")
    visit.presses("button[value=erase]")
    visit.presses("main form .button")
    visit.opens("/confirm")  # before a code is sent
    visit.presses("main form[action$='/code'] .button")
    visit.types(code="1", phrase="x")
    visit.presses("main form[action$='/confirm'] .button")
    visit.types(code=visit.town.code(), phrase=visit.town.phrase(visit.language))
    visit.presses("main form[action$='/confirm'] .button")
    visit.presses("main .actions a.button")  # the status page
    run_once(visit.town.service)
    visit.opens(visit.page.url.removeprefix(visit.address))
    visit.opens(visit.page.url.removeprefix(visit.address) + "/receipt")
    visit.opens("/s/S-0000-0000/00000000000000000000000000")  # another's, or none


def test_somebody_who_closes_and_comes_back(visit: Visit) -> None:
    visit.is_(3)
    visit.confirms("close")
    visit.page.locator("[name=reason]").first.check()
    visit.presses("form[action$='/reason'] .button")
    visit.presses("main .actions a.button")
    visit.presses("form[action$='/return'] .button")
    visit.types(code="1")
    visit.presses("form[action$='/come-back'] .button")
    visit.types(code=visit.town.code())
    visit.presses("form[action$='/come-back'] .button")


@pytest.mark.parametrize("head", ["closing: seal"])
def test_somebody_who_seals_their_account_and_comes_back_with_the_recovery_code(visit: Visit) -> None:
    before = visit.town.scene.snapshot()
    visit.is_(3)
    visit.confirms("close")
    recovery = visit.page.locator("p.recovery").inner_text()
    assert visit.town.scene.rows("SELECT count(*) FROM users WHERE id = 3") == [(0,)]
    visit.presses("main .actions a.button")
    visit.presses("form[action$='/return'] .button")
    visit.types(code=visit.town.code(), recovery="7K4M2-Q9XHV-00000-00000-00000")
    visit.presses("form[action$='/come-back'] .button")
    assert visit.page.input_value("#code")  # what was right is not asked for again
    visit.types(recovery=recovery.lower())
    visit.presses("form[action$='/come-back'] .button")
    assert visit.page.url.endswith("/filed")
    assert visit.town.scene.snapshot() == before


@pytest.mark.parametrize("head", ["closing: seal"])
def test_somebody_who_sealed_their_account_and_does_not_want_to_wait(visit: Visit) -> None:
    visit.is_(3)
    visit.confirms("close")
    visit.presses("main .actions a.button")
    closed = visit.page.url.removeprefix(visit.address)
    key = visit.context.cookies()
    visit.presses("form[action$='/erase'] .button")
    visit.opens("/erase-now")  # before a code is sent
    visit.presses("main form[action$='/code'] .button")
    visit.types(code="1", phrase="x")
    visit.presses("form[action$='/erase-now'] .button")
    visit.types(code=visit.town.code(), phrase=visit.town.phrase(visit.language))
    visit.presses("form[action$='/erase-now'] .button")
    assert visit.page.url.endswith("/filed")
    visit.presses("main .actions a.button")
    run_once(visit.town.service)
    visit.opens(visit.page.url.removeprefix(visit.address))
    visit.context.add_cookies(key)
    visit.opens(closed)


@pytest.mark.parametrize("head", ["closing: seal"])
def test_somebody_who_might_not_be_the_owner_waits_before_the_account_is_sealed(visit: Visit) -> None:
    visit.is_(3, old_addresses=("owner@torget.example",))
    visit.confirms("close")
    assert visit.town.scene.rows("SELECT count(*) FROM users WHERE id = 3") == [(1,)]
    visit.presses("main .actions a.button")
    visit.presses("form[action$='/cancel'] .button")
    assert visit.town.scene.rows("SELECT count(*) FROM users WHERE id = 3") == [(1,)]


def test_somebody_who_owes_something(visit: Visit) -> None:
    visit.is_(2)
    visit.opens("/")
    visit.presses("button[value=close]")


def test_somebody_who_wants_a_copy_or_no_mail(visit: Visit) -> None:
    visit.is_(4)
    visit.confirms("export")
    run_once(visit.town.service)
    visit.presses("main .actions a.button")
    visit.is_(4)
    visit.confirms("unsubscribe")


def test_somebody_without_an_account(visit: Visit) -> None:
    visit.opens("/without-account")
    visit.types(email="nobody")
    visit.presses("main form .button")
    visit.types(email="p4@torget.example")
    visit.presses("main form .button")
    visit.types(code="2")
    visit.presses("main form .button")
    visit.types(code=visit.town.code())
    visit.presses("main form .button")
    visit.presses("button[value=erase]")
    visit.presses("main form .button")
    visit.types(phrase=visit.town.phrase(visit.language))
    visit.presses("main form[action$='/confirm'] .button")
    visit.presses("main .actions a.button")
    visit.presses("form[action$='/cancel'] .button")


def test_somebody_who_looks_around(visit: Visit) -> None:
    visit.opens("/guide")
    visit.presses(".languages summary")
    visit.opens("/status")
    visit.types(reference="S-7K4M-2Q9X", secret="x")
    visit.presses("main form .button")
    visit.opens(f"/unsubscribe/{unsubscribe_token(visit.town.service, 'p4@torget.example')}")
    visit.presses("main form .button")
    visit.opens("/nowhere")
