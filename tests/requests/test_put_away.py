"""Whoever is put away since they closed their account is erased at once when they say so, or the operator does."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from slett.ledger import Request
from slett.requests import put_away
from slett.requests.answers import Filed, TooLate, WrongPhrase
from slett.requests.codes import WrongCode
from slett.requests.hold import place, release
from slett.requests.pause import Paused
from slett.requests.put_away import erase_sealed, find_sealed
from slett.requests.refuse import Refused
from slett.requests.runner import run_once
from slett.requests.service import Service
from slett.requests.sessions import Session, read_session
from slett.requests.subject import Subject, by_identifier
from slett.requests.windows import end_windows
from slett.stores.errors import StoreError
from tests.journeys.scene import Scene
from tests.ledger.clock import Clock
from tests.requests.shop import MAP, Counter, fill, opened_counter, store_down


@pytest.fixture
def scene(tmp_path: Path, sqlite_database: str) -> Scene:
    scene = Scene(tmp_path, {"shop": sqlite_database}, {"portal": {"url": "https://leave.example.org"}})
    fill(scene, 3)
    scene.map("closing: seal\ncategories: {listings: {en: Listings, nb: Annonser}}", shop=MAP)
    return scene


def asks(counter: Counter, filed: Filed) -> tuple[Session, Request, str]:
    """From the status page of the closed account: the visit, what is to be confirmed, and the code in the mailbox."""
    session = counter.opened(counter.desk.ask_erasure(filed.request.reference, filed.secret))
    request = counter.desk.request_of(session)
    assert request
    return session, request, str(counter.letters("code")[-1].values["code"])


def bound(counter: Counter, session: Session) -> Session:
    """The visit as the next request of the browser has it."""
    with counter.service.ledger.read() as page:
        found = read_session(page, session.id)
    assert found
    return found


def erase_now(counter: Counter, filed: Filed) -> Request:
    session, request, code = asks(counter, filed)
    counter.desk.confirm(session, request, code=code, phrase_ok=True)
    return counter.request(request.reference)


def run_until_erased(service: Service) -> None:
    for _ in range(2):
        run_once(service)


def pause(counter: Counter) -> None:
    with counter.service.ledger.write() as page:
        page.pauses.add("", "by hand", "kari")


def unpause(counter: Counter) -> None:
    with counter.service.ledger.write() as page:
        page.pauses.lift("")


def returned(counter: Counter) -> Request:
    with counter.service.ledger.read() as page:
        return page.requests.find(kind="return")[0]


def parts(counter: Counter, filed: Filed) -> int:
    with counter.service.ledger.read() as page:
        vault = page.vaults.of_request(filed.request.reference)
        assert vault
        return len(list(page.vaults.parts(vault.number)))


def certificate(counter: Counter, request: Request) -> dict[str, Any]:
    assert request.certificate is not None
    with counter.service.ledger.read() as page:
        found: dict[str, Any] = json.loads(page.log.read([request.certificate])[request.certificate])
    return found


# -- their own wish ---------------------------------------------------------------------------------


def test_the_keys_go_with_the_last_word_and_the_certificate_says_both_times(any_counter: Counter, clock: Clock) -> None:
    counter = any_counter
    filed = counter.file(counter.session(1), "close")
    closed_at = clock.now
    clock.forward(days=2)
    erasure = erase_now(counter, filed)
    assert (counter.holders(filed), parts(counter, filed)) == (set(), 0)
    clock.forward(minutes=5)
    run_once(counter.service)
    erased = counter.request(erasure.reference)
    assert (erased.state, erased.counts["shop/users"]["delete"]) == ("fulfilled", 1)
    body = certificate(counter, erased)
    assert body["erased"] == f"{closed_at:%Y-%m-%dT%H:%M:%SZ}"
    assert body["beyond_recovery"] == f"{clock.now:%Y-%m-%dT%H:%M:%SZ}"
    assert counter.request(filed.request.reference).followed_by == erased.reference
    with pytest.raises(TooLate):
        counter.come_back(filed)


def test_without_the_code_and_the_word_nothing_is_destroyed(counter: Counter) -> None:
    filed = counter.file(counter.session(1), "close")
    session, request, code = asks(counter, filed)
    with pytest.raises(WrongPhrase):
        counter.desk.confirm(session, request, code=code, phrase_ok=False)
    wrong = f"{(int(code) + 1) % 10**8:08}"
    with pytest.raises(WrongCode):
        counter.desk.confirm(session, request, code=wrong, phrase_ok=True)
    assert counter.holders(filed) == {"person"}
    assert counter.come_back(filed).request.kind == "return"
    with pytest.raises(TooLate):  # they are back: the word comes too late
        counter.desk.confirm(session, request, code=code, phrase_ok=True)
    assert counter.scene.rows("SELECT count(*) FROM users WHERE id = 1") == [(1,)]


def test_said_twice_it_is_done_once_and_nobody_can_cancel_it(counter: Counter) -> None:
    filed = counter.file(counter.session(1), "close")
    session, request, code = asks(counter, filed)
    first = counter.desk.confirm(session, request, code=code, phrase_ok=True)
    assert counter.desk.confirm(bound(counter, session), request, code="", phrase_ok=True).request == first.request
    assert not counter.desk.status(first.request).can_cancel
    assert not counter.desk.cancel(request.reference, filed.secret)
    assert not counter.desk.status(counter.request(filed.request.reference)).can_erase
    with pytest.raises(TooLate):
        counter.desk.ask_erasure(filed.request.reference, filed.secret)
    with counter.service.ledger.read() as page:
        assert len(page.requests.find(kind="erase")) == 1


def test_asked_for_and_not_confirmed_it_does_not_stand_in_the_way_of_the_end(counter: Counter, clock: Clock) -> None:
    """What ends the window is an erasure that is carried out, not one that expires."""
    filed = counter.file(counter.session(1), "close")
    clock.forward(days=30)
    asks(counter, filed)
    run_once(counter.service)
    run_once(counter.service)
    closed = counter.request(filed.request.reference)
    assert closed.followed_by
    assert counter.state(closed.followed_by) == "fulfilled"


def test_a_hold_goes_first_and_is_named(counter: Counter) -> None:
    filed = counter.file(counter.session(1), "close")
    session, request, code = asks(counter, filed)
    number = place(counter.service, counter.subject(1), "Litigation hold 7", date(2030, 1, 1))
    assert not counter.desk.status(filed.request).can_erase
    counter.desk.confirm(session, request, code=code, phrase_ok=True)
    refused = counter.request(request.reference)
    assert (refused.state, refused.reason) == ("refused", "held: Litigation hold 7")
    assert counter.holders(filed) == {"person"}
    release(counter.service, number)
    erase_now(counter, filed)
    assert counter.holders(filed) == set()


def test_whoever_has_no_mailbox_to_show_who_they_are_asks_the_service(counter: Counter) -> None:
    filed = counter.file(counter.session(1, addresses=()), "close")
    assert not counter.desk.status(filed.request).can_erase
    with pytest.raises(Refused, match="no mailbox is known"):
        counter.desk.ask_erasure(filed.request.reference, filed.secret)


def test_a_return_that_nobody_has_begun_with_is_cancelled_by_the_later_wish(counter: Counter) -> None:
    filed = counter.file(counter.session(1), "close")
    sealed = counter.scene.snapshot()
    pause(counter)
    with pytest.raises(Paused):
        counter.come_back(filed)
    back = returned(counter)
    assert (back.state, counter.holders(filed)) == ("scheduled", {"person", "service"})
    erasure = erase_now(counter, filed)
    assert (counter.state(back.reference), counter.holders(filed)) == ("cancelled", set())
    unpause(counter)
    counter.clock.forward(minutes=5)
    run_once(counter.service)
    assert counter.scene.snapshot() == sealed
    assert counter.state(erasure.reference) == "fulfilled"


def test_a_return_that_has_begun_comes_to_its_end(counter: Counter) -> None:
    """Some of the rows may be back: who destroyed the keys now would leave the others nowhere."""
    before = counter.scene.snapshot()
    filed = counter.file(counter.session(1), "close")
    session, request, code = asks(counter, filed)

    with store_down(), pytest.raises(StoreError):
        counter.come_back(filed)
    with pytest.raises(TooLate, match="running"):
        counter.desk.confirm(session, request, code=code, phrase_ok=True)
    (outcome,) = erase_sealed(counter.service, [counter.request(filed.request.reference)], "kari")
    assert (outcome.state, "come back" in outcome.reason) == ("refused", True)
    assert "service" in counter.holders(filed)
    counter.clock.forward(minutes=5)
    run_once(counter.service)
    assert counter.scene.snapshot() == before


def test_a_return_that_is_cancelled_leaves_the_account_closed_with_its_window(counter: Counter) -> None:
    filed = counter.file(counter.session(1), "close")
    pause(counter)
    with pytest.raises(Paused):
        counter.come_back(filed)
    assert counter.desk.cancel(returned(counter).reference, filed.secret)
    unpause(counter)
    assert counter.holders(filed) == {"person"}
    assert counter.desk.status(counter.request(filed.request.reference)).can_return
    counter.come_back(filed)
    assert counter.scene.rows("SELECT count(*) FROM users WHERE id = 1") == [(1,)]


def test_whoever_has_their_key_by_now_is_not_handed_what_they_asked_for(counter: Counter) -> None:
    """A key that was given out again: that person's own erasure is another."""
    filed = counter.file(counter.session(1), "close")
    _, asked, _ = asks(counter, filed)
    counter.scene.sql("INSERT INTO users VALUES (1, 'new@example.org', 'New', true, true)")
    request = counter.desk.choose(counter.session(1), "erase")
    assert request.reference != asked.reference
    assert request.follows is None


# -- the operator's ---------------------------------------------------------------------------------


def sealed(counter: Counter, *subjects: Subject) -> list[Request]:
    return list(find_sealed(counter.service, subjects).values())


@pytest.mark.parametrize("named", ["by key", "by address"])
def test_an_operator_erases_at_once_whoever_is_put_away(counter: Counter, named: str) -> None:
    filed = counter.file(counter.session(1), "close")
    by_address = by_identifier(counter.service.plan, "email", "p1@example.org")
    closes = sealed(counter, counter.subject(1) if named == "by key" else by_address, counter.subject(2))
    assert [each.reference for each in closes] == [filed.request.reference]
    (outcome,) = erase_sealed(counter.service, closes, "kari")
    assert (outcome.state, outcome.rows) == ("fulfilled", 3)
    assert (counter.holders(filed), parts(counter, filed)) == (set(), 0)
    assert certificate(counter, counter.request(outcome.reference))
    assert sealed(counter, counter.subject(1)) == []


def test_where_two_must_agree_one_alone_destroys_nothing(scene: Scene, clock: Clock) -> None:
    scene.settings["vault"] = {"approvals": 2}
    with opened_counter(scene, clock) as counter:
        filed = counter.file(counter.session(1), "close")
        for _ in range(2):
            (outcome,) = erase_sealed(counter.service, sealed(counter, counter.subject(1)), "kari")
            assert (outcome.state, outcome.reference) == ("waiting", filed.request.reference)
            assert counter.holders(filed) == {"person"}
        clock.forward(days=2)
        (outcome,) = erase_sealed(counter.service, sealed(counter, counter.subject(1)), "ola")  # the first is too old
        assert outcome.state == "waiting"
        (outcome,) = erase_sealed(counter.service, sealed(counter, counter.subject(1)), "kari")
        assert (outcome.state, counter.holders(filed)) == ("fulfilled", set())


def test_an_operator_is_told_on_what_basis_somebody_is_held(counter: Counter) -> None:
    filed = counter.file(counter.session(1), "close")
    place(counter.service, counter.subject(1), "claim 2", date(2030, 1, 1))
    (outcome,) = erase_sealed(counter.service, sealed(counter, counter.subject(1)), "kari")
    assert (outcome.state, outcome.reason) == ("held", "held: claim 2")
    assert counter.holders(filed) == {"person"}


def test_somebody_who_has_the_address_of_a_sealed_person_is_not_taken_for_them(counter: Counter) -> None:
    counter.file(counter.session(1), "close")
    counter.scene.sql("INSERT INTO users VALUES (9, 'p1@example.org', 'New', true, true)")
    assert sealed(counter, by_identifier(counter.service.plan, "email", "p1@example.org")) == []
    assert len(sealed(counter, counter.subject(1))) == 1


def test_killed_when_the_keys_were_destroyed_it_goes_on_by_the_same_command(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    filed = counter.file(counter.session(1), "close")
    with monkeypatch.context() as patched:
        patched.setattr(put_away, "erase_filed", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            erase_sealed(counter.service, sealed(counter, counter.subject(1)), "kari")
    assert counter.holders(filed) == set()
    (outcome,) = erase_sealed(counter.service, sealed(counter, counter.subject(1)), "kari")
    assert outcome.state == "fulfilled"
    with counter.service.ledger.read() as page:
        assert [each.reference for each in page.requests.find(kind="erase")] == [outcome.reference]


@pytest.mark.parametrize("ended", [end_windows, run_until_erased])
def test_when_the_window_ends_in_that_very_moment_it_is_said_what_became_of_them(
    counter: Counter, ended: Callable[[Service], object]
) -> None:
    filed = counter.file(counter.session(1), "close")
    closes = sealed(counter, counter.subject(1))
    counter.clock.forward(days=31)
    ended(counter.service)
    (outcome,) = erase_sealed(counter.service, closes, "kari")
    erasure = counter.request(filed.request.reference).followed_by
    assert (outcome.reference, outcome.state, outcome.rows, outcome.reason) == (erasure, "fulfilled", 3, "")


def test_whoever_came_back_in_that_very_moment_is_said_to_be_back(counter: Counter) -> None:
    filed = counter.file(counter.session(1), "close")
    closes = sealed(counter, counter.subject(1))
    counter.come_back(filed)
    (outcome,) = erase_sealed(counter.service, closes, "kari")
    assert (outcome.state, "come back meanwhile" in outcome.reason) == ("refused", True)
    assert counter.scene.rows("SELECT count(*) FROM users WHERE id = 1") == [(1,)]
