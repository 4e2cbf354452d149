"""Requests: filed, found, and moved by exactly one."""

from collections.abc import Callable
from datetime import date, timedelta
from itertools import chain, pairwise, product, repeat
from pathlib import Path
from threading import Barrier, Thread
from typing import get_args

import pytest

from slett.ledger import FINAL, MOVES, Ledger, LedgerError, Request, open_ledger
from slett.ledger.requests import State
from slett.settings import Settings
from tests.ledger.clock import Clock

FileRequest = Callable[[], Request]


def advance(ledger: Ledger, reference: str, *states: State) -> None:
    with ledger.write() as page:
        for start, end in pairwise(states):
            assert page.requests.move([reference], start, end) == (reference,)


def test_a_filed_request_knows_both_of_its_deadlines(file_request: FileRequest, ledger: Ledger, clock: Clock) -> None:
    request = file_request()
    assert request.state == "filed"
    assert request.filed_at == clock.now
    assert request.due_at == clock.now + timedelta(hours=24)
    assert request.law_due == date(2026, 12, 21)
    with ledger.read() as page:
        assert page.requests.get(request.reference) == request


def test_many_are_filed_at_once_in_the_order_of_their_subjects(ledger: Ledger) -> None:
    subjects = [ledger.keys.subject("torget/users", str(number)) for number in range(50)]
    with ledger.write() as page:
        filed = page.requests.file("erase", subjects, "d" * 64, timedelta(hours=1))
    assert [request.subject for request in filed] == subjects
    assert len({request.reference for request in filed}) == 50


def test_a_drawn_reference_that_is_taken_is_drawn_again(home: Path) -> None:
    draws = chain([b"aaaaa", b"aaaaa", b"bbbbb"], repeat(b"ccccc"))
    with open_ledger(Settings(home=home), draw=lambda size: next(draws) if size == 5 else bytes(size)) as ledger:
        filed: list[Request] = []
        for _ in range(2):
            with ledger.write() as page:
                filed += page.requests.file("erase", ["a" * 64], "d" * 64, timedelta(hours=1))
    assert filed[0].reference != filed[1].reference


def test_a_person_can_only_be_named_by_a_hash(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="as a keyed hash only") as refusal, ledger.write() as page:
        page.requests.file("erase", ["anna@example.com"], "d" * 64, timedelta(hours=1))
    assert "anna@" not in str(refusal.value)


def test_an_unknown_reference_is_none(ledger: Ledger) -> None:
    with ledger.read() as page:
        assert page.requests.get("S-0000-0000") is None


def test_requests_are_found_by_state_subject_and_batch(ledger: Ledger, file_request: FileRequest, clock: Clock) -> None:
    older = file_request()
    clock.forward(minutes=1)
    newer = file_request()
    advance(ledger, newer.reference, "filed", "verified")
    with ledger.write() as page:
        batch = page.batches.create([older.reference])

        def found(**wanted: object) -> list[str]:
            return [request.reference for request in page.requests.find(**wanted)]  # type: ignore[arg-type]

        assert found() == found(subject=older.subject) == [newer.reference, older.reference]
        assert found(state="verified") == found(limit=1) == [newer.reference]
        assert found(batch=batch.number) == [older.reference]
        assert found(state="running") == found(state="verified", batch=batch.number) == []


def test_every_state_is_reached_and_a_final_one_is_never_left() -> None:
    reached = {"filed"}.union(*MOVES.values())
    assert reached == set(get_args(State))
    assert reached - set(MOVES) == FINAL


def test_nothing_is_fulfilled_that_was_not_verified() -> None:
    assert [start for start, ends in MOVES.items() if "fulfilled" in ends] == ["verifying"]


def test_a_request_goes_no_other_way(ledger: Ledger) -> None:
    for start, end in product(get_args(State), repeat=2):
        if end not in MOVES.get(start, ()):
            with pytest.raises(LedgerError, match=f"cannot go from `{start}` to `{end}`"), ledger.write() as page:
                page.requests.move([], start, end)


def test_a_request_goes_through_states_in_one_go_as_it_would_one_by_one(
    ledger: Ledger, file_request: FileRequest
) -> None:
    reference = file_request().reference
    advance(ledger, reference, "filed", "verified", "scheduled", "running")
    with ledger.write() as page:
        assert page.requests.move([reference], "scheduled", "verifying", through=["running"]) == ()
        with pytest.raises(LedgerError, match="cannot go from `running` to `fulfilled`"):
            page.requests.move([reference], "verifying", "fulfilled", through=["running"])
        assert page.requests.move([reference], "running", "fulfilled", through=["verifying"]) == (reference,)
        request = page.requests.get(reference)
    assert request
    assert (request.state, request.finished_at) == ("fulfilled", page.now)


def test_a_move_notes_when_work_began_when_it_ended_and_why(
    ledger: Ledger, file_request: FileRequest, clock: Clock
) -> None:
    reference = file_request().reference
    advance(ledger, reference, "filed", "verified", "scheduled")
    clock.forward(hours=1)
    advance(ledger, reference, "scheduled", "running")
    started = clock.now
    clock.forward(hours=1)
    with ledger.write() as page:
        page.requests.move([reference], "running", "not_found", reason="no row has this key")
        request = page.requests.get(reference)
    assert request
    assert (request.started_at, request.finished_at) == (started, clock.now)
    assert request.reason == "no row has this key"


def test_only_those_are_moved_that_nobody_moved_before(ledger: Ledger, file_request: FileRequest) -> None:
    first, second, third = (file_request().reference for _ in range(3))
    advance(ledger, second, "filed", "cancelled")
    with ledger.write() as page:
        assert page.requests.move([third, second, first], "filed", "verified") == (third, first)


def test_of_two_who_move_a_request_at_once_one_wins(ledger: Ledger, file_request: FileRequest) -> None:
    """A step that races with `cancel` is decided by one compare-and-swap."""
    for _ in range(10):
        reference = file_request().reference
        advance(ledger, reference, "filed", "verified", "scheduled")
        together, winners = Barrier(2), []

        def move(end: State, reference: str = reference, together: Barrier = together) -> None:
            together.wait()
            with ledger.write() as page:
                if page.requests.move([reference], "scheduled", end):
                    winners.append(end)  # noqa: B023 (read before the next round)

        threads = [Thread(target=move, args=(end,)) for end in ("running", "cancelled")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with ledger.read() as page:
            request = page.requests.get(reference)
        assert request
        assert winners == [request.state]


def test_counts_are_kept_for_each_request(ledger: Ledger, file_request: FileRequest) -> None:
    first, second = file_request().reference, file_request().reference
    counts = {first: {"torget/users": {"delete": 1}}, second: {"torget/orders": {"anonymise": 3, "keep": 2}}}
    with ledger.write() as page:
        page.requests.count(counts)
    with ledger.read() as page:
        assert {request.reference: request.counts for request in page.requests.find()} == counts


def test_the_place_of_a_certificate_is_found_again(ledger: Ledger, file_request: FileRequest) -> None:
    first, second = file_request().reference, file_request().reference
    with ledger.write() as page:
        page.requests.certify({first: 7})
        assert page.requests.certificates([first, second, "S-0000-0000"]) == {first: 7}
