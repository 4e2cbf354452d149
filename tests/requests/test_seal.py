"""An account that is sealed when it is closed: everything leaves the service, and only its owner can bring it back."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from slett.certify import write_certificates
from slett.requests import at_once
from slett.requests.answers import TooLate, WrongRecovery
from slett.requests.hold import place, release
from slett.requests.refuse import Refused
from slett.requests.runner import run_once
from slett.requests.subject import by_identifier, by_key
from slett.requests.way_back import NoWayBack, bring_back, end_ways_back
from slett.stores.giveback import blocked
from slett.stores.schema import Dialect
from slett.stores.straight import Astray, Straight
from slett.vault import draw_code, giving
from tests.conftest import NewDatabase
from tests.journeys.scene import Scene
from tests.ledger.clock import Clock
from tests.requests.shop import MAP, Counter, fill, opened_counter

HEAD = "closing: seal\ncategories: {listings: {en: Listings, nb: Annonser}}"


@pytest.fixture
def scene(tmp_path: Path, dialect: Dialect, new_database: NewDatabase) -> Scene:
    scene = Scene(tmp_path, {"shop": new_database(dialect)}, {"portal": {"url": "https://leave.example.org"}})
    fill(scene, 3)
    scene.map(HEAD, shop=MAP)
    return scene


@pytest.fixture
def counter(scene: Scene, clock: Clock) -> Iterator[Counter]:
    with opened_counter(scene, clock) as counter:
        yield counter


def test_everything_leaves_and_comes_back_as_it_was(counter: Counter) -> None:
    before = counter.scene.snapshot()
    filed = counter.file(counter.session(1), "close")
    assert counter.state(filed.request.reference) == "fulfilled"
    assert counter.scene.rows("SELECT count(*) FROM users WHERE id = 1") == [(0,)]
    assert counter.scene.rows("SELECT count(*) FROM listings WHERE user_id = 1") == [(0,)]
    back = counter.come_back(filed, filed.code.lower().replace("-", " "))
    assert counter.state(back.request.reference) == "fulfilled"
    assert counter.scene.snapshot() == before


def test_without_the_recovery_code_nobody_opens_it_the_service_neither(counter: Counter) -> None:
    filed = counter.file(counter.session(1), "close")
    sealed = counter.scene.snapshot()
    for wrong in ("", "nonsense", draw_code()):
        with pytest.raises(WrongRecovery):
            counter.come_back(filed, wrong)
    with pytest.raises(NoWayBack):
        bring_back(counter.service, counter.request(filed.request.reference), lambda *_: None, partly=True)
    assert counter.scene.snapshot() == sealed
    assert counter.holders(filed) == {"person"}


def test_a_return_without_the_code_cannot_be_confirmed_by_another_way(counter: Counter) -> None:
    filed = counter.file(counter.session(1), "close")
    session = counter.opened(counter.desk.ask_return(filed.request.reference, filed.secret))
    request = counter.desk.request_of(session)
    assert request
    code = str(counter.letters("code")[-1].values["code"])
    with pytest.raises(WrongRecovery):
        counter.desk.confirm(session, request, code=code, phrase_ok=True)
    assert counter.request(filed.request.reference).followed_by is None


@pytest.mark.parametrize("how", ["mailbox", "address changed"])
def test_whoever_might_not_be_the_owner_seals_nothing_before_all_were_told_and_waited_for(
    counter: Counter, clock: Clock, how: str
) -> None:
    """Else *close, and erase at once* would get round the wait of an erasure; nobody but they could open it again."""
    told = {"p1@example.org"}
    if how == "mailbox":
        session = counter.opened(counter.desk.begin_by_mailbox("p1@example.org", "nb"))
        code = str(counter.letters("code")[-1].values["code"])
        session = counter.opened(counter.desk.prove_mailbox(session, code))
    else:
        told.add("owner@example.org")
        session = counter.session(1, old_addresses=("owner@example.org",))
    before = counter.scene.snapshot()
    filed = counter.file(session, "close")
    assert {each.address for each in counter.letters("filed")} == told
    assert counter.file(counter.session(1), "close").request == filed.request  # nor does a second browser begin it
    clock.forward(hours=71)
    run_once(counter.service)
    assert (counter.state(filed.request.reference), counter.scene.snapshot()) == ("scheduled", before)
    with pytest.raises(TooLate):
        counter.desk.ask_erasure(filed.request.reference, filed.secret)
    clock.forward(hours=2)
    run_once(counter.service)
    assert counter.state(filed.request.reference) == "fulfilled"
    assert counter.scene.rows("SELECT count(*) FROM users WHERE id = 1") == [(0,)]
    counter.come_back(filed)
    assert counter.scene.snapshot() == before


def test_its_owner_stops_a_close_that_waits_and_nothing_was_touched(counter: Counter) -> None:
    before = counter.scene.snapshot()
    filed = counter.file(counter.session(1, old_addresses=("owner@example.org",)), "close")
    assert counter.desk.cancel(filed.request.reference, counter.letters("filed")[-1].values["link"].rpartition("/")[2])
    run_once(counter.service)
    assert (counter.scene.snapshot(), counter.holders(filed)) == (before, set())


def test_where_the_service_has_a_key_no_recovery_code_is_needed(scene: Scene, clock: Clock) -> None:
    scene.settings["vault"] = {"service_key": True}
    with opened_counter(scene, clock) as counter:
        before = scene.snapshot()
        filed = counter.file(counter.session(1), "close")
        assert filed.code == ""
        counter.come_back(filed, "")
        assert scene.snapshot() == before


def test_the_recovery_code_is_shown_again_to_the_same_visit_and_stands_in_no_mail(counter: Counter) -> None:
    session = counter.session(1)
    filed = counter.file(session, "close")
    again = counter.desk.confirm(session, filed.request, code="", phrase_ok=True)
    assert again.code == filed.code
    assert filed.code not in str([each.values for each in counter.letters()])


def test_when_the_window_ends_there_is_no_way_back_and_the_certificate_says_both_times(
    counter: Counter, clock: Clock
) -> None:
    filed = counter.file(counter.session(1), "close")
    sealed_at = clock.now
    clock.forward(days=31)
    run_once(counter.service)
    run_once(counter.service)
    closed = counter.request(filed.request.reference)
    assert closed.followed_by
    erased = counter.request(closed.followed_by)
    assert (erased.kind, erased.state) == ("erase", "fulfilled")
    assert erased.counts["shop/users"]["delete"] == 1
    with pytest.raises(TooLate):
        counter.come_back(filed)
    with counter.service.ledger.read() as page:
        vault = page.vaults.of_request(filed.request.reference)
        assert vault
        assert (vault.state, page.vaults.keys(vault.number), list(page.vaults.parts(vault.number))) == (
            "destroyed",
            {},
            [],
        )
        assert erased.certificate is not None
        body: dict[str, Any] = __import__("json").loads(page.log.read([erased.certificate])[erased.certificate])
    assert body["erased"] == f"{sealed_at:%Y-%m-%dT%H:%M:%SZ}"
    assert body["beyond_recovery"] == f"{clock.now:%Y-%m-%dT%H:%M:%SZ}"
    assert write_certificates(counter.service.ledger, counter.scene.folder / "certificates", [erased.reference])


@pytest.mark.parametrize("way", ["straight", "with care"])
def test_a_return_that_froze_until_the_keys_were_destroyed_writes_nothing(
    counter: Counter, clock: Clock, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """It has read everything by then, and committed nothing."""
    filed = counter.file(counter.session(1), "close")
    sealed = counter.scene.snapshot()

    def frozen(*arguments: Any) -> Any:
        monkeypatch.undo()
        clock.forward(days=38)
        assert end_ways_back(counter.service) == 1
        return finish(*arguments) if way == "straight" else blocked(*arguments)

    def astray(*_: Any) -> None:
        raise Astray

    finish = Straight.finish
    monkeypatch.setattr(Straight, "finish", frozen if way == "straight" else astray)
    monkeypatch.setattr(giving, "blocked", frozen)
    counter.come_back(filed)
    assert counter.scene.snapshot() == sealed


def test_an_account_whose_address_was_taken_stays_sealed_and_says_why(counter: Counter) -> None:
    filed = counter.file(counter.session(1), "close")
    counter.scene.sql("INSERT INTO users VALUES (1, 'new@example.org', 'New', true, true)")
    taken = counter.scene.snapshot()
    back = counter.come_back(filed)
    request = counter.request(back.request.reference)
    assert request.state == "refused"
    assert "`shop/users`" in request.reason
    assert "p1@example.org" not in request.reason
    assert counter.scene.snapshot() == taken
    closed = counter.request(filed.request.reference)
    assert closed.followed_by is None  # it may be tried again
    assert counter.holders(filed) == {"person"}  # by them alone, as before
    with pytest.raises(WrongRecovery):
        counter.come_back(filed, "")
    counter.scene.sql("DELETE FROM users WHERE id = 1")
    again = counter.come_back(filed)
    assert counter.state(again.request.reference) == "fulfilled"


def held(counter: Counter, *tables: str) -> int:
    return place(counter.service, counter.subject(1), "Litigation hold 7", date(2030, 1, 1), tables)


def test_whoever_is_held_is_not_sealed_until_they_are_released(counter: Counter, clock: Clock) -> None:
    before = counter.scene.snapshot()
    number = held(counter)
    filed = counter.file(counter.session(1), "close")
    waiting = counter.request(filed.request.reference)
    assert (waiting.state, waiting.reason, waiting.held) == ("scheduled", "held: Litigation hold 7", number)
    clock.forward(minutes=3)
    run_once(counter.service)
    assert counter.scene.snapshot() == before
    assert release(counter.service, number) == 1
    clock.forward(minutes=3)
    run_once(counter.service)
    assert counter.state(filed.request.reference) == "fulfilled"
    assert counter.scene.rows("SELECT count(*) FROM users WHERE id = 1") == [(0,)]
    counter.come_back(filed)
    assert counter.scene.snapshot() == before


@pytest.mark.parametrize("named", ["by key", "by address"])
def test_what_is_sealed_and_held_outlives_its_window_until_the_release(
    counter: Counter, clock: Clock, named: str
) -> None:
    filed = counter.file(counter.session(1), "close")
    plan = counter.service.plan
    who = by_key(plan, "1") if named == "by key" else by_identifier(plan, "email", "P1@example.org")
    first, second = (place(counter.service, who, f"claim {n}", date(2030, 1, 1)) for n in (1, 2))
    clock.forward(days=31)
    run_once(counter.service)
    closed = counter.request(filed.request.reference)
    assert (closed.state, closed.followed_by, closed.reason) == ("fulfilled", None, "held: claim 1")
    assert counter.holders(filed) == {"person"}
    release(counter.service, first)
    run_once(counter.service)
    assert counter.holders(filed) == {"person"}  # the other one stands
    release(counter.service, second)
    run_once(counter.service)
    run_once(counter.service)
    assert counter.holders(filed) == set()
    closed = counter.request(filed.request.reference)
    assert closed.followed_by
    assert counter.state(closed.followed_by) == "fulfilled"


def test_whoever_is_held_while_sealed_may_come_back_and_is_held_then(counter: Counter) -> None:
    before = counter.scene.snapshot()
    filed = counter.file(counter.session(1), "close")
    number = held(counter)
    counter.come_back(filed)
    assert counter.scene.snapshot() == before
    again = counter.file(counter.session(1), "close")
    waiting = counter.request(again.request.reference)
    assert (waiting.state, waiting.held) == ("scheduled", number)


def test_when_the_window_has_ended_there_is_nothing_to_hold(counter: Counter, clock: Clock) -> None:
    counter.file(counter.session(1), "close")
    clock.forward(days=31)
    run_once(counter.service)
    with pytest.raises(Refused, match="nobody was found"):
        held(counter)


def test_what_could_not_come_back_is_closed_to_the_service_again(counter: Counter) -> None:
    filed = counter.file(counter.session(1), "close")
    counter.scene.sql("INSERT INTO listings VALUES (1, 2, 'Table', false)")
    back = counter.come_back(filed)
    assert counter.state(back.request.reference) == "partially_fulfilled"
    assert counter.scene.rows("SELECT count(*) FROM users WHERE id = 1") == [(1,)]
    assert counter.holders(filed) == {"person"}


def test_whoever_is_held_in_part_is_not_sealed_and_is_told_on_what_basis(counter: Counter) -> None:
    """Sealed are all rows of a person or none: else the rest would have to be erased, which nobody asked for."""
    before = counter.scene.snapshot()
    held(counter, "shop/listings")
    filed = counter.file(counter.session(1), "close")
    refused = counter.request(filed.request.reference)
    assert (refused.state, refused.reason) == ("refused", "held: Litigation hold 7")
    run_once(counter.service)
    assert counter.scene.snapshot() == before
    with counter.service.ledger.read() as page:
        assert [each.kind for each in page.requests.find()] == ["close"]
        vault = page.vaults.of_request(filed.request.reference)
        assert vault
        assert vault.state == "destroyed"


def test_whoever_owes_something_is_not_sealed(counter: Counter) -> None:
    from slett.requests.answers import Blocked

    counter.scene.sql("INSERT INTO orders VALUES (1, 1, false)")
    with pytest.raises(Blocked):
        counter.desk.choose(counter.session(1), "close")


def test_nothing_of_the_person_can_be_read_in_the_ledger(counter: Counter) -> None:
    filed = counter.file(counter.session(1), "close")
    engine = sa.create_engine(counter.service.settings.ledger)
    with engine.connect() as connection:
        blobs = [bytes(each) for (each,) in connection.exec_driver_sql("SELECT blob FROM vault_parts")]
    engine.dispose()
    assert blobs
    assert all(b"p1@example.org" not in each for each in blobs)
    content = b"".join(each.read_bytes() for each in (counter.scene.folder / ".slett").iterdir() if each.is_file())
    assert filed.code.encode() not in content
    assert filed.code.replace("-", "").encode() not in content


def test_a_backup_that_brings_a_sealed_account_back_is_known_to_do_so(counter: Counter) -> None:
    """A sealed person has a tombstone until they come back: a replay would erase the rows that a backup brings."""
    filed = counter.file(counter.session(1), "close")
    with counter.service.ledger.read() as page:
        assert set(page.tombstones.find("shop/users", ["1"])) == {"1"}
    counter.come_back(filed)
    with counter.service.ledger.read() as page:
        assert page.tombstones.find("shop/users", ["1"]) == {}


def test_a_vault_that_nobody_filled_goes(counter: Counter) -> None:
    """The account is gone by the time that its close is carried out."""
    session = counter.session(3)
    request = counter.desk.choose(session, "close")
    code = counter.code(session, request)
    counter.scene.sql("DELETE FROM listings WHERE user_id = 3", "DELETE FROM users WHERE id = 3")
    filed = counter.desk.confirm(counter.again(session), request, code=code, phrase_ok=True)
    assert counter.state(filed.request.reference) == "not_found"
    end_ways_back(counter.service)
    with counter.service.ledger.read() as page:
        vault = page.vaults.of_request(filed.request.reference)
        assert vault
        assert (vault.state, page.vaults.keys(vault.number)) == ("destroyed", {})


@pytest.mark.parametrize(("hours", "state"), [(0, "destroyed"), (24, "sealed")])
def test_what_was_taken_before_a_hold_stopped_it_has_its_time_too(
    scene: Scene, clock: Clock, hours: int, state: str
) -> None:
    """The batch ended, and nobody sealed what had been taken for it."""
    scene.settings["vault"] = {"undo_window_hours": hours}
    with opened_counter(scene, clock) as counter:
        with counter.service.ledger.write() as page:
            batch = page.batches.create([], "host:1")
            page.vaults.join(batch.lease, page.vaults.create("age1recipient", []), [])
            page.batches.finish(batch.lease)
        end_ways_back(counter.service)
        with counter.service.ledger.read() as page:
            vault = page.vaults.of_batch(batch.number)
        assert vault
        assert (vault.state, vault.until) == (state, clock.now + timedelta(hours=hours))


def test_a_return_that_finds_the_keys_destroyed_ends_and_says_so(counter: Counter) -> None:
    """It must not wait for ever, to be tried again each minute."""
    filed = counter.file(counter.session(1), "close")
    session = counter.opened(counter.desk.ask_return(filed.request.reference, filed.secret))
    code = str(counter.letters("code")[-1].values["code"])
    bring = at_once.bring_back

    def too_late(*arguments: Any, **named: Any) -> Any:
        with counter.service.ledger.write() as page:
            page.vaults.destroy(1, at_end=False)
        return bring(*arguments, **named)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(at_once, "bring_back", too_late)
        back = counter.desk.confirm_return(session, code, filed.code)
    request = counter.request(back.request.reference)
    assert request.state == "refused"
    assert "keys are destroyed" in request.reason
