"""What one capability leaves behind is what the next one finds: a sealed close, holds, namesakes, time."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from slett.execute import Run
from slett.ledger import Request
from slett.requests import at_once, way_back
from slett.requests.answers import Filed
from slett.requests.erase import erase
from slett.requests.hold import HeldBack, place, release
from slett.requests.runner import run_once
from slett.requests.subject import by_identifier
from slett.stores.errors import Busy, StoreError
from tests.journeys.scene import Scene
from tests.ledger.clock import Clock
from tests.requests.shop import MAP, Counter, fill, opened_counter, store_down


@pytest.fixture
def scene(tmp_path: Path, sqlite_database: str) -> Scene:
    scene = Scene(tmp_path, {"shop": sqlite_database}, {"portal": {"url": "https://leave.example.org"}})
    fill(scene, 3)
    scene.map("closing: seal\ncategories: {listings: {en: Listings, nb: Annonser}}", shop=MAP)
    return scene


def end_window(counter: Counter, filed: Filed) -> Request:
    """The erasure that follows a close."""
    counter.clock.forward(days=31)
    run_once(counter.service)
    run_once(counter.service)
    closed = counter.request(filed.request.reference)
    assert closed.followed_by
    return counter.request(closed.followed_by)


@pytest.mark.parametrize("named", ["by key", "by address"])
def test_whoever_has_the_key_or_the_address_of_a_sealed_person_by_now_stays(counter: Counter, named: str) -> None:
    by_address = by_identifier(counter.service.plan, "email", "p3@example.org")
    session = counter.session(3) if named == "by key" else counter.session(3, subject=by_address)
    filed = counter.file(session, "close")
    number = 3 if named == "by key" else 4
    counter.scene.sql(
        f"INSERT INTO users VALUES ({number}, 'p3@example.org', 'New', true, true)",
        f"INSERT INTO listings VALUES (30, {number}, 'Lamp', false)",
    )
    before = counter.scene.snapshot()
    erased = end_window(counter, filed)
    assert counter.scene.snapshot() == before
    assert erased.state == "fulfilled"


def test_what_is_written_late_of_a_sealed_person_goes_with_them_however_they_were_named(counter: Counter) -> None:
    by_address = by_identifier(counter.service.plan, "email", "p3@example.org")
    filed = counter.file(counter.session(3, subject=by_address), "close")
    counter.scene.sql("INSERT INTO listings VALUES (30, 3, 'Lamp', false)")
    erased = end_window(counter, filed)
    assert counter.scene.rows("SELECT id FROM listings WHERE user_id = 3") == []
    assert (erased.state, erased.counts["shop/listings"]) == ("fulfilled", {"delete": 2})


def test_whoever_is_put_away_is_not_said_to_be_erased(counter: Counter) -> None:
    filed = counter.file(counter.session(3), "close")
    (outcome,) = erase(counter.service, [counter.subject(3)])
    assert (outcome.state, outcome.erased_before) == ("not_found", False)
    assert f"put away when the account was closed, by request {filed.request.reference}" in outcome.reason
    assert "destroyed on 2026-12-20, or at once by `slett erase --now`" in outcome.reason
    end_window(counter, filed)
    (outcome,) = erase(counter.service, [counter.subject(3)])
    assert (outcome.state, outcome.erased_before) == ("not_found", True)


def test_a_return_that_was_confirmed_in_time_comes_to_its_end_whenever_the_store_is_back(
    counter: Counter,
) -> None:
    before = counter.scene.snapshot()
    filed = counter.file(counter.session(3), "close")
    counter.clock.forward(days=29, hours=23)

    with store_down(), pytest.raises(StoreError):
        counter.come_back(filed)
    counter.clock.forward(hours=2)
    run_once(counter.service)
    run_once(counter.service)
    assert counter.scene.snapshot() == before


def stop_half_way(counter: Counter) -> tuple[Request, int]:
    """Close person 3, and hold them when the first of their rows is not what it was: the request, and the hold."""
    placed: list[int] = []
    apply = Run.apply

    def held(self: Run, planned: Sequence[int]) -> Iterator[Any]:
        for done in apply(self, planned):
            yield done
            if not placed:
                placed.append(place(counter.service, counter.subject(3), "claim", date(2030, 1, 1)))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Run, "apply", held)
        with pytest.raises(HeldBack):
            counter.file(counter.session(3), "close")
    for _ in range(2):
        counter.clock.forward(minutes=10)
        run_once(counter.service)
    with counter.service.ledger.read() as page:
        (request,) = page.requests.find(kind="close")
    assert (request.state, request.held) == ("scheduled", placed[0])
    return request, placed[0]


def test_a_close_that_a_hold_stopped_half_way_has_its_whole_window(scene: Scene, clock: Clock) -> None:
    scene.settings["chunk_rows"] = 1
    with opened_counter(scene, clock) as counter:
        request, number = stop_half_way(counter)
        release(counter.service, number)
        for _ in range(2):
            clock.forward(minutes=10)
            run_once(counter.service)
        closed = counter.request(request.reference)
        assert closed.state == "fulfilled"
        with counter.service.ledger.read() as page:
            vault = page.vaults.of_request(request.reference)
        assert vault
        assert (vault.state, vault.until) == ("sealed", closed.until)


def test_whoever_is_half_put_away_and_held_in_part_then_waits_for_that_too(scene: Scene, clock: Clock) -> None:
    """A refusal would leave half of them in a vault that nobody opens."""
    scene.settings["chunk_rows"] = 1
    with opened_counter(scene, clock) as counter:
        before = counter.scene.snapshot()
        request, number = stop_half_way(counter)
        half = counter.scene.snapshot()
        other = place(counter.service, counter.subject(3), "claim 2", date(2030, 1, 1), ("shop/listings",))
        for hold in (number, other):
            assert counter.scene.snapshot() == half != before
            assert counter.request(request.reference).held == hold
            release(counter.service, hold)
            for _ in range(2):
                clock.forward(minutes=10)
                run_once(counter.service)
        assert counter.state(request.reference) == "fulfilled"
        assert counter.scene.rows("SELECT id FROM users WHERE id = 3") == []


def test_whoever_is_half_put_away_cannot_cancel_and_lose_that_half(scene: Scene, clock: Clock) -> None:
    scene.settings["chunk_rows"] = 1
    with opened_counter(scene, clock) as counter:
        request, _ = stop_half_way(counter)
        assert not counter.desk.cancel(request.reference, counter.again(counter.session(3)))
        assert not counter.desk.status(request).can_cancel
        assert counter.state(request.reference) == "scheduled"


def test_a_return_that_is_said_twice_has_the_same_answer(counter: Counter) -> None:
    filed = counter.file(counter.session(1), "close")
    session = counter.opened(counter.desk.ask_return(filed.request.reference, filed.secret))
    code = str(counter.letters("code")[-1].values["code"])
    first = counter.desk.confirm_return(session, code, filed.code)
    again = counter.desk.confirm_return(session, code, filed.code)
    assert (again.request.reference, again.secret) == (first.request.reference, first.secret)
    assert again.request.state == "fulfilled"


@pytest.mark.parametrize("then", [False, True])
def test_a_return_in_vain_takes_the_key_from_nobody_whatever_the_settings_say_by_then(
    scene: Scene, clock: Clock, then: bool
) -> None:
    """Whoever could open the account when it was sealed can open it still, and nobody else can."""
    scene.settings["vault"] = {"service_key": not then}
    with opened_counter(scene, clock) as counter:
        filed = counter.file(counter.session(1), "close")
        holders = counter.holders(filed)
    scene.settings["vault"] = {"service_key": then}
    with opened_counter(scene, clock) as counter:
        scene.sql("INSERT INTO users VALUES (1, 'new@example.org', 'New', true, true)")
        counter.come_back(filed)
        assert counter.holders(filed) == holders == ({"person"} if then else {"service"})
        scene.sql("DELETE FROM users WHERE id = 1")
        assert counter.state(counter.come_back(filed).request.reference) == "fulfilled"


def test_a_return_that_takes_long_comes_to_its_end_though_another_process_tries_meanwhile(
    counter: Counter, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever takes it for dead waits for its locks, in vain."""
    before = counter.scene.snapshot()
    filed = counter.file(counter.session(1), "close")
    real = way_back.put_back

    def busy(*_: Any, **__: Any) -> Any:
        raise Busy("shop", "somebody holds a lock")

    def slowly(*arguments: Any, **named: Any) -> Any:
        monkeypatch.setattr(way_back, "put_back", busy)
        clock.forward(minutes=3)
        with counter.scene.open() as other, pytest.raises(Busy):
            at_once.take_up(replace(other, ledger=counter.service.ledger))
        monkeypatch.undo()
        return real(*arguments, **named)

    monkeypatch.setattr(way_back, "put_back", slowly)
    back = counter.come_back(filed)
    assert counter.state(back.request.reference) == "fulfilled"
    assert counter.scene.snapshot() == before


def test_a_return_that_was_done_by_another_process_meanwhile_is_not_done_again(
    counter: Counter, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    filed = counter.file(counter.session(1), "close")
    real = way_back.put_back

    def frozen(*arguments: Any, **named: Any) -> Any:
        monkeypatch.undo()
        clock.forward(minutes=3)
        with counter.scene.open() as other:
            assert at_once.take_up(replace(other, ledger=counter.service.ledger)) == 1
        counter.scene.sql("DELETE FROM listings WHERE id = 1")  # by its owner, who is back
        return real(*arguments, **named)

    monkeypatch.setattr(way_back, "put_back", frozen)
    back = counter.come_back(filed)
    assert counter.state(back.request.reference) == "fulfilled"
    assert counter.scene.rows("SELECT id FROM listings WHERE id = 1") == []
