"""The public page: a mailbox is proven, and whether an address is known shows in nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from slett.ledger import Ledger
from slett.requests.answers import Needs, NotTheirs
from slett.requests.codes import ExpiredCode, TooMany, WrongCode
from slett.requests.erase import erase_filed
from slett.requests.particulars import read_particulars
from slett.requests.sessions import find
from tests.journeys.scene import Scene
from tests.ledger.clock import Clock
from tests.requests.shop import MAP, Counter, fill, opened_counter

KNOWN, UNKNOWN = "p1@example.org", "x1@example.org"


@contextmanager
def statements(ledger: Ledger) -> Iterator[list[str]]:
    """The statements that the ledger's database is given."""
    seen: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    engine = ledger._engine  # what is written is the point
    sa.event.listen(engine, "before_cursor_execute", note)
    yield seen
    sa.event.remove(engine, "before_cursor_execute", note)


def rows(counter: Counter) -> dict[str, int]:
    with counter.service.ledger.read() as page:
        connection = page.requests._connection
        return {
            name: connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one()
            for name in ("sessions", "codes", "attempts", "notices", "deliveries", "requests")
        }


def test_a_known_and_an_unknown_address_write_alike(counter: Counter) -> None:
    written, asked = [], []
    for address in (KNOWN, UNKNOWN):
        before = rows(counter)
        with statements(counter.service.ledger) as seen:
            token = counter.desk.begin_by_mailbox(address, "nb", "192.0.2.0")
        asked.append(seen)
        written.append({name: count - before[name] for name, count in rows(counter).items()})
        assert len(token) == 43
    assert asked[0] == asked[1]
    assert written[0] | {"attempts": 3} == written[1] | {"attempts": 3}  # both are of one network
    assert [letter.address for letter in counter.letters("code")] == [KNOWN]


def test_an_account_is_the_same_person_by_mailbox_and_signed_in(counter: Counter) -> None:
    session = counter.opened(counter.desk.begin_by_mailbox(KNOWN.upper(), "nb"))
    code = str(counter.letters("code")[-1].values["code"])
    session = counter.opened(counter.desk.prove_mailbox(session, code))
    assert session.identity.subject == counter.subject(1)
    assert counter.desk.choose(session, "erase") == counter.desk.choose(counter.session(1), "erase")


@pytest.mark.parametrize("address", [KNOWN, UNKNOWN])
def test_too_often_is_too_often_for_any_address(counter: Counter, address: str) -> None:
    for _ in range(3):
        counter.desk.begin_by_mailbox(address, "nb")
    with pytest.raises(TooMany):
        counter.desk.begin_by_mailbox(address.upper(), "nb")


def test_before_the_code_the_session_is_nobodys(counter: Counter) -> None:
    session = counter.opened(counter.desk.begin_by_mailbox(KNOWN, "nb"))
    for act in (
        lambda: counter.desk.choose(session, "erase"),
        lambda: counter.desk.outlook(session, "nb"),
    ):
        with pytest.raises(NotTheirs):
            act()
    theirs = counter.file(counter.session(1), "erase")
    with pytest.raises(NotTheirs):
        counter.desk.cancel(theirs.request.reference, session)


def test_a_proven_mailbox_leads_to_an_erasure_that_waits_longer(counter: Counter) -> None:
    token = counter.desk.begin_by_mailbox(" P1@Example.org ", "nb")
    code = str(counter.letters("code")[-1].values["code"])
    fresh = counter.opened(counter.desk.prove_mailbox(counter.opened(token), code))
    assert find(counter.service, token) is None
    assert counter.desk.outlook(fresh, "nb").rows == 2
    request = counter.desk.choose(fresh, "erase")
    assert counter.desk.needs(fresh, request, counter.clock.now) == Needs(phrase=True)
    filed = counter.desk.confirm(fresh, request, code="", phrase_ok=True)
    assert filed.request.doubt == "mailbox_only"
    counter.clock.forward(hours=71)
    with counter.service.ledger.read() as page:
        assert page.requests.due(page.now, "erase") == ()
    counter.clock.forward(hours=1)
    with counter.service.ledger.read() as page:
        (due,) = page.requests.due(page.now, "erase")
        who = read_particulars(page, due.reference)
    assert who
    (outcome,) = erase_filed(counter.service, [(due, who.subject)])
    assert outcome.state == "fulfilled"
    assert counter.scene.rows("SELECT count(*) FROM users WHERE id = 1") == [(0,)]


def test_a_mailbox_proven_a_while_ago_is_asked_for_another_code(counter: Counter) -> None:
    token = counter.desk.begin_by_mailbox(KNOWN, "nb")
    code = str(counter.letters("code")[-1].values["code"])
    session = counter.opened(counter.desk.prove_mailbox(counter.opened(token), code))
    counter.clock.forward(minutes=6)
    request = counter.desk.choose(session, "erase")
    assert counter.desk.needs(session, request, counter.clock.now) == Needs(code=True, phrase=True)
    with pytest.raises(ExpiredCode):
        counter.desk.confirm(session, request, code=code, phrase_ok=True)
    assert counter.file(session, "erase").request.state == "scheduled"


def test_the_code_of_the_mailbox_works_once(counter: Counter) -> None:
    session = counter.opened(counter.desk.begin_by_mailbox(KNOWN, "nb"))
    code = str(counter.letters("code")[-1].values["code"])
    with pytest.raises(WrongCode):
        counter.desk.prove_mailbox(session, "nonsense")
    counter.desk.prove_mailbox(session, code)
    with pytest.raises(ExpiredCode):
        counter.desk.prove_mailbox(session, code)


@pytest.mark.parametrize("address", ["", "\0", "\ud800@example.org", "a" * 10_000, "no address", "' OR 1=1 --"])
def test_what_is_no_address_gets_the_same_answer(counter: Counter, address: str) -> None:
    session = counter.opened(counter.desk.begin_by_mailbox(address, "nb"))
    with pytest.raises(WrongCode):
        counter.desk.prove_mailbox(session, "00000000")
    assert counter.letters() == []


@pytest.mark.parametrize(
    "typed",
    [
        "kari@k\u0130mail.example",  # both PostgreSQL and MariaDB make a small i of it
        "kari@\u212aimail.example",  # the kelvin's small letter is k
        "kari@k\u0131mail.example",
        "k\u00e1ri@kimail.example",
        "kari@kimail.example\u200b",
        "kari@kimail.example.",
        "k%@kimail.example",
    ],
)
def test_no_code_for_a_mailbox_goes_to_one_that_only_looks_like_it(
    tmp_path: Path, database: str, clock: Clock, typed: str
) -> None:
    scene = Scene(tmp_path, {"shop": database})
    fill(scene, 1)
    scene.sql("UPDATE users SET email = 'Kari@kimail.example'")
    scene.map("categories: {listings: {en: Listings}}", shop=MAP)
    with opened_counter(scene, clock) as counter:
        counter.desk.begin_by_mailbox(typed, "nb")
        assert {each.address for each in counter.letters("code")} <= {"kari@kimail.example"}


def test_where_codes_were_asked_for_too_often_nobody_is_looked_for(counter: Counter) -> None:
    """To look for somebody costs the stores more than anything else that a stranger can ask for."""
    for _ in range(3):
        counter.desk.begin_by_mailbox(KNOWN, "nb")
    counter.scene.sql("DROP TABLE listings")
    with pytest.raises(TooMany):  # and not that a store does not answer
        counter.desk.begin_by_mailbox(KNOWN, "nb")
