"""Around the pages: languages, the quick way off, receipts, one-click links, the guide, a portal that is mounted."""

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from slett.certify import verify
from slett.requests.identity import Identity
from slett.requests.one_click import unsubscribe_token
from slett.requests.runner import run_once
from slett.settings import Settings
from slett.stores.errors import StoreError
from slett.web import create_app
from tests.web.town import ADDRESS, Browser, Town, text_of


def test_a_language_that_was_chosen_goes_before_account_and_browser(browser: Browser) -> None:
    browser.sign_in(language="nn")
    assert browser.get("/").headers["content-language"] == "nn"
    back = browser.get("/language?to=ar&back=/guide")
    assert back.url.path == "/guide"
    assert back.headers["content-language"] == "ar"
    assert browser.get("/language?to=xx&back=/nowhere").url.path == "/"


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example/", "/\\evil.example", "/s\r\nX: y", "/exit"])
def test_a_language_leads_back_to_pages_of_ours_only(browser: Browser, back: str) -> None:
    answer = browser.client.get("/language", params={"to": "nb", "back": back}, follow_redirects=False)
    assert answer.headers["location"] == "/"


def test_the_quick_way_off_ends_the_visit(browser: Browser) -> None:
    browser.sign_in().to_confirm()
    token = browser.client.cookies["__Host-slett"]
    answer = browser.post("/exit", follow=False)
    assert answer.headers["location"] == "https://weather.example"
    assert answer.headers["clear-site-data"] == '"cache", "cookies", "storage"'
    browser.client.cookies.set("__Host-slett", token, domain="leave.torget.example", path="/")
    assert "First, who are you?" in text_of(browser.get("/"))


def test_the_signed_receipt_verifies_with_the_public_key_alone(browser: Browser, town: Town) -> None:
    reference = erased(browser, town)
    answer = browser.get(f"/status/{reference}/receipt.json")
    assert answer.headers["content-disposition"] == f'attachment; filename="{reference}.json"'
    key = (town.service.settings.home / "signing.pub").read_bytes()
    assert verify(answer.content, key).good
    (town.service.settings.home / "certificates" / f"{reference}.json").unlink()
    assert browser.get(f"/status/{reference}/receipt.json").status_code == 200  # written anew from the log


@pytest.mark.parametrize("tag", ["nb", "ar"])
def test_the_receipt_is_a_pdf_too(browser: Browser, town: Town, tag: str) -> None:
    pytest.importorskip("weasyprint")
    browser.headers = {"accept-language": tag}
    reference = erased(browser, town)
    answer = browser.get(f"/status/{reference}/receipt.pdf")
    assert answer.content.startswith(b"%PDF-")
    assert answer.headers["content-disposition"] == f'attachment; filename="{reference}.pdf"'


def test_without_weasyprint_no_page_offers_a_pdf(browser: Browser, town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    reference = erased(browser, town)
    monkeypatch.setattr("slett.web.status.can_print", lambda: False)
    assert "PDF" not in text_of(browser.get(f"/status/{reference}"))
    assert browser.get(f"/status/{reference}/receipt.pdf").status_code == 404


def test_the_link_of_a_mail_keeps_its_key_out_of_the_address(browser: Browser, other: Browser, town: Town) -> None:
    browser.sign_in().leave()
    link = str(town.letters("filed")[0].values["link"]).removeprefix(ADDRESS)
    opened = other.get(link)
    assert opened.status_code == 200
    assert link.rpartition("/")[2] not in str(opened.url)
    assert other.get(link.replace("0", "1")[:-1] + "0", follow=True).status_code in (200, 404)


def test_reference_and_key_are_typed_as_people_type(browser: Browser, other: Browser, town: Town) -> None:
    browser.sign_in().leave()
    _, reference, key = str(town.letters("filed")[0].values["link"]).rsplit("/", 2)
    typed = " ".join((key[:9].lower(), key[9:]))
    found = other.post("/status", reference=reference.lower().replace("-", " "), secret=typed)
    assert found.url.path == f"/status/{reference}"
    assert found.status_code == 200


def test_one_click_ends_the_mail_without_a_session(browser: Browser, town: Town) -> None:
    token = unsubscribe_token(town.service, "p2@torget.example")
    page = browser.get(f"/unsubscribe/{token}")
    assert "One click" in text_of(page)
    assert newsletters(town) == [1, 2, 3, 4]
    done = browser.client.post(f"/unsubscribe/{token}", data={"List-Unsubscribe": "One-Click"})
    assert done.status_code == 200
    assert newsletters(town) == [1, 3, 4]
    for said in (token.encode(), urlsafe_b64decode(token + "=" * (-len(token) % 4))):
        assert b"p2@torget" not in said


@pytest.mark.parametrize("token", ["x", "A" * 60, "%00", "A" * 2_000])
def test_a_token_that_is_none_ends_no_mail(browser: Browser, town: Town, token: str) -> None:
    assert browser.client.post(f"/unsubscribe/{token}").status_code == 404
    assert newsletters(town) == [1, 2, 3, 4]


def test_the_guide_is_written_from_the_settings(browser: Browser) -> None:
    said = text_of(browser.get("/guide"))
    for sentence in (ADDRESS, "within 30 days", "wait 72 hours", "Orders and payments: Bokføringsloven § 13"):
        assert sentence in said
    machine = browser.get("/.well-known/account-deletion").json()
    assert machine["without_account"] == f"{ADDRESS}/without-account"
    assert machine["wishes"]["close"] == {"window_days": 30, "after_window": "erase"}


def test_a_store_that_is_down_changes_nothing_and_says_so(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    browser.sign_in()

    def down(*_: object, **__: object) -> None:
        raise StoreError("shop", "no answer")

    monkeypatch.setattr("slett.requests.desk.outlook", down)
    page = browser.post("/choose", wish="erase")
    assert page.status_code == 503
    assert "Nothing was changed." in text_of(page)
    assert "shop" not in page.text


def test_a_fault_of_ours_shows_no_details_and_logs_no_value(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("kari@example.no")

    browser.sign_in()
    monkeypatch.setattr("slett.requests.desk.outlook", broken)
    page = browser.post("/choose", wish="erase")
    assert page.status_code == 500
    assert "Something went wrong on our side" in text_of(page)
    assert "RuntimeError" not in page.text
    assert "RuntimeError at" in caplog.text
    assert "kari" not in caplog.text + page.text


def test_mounted_under_a_path_every_link_stays_there(town: Town) -> None:
    who = town.identity(1, how="host")
    with mounted(town, lambda: who) as browser:
        assert "What do you want?" in text_of(browser.get("/account/leave/"))
        what = browser.post("/account/leave/choose", wish="erase")
        assert what.url.path == "/account/leave/what"
        confirm = browser.post("/account/leave/what", wish="erase")
        filed = browser.post("/account/leave/confirm", code=town.code(), phrase="agree")
        assert filed.url.path == "/account/leave/filed"
        assert "clear-site-data" not in filed.history[-1].headers
        missing = browser.get("/account/leave/static/nothing.css")
        for page in (what, confirm, filed, missing):
            inside = [each for each in paths_of(page.text) if not each.startswith("/account/leave/")]
            assert inside == []
        for path in paths_of(filed.text):
            if "/static/" in path:
                assert browser.get(path).headers["cache-control"].startswith("public")


def test_the_host_says_that_somebody_else_signed_in(town: Town) -> None:
    who = town.identity(1, how="host")
    with mounted(town, lambda: who) as browser:
        browser.post("/account/leave/choose", wish="erase")
        browser.post("/account/leave/what", wish="erase")
        who = town.identity(3, how="host")
        page = browser.get("/account/leave/confirm")
        assert page.status_code == 403
        assert "Somebody else signed in" in text_of(page)
        assert [letter.address for letter in town.letters("alarm")] == ["p1@torget.example"]
        assert "What do you want?" in text_of(browser.get("/account/leave/"))


def test_whoever_signs_out_at_the_host_is_gone_here(town: Town) -> None:
    who: Identity | None = town.identity(1, how="host")
    with mounted(town, lambda: who) as browser:
        browser.post("/account/leave/choose", wish="erase")
        browser.post("/account/leave/what", wish="erase")
        who = None
        assert browser.get("/account/leave/confirm").url.path == "/account/leave/"
        assert "First, who are you?" in text_of(browser.get("/account/leave/"))


def test_a_stylesheet_of_the_service_comes_after_ours(town: Town, tmp_path: Path) -> None:
    sheet = tmp_path / "own.css"
    sheet.write_text(":root { --accent: #123456 }", encoding="utf-8")
    portal = town.service.settings.portal.model_copy(update={"stylesheet": sheet})
    settings = town.service.settings.model_copy(update={"portal": portal})
    app = create_app(settings, service=replace(town.service, settings=settings))
    with TestClient(app, base_url=ADDRESS) as client:
        page = client.get("/").text
        assert page.index("/static/slett.css") < page.index("/static/own.css")
        assert "#123456" in client.get("/static/own.css").text


def test_a_portal_opens_its_own_service_and_closes_it(town: Town) -> None:
    settings = Settings(
        map=town.service.settings.map, home=town.service.settings.home, portal=town.service.settings.portal
    )
    with TestClient(create_app(settings, run=True), base_url=ADDRESS) as client:
        assert client.get("/guide").status_code == 200


@contextmanager
def mounted(town: Town, identify: Callable[[], Identity | None]) -> Iterator[Browser]:
    """A browser at a host application that has the portal at a path of its own."""
    portal = town.service.settings.portal.model_copy(update={"url": f"{ADDRESS}/account/leave"})
    settings = town.service.settings.model_copy(update={"portal": portal})
    service = replace(town.service, settings=settings)
    leave = create_app(settings, identify=lambda _: identify(), service=service)
    with TestClient(Starlette(routes=[Mount("/account/leave", leave)]), base_url=ADDRESS) as client:
        yield Browser(client, town)


def erased(browser: Browser, town: Town) -> str:
    """The reference of an erasure that is done."""
    browser.sign_in().to_confirm()
    browser.post("/confirm", code=town.code(), phrase=town.phrase(browser.headers["accept-language"]))
    reference = str(town.letters("filed")[0].values["reference"])
    run_once(town.service)
    return reference


def newsletters(town: Town) -> list[int]:
    """Who still gets mail."""
    return [number for (number,) in town.scene.rows("SELECT id FROM users WHERE newsletter ORDER BY id")]


def paths_of(text: str) -> list[str]:
    return [each for each in re.findall(r'(?:href|action)="([^"]*)"', text) if each.startswith("/")]


def test_the_well_known_document_is_json(browser: Browser) -> None:
    assert json.loads(browser.get("/.well-known/account-deletion").text)["service"] == "Torget"
