"""Close, return and unsubscribe, when something dies or fails on the way."""

from collections.abc import Callable
from typing import Any

import pytest

from slett.requests import at_once
from slett.requests.at_once import take_up
from slett.requests.close import close, reopen
from slett.requests.unsubscribe import unsubscribe
from slett.stores.errors import Unavailable
from tests.requests.shop import Counter


class Died(BaseException):
    """As a process would."""


def dying(*_: Any) -> Any:
    raise Died


def after(act: Callable[..., Any]) -> Callable[..., Any]:
    def die(*arguments: Any) -> Any:
        act(*arguments)
        raise Died

    return die


def closing(counter: Counter) -> str:
    """Close the account of person 1, and die on the way."""
    with pytest.raises(Died):
        counter.file(counter.session(), "close")
    with counter.service.ledger.read() as page:
        (request,) = page.requests.find()
    return request.reference


@pytest.mark.parametrize(
    ("where", "how"),
    [
        ("look_before", dying),
        ("close", dying),
        ("close", after(close)),
        ("_finish", dying),
    ],
)
def test_a_close_that_died_is_finished_and_still_has_its_way_back(
    counter: Counter, monkeypatch: pytest.MonkeyPatch, where: str, how: Callable[..., Any]
) -> None:
    before = counter.scene.snapshot()
    with monkeypatch.context() as broken:
        broken.setattr(at_once, where, how)
        reference = closing(counter)
    assert counter.state(reference) in ("scheduled", "running")
    assert take_up(counter.service) == 0  # whoever began may still be at it
    counter.clock.forward(minutes=3)
    assert take_up(counter.service) == 1
    assert counter.state(reference) == "fulfilled"
    assert counter.scene.rows("SELECT active FROM users WHERE id = 1") == [(0,)]
    assert len(counter.letters("closed")) == 1
    with counter.service.ledger.read() as page:
        assert len(list(page.before.read(reference))) == 1
    back(counter, reference)
    assert counter.scene.snapshot() == before


def back(counter: Counter, reference: str) -> None:
    (letter,) = counter.letters("closed")
    secret = str(letter.values["link"]).rpartition("/")[2]
    session = counter.opened(counter.desk.ask_return(reference, secret))
    counter.desk.confirm_return(session, str(counter.letters("code")[-1].values["code"]))


@pytest.mark.parametrize("how", [dying, after(reopen)])
def test_a_return_that_died_is_finished(
    counter: Counter, monkeypatch: pytest.MonkeyPatch, how: Callable[..., Any]
) -> None:
    before = counter.scene.snapshot()
    closed = counter.file(counter.session(), "close").request.reference
    with monkeypatch.context() as broken:
        broken.setattr(at_once, "reopen", how)
        with pytest.raises(Died):
            back(counter, closed)
    counter.clock.forward(minutes=3)
    assert take_up(counter.service) == 1
    assert counter.scene.snapshot() == before
    followed_by = counter.request(closed).followed_by
    assert followed_by
    assert counter.state(followed_by) == "fulfilled"


def test_a_close_that_froze_and_thaws_after_the_person_returned_changes_nothing(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = counter.scene.snapshot()

    def frozen(*arguments: Any) -> Any:
        monkeypatch.undo()
        counter.clock.forward(minutes=3)
        assert take_up(counter.service) == 1
        with counter.service.ledger.read() as page:
            (request,) = page.requests.find()
        back(counter, request.reference)
        return close(*arguments)

    monkeypatch.setattr(at_once, "close", frozen)
    filed = counter.file(counter.session(), "close")
    assert counter.scene.snapshot() == before
    assert counter.request(filed.request.reference).followed_by


def test_a_return_that_froze_and_thaws_after_the_person_closed_again_opens_nothing(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = counter.file(counter.session(), "close").request.reference

    def frozen(*arguments: Any) -> Any:
        monkeypatch.undo()
        counter.clock.forward(minutes=3)
        assert take_up(counter.service) == 1
        assert counter.scene.rows("SELECT active FROM users WHERE id = 1") == [(1,)]
        assert counter.file(counter.session(), "close").request.reference != first
        return reopen(*arguments)

    monkeypatch.setattr(at_once, "reopen", frozen)
    back(counter, first)
    assert counter.scene.rows("SELECT active FROM users WHERE id = 1") == [(0,)]


def test_an_unsubscribe_that_froze_and_thaws_after_another_did_it_changes_nothing(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def frozen(*arguments: Any) -> Any:
        monkeypatch.undo()
        counter.clock.forward(minutes=3)
        assert take_up(counter.service) == 1
        counter.scene.sql("UPDATE users SET newsletter = true WHERE id = 1")  # they subscribe again
        return unsubscribe(*arguments)

    monkeypatch.setattr(at_once, "unsubscribe", frozen)
    counter.file(counter.session(), "unsubscribe")
    assert counter.scene.rows("SELECT newsletter FROM users WHERE id = 1") == [(1,)]


def test_a_store_that_fails_leaves_the_request_to_be_taken_up(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise Unavailable("shop", "it does not answer")

    with monkeypatch.context() as broken:
        broken.setattr(at_once, "unsubscribe", fail)
        with pytest.raises(Unavailable):
            counter.file(counter.session(), "unsubscribe")
    counter.clock.forward(minutes=3)
    assert take_up(counter.service) == 1
    assert counter.scene.rows("SELECT newsletter FROM users WHERE id = 1") == [(0,)]


def test_somebody_who_is_not_there_cannot_close_and_is_told(counter: Counter) -> None:
    filed = counter.file(counter.session(99), "close")
    assert counter.state(filed.request.reference) == "not_found"
    assert [letter.values["found"] for letter in counter.letters("refused")] == [False]


def test_an_account_that_was_opened_behind_our_back_is_closed_again(counter: Counter) -> None:
    """Without a second request, and with the way back to how it was at first."""
    before = counter.scene.snapshot()
    closed = counter.file(counter.session(), "close")
    counter.scene.sql("UPDATE users SET active = true WHERE id = 1")
    again = counter.file(counter.session(), "close")
    assert (again.request.reference, again.secret) == (closed.request.reference, closed.secret)
    assert counter.scene.rows("SELECT active FROM users WHERE id = 1") == [(0,)]
    back(counter, closed.request.reference)
    assert counter.scene.snapshot() == before
