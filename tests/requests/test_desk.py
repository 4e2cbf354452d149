"""The desk: a wish is filed, proven, confirmed, followed, withdrawn."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest

from slett.requests.answers import Blocked, Needs, NotFresh, NotTheirs, TooLate, Wish, WrongPhrase
from slett.requests.codes import ExpiredCode, WrongCode
from slett.requests.desk import Desk
from slett.requests.erase import erase, erase_filed
from slett.requests.hold import place
from slett.requests.particulars import read_particulars
from slett.requests.sessions import end
from slett.requests.subject import by_key
from tests.journeys.scene import Scene
from tests.ledger.clock import Clock
from tests.requests.shop import Counter, opened_counter


def test_an_erasure_waits_its_turn_and_nothing_is_touched_before(counter: Counter) -> None:
    before = counter.scene.snapshot()
    filed = counter.file(counter.session(), "erase")
    assert filed.request.state == "scheduled"
    assert filed.request.not_before == counter.clock.now
    assert counter.scene.snapshot() == before
    assert counter.events(filed.request.reference) == ["filed", "verified", "scheduled"]
    assert [letter.address for letter in counter.letters("filed")] == ["p1@example.org"]


def test_a_due_erasure_is_carried_out_as_its_particulars_say(counter: Counter) -> None:
    filed = counter.file(counter.session(2), "erase")
    with counter.service.ledger.read() as page:
        (due,) = page.requests.due(page.now, "erase")
        who = read_particulars(page, due.reference)
    assert who
    (outcome,) = erase_filed(counter.service, [(due, who.subject)])
    assert outcome.state == "fulfilled"
    assert counter.scene.rows("SELECT count(*) FROM users WHERE id = 2") == [(0,)]
    request = counter.desk.by_secret(filed.request.reference, filed.secret)
    assert request
    status = counter.desk.status(request, "nb")
    assert [each.reached for each in status.steps] == ["done"] * 5
    assert {(each.category, each.label): dict(each.rows) for each in status.done} == {
        ("listings", "Annonser"): {"delete": 1},
        ("other", ""): {"disable": 1, "delete": 1},
    }
    assert status.receipt


def test_a_close_is_carried_out_at_once_and_has_a_way_back(counter: Counter) -> None:
    filed = counter.file(counter.session(), "close")
    request = counter.request(filed.request.reference)
    assert request.state == "fulfilled"
    assert request.until == counter.clock.now + timedelta(days=30)
    assert counter.scene.rows("SELECT active, newsletter FROM users WHERE id = 1") == [(0, 0)]
    assert counter.scene.rows("SELECT hidden FROM listings ORDER BY id LIMIT 2") == [(1,), (0,)]
    assert counter.events(request.reference) == [
        "filed",
        "verified",
        "scheduled",
        "running",
        "verifying",
        "fulfilled",
    ]
    (letter,) = counter.letters("closed")
    assert letter.values["link"] == f"https://leave.example.org/s/{request.reference}/{filed.secret}"
    assert counter.desk.status(request).can_return


def test_whoever_comes_back_in_time_finds_all_as_it_was(counter: Counter) -> None:
    before = counter.scene.snapshot()
    closed = counter.file(counter.session(), "close")
    counter.clock.forward(days=29)
    session = counter.opened(counter.desk.ask_return(closed.request.reference, closed.secret))
    (letter,) = [each for each in counter.letters("code") if each.values["minutes"] == 10][-1:]
    back = counter.desk.confirm_return(session, str(letter.values["code"]))
    assert counter.scene.snapshot() == before
    assert counter.state(back.request.reference) == "fulfilled"
    assert counter.request(closed.request.reference).followed_by == back.request.reference
    assert back.secret == closed.secret
    with counter.service.ledger.read() as page:
        assert list(page.before.read(closed.request.reference)) == []


@pytest.mark.parametrize("ending", ["later", "followed"])
def test_nobody_comes_back_after_the_window(counter: Counter, ending: str) -> None:
    closed = counter.file(counter.session(), "close")
    session = counter.opened(counter.desk.ask_return(closed.request.reference, closed.secret))
    code = str(counter.letters("code")[-1].values["code"])
    if ending == "later":
        with counter.service.ledger.write() as page:
            page.requests.open_window(closed.request.reference, counter.clock.now)
    else:
        with counter.service.ledger.write() as page:
            assert page.requests.follow(closed.request.reference, "S-0000-0000")
    after = counter.scene.snapshot()
    with pytest.raises(TooLate, match="over"):
        counter.desk.confirm_return(session, code)
    with pytest.raises(TooLate, match="over"):
        counter.desk.ask_return(closed.request.reference, closed.secret)
    assert counter.scene.snapshot() == after


def test_coming_back_needs_the_code_and_not_only_the_link(counter: Counter) -> None:
    closed = counter.file(counter.session(), "close")
    session = counter.opened(counter.desk.ask_return(closed.request.reference, closed.secret))
    with pytest.raises(WrongCode):
        counter.desk.confirm_return(session, "")
    with pytest.raises(NotTheirs):
        counter.desk.ask_return(closed.request.reference, "0" * 26)
    with pytest.raises(NotTheirs):
        counter.desk.choose(session, "erase")
    assert counter.request(closed.request.reference).followed_by is None


def test_only_the_mail_stops(counter: Counter) -> None:
    filed = counter.file(counter.session(), "unsubscribe")
    assert counter.state(filed.request.reference) == "fulfilled"
    assert counter.scene.rows("SELECT active, newsletter FROM users WHERE id < 3 ORDER BY id") == [(1, 0), (1, 1)]


def test_what_must_be_settled_first_stops_close_and_erase_and_nothing_else(counter: Counter) -> None:
    counter.scene.sql("INSERT INTO orders VALUES (1, 1, false)")
    session = counter.session()
    kinds: tuple[Wish, ...] = ("close", "erase")
    for kind in kinds:
        with pytest.raises(Blocked) as blocked:
            counter.desk.choose(session, kind)
        assert [(each.text, each.link) for each in blocked.value.blocks] == [("Pay first", "/orders")]
    assert counter.desk.choose(session, "export").state == "filed"


def test_what_is_needed_depends_on_the_wish(counter: Counter) -> None:
    stale = counter.session(signed_in_at=counter.clock.now - timedelta(minutes=6))
    needs = {}
    for kind in get_args(Wish):
        request = counter.desk.choose(stale, kind)
        needs[kind] = counter.desk.needs(stale, request, counter.clock.now)
    everything = Needs(sign_in=True, code=True, phrase=True)
    assert needs == {
        "close": everything,
        "erase": everything,
        "export": replace(everything, phrase=False),
        "unsubscribe": Needs(),
    }


@pytest.mark.parametrize(
    ("minutes", "fresh"), [(0, True), (5, True), (5.01, False), (60, False), (-0.4, True), (-1, False)]
)
def test_only_a_fresh_sign_in_confirms(counter: Counter, minutes: float, fresh: bool) -> None:
    """A stolen session is not enough, nor a sign-in that is yet to come."""
    session = counter.session(signed_in_at=counter.clock.now - timedelta(minutes=minutes))
    request = counter.desk.choose(session, "erase")
    if fresh:
        assert counter.file(session, "erase").request.state == "scheduled"
    else:
        with pytest.raises(NotFresh):
            counter.desk.confirm(session, request, code=counter.code(session, request), phrase_ok=True)
        assert counter.state(request.reference) == "filed"


def test_a_sign_in_that_never_was_confirms_nothing(counter: Counter) -> None:
    session = counter.session(signed_in_at=None)
    with pytest.raises(NotFresh):
        counter.file(session, "close")


@pytest.mark.parametrize(("factors", "enough"), [((), False), (("pwd",), False), (("pwd", "otp"), True)])
def test_an_account_with_a_second_factor_must_show_it(counter: Counter, factors: tuple[str, ...], enough: bool) -> None:
    session = counter.session(second_factor=True, factors=factors)
    if enough:
        assert counter.file(session, "erase").request.state == "scheduled"
    else:
        with pytest.raises(NotFresh) as refused:
            counter.file(session, "erase")
        assert refused.value.second_factor


def test_the_phrase_must_be_typed_and_costs_no_code(counter: Counter) -> None:
    session = counter.session()
    request = counter.desk.choose(session, "erase")
    code = counter.code(session, request)
    with pytest.raises(WrongPhrase):
        counter.desk.confirm(session, request, code=code, phrase_ok=False)
    assert counter.desk.confirm(session, request, code=code, phrase_ok=True).request.state == "scheduled"


def test_a_second_click_gives_the_same_answer(counter: Counter) -> None:
    session = counter.session()
    filed = counter.file(session, "erase")
    again = counter.desk.confirm(session, filed.request, code="", phrase_ok=False)
    assert (again.request.reference, again.secret) == (filed.request.reference, filed.secret)
    assert len(counter.letters("filed")) == 1


def test_two_browsers_of_a_person_are_about_one_request(counter: Counter) -> None:
    one, two = counter.session(), counter.session()
    first, second = counter.desk.choose(one, "erase"), counter.desk.choose(two, "erase")
    assert first == second
    filed = counter.file(one, "erase")
    with pytest.raises(ExpiredCode):
        counter.desk.confirm(two, second, code="00000000", phrase_ok=True)
    assert counter.file(two, "erase").secret == filed.secret
    assert len(counter.letters("filed")) == 1


def test_anothers_request_looks_exactly_like_none(counter: Counter) -> None:
    """By a changed reference: to confirm, to send a code, to cancel, to say why."""
    theirs = counter.file(counter.session(2), "erase")
    mine = counter.session(1)
    for reference in (theirs.request.reference, "S-0000-0000", "nonsense"):
        request = replace(theirs.request, reference=reference)
        for act in (
            lambda request=request: counter.desk.confirm(mine, request, code="", phrase_ok=True),
            lambda request=request: counter.desk.send_code(mine, request),
            lambda request=request: counter.desk.cancel(request.reference, mine),
            lambda request=request: counter.desk.cancel(request.reference, "0" * 26),
            lambda request=request: counter.desk.give_reason(request.reference, mine, "privacy"),
        ):
            with pytest.raises(NotTheirs) as refused:
                act()
            assert str(refused.value) == str(NotTheirs())
        assert counter.desk.by_secret(reference, "0" * 26) is None
    assert counter.state(theirs.request.reference) == "scheduled"


def test_a_key_in_other_letter_case_is_another_person(tmp_path: Path, database: str, clock: Clock) -> None:
    """`Ab3` must not be given the status page of `aB3`, and with it their copy."""
    scene = Scene(tmp_path, {"shop": database})
    exact = " COLLATE utf8mb4_bin" if database.startswith("mariadb") else ""
    people = {"aB3": "p1@example.org", "Ab3": "p2@example.org", "ab3 ": "p3@example.org"}
    scene.sql(
        f"CREATE TABLE users (id varchar(40){exact} PRIMARY KEY, email varchar(80))",
        *(f"INSERT INTO users VALUES ('{key}', '{address}')" for key, address in people.items()),
    )
    scene.map(shop="users: {root: true, identifiers: {email: email}, disable: {email: null}, action: delete}")
    with opened_counter(scene, clock) as counter:
        plan = counter.service.plan
        filed = {
            key: counter.file(counter.session(subject=by_key(plan, key), addresses=(address,)), "export")
            for key, address in people.items()
        }
        stopped = filed.pop("aB3")
        assert not {stopped.request.reference, stopped.secret}.intersection(
            *((each.request.reference, each.secret) for each in filed.values())
        )
        assert counter.desk.cancel(stopped.request.reference, stopped.secret)
        assert {counter.state(each.request.reference) for each in filed.values()} == {"scheduled"}
        (outcome,) = erase(counter.service, [by_key(plan, "Ab3")])
        assert outcome.state == "fulfilled"
        place(counter.service, by_key(plan, "aB3"), "a case", clock.now.date() + timedelta(days=9))
        (outcome,) = erase(counter.service, [by_key(plan, "ab3 ")])
        assert outcome.state == "fulfilled"
    assert scene.rows("SELECT id FROM users") == [("aB3",)]


def test_an_unconfirmed_request_opens_by_no_secret(counter: Counter) -> None:
    request = counter.desk.choose(counter.session(), "erase")
    for secret in ("", "0" * 64, "0" * 26):
        assert counter.desk.by_secret(request.reference, secret) is None


def test_reference_and_secret_may_be_typed_as_they_are_read_out(counter: Counter) -> None:
    filed = counter.file(counter.session(), "erase")
    typed = f" {filed.secret[:13].lower()}-{filed.secret[13:].lower()} ".replace("0", "o").replace("1", "l")
    assert counter.desk.by_secret(filed.request.reference.lower().replace("-", " "), typed) == filed.request


def test_it_can_be_cancelled_by_link_or_by_session_and_once(counter: Counter) -> None:
    for session in (counter.session(1), counter.session(2)):
        filed = counter.file(session, "erase")
        by = filed.secret if session.identity.subject == counter.subject(1) else session
        assert counter.desk.cancel(filed.request.reference, by)
        assert not counter.desk.cancel(filed.request.reference, by)
        assert counter.state(filed.request.reference) == "cancelled"
        assert counter.events(filed.request.reference)[-1] == "cancelled"
    assert {letter.address for letter in counter.letters("cancelled")} == {"p1@example.org", "p2@example.org"}
    with counter.service.ledger.read() as page:
        assert page.requests.due(page.now + timedelta(days=99), "erase") == ()


def test_what_has_begun_cannot_be_cancelled(counter: Counter) -> None:
    closed = counter.file(counter.session(), "close")
    assert not counter.desk.cancel(closed.request.reference, closed.secret)


def test_a_cancelled_request_is_not_confirmed(counter: Counter) -> None:
    session = counter.session()
    request = counter.desk.choose(session, "erase")
    code = counter.code(session, request)
    assert counter.desk.cancel(request.reference, session)
    with pytest.raises(TooLate, match="cancelled"):
        counter.desk.confirm(session, request, code=code, phrase_ok=True)


def test_after_a_cancelled_request_another_can_be_filed(counter: Counter) -> None:
    filed = counter.file(counter.session(), "erase")
    counter.desk.cancel(filed.request.reference, filed.secret)
    assert counter.file(counter.session(), "erase").request.reference != filed.request.reference


def test_take_over_then_delete_waits_longer_and_the_old_address_is_told(counter: Counter) -> None:
    session = counter.session(addresses=("thief@example.net",), old_addresses=("p1@example.org",))
    filed = counter.file(session, "erase")
    assert filed.request.doubt == "address_changed"
    assert filed.request.not_before == counter.clock.now + timedelta(hours=72)
    letters = {letter.address: letter.values for letter in counter.letters("filed")}
    assert set(letters) == {"thief@example.net", "p1@example.org"}
    link = str(letters["p1@example.org"]["link"])
    assert counter.desk.cancel(filed.request.reference, link.rpartition("/")[2])


def test_the_ordinary_wait_is_the_services_own(counter: Counter) -> None:
    portal = counter.service.settings.portal.model_copy(update={"wait_hours": 96})
    settings = counter.service.settings.model_copy(update={"portal": portal})
    counter = replace(counter, service=replace(counter.service, settings=settings))
    for number, changes in ((1, {}), (2, {"old_addresses": ("old@example.org",)})):
        filed = counter.file(counter.session(number, **changes), "erase")
        assert filed.request.not_before == counter.clock.now + timedelta(hours=96)
        assert filed.request.due_at == counter.clock.now + timedelta(hours=96 + 24)
    assert counter.file(counter.session(3), "export").request.not_before == counter.clock.now


def test_a_reason_is_noted_if_it_is_one_of_the_list(counter: Counter) -> None:
    filed = counter.file(counter.session(), "erase")
    counter.desk.give_reason(filed.request.reference, filed.secret, "privacy")
    with pytest.raises(ValueError, match="not one of the list"):
        counter.desk.give_reason(filed.request.reference, filed.secret, "because of Kari")  # type: ignore[arg-type]
    assert counter.request(filed.request.reference).leaving == "privacy"


def test_a_session_that_ended_does_nothing(counter: Counter) -> None:
    session = counter.session()
    request = counter.desk.choose(session, "erase")
    end(counter.service, session)
    for act in (
        lambda: counter.desk.choose(session, "erase"),
        lambda: counter.desk.send_code(session, request),
        lambda: counter.desk.confirm(session, request, code="", phrase_ok=True),
        lambda: counter.desk.cancel(request.reference, session),
    ):
        with pytest.raises(NotTheirs):
            act()
    assert counter.state(request.reference) == "filed"


def test_the_status_shows_how_far_it_has_come(counter: Counter) -> None:
    def reached(desk: Desk) -> list[str]:
        return [each.reached for each in desk.status(request).steps]

    session = counter.session()
    request = counter.desk.choose(session, "erase")
    assert reached(counter.desk) == ["done", "doing", "to_do", "to_do", "to_do"]
    counter.file(session, "erase")
    assert reached(counter.desk) == ["done", "done", "doing", "to_do", "to_do"]
    counter.desk.cancel(request.reference, session)
    assert reached(counter.desk) == ["done", "done", "never", "never", "never"]


def test_somebody_without_an_address_is_asked_for_no_code(counter: Counter) -> None:
    filed = counter.file(counter.session(addresses=()), "erase")
    assert filed.request.state == "scheduled"
