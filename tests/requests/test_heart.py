"""Whoever may have been taken over asks the ledger before changing anything."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from slett.ledger import LEASE, Fenced, Lease, LedgerError
from slett.requests.batch import Batch
from slett.requests.erase import erase
from slett.requests.heart import Heart
from slett.requests.journal import journal
from slett.requests.service import Service
from slett.stores.sql import Session
from tests.ledger.clock import Clock
from tests.requests.shop import Counter


class Seconds:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def held(counter: Counter) -> Lease:
    with counter.service.ledger.write() as page:
        subject = counter.service.ledger.keys.subject("shop/users", "1")
        (request,) = page.requests.file("erase", [subject], "d" * 64, LEASE, "scheduled")
        return page.batches.create([request.reference], "host:1").lease


def taken_over(counter: Counter, lease: Lease) -> None:
    with counter.service.ledger.write() as page:
        page.batches.take(lease.batch, "host:2", force=True)


def test_while_the_lease_surely_runs_nobody_is_asked(counter: Counter, held: Lease) -> None:
    heart = Heart(counter.service.ledger, held, clock=Seconds())
    taken_over(counter, held)
    heart.check()


def test_who_was_frozen_finds_out_before_changing_anything(counter: Counter, held: Lease) -> None:
    seconds = Seconds()
    heart = Heart(counter.service.ledger, held, clock=seconds)
    taken_over(counter, held)
    seconds.now += LEASE.total_seconds()
    for _ in range(2):
        with pytest.raises(Fenced):
            heart.check()


def test_who_was_frozen_and_not_taken_over_goes_on(counter: Counter, held: Lease, clock: Clock) -> None:
    seconds = Seconds()
    heart = Heart(counter.service.ledger, held, clock=seconds)
    seconds.now += LEASE.total_seconds() * 2
    clock.forward(seconds=LEASE.total_seconds() * 2)
    heart.check()
    with counter.service.ledger.read() as page:
        assert page.batches.waiting() == (), "it is held again"


def test_who_cannot_ask_does_not_go_on(counter: Counter, held: Lease, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = Seconds()
    heart = Heart(counter.service.ledger, held, clock=seconds)
    seconds.now += LEASE.total_seconds()
    with monkeypatch.context() as down:
        down.setattr(counter.service.ledger, "write", _down)
        with pytest.raises(LedgerError):
            heart.check()
    heart.check()


def _down() -> None:
    raise LedgerError("does not answer")


def test_a_lease_is_renewed_however_long_a_step_takes(
    counter: Counter, held: Lease, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slett.requests.heart.BEAT_SECONDS", 0.01)
    monkeypatch.setattr("slett.requests.heart._Beating._all", [])  # those of other tests look seldom
    with Heart(counter.service.ledger, held):
        for _ in range(3):
            clock.forward(seconds=LEASE.total_seconds() / 2)
            _until(lambda: _held_until(counter, held) == clock.now + LEASE)


def test_one_thread_beats_for_one_batch_after_the_other_and_not_for_two_at_once(
    counter: Counter, held: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[object] = []
    monkeypatch.setattr("slett.requests.heart._Beating._all", threads)
    for _ in range(3):
        with Heart(counter.service.ledger, held):
            assert len(threads) == 1
    with Heart(counter.service.ledger, held), Heart(counter.service.ledger, held):
        assert len(threads) == 2


def test_the_next_batch_of_a_thread_is_renewed_too(
    counter: Counter, held: Lease, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slett.requests.heart.BEAT_SECONDS", 0.01)
    monkeypatch.setattr("slett.requests.heart._Beating._all", [])
    for _ in range(3):
        with Heart(counter.service.ledger, held):
            clock.forward(seconds=LEASE.total_seconds() / 2)
            _until(lambda: _held_until(counter, held) == clock.now + LEASE)


def _held_until(counter: Counter, lease: Lease) -> object:
    with counter.service.ledger.read() as page:
        batch = page.batches.get(lease.batch)
    return batch and batch.held_until


def _until(holds: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if holds():
            return
        threading.Event().wait(0.01)
    pytest.fail("it never came")


def test_after_the_clock_says_so_each_transaction_in_a_store_is_asked_for(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taken over between two steps: nothing more is changed in any store."""
    scene = counter.scene
    before = scene.snapshot()
    begun: list[int] = []
    transaction = Session.transaction

    def thaw(session: Session, *, defer: bool = False) -> object:
        begun.append(1)
        return transaction(session, defer=defer)

    monkeypatch.setattr(Session, "transaction", thaw)
    monkeypatch.setattr("slett.requests.heart.SURE_SECONDS", -1.0)
    monkeypatch.setattr("slett.requests.collect.journal", _journal_and_lose)
    with pytest.raises(Fenced):
        erase(counter.service, [counter.subject(1)])
    assert begun == []
    assert scene.snapshot() == before


def _journal_and_lose(service: Service, batch: Batch, *rest: Any) -> None:
    journal(service, batch, *rest)
    with service.ledger.write() as page:
        page.batches.take(batch.lease.batch, "host:2", force=True)
