"""The path of somebody who leaves: what each page says, and what is true afterwards."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from slett.requests.runner import run_once
from slett.requests.sessions import SomebodyElse, find, renew
from tests.web.town import ADDRESS, Browser, Town, links_of, text_of


def test_everything_is_erased_in_four_pages(browser: Browser, town: Town) -> None:
    browser.sign_in()
    pages = [browser.get("/"), browser.post("/choose", wish="erase"), browser.post("/what", wish="erase")]
    filed = browser.post("/confirm", code=town.code(), phrase="agree")
    assert [each.url.path for each in (*pages, filed)] == ["/", "/what", "/confirm", "/filed"]
    assert {each.status_code for each in (*pages, filed)} == {200}
    assert "Your request is filed" in text_of(filed)
    assert filed.history[-1].headers["clear-site-data"] == '"cache", "storage"'
    (letter,) = town.letters("filed")
    reference = str(letter.values["reference"])
    assert reference in filed.text
    run_once(town.service)
    status = browser.get(f"/status/{reference}")
    assert "Everything is erased. We have looked again, and found nothing." in text_of(status)
    assert town.scene.rows("SELECT count(*) FROM users WHERE id = 1") == [(0,)]


def test_the_first_page_offers_four_equal_buttons_and_chooses_none(browser: Browser) -> None:
    page = browser.sign_in().get("/").text
    buttons = re.findall(r'<button class="([^"]*)" name="wish" value="(\w+)"', page)
    assert buttons == [("choice", wish) for wish in ("close", "erase", "export", "unsubscribe")]
    assert "checked" not in page
    assert "selected" not in page


def test_the_second_page_counts_what_there_is_now(browser: Browser) -> None:
    said = text_of(browser.sign_in().post("/choose", wish="erase"))
    for sentence in (
        "Account 2",  # one in each store
        "Listings 3",
        "Messages 5",
        "Orders and payments 1 Bokføringsloven § 13 1 January 2096",
        "5 entries belong to somebody else and name you.",
        "Fjordbank AS (Norway): took payments",
        "Backups are overwritten after 35 days.",
    ):
        assert sentence in said


def test_a_block_is_shown_with_its_way_out_and_no_way_on(browser: Browser) -> None:
    page = browser.sign_in(2).post("/choose", wish="close")
    assert "Pay your order first." in text_of(page)
    assert "https://torget.example/orders?x=1&y=2" in links_of(page)
    assert 'name="wish"' not in page.text
    assert browser.post("/what", wish="close").url.path == "/what"


def test_nothing_is_filed_before_it_was_read_what_will_happen(browser: Browser, town: Town) -> None:
    browser.sign_in().post("/choose", wish="erase")
    with town.service.ledger.read() as page:
        assert page.requests.find() == ()


def test_whoever_signed_in_long_ago_signs_in_again_and_goes_on_where_they_were(browser: Browser, town: Town) -> None:
    browser.sign_in(1, signed_in_at=datetime.now(UTC) - timedelta(hours=1))
    page = browser.to_confirm()
    assert "signed in within the last 5 minutes" in text_of(page)
    assert 'name="code"' not in page.text
    again = "https://torget.example/sign-in?return_to=https%3A%2F%2Fleave.torget.example%2Fconfirm"
    assert again in links_of(page)
    assert town.letters("code") == []
    assert browser.post("/confirm", code="12345678", phrase="agree").url.path == "/confirm"


def test_a_wrong_code_says_how_many_tries_are_left(browser: Browser, town: Town) -> None:
    browser.sign_in().to_confirm()
    code = town.code()
    page = browser.post("/confirm", code="00000000" if code != "00000000" else "1", phrase="agree")
    assert page.status_code == 422
    assert "You have 4 tries left." in text_of(page)
    assert "<title>Error:" in page.text
    assert 'href="#code"' in page.text
    assert browser.post("/confirm", code=f" {code[:4]} {code[4:]} ", phrase="AGREE ").url.path == "/filed"


def test_what_is_missing_is_named_beside_its_field_and_burns_no_try(browser: Browser, town: Town) -> None:
    browser.sign_in().to_confirm()
    page = browser.post("/confirm", code="", phrase="no")
    assert 'href="#code"' in page.text
    assert 'href="#phrase"' in page.text
    assert 'value="no"' in page.text  # what they typed stays
    assert browser.post("/confirm", code=town.code(), phrase="agree").url.path == "/filed"


def test_too_many_codes_are_refused_with_what_to_do(browser: Browser) -> None:
    browser.sign_in().to_confirm()
    pages = [browser.post("/code") for _ in range(4)]
    assert [each.status_code for each in pages] == [200, 200, 429, 429]
    assert "Wait an hour" in text_of(pages[-1])
    assert pages[-1].headers["retry-after"] == "3600"


def test_a_close_ends_at_once_and_has_a_way_back(browser: Browser, town: Town) -> None:
    browser.sign_in()
    assert "Your account is closed" in text_of(browser.leave("close"))
    assert town.scene.rows("SELECT active FROM users WHERE id = 1") == [(False,)]
    (letter,) = town.letters("closed")
    reference = letter.values["reference"]
    status = browser.get(f"/status/{reference}")
    assert "You can come back until" in text_of(status)
    asked = browser.post(f"/status/{reference}/return")
    assert asked.url.path == "/come-back"
    assert "Welcome back" in text_of(browser.post("/come-back", code=town.code()))
    assert town.scene.rows("SELECT active FROM users WHERE id = 1") == [(True,)]
    link = str(letter.values["link"]).removeprefix(ADDRESS)
    assert "You have asked to come back." in text_of(browser.get(link))


def test_a_copy_is_fetched_from_the_status_page(browser: Browser, town: Town) -> None:
    browser.sign_in()
    assert "You have asked for a copy" in text_of(browser.leave("export"))
    (letter,) = town.letters("filed")
    run_once(town.service)
    copy = browser.get(f"/status/{letter.values['reference']}/copy.zip")
    assert copy.status_code == 200
    assert copy.content.startswith(b"PK")
    assert letter.values["reference"] in copy.headers["content-disposition"]


def test_mail_is_stopped_with_one_confirmation(browser: Browser, town: Town) -> None:
    assert "The mail is stopped" in text_of(browser.sign_in().leave("unsubscribe"))
    assert town.scene.rows("SELECT newsletter FROM users WHERE id = 1") == [(False,)]


def test_an_erasure_that_waits_is_cancelled_from_its_status_page(browser: Browser, town: Town) -> None:
    browser.sign_in(old_addresses=("old@torget.example",)).leave()
    reference = town.letters("filed")[0].values["reference"]
    assert "We wait longer than usual" in text_of(browser.get("/filed"))
    assert "It was cancelled." in text_of(browser.post(f"/status/{reference}/cancel"))
    again = browser.post(f"/status/{reference}/cancel")
    assert again.status_code == 200  # too late: the page says what it is by now
    assert "It was cancelled." in text_of(again)


def test_the_reason_is_asked_after_the_click_and_may_be_left_out(browser: Browser, town: Town) -> None:
    filed = browser.sign_in().leave()
    assert "Why do you leave?" in text_of(filed)
    assert browser.post("/reason").url.path == "/filed"
    assert browser.post("/reason", reason="'; DROP TABLE users").url.query == b""
    assert "Thank you." in text_of(browser.post("/reason", reason="privacy"))
    with town.service.ledger.read() as page:
        assert page.requests.find()[0].leaving == "privacy"


def test_who_cannot_sign_in_proves_a_mailbox_and_waits(browser: Browser, town: Town) -> None:
    asked = browser.post("/without-account", email="p3@torget.example")
    assert asked.url.path == "/without-account/code"
    assert browser.get("/").url.path == "/without-account/code"
    assert "What do you want?" in text_of(browser.post("/without-account/code", code=town.code()))
    browser.to_confirm()
    assert "We wait longer than usual" in text_of(browser.post("/confirm", phrase="agree"))


def test_whether_an_address_is_known_shows_in_nothing(browser: Browser, other: Browser) -> None:
    known = browser.post("/without-account", email="p3@torget.example")
    unknown = other.post("/without-account", email="p9@torget.example")
    assert known.status_code == unknown.status_code
    assert known.content == unknown.content
    assert known.headers == unknown.headers


def test_who_signs_in_as_another_stops_it(browser: Browser, town: Town) -> None:
    browser.sign_in(1).to_confirm()
    token = browser.client.cookies["__Host-slett"]
    session = find(town.service, token)
    assert session
    with pytest.raises(SomebodyElse):
        renew(town.service, session, town.identity(2))
    assert browser.post("/confirm", code="12345678", phrase="agree").url.path == "/"
