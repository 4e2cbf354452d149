"""Laws of every page: what it is made of, what it never does, whose values it shows."""

from collections.abc import Iterator
from html.parser import HTMLParser

import pytest

from slett.languages import TAGS
from slett.requests.runner import run_once
from tests.web.town import HOSTILE, Browser, Town, text_of

VOID = {"meta", "link", "input", "br", "hr", "img"}


class Outline(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> names an attribute twice"
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture
def pages(browser: Browser, other: Browser, town: Town) -> dict[str, str]:
    """Every page there is, and what is wrong on it."""

    def walk() -> Iterator[tuple[str, str]]:
        for path in ("/", "/guide", "/status", "/without-account", "/nowhere", "/status/S-0000-0000"):
            yield path, browser.get(path).text
        yield "bad address", browser.post("/without-account", email=HOSTILE).text
        yield "mailbox", browser.post("/without-account", email="p4@torget.example").text
        yield "bad code", browser.post("/without-account/code", code="1").text
        yield "bad key", browser.post("/status", reference=HOSTILE, secret=HOSTILE).text
        yield "forged", browser.client.post("/choose", headers={"accept-language": "en"}).text
        yield "blocked", other.sign_in(2).post("/choose", wish="erase").text
        browser.sign_in()
        for wish in ("close", "erase"):
            yield f"what {wish}", browser.post("/choose", wish=wish).text
        yield "before a code", (browser.to_confirm() and browser.get("/confirm")).text
        yield "wrong", browser.post("/confirm", code=HOSTILE, phrase=HOSTILE).text
        yield "filed", browser.post("/confirm", code=town.code(), phrase="agree").text
        reference = town.letters("filed")[0].values["reference"]
        yield "waiting", browser.get(f"/status/{reference}").text
        run_once(town.service)
        yield "done", browser.get(f"/status/{reference}").text
        yield "receipt", browser.get(f"/status/{reference}/receipt").text
        other.sign_in(3)
        yield "closed", other.leave("close").text
        closed = town.letters("closed")[0].values["reference"]
        yield "way back", other.get(f"/status/{closed}").text
        yield "come back", other.post(f"/status/{closed}/return").text

    return dict(walk())


def test_every_page_is_whole_and_says_its_language(pages: dict[str, str]) -> None:
    for name, text in pages.items():
        outline = Outline(text)
        assert text.startswith("<!doctype html>"), name
        assert outline.open == [], name
        (html,) = outline.all("html")
        assert html == {"lang": "en", "dir": "ltr"}, name
        assert len(outline.all("h1")) == 1, name
        assert outline.all("meta")[0] == {"charset": "utf-8"}, name
        ids = [each["id"] for _, each in outline.found if "id" in each]
        assert len(ids) == len(set(ids)), name
        for _, each in outline.found:
            for named in (each.get("aria-describedby") or each.get("aria-labelledby") or "").split():
                assert named in ids, (name, named)


def test_no_page_runs_or_loads_anything(pages: dict[str, str]) -> None:
    for name, text in pages.items():
        outline = Outline(text)
        assert not outline.all("script"), name
        assert not outline.all("style"), name
        assert not outline.all("img"), name
        assert not [each for _, each in outline.found if any(key.startswith("on") or key == "style" for key in each)]
        for link in outline.all("link"):
            assert (link["href"] or "").startswith("/static/"), name


def test_no_value_of_the_service_or_of_a_form_is_markup(pages: dict[str, str]) -> None:
    assert sum("&lt;script&gt;alert" in text for text in pages.values()) >= 5
    for name, text in pages.items():
        assert "<script" not in text, name
        assert "{{" not in text.replace("{{ 7*7 }}", ""), name


def test_every_form_is_sent_to_us_with_post(pages: dict[str, str]) -> None:
    for name, text in pages.items():
        for form in Outline(text).all("form"):
            assert form["method"] == "post", name
            assert (form["action"] or "").startswith("/"), name
            assert "//" not in (form["action"] or ""), name


def test_a_get_changes_nothing_anywhere(browser: Browser, town: Town) -> None:
    browser.sign_in().leave("close")
    reference = town.letters("closed")[0].values["reference"]
    secret = town.letters("closed")[0].values["link"].rpartition("/")[2]
    browser.sign_in(3).to_confirm()
    before = town.snapshot()
    for path in (
        *("/", "/what?wish=erase", "/confirm", "/filed", "/status", "/without-account", "/guide", "/come-back"),
        f"/s/{reference}/{secret}",
        *(f"/status/{reference}{rest}" for rest in ("", "/cancel", "/return", "/receipt", "/receipt.json")),
        *("/choose?wish=erase", "/code", "/reason?reason=privacy", "/exit", "/language?to=nb", "/unsubscribe/x"),
    ):
        browser.get(path)
    assert town.snapshot() == before


def test_anothers_request_looks_exactly_like_none(browser: Browser, other: Browser, town: Town) -> None:
    browser.sign_in().leave()
    reference = town.letters("filed")[0].values["reference"]
    other.sign_in(3).leave()
    for rest in ("", "/receipt", "/receipt.json", "/receipt.pdf", "/copy.zip"):
        theirs, none = (other.get(f"/status/{each}{rest}") for each in (reference, "S-0000-0000"))
        assert theirs.status_code == none.status_code == 404
        assert theirs.text.replace(str(reference), "") == none.text.replace("S-0000-0000", "")
        assert {**theirs.headers} == {**none.headers}
    for rest in ("/cancel", "/return"):
        theirs, none = (other.post(f"/status/{each}{rest}") for each in (reference, "S-0000-0000"))
        assert theirs.status_code == none.status_code == 404
        assert theirs.text == none.text


@pytest.mark.parametrize("tag", TAGS)
def test_every_page_is_drawn_in_every_language(browser: Browser, town: Town, tag: str) -> None:
    browser.headers = {"accept-language": tag}
    browser.sign_in()
    direction = "rtl" if tag == "ar" else "ltr"
    for page in (
        *(browser.get(path) for path in ("/", "/guide", "/status", "/without-account", "/nowhere")),
        browser.post("/choose", wish="erase"),
        browser.post("/what", wish="erase"),
        browser.post("/confirm", code="1", phrase=""),
        browser.post("/confirm", code=town.code(), phrase=town.phrase(tag)),
    ):
        assert f'<html lang="{tag}" dir="{direction}">' in page.text
        assert page.headers["content-language"] == tag
    assert page.url.path == "/filed"


def test_a_page_says_what_it_is_in_words_of_its_title(browser: Browser) -> None:
    assert "<title>What do you want? · Torget</title>" in browser.sign_in().get("/").text
    assert "What do you want?" in text_of(browser.get("/"))
