"""The path: from the account page to "filed", and what every page on it says."""

from tests.web.town import Browser, Town, text_of


def test_everything_is_erased_in_four_pages(browser: Browser, town: Town) -> None:
    browser.sign_in()
    pages = [browser.get("/"), browser.post("/choose", wish="erase"), browser.post("/what", wish="erase")]
    filed = browser.post("/confirm", code=town.code(), phrase="agree")
    assert [each.url.path for each in (*pages, filed)] == ["/", "/what", "/confirm", "/filed"]
    assert {each.status_code for each in (*pages, filed)} == {200}
    assert "Your request is filed" in text_of(filed)
    (request,) = town.letters("filed")
    assert request.values["reference"] in filed.text
