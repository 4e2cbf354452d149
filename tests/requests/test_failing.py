"""Work that fails: it waits, holds up nobody, and is a dead letter in the end."""

from dataclasses import replace

import pytest

from slett.requests.batch import Batch
from slett.requests.due import erase_due, resume_left
from slett.requests.erase import Watch, _work, erase, resume
from slett.requests.runner import Work, run_once
from slett.requests.service import Service
from slett.stores.errors import StoreError, Unavailable
from tests.requests.shop import Counter
from tests.requests.test_runner import confirmed, users


def batches(counter: Counter) -> list[tuple[str, int, str]]:
    with counter.service.ledger.read() as page:
        return [(each.lane, each.attempts, each.reason) for each in page.batches.unfinished()]


def refuse_forever(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Whatever is done for person 1 fails."""

    def fail(service: Service, batch: Batch, watch: Watch) -> None:
        if any(str(subject.values[0]) == "1" for subject in batch.subjects):
            raise error
        _work(service, batch, watch)

    monkeypatch.setattr("slett.requests.erase._work", fail)


def test_a_batch_that_fails_does_not_hold_up_the_next(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_forever(monkeypatch, StoreError("shop", "is broken there"))
    first = confirmed(counter, "erase", 1).request.reference
    run_once(counter.service)
    second = confirmed(counter, "erase", 2).request.reference
    run_once(counter.service)
    assert (counter.state(first), counter.state(second)) == ("scheduled", "fulfilled")
    assert users(counter) == [1, 3, 4, 5]


def test_after_so_many_tries_it_is_a_dead_letter_with_its_reason_until_somebody_resumes(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = confirmed(counter, "erase", 1).request.reference
    with monkeypatch.context() as broken:
        refuse_forever(broken, StoreError("shop", "is broken there"))
        for attempt in range(1, counter.service.settings.tries + 1):
            run_once(counter.service)
            assert batches(counter) == [("small", attempt, "StoreError: store `shop`: is broken there")]
            counter.clock.forward(hours=1)
        with counter.service.ledger.read() as page:
            assert [each.reason for each in page.batches.dead()] == ["StoreError: store `shop`: is broken there"]
    run_once(counter.service)
    assert counter.state(reference) == "scheduled", "nobody tries it any more"
    assert [each.state for each in resume(counter.service)] == ["fulfilled"]
    assert users(counter) == [2, 3, 4, 5]


def test_while_a_store_does_not_answer_nothing_becomes_a_dead_letter(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = confirmed(counter, "erase", 1).request.reference
    with monkeypatch.context() as down:
        refuse_forever(down, Unavailable("shop", "does not answer in time"))
        for _ in range(counter.service.settings.tries + 3):
            run_once(counter.service)
            counter.clock.forward(minutes=1)
    run_once(counter.service)
    assert counter.state(reference) == "fulfilled"


def test_what_kills_whoever_works_on_it_becomes_a_dead_letter(counter: Counter) -> None:
    """No process lives to write down why."""
    reference = confirmed(counter, "erase", 1).request.reference
    with counter.service.ledger.write() as page:
        number = page.batches.create([reference]).number
    for _ in range(counter.service.settings.tries):
        with counter.service.ledger.write() as page:
            page.batches.take(number, "host:1")
        counter.clock.forward(minutes=1)
    run_once(counter.service)
    assert batches(counter)[0][2] == "the process that worked on it ended without a word, each time"
    with counter.service.ledger.read() as page:
        assert [each.number for each in page.batches.dead()] == [number]


def test_resume_goes_on_behind_a_batch_that_fails_and_tells_of_it(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as killed:
        killed.setattr("slett.requests.erase._work", _die)
        for number in (1, 2):
            with pytest.raises(KeyboardInterrupt):
                erase(counter.service, [counter.subject(number)])
    refuse_forever(monkeypatch, StoreError("shop", "is broken there"))
    with pytest.raises(StoreError, match="is broken there"):
        resume(counter.service)
    assert users(counter) == [1, 3, 4, 5]


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def test_whoever_was_refused_before_a_crash_is_not_erased_after_it(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Person 9 is not there when the batch begins, and is when it is resumed: they were told that it is over."""
    with monkeypatch.context() as killed:
        killed.setattr("slett.requests.collect.journal", _die)
        with pytest.raises(KeyboardInterrupt):
            erase(counter.service, [counter.subject(1), counter.subject(9)])
    counter.scene.sql("INSERT INTO users VALUES (9, 'p9@example.org', 'Person 9', true, true)")
    assert [each.state for each in resume(counter.service)] == ["fulfilled"]
    assert users(counter) == [2, 3, 4, 5, 9]


def test_who_has_very_much_is_erased_beside_the_others(counter: Counter) -> None:
    settings = counter.service.settings.model_copy(update={"large_rows": 20})
    counter = replace(counter, service=replace(counter.service, settings=settings))
    counter.scene.sql(*(f"INSERT INTO listings VALUES ({n}, 3, 'Chair', false)" for n in range(100, 130)))
    references = [confirmed(counter, "erase", number).request.reference for number in (2, 3, 4)]
    assert erase_due(counter.service) == 2
    assert users(counter) == [1, 3, 5]
    assert batches(counter) == [("large", 0, "")]
    assert resume_left(counter.service, "small") == 0
    assert resume_left(counter.service, "large") == 1
    assert [counter.state(each) for each in references] == ["fulfilled"] * 3
    assert users(counter) == [1, 5]
    assert [counter.events(each)[-3:] for each in references] == [["running", "verifying", "fulfilled"]] * 3

    counter.scene.sql(*(f"INSERT INTO listings VALUES ({n}, 1, 'Chair', false)" for n in range(100, 130)))
    reference = confirmed(counter, "erase", 1).request.reference
    assert run_once(counter.service).large == 1, "also alone"
    assert counter.state(reference) == "fulfilled"
    run_once(counter.service)
    assert run_once(counter.service) == Work()
