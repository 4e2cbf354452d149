"""Batches: who may write for them, and who no longer may."""

from collections.abc import Callable
from threading import Barrier, Thread

import pytest

from slett.ledger import Fenced, Held, Lease, Ledger, LedgerError, Request, Step
from slett.ledger.batches import LEASE
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
    with pytest.raises(Held, match=r"batch \d+ is held by host:1 until 2026-11-20 12:00:30 UTC; wait until then"):
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
