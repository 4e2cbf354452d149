"""Batches: who may write for them, and who no longer may."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Barrier, Thread

import pytest

from slett.ledger import LEASE, Batch, Fenced, Held, Lease, Ledger, LedgerError, Request, Step, open_ledger
from slett.settings import Settings
from tests.ledger.clock import Clock

FileRequest = Callable[[], Request]
STEP = Step(0, "torget", "users", "delete", planned=1)


@pytest.fixture
def batch(ledger: Ledger, file_request: FileRequest) -> int:
    reference = file_request().reference
    with ledger.write() as page:
        return page.batches.create([reference]).number


def take(ledger: Ledger, batch: int, owner: str = "host:1", *, force: bool = False) -> Lease:
    with ledger.write() as page:
        return page.batches.take(batch, owner, force=force)


def test_a_batch_is_made_together_with_its_requests_joining_it(ledger: Ledger, file_request: FileRequest) -> None:
    reference = file_request().reference
    with ledger.write() as page:
        batch = page.batches.create([reference])
    with ledger.read() as page:
        assert page.batches.get(batch.number) == batch
        assert page.batches.unfinished() == (batch,)
        request = page.requests.get(reference)
    assert request
    assert request.batch == batch.number
    assert batch.state == "new"


def test_a_request_is_in_one_batch_only(ledger: Ledger, batch: int) -> None:
    with ledger.read() as page:
        (request,) = page.requests.find(batch=batch)
    with pytest.raises(LedgerError, match="already in another batch"), ledger.write() as page:
        page.batches.create([request.reference])
    with ledger.read() as page:
        assert [each.number for each in page.batches.unfinished()] == [batch]


def test_a_batch_of_an_unknown_request_is_not_made(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="a request of this batch is unknown"), ledger.write() as page:
        page.batches.create(["S-0000-0000"])


def test_a_held_batch_is_not_given_to_another(ledger: Ledger, batch: int, clock: Clock) -> None:
    take(ledger, batch, "host:1")
    clock.now += LEASE / 2
    with pytest.raises(Held, match=r"batch \d+ is held by host:1 until 2026-11-20 12:00:20 UTC; wait until then"):
        take(ledger, batch, "host:2")


def test_the_batch_of_a_process_that_fell_silent_is_taken_over(ledger: Ledger, batch: int, clock: Clock) -> None:
    first = take(ledger, batch, "host:1")
    clock.now += LEASE
    second = take(ledger, batch, "host:2")
    assert second.fence > first.fence


def test_the_batch_of_a_process_known_to_be_dead_is_taken_over_at_once(ledger: Ledger, batch: int) -> None:
    first = take(ledger, batch, "host:1")
    assert take(ledger, batch, "host:2", force=True).fence > first.fence


def test_a_renewed_lease_is_held_on(ledger: Ledger, batch: int, clock: Clock) -> None:
    lease = take(ledger, batch, "host:1")
    for _ in range(3):
        clock.now += LEASE / 2
        with ledger.write() as page:
            page.batches.renew(lease)
    with pytest.raises(Held):
        take(ledger, batch, "host:2")


def test_a_released_batch_is_free_at_once(ledger: Ledger, batch: int) -> None:
    lease = take(ledger, batch, "host:1")
    with ledger.write() as page:
        page.batches.release(lease)
    take(ledger, batch, "host:2")


WRITES: dict[str, Callable[..., object]] = {
    "plan": lambda page, lease: page.steps.plan(lease, [STEP]),
    "mark": lambda page, lease: page.steps.mark(lease, [STEP]),
    "put": lambda page, lease: page.scope.put(lease, [("keys", 0, b"42")]),
    "destroy": lambda page, lease: page.scope.destroy(lease),
    "check": lambda page, lease: page.batches.check(lease),
    "renew": lambda page, lease: page.batches.renew(lease),
    "release": lambda page, lease: page.batches.release(lease),
    "finish": lambda page, lease: page.batches.finish(lease),
}


@pytest.mark.parametrize("name", WRITES)
def test_whoever_was_taken_over_can_write_nothing_more(ledger: Ledger, batch: int, name: str) -> None:
    stale = take(ledger, batch, "host:1")
    take(ledger, batch, "host:2", force=True)

    def write() -> None:
        with ledger.write() as page:
            page.log.append([{"type": "before"}])
            WRITES[name](page, stale)

    with pytest.raises(Fenced, match="was taken over by another process; this one stops"):
        write()
    with ledger.read() as page:
        assert page.steps.of(batch) == ()
        assert page.scope.names(batch) == {}
        assert page.log.head().size == 0, "what came before it in the same commit is rolled back as well"


def test_a_finished_batch_is_neither_taken_nor_resumed_nor_written_for(ledger: Ledger, batch: int) -> None:
    lease = take(ledger, batch)
    with ledger.write() as page:
        page.batches.finish(lease)
    with ledger.read() as page:
        assert page.batches.unfinished() == ()
    with pytest.raises(LedgerError, match="is finished; there is nothing to take"):
        take(ledger, batch)
    with pytest.raises(Fenced), ledger.write() as page:
        page.steps.plan(lease, [STEP])


def test_an_unknown_batch_cannot_be_taken(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="batch 404 is unknown"):
        take(ledger, 404)


def test_of_many_who_take_a_batch_at_once_one_gets_it(ledger: Ledger, batch: int) -> None:
    together, leases, held = Barrier(4), [], []

    def work(number: int) -> None:
        together.wait()
        try:
            leases.append(take(ledger, batch, f"host:{number}"))
        except Held as answer:
            held.append(answer)

    threads = [Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(leases), len(held)) == (1, 3)


def test_of_many_who_take_over_by_force_at_once_only_the_last_can_write(ledger: Ledger, batch: int) -> None:
    together, leases, written = Barrier(4), [], []

    def work(number: int) -> None:
        together.wait()
        leases.append(take(ledger, batch, f"host:{number}", force=True))

    threads = [Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for lease in leases:
        try:
            with ledger.write() as page:
                page.batches.renew(lease)
            written.append(lease)
        except Fenced:
            pass
    assert written == [max(leases, key=lambda lease: lease.fence)]


# -- batches that fail ------------------------------------------------------------------------------


def waiting(ledger: Ledger) -> list[int]:
    with ledger.read() as page:
        return [each.number for each in page.batches.waiting()]


def fail(ledger: Ledger, lease: Lease, again: timedelta | None, *, counted: bool = True) -> Batch:
    with ledger.write() as page:
        page.batches.fail(lease, "a constraint forbids it", again, counted=counted)
    with ledger.read() as page:
        failed = page.batches.get(lease.batch)
    assert failed
    return failed


def test_a_batch_waits_for_nobody_while_it_is_held(ledger: Ledger, batch: int, clock: Clock) -> None:
    assert waiting(ledger) == [batch]
    take(ledger, batch)
    assert waiting(ledger) == []
    clock.now += LEASE
    assert waiting(ledger) == [batch]


def test_a_batch_that_failed_waits_for_its_time(ledger: Ledger, batch: int, clock: Clock) -> None:
    failed = fail(ledger, take(ledger, batch), timedelta(minutes=1))
    assert (failed.reason, failed.attempts) == ("a constraint forbids it", 1)
    assert waiting(ledger) == []
    clock.forward(minutes=1)
    assert waiting(ledger) == [batch]
    assert fail(ledger, take(ledger, batch), timedelta(minutes=1)).attempts == 2


def test_what_was_not_its_fault_does_not_count(ledger: Ledger, batch: int) -> None:
    assert fail(ledger, take(ledger, batch), timedelta(), counted=False).attempts == 0


def test_a_batch_that_came_on_is_tried_afresh(ledger: Ledger, batch: int) -> None:
    for _ in range(3):
        lease = take(ledger, batch, force=True)
    with ledger.write() as page:
        page.batches.renew(lease, came_on=True)
    assert fail(ledger, lease, timedelta()).attempts == 1


def test_a_dead_letter_is_left_alone_until_somebody_takes_it(ledger: Ledger, batch: int, clock: Clock) -> None:
    dead = fail(ledger, take(ledger, batch), None)
    assert dead.dead_at == clock.now
    clock.forward(days=30)
    assert waiting(ledger) == []
    with ledger.read() as page:
        assert page.batches.dead() == (dead,)
    take(ledger, batch)
    with ledger.read() as page:
        revived = page.batches.get(batch)
    assert revived
    assert (revived.dead_at, revived.attempts) == (None, 1)


def test_who_is_set_apart_leaves_the_batch_for_one_of_their_own(
    ledger: Ledger, batch: int, file_request: FileRequest
) -> None:
    lease = take(ledger, batch)
    with ledger.write() as page:
        (request,) = page.requests.find(batch=batch)
        apart = page.batches.set_apart(lease, [request.reference], "large")
    with ledger.read() as page:
        assert page.requests.find(batch=batch) == ()
        assert [each.reference for each in page.requests.find(batch=apart.number)] == [request.reference]
        assert page.batches.waiting("large") == (apart,)
        assert page.batches.waiting("small") == ()
    another = file_request().reference
    with pytest.raises(LedgerError, match="not in this batch"), ledger.write() as page:
        page.batches.set_apart(lease, [another], "large")


def test_a_lease_is_over_when_the_clock_was_set_back(ledger: Ledger, batch: int, clock: Clock) -> None:
    """No lease runs so long, and nobody must wait a year because a clock was wrong."""
    clock.forward(days=365)
    take(ledger, batch)
    clock.forward(days=-365)
    take(ledger, batch, "host:2")


def test_a_batch_that_somebody_is_writing_for_is_held(ledger: Ledger, batch: int, clock: Clock) -> None:
    """However long that takes: nobody queues up to take it over, only to find it finished."""
    lease = take(ledger, batch)
    clock.now += LEASE
    if ledger._engine.dialect.name == "sqlite":
        return  # one writes at a time, whoever it is
    with ledger.write() as page:
        page.batches.check(lease)
        with pytest.raises(Held):
            take(ledger, batch, "host:2")


def test_two_machines_need_not_agree_on_the_time(
    postgresql_database: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine an hour ahead does not take what another holds, nor does one an hour behind leave it alone for ever."""
    settings = Settings(home=home, ledger_url=postgresql_database)
    with open_ledger(settings) as ledger:
        with ledger.write() as page:
            subject = ledger.keys.subject("torget/users", "42")
            (request,) = page.requests.file("erase", [subject], "d" * 64, timedelta(hours=24))
            number = page.batches.create([request.reference]).number
        lease = take(ledger, number)
        for hours in (1, -1):
            skewed = partial(lambda hours: datetime.now(UTC) + timedelta(hours=hours), hours)
            monkeypatch.setattr(ledger, "_clock", skewed)
            with pytest.raises(Held):
                take(ledger, number, "host:2")
            with ledger.write() as page:
                page.batches.renew(lease)


def test_a_batch_that_settles_is_over_and_is_looked_at_once_more(settings: Settings, clock: Clock) -> None:
    """Nobody can resume it, whoever held it is fenced, and at its time one process after the other may look."""
    with open_ledger(settings, clock=clock) as ledger:
        with ledger.write() as page:
            (request,) = page.requests.file("erase", ["a" * 64], "d" * 64, timedelta(hours=1), "scheduled")
            first = page.batches.create([request.reference], "host:1").lease
            page.scope.put(first, [("late", 0, b"42")])
            page.batches.settle(first, page.now + timedelta(hours=1))
        with ledger.write() as page:
            assert (page.batches.unfinished(), page.batches.waiting(), page.batches.settled()) == ((), (), ())
            assert page.batches.take_settled(first.batch, "host:2") is None
            with pytest.raises(LedgerError, match="finished"):
                page.batches.take(first.batch, "host:2")
        with pytest.raises(Fenced), ledger.write() as page:
            page.batches.check(first)
        clock.forward(hours=1)
        with ledger.write() as page:
            second = page.batches.take_settled(first.batch, "host:2")
        assert second
        with pytest.raises(Held), ledger.write() as page:
            page.batches.take_settled(first.batch, "host:3")
        with ledger.write() as page:
            assert page.batches.is_looked_at(first.batch)
            page.batches.release(second)
            assert page.batches.take_settled(first.batch, "host:3") is None, "it is tried again later"
        clock.forward(minutes=10)
        with ledger.write() as page:
            third = page.batches.take_settled(first.batch, "host:3")
        with pytest.raises(Fenced), ledger.write() as page:
            page.batches.end_settling(second)
        assert third
        with ledger.write() as page:
            page.batches.end_settling(third)
            assert page.scope.names(first.batch) == {}
            assert page.batches.take_settled(first.batch, "host:4") is None
