"""Codes: one session, one request, one purpose, one use."""

from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread

import pytest

from slett.ledger import Request
from slett.requests.codes import CodeError, ExpiredCode, TooMany, WrongCode, check_code, send_code
from slett.requests.limits import allow, network_of
from slett.requests.sessions import Session
from tests.requests.shop import Counter

Began = tuple[Session, Request, str]


@pytest.fixture
def began(counter: Counter) -> Began:
    """A session, its request, and the code that was sent."""
    session = counter.session()
    request = counter.desk.choose(session, "erase")
    return session, request, counter.code(session, request)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**8:08}"


def test_a_code_is_eight_digits_and_stored_as_a_salted_hash(counter: Counter, began: Began) -> None:
    session, request, code = began
    assert len(code) == 8
    assert code.isdecimal()
    with counter.service.ledger.read() as page:
        kept = page.codes.newest(session.id, request.reference, "confirm")
    assert kept
    assert code not in repr(kept)
    assert len(kept.salt) == 16


def test_no_code_is_accepted_twice_whoever_is_fast(any_counter: Counter) -> None:
    session = any_counter.session()
    request = any_counter.desk.choose(session, "erase")
    code = any_counter.code(session, request)
    together, answers = Barrier(8), []

    def use() -> None:
        together.wait()
        try:
            check_code(any_counter.service, session, "confirm", request, code)
            answers.append("accepted")
        except CodeError as error:
            answers.append(type(error).__name__)

    threads = [Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["ExpiredCode"] * 7 + ["accepted"]


def test_five_guesses_and_no_more_even_at_once(any_counter: Counter) -> None:
    session = any_counter.session()
    request = any_counter.desk.choose(session, "erase")
    code = any_counter.code(session, request)
    together, answers = Barrier(12), []

    def guess() -> None:
        together.wait()
        try:
            check_code(any_counter.service, session, "confirm", request, wrong(code))
        except CodeError as error:
            answers.append(type(error))

    threads = [Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(WrongCode) == 5
    assert answers.count(ExpiredCode) == 7
    with pytest.raises(ExpiredCode):
        check_code(any_counter.service, session, "confirm", request, code)


def test_wrong_guesses_never_cancel_the_request(counter: Counter, began: Began) -> None:
    session, request, code = began
    for left in (4, 3, 2, 1, 0):
        with pytest.raises(WrongCode) as refused:
            check_code(counter.service, session, "confirm", request, wrong(code))
        assert refused.value.tries_left == left
    assert counter.state(request.reference) == "filed"
    code = counter.code(session, request)
    assert counter.desk.confirm(session, request, code=code, phrase_ok=True).request.state == "scheduled"


def test_a_code_lives_ten_minutes(counter: Counter, began: Began) -> None:
    session, request, code = began
    counter.clock.forward(minutes=10)
    with pytest.raises(ExpiredCode):
        check_code(counter.service, session, "confirm", request, code)


def test_a_code_sent_again_replaces_the_first(counter: Counter, began: Began) -> None:
    session, request, first = began
    second = counter.code(session, request)
    if first != second:
        with pytest.raises(WrongCode):
            check_code(counter.service, session, "confirm", request, first)
    check_code(counter.service, session, "confirm", request, second)


@pytest.mark.parametrize("other", ["session", "request", "purpose"])
def test_a_code_counts_only_where_it_was_sent_for(counter: Counter, began: Began, other: str) -> None:
    session, request, code = began
    elsewhere = counter.session() if other == "session" else session
    about = counter.desk.choose(counter.session(), "export") if other == "request" else request
    with pytest.raises(ExpiredCode):
        check_code(counter.service, elsewhere, "return" if other == "purpose" else "confirm", about, code)
    check_code(counter.service, session, "confirm", request, code)


@pytest.mark.parametrize(
    "typed",
    [
        lambda code: f" {code[:4]} {code[4:]}\n",
        lambda code: f"{code[:4]}-{code[4:]}",
        lambda code: code.translate({48 + n: 0x660 + n for n in range(10)}),
        lambda code: code.translate({48 + n: 0xFF10 + n for n in range(10)}),
    ],
)
def test_a_code_may_be_pasted_as_it_stands_in_the_mail(
    counter: Counter, began: Began, typed: Callable[[str], str]
) -> None:
    """With spaces, hyphens, Arabic or wide digits."""
    session, request, code = began
    check_code(counter.service, session, "confirm", request, typed(code))


@pytest.mark.parametrize("typed", ["", "\0", "9" * 10_000, "२", "kari@example.org"])
def test_nonsense_is_a_wrong_code_and_not_repeated(counter: Counter, began: Began, typed: str) -> None:
    session, request, _ = began
    with pytest.raises(WrongCode) as refused:
        check_code(counter.service, session, "confirm", request, typed)
    assert not typed or typed not in str(refused.value)


def test_three_codes_an_hour_for_an_account_whatever_the_session_or_the_address(counter: Counter) -> None:
    for number in range(3):
        session = counter.session(addresses=(f"a{number}@example.org",))
        counter.code(session, counter.desk.choose(session, "erase"))
    session = counter.session(addresses=("a9@example.org",))
    request = counter.desk.choose(session, "erase")
    with pytest.raises(TooMany):
        counter.desk.send_code(session, request)
    counter.clock.forward(hours=1)
    fresh = counter.session(addresses=("a9@example.org",))
    counter.desk.send_code(fresh, counter.desk.choose(fresh, "erase"))


def test_three_codes_an_hour_to_an_address_whoever_asks(counter: Counter) -> None:
    for number in (1, 2, 3):
        session = counter.session(number, addresses=("Same@Example.org",))
        counter.desk.send_code(session, counter.desk.choose(session, "erase"))
    session = counter.session(4, addresses=("same@example.org",))
    with pytest.raises(TooMany):
        counter.desk.send_code(session, counter.desk.choose(session, "erase"))


def test_a_network_gets_no_more_than_its_share(counter: Counter, began: Began) -> None:
    """Guesses spread over many accounts count together."""
    _, request, _ = began
    session = counter.session()
    answers = set()
    for _ in range(301):
        guess = Session("0" * 64, counter.identity(addresses=()), None, session.expires_at)
        with pytest.raises(CodeError) as refused:
            check_code(counter.service, guess, "confirm", request, "0", network="192.0.2.0")
        answers.add(type(refused.value))
    assert TooMany in answers
    with pytest.raises(TooMany):
        send_code_from(counter, "192.0.2.0")


def send_code_from(counter: Counter, network: str) -> None:
    """Ask for codes until there are too many."""
    for number in range(61):
        session = counter.session(1 + number % 5, addresses=(f"{number}@example.org",))
        request = counter.desk.choose(session, "erase")
        counter.clock.forward(seconds=1)
        send_code(counter.service, session, "confirm", request, f"{number}@example.org", network=network)


def test_the_codes_of_the_public_page_do_not_use_up_those_of_the_account(counter: Counter) -> None:
    """Otherwise anybody could lock anybody out."""
    for _ in range(3):
        counter.desk.begin_by_mailbox("p1@example.org", "nb")
    session = counter.session()
    counter.desk.send_code(session, counter.desk.choose(session, "erase"))


def test_a_limit_counts_each_key_and_begins_again_with_the_window(counter: Counter) -> None:
    def once(*keys: str) -> bool:
        return allow(counter.service, "knock", *keys, limit=2, per=timedelta(minutes=10))

    assert [once("a", "b"), once("a", ""), once("a"), once("b"), once("b")] == [True, True, False, True, False]
    assert allow(counter.service, "ring", "a", limit=1, per=timedelta(minutes=10))
    counter.clock.forward(minutes=10)
    assert once("a", "b")
    with counter.service.ledger.write() as page:
        assert page.attempts.purge() == 3


def test_limits_lose_no_count_when_many_knock_at_once(any_counter: Counter) -> None:
    together, answers = Barrier(12), []

    def knock() -> None:
        together.wait()
        answers.append(allow(any_counter.service, "knock", "a", "b", limit=5, per=timedelta(hours=1)))

    threads = [Thread(target=knock) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(True) == 5


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:9::", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),  # else all of IPv4 would be one network
        ("testclient", ""),
        ("", ""),
    ],
)
def test_a_network_is_an_address_or_the_half_of_one(address: str, network: str) -> None:
    assert network_of(address) == network
