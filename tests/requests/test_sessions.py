"""Visits: always a new token, never another's, and an end."""

from dataclasses import replace
from datetime import timedelta

import pytest

from slett.ledger import LedgerError
from slett.requests.answers import NotTheirs
from slett.requests.sessions import LONGEST, SomebodyElse, begin, end, find, renew
from slett.requests.subject import by_identifier
from tests.requests.shop import Counter


def test_what_a_session_knows_comes_back(counter: Counter) -> None:
    identity = counter.identity(
        3, old_addresses=("old@example.org",), language="se", how="oidc", factors=("pwd", "otp"), second_factor=True
    )
    session = find(counter.service, begin(counter.service, identity))
    assert session
    assert session.identity == identity
    assert (session.request, session.secret) == (None, "")


def test_every_beginning_gives_another_token_and_an_invented_one_opens_nothing(counter: Counter) -> None:
    tokens = {begin(counter.service, counter.identity()) for _ in range(20)}
    assert len(tokens) == 20
    assert all(len(token) == 43 for token in tokens)
    for invented in ("", "x", "é" * 43, "\ud800", next(iter(tokens))[:-1]):
        assert find(counter.service, invented) is None


def test_a_new_sign_in_keeps_the_request_and_kills_the_old_token(counter: Counter) -> None:
    """No fixation: whoever planted or saw the old token has nothing."""
    stale = counter.identity(signed_in_at=counter.clock.now - timedelta(hours=1))
    token = begin(counter.service, stale)
    session = counter.opened(token)
    request = counter.desk.choose(session, "erase")
    renewed = renew(counter.service, counter.again(session), counter.identity())
    assert find(counter.service, token) is None
    fresh = counter.opened(renewed)
    assert fresh.request == request.reference
    assert counter.file(fresh, "erase").request.reference == request.reference


def test_a_code_sent_before_the_new_sign_in_is_worth_nothing(counter: Counter) -> None:
    session = counter.session()
    request = counter.desk.choose(session, "erase")
    code = counter.code(session, request)
    fresh = counter.opened(renew(counter.service, session, counter.identity()))
    with pytest.raises(Exception, match="ask for a new one"):
        counter.desk.confirm(fresh, request, code=code, phrase_ok=True)


def test_somebody_else_at_the_second_step_stops_everything(counter: Counter) -> None:
    """Account 1 is not deleted with the sign-in of account 2."""
    token = begin(counter.service, counter.identity(1, old_addresses=("old@example.org",)))
    session = counter.opened(token)
    request = counter.desk.choose(session, "erase")
    with pytest.raises(SomebodyElse):
        renew(counter.service, counter.again(session), counter.identity(2))
    assert find(counter.service, token) is None
    assert counter.state(request.reference) == "cancelled"
    assert counter.events(request.reference) == ["filed", "cancelled"]
    assert {each.address for each in counter.letters("alarm")} == {"p1@example.org", "old@example.org"}
    with counter.service.ledger.read() as page:
        bodies = b"".join(body for _, body in page.log.entries())
    assert b"somebody else signed in" in bodies
    assert b"example.org" not in bodies
    with pytest.raises(NotTheirs):
        counter.desk.confirm(session, request, code="", phrase_ok=True)


def test_somebody_else_does_not_cancel_what_was_confirmed(counter: Counter) -> None:
    session = counter.session(1)
    filed = counter.file(session, "erase")
    other = counter.opened(renew(counter.service, counter.again(session), counter.identity(2)))
    assert other.request is None
    assert counter.state(filed.request.reference) == "scheduled"
    assert counter.letters("alarm") == []


def test_the_next_person_at_the_same_computer_begins_anew(counter: Counter) -> None:
    session = counter.session(1)
    other = counter.opened(renew(counter.service, session, counter.identity(2)))
    assert other.identity.subject == counter.subject(2)
    assert counter.letters("alarm") == []


def test_whoever_was_known_by_a_mailbox_begins_anew_with_the_account(counter: Counter) -> None:
    subject = by_identifier(counter.service.plan, "email", "p1@example.org")
    session = counter.session(subject=subject, how="mailbox")
    counter.desk.choose(session, "erase")
    account = counter.opened(renew(counter.service, counter.again(session), counter.identity(1)))
    assert account.request is None
    assert counter.letters("alarm") == []


def test_a_session_is_renewed_once(counter: Counter) -> None:
    session = counter.session()
    counter.desk.choose(session, "erase")
    first = counter.opened(renew(counter.service, session, counter.identity()))
    second = counter.opened(renew(counter.service, session, counter.identity()))
    assert first.request
    assert second.request is None


def test_a_visit_ends_without_a_click_and_in_any_case_after_half_a_day(counter: Counter) -> None:
    token = begin(counter.service, counter.identity())
    counter.clock.forward(minutes=29)
    assert find(counter.service, token)
    counter.clock.forward(minutes=29)
    assert find(counter.service, token)
    counter.clock.forward(minutes=30)
    assert find(counter.service, token) is None
    token = begin(counter.service, counter.identity())
    minutes = 0
    while find(counter.service, token):
        counter.clock.forward(minutes=20)
        minutes += 20
    assert timedelta(minutes=minutes) == LONGEST


def test_an_ended_session_is_not_found_and_a_purge_takes_the_expired(counter: Counter) -> None:
    session = counter.session()
    end(counter.service, session)
    counter.session()
    counter.clock.forward(hours=1)
    counter.session()
    with counter.service.ledger.write() as page:
        assert page.sessions.purge() == 1


def test_a_session_cannot_be_moved_to_another_row(counter: Counter) -> None:
    """Whoever can write the ledger's database cannot become somebody else: the seal is bound to the token."""
    session, other = counter.session(1), counter.session(2)
    with counter.service.ledger.write() as page:
        connection = page.sessions._connection  # as an intruder in the database would
        blob = connection.exec_driver_sql("SELECT blob FROM sessions WHERE hash = ?", (other.id,)).scalar()
        connection.exec_driver_sql("UPDATE sessions SET blob = ? WHERE hash = ?", (blob, session.id))
    with pytest.raises(LedgerError, match="does not open"), counter.service.ledger.read() as page:
        page.sessions.get(session.id)


def test_a_session_cannot_speak_for_another_by_its_number(counter: Counter) -> None:
    """What a page holds of a session is checked against the ledger."""
    mine, theirs = counter.session(1), counter.session(2)
    request = counter.desk.choose(theirs, "erase")
    forged = replace(mine, request=request.reference, identity=theirs.identity)
    with pytest.raises(NotTheirs):
        counter.desk.confirm(forged, request, code="", phrase_ok=True)
