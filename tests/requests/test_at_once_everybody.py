"""Many at once: nobody is lost, nobody gets two, and of those who race one wins."""

import random
from collections import Counter as Count
from collections.abc import Callable
from pathlib import Path
from threading import Barrier, Thread

import pytest

from slett.ledger import LedgerError
from slett.requests.answers import TooLate
from slett.requests.erase import erase_filed
from slett.requests.particulars import read_particulars
from tests.journeys.scene import Scene
from tests.ledger.clock import Clock
from tests.requests.shop import Counter, fill, opened_counter


def together(*acts: Callable[[], object]) -> list[Exception]:
    """Do all at the same moment; what went wrong."""
    start, problems = Barrier(len(acts)), []

    def run(act: Callable[[], object]) -> None:
        start.wait()
        try:
            act()
        except Exception as problem:
            problems.append(problem)

    threads = [Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return problems


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_two_hundred_people_at_once_each_get_exactly_one(
    kind: str, tmp_path: Path, sqlite_database: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgresql_database") if kind == "postgresql" else ""
    scene = Scene(tmp_path, {"shop": sqlite_database}, {"ledger_url": url})
    fill(scene, 200)
    with opened_counter(scene, Clock()) as counter:
        filed: list[str] = []

        def leave(number: int) -> None:
            session = counter.session(number, addresses=())
            filed.append(counter.file(session, "erase").request.reference)

        assert together(*(lambda number=number: leave(number) for number in range(1, 201))) == []
        with counter.service.ledger.read() as page:
            waiting = page.requests.due(page.now, "erase")
        assert {each.reference for each in waiting} == set(filed)
        assert set(Count(each.subject for each in waiting).values()) == {1}
        assert len(waiting) == 200


def test_one_person_in_many_browsers_gets_one(any_counter: Counter) -> None:
    sessions = [any_counter.session(1, addresses=()) for _ in range(8)]
    filed: list[tuple[str, str]] = []

    def leave(number: int) -> None:
        done = any_counter.file(sessions[number], "erase")
        filed.append((done.request.reference, done.secret))

    assert together(*(lambda number=number: leave(number) for number in range(8))) == []
    assert len(set(filed)) == 1
    assert len(filed) == 8
    with any_counter.service.ledger.read() as page:
        assert len(page.requests.find()) == 1
    assert any_counter.events(filed[0][0]) == ["filed", "verified", "scheduled"]


def test_one_person_closes_once_in_many_browsers(any_counter: Counter) -> None:
    sessions = [any_counter.session(1, addresses=()) for _ in range(4)]
    assert together(*(lambda each=each: any_counter.file(each, "close") for each in sessions)) == []
    with any_counter.service.ledger.read() as page:
        (closed,) = page.requests.find()
        assert len(list(page.before.read(closed.reference))) == 1
    assert closed.state == "fulfilled"
    assert any_counter.events(closed.reference).count("fulfilled") == 1


def test_of_cancel_and_erase_exactly_one_wins(any_counter: Counter) -> None:
    """Invariant 12: whoever is told that it is cancelled keeps every row."""
    for number in range(1, 6):
        filed = any_counter.file(any_counter.session(number), "erase")
        with any_counter.service.ledger.read() as page:
            (due,) = page.requests.due(page.now, "erase")
            who = read_particulars(page, due.reference)
        assert who
        answers: list[bool] = []
        outcomes: list[str] = []

        def cancel(reference: str = filed.request.reference, secret: str = filed.secret) -> None:
            answers.append(any_counter.desk.cancel(reference, secret))  # noqa: B023 (read before the next round)

        def run(request=due, subject=who.subject) -> None:  # type: ignore[no-untyped-def]
            try:
                done = erase_filed(any_counter.service, [(request, subject)])
            except LedgerError:  # cancelled between the look and the batch
                done = []
            outcomes.extend(each.state for each in done)  # noqa: B023 (read before the next round)

        assert together(cancel, run) == []
        left = any_counter.scene.rows(f"SELECT count(*) FROM users WHERE id = {number}")
        state = any_counter.state(due.reference)
        if answers == [True]:
            assert (state, outcomes, left) == ("cancelled", [], [(1,)])
        else:
            assert (state, outcomes, left) == ("fulfilled", ["fulfilled"], [(0,)])


def test_of_return_and_the_end_of_the_window_exactly_one_wins(any_counter: Counter) -> None:
    """A restored person is not erased by a delayed worker."""
    for number in range(1, 6):
        closed = any_counter.file(any_counter.session(number), "close")
        session = any_counter.opened(any_counter.desk.ask_return(closed.request.reference, closed.secret))
        code = str(any_counter.letters("code")[-1].values["code"])
        won: list[str] = []

        def back(session=session, code=code) -> None:  # type: ignore[no-untyped-def]
            try:
                any_counter.desk.confirm_return(session, code)
                won.append("return")  # noqa: B023 (read before the next round)
            except TooLate:
                pass

        def over(reference: str = closed.request.reference) -> None:
            with any_counter.service.ledger.write() as page:
                if page.requests.follow(reference, "S-0000-0000"):
                    won.append("erase")  # noqa: B023 (read before the next round)

        acts: list[Callable[[], object]] = [back, over]
        random.shuffle(acts)
        assert together(*acts) == []
        active = any_counter.scene.rows(f"SELECT active FROM users WHERE id = {number}")
        assert (won, active) in ((["return"], [(1,)]), (["erase"], [(0,)]))


def test_a_code_confirms_once_however_often_it_is_posted(any_counter: Counter) -> None:
    session = any_counter.session()
    request = any_counter.desk.choose(session, "erase")
    code = any_counter.code(session, request)
    filed: list[str] = []

    def post() -> None:
        filed.append(any_counter.desk.confirm(session, request, code=code, phrase_ok=True).secret)

    assert together(*[post] * 6) == []
    assert len(set(filed)) == 1
    assert any_counter.events(request.reference) == ["filed", "verified", "scheduled"]
    assert len(any_counter.letters("filed")) == 1
