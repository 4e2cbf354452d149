"""What could not come back of a sealed account may be come for again: while its window is open, and by them alone."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from slett.ledger import Request
from slett.ledger.errors import BrokenSeal
from slett.ledger.tables import particulars
from slett.requests import at_once, way_back
from slett.requests.answers import Filed, TooLate, WrongRecovery
from slett.requests.at_once import take_up
from slett.requests.erase import erase
from slett.requests.hold import place, release
from slett.requests.particulars import read_particulars
from slett.requests.pause import Paused
from slett.requests.runner import run_once
from slett.requests.status import Done
from slett.requests.windows import end_windows
from slett.stores.errors import StoreError
from slett.stores.schema import Dialect
from slett.vault import VaultError, put_back
from tests.conftest import NewDatabase
from tests.journeys.scene import Scene
from tests.ledger.clock import Clock
from tests.requests.shop import MAP, Counter, fill, opened_counter, store_down

HEAD = "closing: seal\ncategories: {listings: {en: Listings, nb: Annonser}}"


def a_shop(scene: Scene) -> Scene:
    """Person 1 has three listings, and others have theirs."""
    fill(scene, 3)
    scene.sql("INSERT INTO listings VALUES (11, 1, 'Lamp', false), (12, 1, 'Boat', false)")
    scene.map(HEAD, shop=MAP)
    return scene


@pytest.fixture
def scene(tmp_path: Path, sqlite_database: str) -> Scene:
    return a_shop(Scene(tmp_path, {"shop": sqlite_database}, {"portal": {"url": "https://leave.example.org"}}))


@pytest.fixture
def everywhere(tmp_path: Path, dialect: Dialect, new_database: NewDatabase, clock: Clock) -> Iterator[Counter]:
    """The counter of a shop on each kind of database."""
    settings = {"portal": {"url": "https://leave.example.org"}}
    with opened_counter(a_shop(Scene(tmp_path, {"shop": new_database(dialect)}, settings)), clock) as counter:
        yield counter


def comes_back_in_part(counter: Counter) -> Filed:
    """Person 1 closes, somebody takes the key of a listing, and all but that comes back."""
    filed = counter.file(counter.session(1), "close")
    counter.scene.sql("INSERT INTO listings VALUES (1, 2, 'Table', false)")
    back = counter.come_back(filed)
    assert counter.state(back.request.reference) == "partially_fulfilled"
    counter.clock.forward(hours=1)
    run_once(counter.service)
    return filed


def makes_way(counter: Counter) -> None:
    counter.scene.sql("DELETE FROM listings WHERE id = 1")


def closed(counter: Counter, filed: Filed) -> Request:
    return counter.request(filed.request.reference)


def vault_state(counter: Counter, filed: Filed) -> str:
    with counter.service.ledger.read() as page:
        vault = page.vaults.of_request(filed.request.reference)
    assert vault
    return vault.state


def returns(counter: Counter) -> list[Request]:
    """The newest first."""
    with counter.service.ledger.read() as page:
        return list(page.requests.find(kind="return"))


def waits(counter: Counter, filed: Filed) -> bool:
    return counter.desk.status(closed(counter, filed)).waits is not None


# -- coming again -----------------------------------------------------------------------------------


def test_what_could_not_come_back_comes_when_nothing_stands_in_its_way(everywhere: Counter) -> None:
    counter = everywhere
    before = counter.scene.snapshot()
    filed = comes_back_in_part(counter)
    (first,) = returns(counter)
    for each in (closed(counter, filed), first):
        status = counter.desk.status(each, "nb")
        assert status.can_return
        assert status.waits
        assert status.waits.until == closed(counter, filed).until
        assert status.waits.done == (Done("listings", "Annonser", {"wait": 1}),)
    makes_way(counter)
    counter.clock.forward(days=20)
    again = counter.come_back(filed)
    assert counter.state(again.request.reference) == "fulfilled"
    assert counter.request(again.request.reference).counts == {"": {"return": 1}}
    assert counter.scene.snapshot() == before
    assert (vault_state(counter, filed), waits(counter, filed)) == ("destroyed", False)
    with pytest.raises(TooLate):
        counter.come_back(filed)


def test_what_is_back_is_theirs_to_change_and_to_delete(everywhere: Counter) -> None:
    """Whoever comes for the rest finds nothing again that they have deleted since, and nothing as it was before."""
    counter = everywhere
    filed = comes_back_in_part(counter)
    counter.scene.sql(
        "UPDATE users SET name = 'Somebody', email = 'new@example.org' WHERE id = 1",
        "DELETE FROM listings WHERE id IN (1, 11)",
        "UPDATE listings SET title = 'Ship' WHERE id = 12",
    )
    again = counter.come_back(filed)
    assert counter.state(again.request.reference) == "fulfilled"
    found = counter.scene.rows("SELECT id, title FROM listings WHERE user_id = 1 ORDER BY id")
    assert found == [(1, "Chair"), (12, "Ship")]
    assert counter.scene.rows("SELECT name FROM users WHERE id = 1") == [("Somebody",)]


def test_what_still_cannot_come_waits_on_and_may_be_asked_for_again(everywhere: Counter) -> None:
    counter = everywhere
    filed = comes_back_in_part(counter)
    first = closed(counter, filed).followed_by
    as_is = counter.scene.snapshot()
    for _ in range(2):
        again = counter.come_back(filed)
        assert counter.state(again.request.reference) == "refused"
        assert "`shop/listings`" in counter.request(again.request.reference).reason
        assert counter.scene.snapshot() == as_is
        assert closed(counter, filed).followed_by == first
        assert counter.holders(filed) == {"person"}
        assert counter.desk.status(counter.request(again.request.reference)).can_return
    makes_way(counter)
    assert counter.state(counter.come_back(filed).request.reference) == "fulfilled"


def test_some_of_the_rest_may_come_and_the_others_later(everywhere: Counter) -> None:
    counter = everywhere
    before = counter.scene.snapshot()
    filed = counter.file(counter.session(1), "close")
    counter.scene.sql("INSERT INTO listings VALUES (1, 2, 'Table', false), (12, 2, 'Desk', false)")
    counter.come_back(filed)
    for number, rest in ((12, 1), (1, None)):
        counter.scene.sql(f"DELETE FROM listings WHERE id = {number}")
        counter.come_back(filed)
        status = counter.desk.status(closed(counter, filed)).waits
        assert (sum(each.rows["wait"] for each in status.done) if status else None) == rest
    assert counter.scene.snapshot() == before
    assert [each.state for each in returns(counter)].count("partially_fulfilled") == 2


def test_without_the_recovery_code_nobody_comes_for_the_rest(counter: Counter) -> None:
    filed = comes_back_in_part(counter)
    makes_way(counter)
    for wrong in ("", "nonsense"):
        with pytest.raises(WrongRecovery):
            counter.come_back(filed, wrong)
    assert counter.holders(filed) == {"person"}
    assert counter.scene.rows("SELECT id FROM listings WHERE id = 1") == []


def test_where_the_service_has_a_key_it_opens_the_rest_too(scene: Scene, clock: Clock) -> None:
    scene.settings["vault"] = {"service_key": True}
    with opened_counter(scene, clock) as counter:
        before = scene.snapshot()
        filed = comes_back_in_part(counter)
        makes_way(counter)
        counter.come_back(filed, "")
        assert scene.snapshot() == before


def test_they_are_told_what_waits_and_until_when(counter: Counter) -> None:
    filed = counter.file(counter.session(1), "close")
    counter.scene.sql("INSERT INTO listings VALUES (1, 2, 'Table', false)")
    counter.come_back(filed)
    until = closed(counter, filed).until
    assert until
    assert [each.values["until"] for each in counter.letters("returned")] == [until.isoformat()]
    makes_way(counter)
    counter.come_back(filed)
    assert [each.values["until"] for each in counter.letters("returned")] == [until.isoformat(), ""]


# -- its end ----------------------------------------------------------------------------------------


def test_when_the_window_ends_the_rest_is_destroyed_and_nobody_is_erased(counter: Counter) -> None:
    filed = comes_back_in_part(counter)
    back = closed(counter, filed).followed_by or ""
    as_is = counter.scene.snapshot()
    counter.clock.forward(days=31)
    for _ in range(2):
        run_once(counter.service)
    assert (vault_state(counter, filed), counter.holders(filed)) == ("destroyed", set())
    assert counter.scene.snapshot() == as_is
    with counter.service.ledger.read() as page:
        assert page.requests.find(kind="erase") == ()
        assert read_particulars(page, back) is None
    assert not waits(counter, filed)
    with pytest.raises(TooLate):
        counter.come_back(filed)


def test_a_window_that_cannot_end_holds_up_no_other(counter: Counter) -> None:
    """Particulars that somebody has changed, of one person."""
    closes = [counter.file(counter.session(number), "close") for number in (1, 2)]
    with counter.service.ledger._engine.begin() as connection:
        mine = particulars.c.request == closes[0].request.reference
        connection.execute(particulars.update().where(mine).values(blob=b"x"))
    counter.clock.forward(days=31)
    with pytest.raises(BrokenSeal):
        end_windows(counter.service)
    assert [counter.holders(filed) for filed in closes] == [{"person"}, set()]


def test_whoever_asks_for_the_rest_in_time_gets_it_however_long_a_store_is_down(counter: Counter) -> None:
    before = counter.scene.snapshot()
    filed = comes_back_in_part(counter)
    makes_way(counter)
    counter.clock.forward(days=29, hours=22)
    with store_down(), pytest.raises(StoreError):
        counter.come_back(filed)
    counter.clock.forward(hours=3)
    run_once(counter.service)
    run_once(counter.service)
    assert counter.scene.snapshot() == before


def test_a_hold_keeps_the_rest_until_the_release(counter: Counter) -> None:
    filed = comes_back_in_part(counter)
    number = place(counter.service, counter.subject(1), "claim 2", date(2030, 1, 1))
    counter.clock.forward(days=31)
    run_once(counter.service)
    assert counter.holders(filed) == {"person"}
    release(counter.service, number)
    run_once(counter.service)
    assert vault_state(counter, filed) == "destroyed"


def test_whoever_is_held_may_come_for_the_rest(counter: Counter) -> None:
    before = counter.scene.snapshot()
    filed = comes_back_in_part(counter)
    place(counter.service, counter.subject(1), "claim 2", date(2030, 1, 1))
    makes_way(counter)
    counter.come_back(filed)
    assert counter.scene.snapshot() == before


# -- faults -----------------------------------------------------------------------------------------


class Died(BaseException):
    """As `kill -9`: nothing more runs."""


@pytest.mark.parametrize("where", ["before it is begun with", "before the stores commit", "after they did"])
def test_killed_half_way_the_rest_comes_all_the_same(
    everywhere: Counter, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    counter = everywhere
    before = counter.scene.snapshot()
    filed = comes_back_in_part(counter)
    makes_way(counter)

    def die(*_: Any) -> None:
        raise Died

    def dying(*arguments: Any, **named: Any) -> Any:
        put_back(*arguments, **named | ({"may_commit": die} if where == "before the stores commit" else {}))
        raise Died

    with monkeypatch.context() as broken:
        if where == "before it is begun with":
            broken.setattr(at_once, "_do", die)
        else:
            broken.setattr(way_back, "put_back", dying)
        with pytest.raises(Died):
            counter.come_back(filed)
    counter.clock.forward(minutes=3)
    assert take_up(counter.service) == 1
    assert counter.scene.snapshot() == before
    assert (vault_state(counter, filed), returns(counter)[0].state) == ("destroyed", "fulfilled")


def test_a_vault_that_does_not_open_holds_up_nobody_else_who_comes_back(
    scene: Scene, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    place_of = scene.folder / "place"
    scene.settings["vault"] = {"url": f"file://{place_of}", "ledger_mb": 0}

    def die(*_: Any) -> None:
        raise Died

    with opened_counter(scene, clock) as counter:
        closes = [counter.file(counter.session(number), "close") for number in (1, 2)]
        with monkeypatch.context() as broken:
            broken.setattr(at_once, "_do", die)
            for filed in closes:
                clock.forward(seconds=1)
                with pytest.raises(Died):
                    counter.come_back(filed)
        for file in place_of.glob("vault-1-*"):
            file.write_bytes(b"x")
        clock.forward(minutes=3)
        with pytest.raises(VaultError, match="changed"):
            take_up(counter.service)
        assert scene.rows("SELECT id FROM users ORDER BY id") == [(2,), (3,)]


def test_of_two_who_come_for_the_rest_at_once_one_does(counter: Counter) -> None:
    before = counter.scene.snapshot()
    filed = comes_back_in_part(counter)
    makes_way(counter)
    reference, secret = filed.request.reference, filed.secret
    tokens = [counter.opened(counter.desk.ask_return(reference, secret)) for _ in range(2)]
    codes = [str(each.values["code"]) for each in counter.letters("code")[-2:]]
    for session, code in zip(tokens, codes, strict=True):
        with suppress(TooLate, WrongRecovery):
            counter.desk.confirm_return(session, code, filed.code)
    assert counter.scene.snapshot() == before
    assert [each.state for each in returns(counter)].count("fulfilled") == 1
    with pytest.raises(TooLate):
        counter.come_back(filed)


def pause(counter: Counter) -> None:
    with counter.service.ledger.write() as page:
        page.pauses.add("", "by hand", "kari")


def unpause(counter: Counter) -> None:
    with counter.service.ledger.write() as page:
        page.pauses.lift("")


def asks_while_paused(counter: Counter, filed: Filed) -> Request:
    makes_way(counter)
    pause(counter)
    with pytest.raises(Paused):
        counter.come_back(filed)
    (back, _) = returns(counter)
    assert (back.state, closed(counter, filed).followed_by) == ("scheduled", back.reference)
    return back


def test_a_second_return_that_is_cancelled_leaves_them_as_far_back_as_they_were(counter: Counter) -> None:
    """Nothing may take them for somebody who is still away, and erase them when the window ends."""
    filed = comes_back_in_part(counter)
    first = closed(counter, filed).followed_by
    back = asks_while_paused(counter, filed)
    assert counter.desk.cancel(back.reference, filed.secret)
    unpause(counter)
    assert (closed(counter, filed).followed_by, counter.holders(filed)) == (first, {"person"})
    assert waits(counter, filed)
    counter.clock.forward(days=31)
    for _ in range(2):
        run_once(counter.service)
    assert counter.scene.rows("SELECT id FROM users WHERE id = 1") == [(1,)]
    with counter.service.ledger.read() as page:
        assert page.requests.find(kind="erase") == ()


def test_whoever_is_back_in_part_is_not_erased_as_if_they_were_put_away(counter: Counter) -> None:
    filed = comes_back_in_part(counter)
    for again in (False, True):
        if again:
            asks_while_paused(counter, filed)
        assert not counter.desk.status(closed(counter, filed)).can_erase
        with pytest.raises(TooLate):
            counter.desk.ask_erasure(filed.request.reference, filed.secret)
    assert counter.scene.rows("SELECT id FROM users WHERE id = 1") == [(1,)]


# -- leaving again ----------------------------------------------------------------------------------


def test_whoever_closes_again_comes_for_the_rest_of_the_first_time_when_they_are_back(everywhere: Counter) -> None:
    """Each vault has what its close took out. Nothing comes to somebody who is away."""
    counter = everywhere
    before = counter.scene.snapshot()
    filed = comes_back_in_part(counter)
    makes_way(counter)
    token = counter.desk.ask_return(filed.request.reference, filed.secret)  # and not confirmed
    later = counter.file(counter.session(1), "close")
    as_is = counter.scene.snapshot()
    assert not counter.desk.status(closed(counter, filed)).can_return
    code = str(counter.letters("code")[-2].values["code"])
    with pytest.raises(TooLate):
        counter.desk.confirm_return(counter.opened(token), code, filed.code)
    with pytest.raises(TooLate):
        counter.come_back(filed)
    assert counter.scene.snapshot() == as_is
    assert counter.state(counter.come_back(later).request.reference) == "fulfilled"
    assert counter.state(counter.come_back(filed).request.reference) == "fulfilled"
    assert counter.scene.snapshot() == before


def test_whoever_had_the_key_before_and_is_gone_is_not_taken_for_them(counter: Counter) -> None:
    counter.file(counter.session(1), "close")
    counter.clock.forward(days=31)
    for _ in range(2):
        run_once(counter.service)
    counter.scene.sql(
        "INSERT INTO users VALUES (1, 'new@example.org', 'New', true, true)",
        "INSERT INTO listings VALUES (1, 1, 'Bench', false), (11, 1, 'Pen', false)",
    )
    filed = comes_back_in_part(counter)
    makes_way(counter)
    counter.come_back(filed)
    found = counter.scene.rows("SELECT id, title FROM listings WHERE user_id = 1 ORDER BY id")
    assert found == [(1, "Bench"), (11, "Pen")]


def test_what_was_asked_for_before_they_closed_again_does_not_come_to_nobody(counter: Counter) -> None:
    filed = comes_back_in_part(counter)
    first = closed(counter, filed).followed_by
    back = asks_while_paused(counter, filed)
    with pytest.raises(Paused):
        counter.file(counter.session(1), "close")
    unpause(counter)
    with counter.service.ledger.read() as page:
        newest = page.requests.find(kind="close")[0]
    at_once.carry_out(counter.service, newest.reference)
    assert counter.state(newest.reference) == "fulfilled"
    away = counter.scene.snapshot()
    at_once.carry_out(counter.service, back.reference)
    assert counter.state(back.reference) == "refused"
    assert "left again" in counter.request(back.reference).reason
    assert counter.scene.snapshot() == away
    assert (closed(counter, filed).followed_by, vault_state(counter, filed)) == (first, "sealed")


@pytest.mark.parametrize("asked", [False, True])
def test_whoever_is_erased_has_nothing_to_come_back_for(everywhere: Counter, asked: bool) -> None:
    counter = everywhere
    filed = comes_back_in_part(counter)
    if asked:
        asks_while_paused(counter, filed)
        unpause(counter)
    (outcome,) = erase(counter.service, [counter.subject(1)])
    assert outcome.state == "fulfilled"
    assert (vault_state(counter, filed), counter.holders(filed)) == ("destroyed", set())
    erased = counter.scene.snapshot()
    with pytest.raises(TooLate):
        counter.come_back(filed)
    counter.clock.forward(minutes=3)
    take_up(counter.service)
    assert counter.scene.snapshot() == erased
    assert closed(counter, filed).followed_by == outcome.reference


def test_of_whoever_is_erased_and_held_in_part_the_rest_stays_for_the_release(counter: Counter) -> None:
    filed = comes_back_in_part(counter)
    number = place(counter.service, counter.subject(1), "claim 2", date(2030, 1, 1), ("shop/listings",))
    erase(counter.service, [counter.subject(1)])
    assert counter.holders(filed) == {"person"}
    with pytest.raises(TooLate):
        counter.come_back(filed)
    counter.clock.forward(days=31)
    run_once(counter.service)
    assert counter.holders(filed) == {"person"}
    release(counter.service, number)
    run_once(counter.service)
    assert counter.holders(filed) == set()


def test_of_somebody_else_nothing_ends_a_rest(counter: Counter) -> None:
    filed = comes_back_in_part(counter)
    erase(counter.service, [counter.subject(2), counter.subject(3)])
    assert waits(counter, filed)
    counter.come_back(filed)  # listing 1 was person 2's
    assert not waits(counter, filed)
