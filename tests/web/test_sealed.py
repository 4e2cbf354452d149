"""What the pages say where rows can come back: nobody is told that there is no way back while there is one."""

from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from slett.web import create_app
from tests.conftest import NewDatabase
from tests.journeys.scene import Scene
from tests.web.town import ADDRESS, SETTINGS, Browser, fill, opened_town, text_of

KEPT = "Only so that a mistake can be undone, a locked copy is kept for 72 hours, and then destroyed."


@pytest.fixture
def visitor(request: pytest.FixtureRequest, tmp_path: Path, new_database: NewDatabase) -> Iterator[Browser]:
    """A browser at a portal with these settings of the vault and this head of the map."""
    vault, head = request.param
    urls = {"shop": new_database("sqlite"), "owner": new_database("sqlite")}
    scene = Scene(tmp_path, urls, {**deepcopy(SETTINGS), "vault": vault}, today=datetime.now(UTC).date())
    fill(scene, head=head)
    with (
        opened_town(scene) as town,
        TestClient(create_app(town.service.settings, service=town.service), base_url=ADDRESS) as client,
    ):
        yield Browser(client, town).sign_in()


@pytest.mark.parametrize("visitor", [({"undo_window_hours": 72}, "")], indirect=True)
def test_whoever_erases_is_told_of_the_copy_that_could_undo_it(visitor: Browser) -> None:
    assert KEPT in text_of(visitor.post("/choose", wish="erase"))


@pytest.mark.parametrize("visitor", [({}, "")], indirect=True)
def test_nobody_is_told_of_a_copy_that_there_is_not(visitor: Browser) -> None:
    assert "locked copy" not in text_of(visitor.post("/choose", wish="erase"))


@pytest.mark.parametrize("visitor", [({}, "closing: seal")], indirect=True)
def test_whoever_seals_sees_the_recovery_code_once_and_it_is_in_no_address_and_no_mail(visitor: Browser) -> None:
    visitor.to_confirm("close")
    filed = visitor.post("/confirm", phrase="agree", code=visitor.town.code())
    said = text_of(filed)
    assert "Your recovery code" in said
    code = said.partition("Your recovery code ")[2].split()[0]
    assert code not in str(filed.url)
    assert code not in str([each.values for each in visitor.town.letters()])
    status = visitor.get(f"/status/{said.partition('Reference number ')[2].split()[0]}")
    assert code not in status.text


@pytest.mark.parametrize("visitor", [({"service_key": True}, "closing: seal")], indirect=True)
def test_where_the_service_keeps_the_key_nobody_has_to_keep_a_code(visitor: Browser) -> None:
    visitor.to_confirm("close")
    assert "recovery code" not in text_of(visitor.post("/confirm", phrase="agree", code=visitor.town.code()))


@pytest.mark.parametrize("visitor", [({}, "closing: seal")], indirect=True)
def test_whoever_sealed_their_account_can_have_it_erased_at_once_from_its_status_page(visitor: Browser) -> None:
    visitor.to_confirm("close")
    closed = text_of(visitor.post("/confirm", phrase="agree", code=visitor.town.code()))
    page = f"/status/{closed.partition('Reference number ')[2].split()[0]}"
    assert "You need not wait." in text_of(visitor.get(page))
    assert "You need not decide today." in text_of(visitor.post(f"{page}/erase"))
    assert "We have sent a code" in text_of(visitor.post("/code"))  # another one
    wrong = visitor.post("/erase-now", phrase="no", code=visitor.town.code())
    assert (wrong.status_code, "Type the word exactly" in text_of(wrong)) == (422, True)
    assert "Your request is filed" in text_of(visitor.post("/erase-now", phrase="agree", code=visitor.town.code()))
    assert visitor.get("/erase-now").url.path == "/filed"
    link = next(word for word in closed.split() if "/s/S-" in word)
    said = text_of(visitor.get(link.removeprefix(ADDRESS)))
    assert "was ended early" in said
    assert "Come back" not in said


@pytest.mark.parametrize("visitor", [({}, "closing: seal")], indirect=True)
def test_whoever_came_back_in_part_sees_what_waits_and_comes_again_for_it(visitor: Browser) -> None:
    shop = visitor.town.scene
    visitor.to_confirm("close")
    closed = text_of(visitor.post("/confirm", phrase="agree", code=visitor.town.code()))
    recovery = closed.partition("Your recovery code ")[2].split()[0]
    page = f"/status/{closed.partition('Reference number ')[2].split()[0]}"
    shop.sql("INSERT INTO listings VALUES (10, 3, 'Table', false)")
    visitor.post(f"{page}/return")
    back = text_of(visitor.post("/come-back", code=visitor.town.code(), recovery=recovery))
    assert "Welcome back" in back
    assert "Something could not come back yet." in back
    mine = f"/status/{back.partition('Reference number ')[2].split()[0]}"
    link = next(word for word in closed.split() if "/s/S-" in word).removeprefix(ADDRESS)
    assert "You have asked to come back." in text_of(visitor.get(link))
    for each in (link, link.replace(page.rpartition("/")[2], mine.rpartition("/")[2])):
        said = text_of(visitor.get(each))
        assert "Still locked away" in said
        assert "Listings: 1 entry" in said
        assert "You can try again until" in said
    assert "Almost everything is done" in text_of(visitor.get(mine))
    asked = text_of(visitor.post(f"{mine}/return"))
    assert "The rest of your account stays as it is." in asked
    refused = text_of(visitor.post("/come-back", code=visitor.town.code(), recovery=recovery))
    assert "It was not carried out" in refused
    shop.sql("DELETE FROM listings WHERE id = 10")
    visitor.get(link)
    visitor.post(f"{page}/return")
    visitor.post("/come-back", code=visitor.town.code(), recovery=recovery)
    said = text_of(visitor.get(link.replace(page.rpartition("/")[2], mine.rpartition("/")[2])))
    assert "Your account is open again." in said
    assert "Still locked away" not in said
    assert len(shop.rows("SELECT id FROM listings WHERE user_id = 1")) == 3
