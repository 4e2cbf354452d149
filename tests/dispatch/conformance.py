"""What every dispatcher must do, whatever wakes it. A module that imports this gives it a fixture `dispatcher`."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Protocol

import pytest

from slett.ledger import LEASE, Request
from slett.requests.batch import Batch
from slett.requests.erase import Watch, _work
from slett.requests.particulars import Particulars
from slett.requests.service import Service
from slett.requests.subject import by_key
from slett.stores.errors import StoreError, Unavailable
from tests.journeys.scene import Scene


class Dispatcher(Protocol):
    """What is started once, and stopped once."""

    def start(self) -> None: ...
    def stop(self) -> None: ...


Make = Callable[[Service], Dispatcher]


def file(service: Service, number: int, wait: timedelta = timedelta(), *, stumble: bool = False) -> str:
    """A confirmed wish of that person, not to begin before that; or, of somebody who stumbles, nothing."""
    subject = by_key(service.plan, str(number))
    with service.ledger.write() as page:
        (request,) = page.requests.file(
            "erase", [subject.hash(service.ledger.keys)], service.datamap.digest, timedelta(hours=24), "verified"
        )
        page.particulars.put(request.reference, Particulars(subject, (), (), "en", "SECRET").pack())
        page.requests.schedule(
            request, secret="0" * 64, promise=timedelta(hours=24), not_before=page.now + wait, doubt=""
        )
        if stumble:
            raise ZeroDivisionError
    return request.reference


def request(service: Service, reference: str) -> Request:
    with service.ledger.read() as page:
        found = page.requests.get(reference)
    assert found
    return found


def eventually(holds: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


def fulfilled(service: Service, *references: str) -> Callable[[], bool]:
    return lambda: all(request(service, each).state == "fulfilled" for each in references)


def users(scene: Scene) -> list[int]:
    return [number for (number,) in scene.rows("SELECT id FROM users ORDER BY id")]


@contextmanager
def running(*dispatchers: Dispatcher) -> Iterator[None]:
    for each in dispatchers:
        each.start()
    try:
        yield
    finally:
        for each in dispatchers:
            each.stop()


def broken_for(monkeypatch: pytest.MonkeyPatch, key: str, error: Exception) -> list[int]:
    """From now on whatever is done for that person fails; the list grows with each time."""
    tried: list[int] = []

    def work(service: Service, batch: Batch, watch: Watch) -> None:
        if any(str(subject.values[0]) == key for subject in batch.subjects):
            tried.append(batch.lease.batch)
            raise error
        _work(service, batch, watch)

    monkeypatch.setattr("slett.requests.erase._work", work)
    return tried


def test_a_due_request_is_carried_out_once(service: Service, scene: Scene, make: Make) -> None:
    """By whichever of three, and nobody else does it again."""
    with running(make(service), make(service), make(service)):
        references = [file(service, number) for number in range(1, 6)]
        eventually(fulfilled(service, *references))
    assert users(scene) == [6]
    with service.ledger.read() as page:
        events = [page.deliveries.of(each) for each in references]
        assert page.log.check() is None
        assert page.batches.unfinished() == ()
    assert [[each.body["data"]["state"] for each in told] for told in events] == [
        ["running", "verifying", "fulfilled"]
    ] * 5


def test_what_was_filed_while_nobody_worked_is_carried_out(service: Service, make: Make) -> None:
    reference = file(service, 1)
    with running(make(service)):
        eventually(fulfilled(service, reference))


def test_nothing_begins_before_its_time(service: Service, make: Make) -> None:
    with running(make(service)):
        later = file(service, 1, timedelta(seconds=1.5))
        now = file(service, 2)
        much_later = file(service, 3, timedelta(days=1))
        eventually(fulfilled(service, now, later))
    started, not_before = request(service, later).started_at, request(service, later).not_before
    assert isinstance(started, datetime)
    assert isinstance(not_before, datetime)
    assert started >= not_before
    assert request(service, much_later).state == "scheduled"


@pytest.mark.slow
def test_what_a_dead_worker_held_is_taken_over(service: Service, scene: Scene, make: Make) -> None:
    reference = file(service, 1)
    with service.ledger.write() as page:
        dead = page.batches.create([reference], "elsewhere:1")
        subject = by_key(service.plan, "1")
        page.scope.put(dead.lease, [("subjects", 0, f'[["{reference}", "{subject.kind}", ["1"]]]'.encode())])
    with running(make(service)):
        eventually(fulfilled(service, reference), LEASE.total_seconds() + 40)
    assert 1 not in users(scene)


def test_a_store_that_fails_for_one_is_tried_again_later_and_holds_up_nobody(
    service: Service, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slett.requests.failing.SOON", timedelta(seconds=1))
    with monkeypatch.context() as down:
        tried = broken_for(down, "1", Unavailable("shop", "does not answer in time"))
        with running(make(service)):
            first = file(service, 1)
            eventually(lambda: tried)
            eventually(fulfilled(service, file(service, 2)))
            eventually(lambda: len(tried) > 1)
            assert request(service, first).state == "scheduled"
            down.undo()
            eventually(fulfilled(service, first))


def test_what_always_fails_is_a_dead_letter_with_its_reason(
    service: Service, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slett.requests.failing.FIRST_WAIT", timedelta(milliseconds=100))
    tried = broken_for(monkeypatch, "1", StoreError("shop", "PostgreSQL error P0001 (RaiseException)"))
    with running(make(service)):
        file(service, 1)
        eventually(lambda: dead(service))
        eventually(fulfilled(service, file(service, 2)))
    assert dead(service) == ["StoreError: store `shop`: PostgreSQL error P0001 (RaiseException)"]
    assert len(tried) == service.settings.tries


def dead(service: Service) -> list[str]:
    with service.ledger.read() as page:
        return [each.reason for each in page.batches.dead()]


def test_who_has_very_much_does_not_hold_up_the_others(
    service: Service, scene: Scene, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the large one is still at work, a small one comes and is done."""
    scene.sql(*(f"INSERT INTO listings VALUES ({n}, 1, 'Chair', false)" for n in range(100, 130)))
    begun, go_on = threading.Event(), threading.Event()

    def work(service: Service, batch: Batch, watch: Watch) -> None:
        if batch.lane == "large":
            begun.set()
            assert go_on.wait(60)
        _work(service, batch, watch)

    monkeypatch.setattr("slett.requests.erase._work", work)
    with running(make(service)):
        large = file(service, 1)
        assert begun.wait(60)
        eventually(fulfilled(service, file(service, 2)))
        assert request(service, large).state == "scheduled"
        go_on.set()
        eventually(fulfilled(service, large))


def test_it_stops_when_it_is_told_to(service: Service, make: Make) -> None:
    before = {each.name for each in threading.enumerate()}
    with running(make(service)):
        eventually(fulfilled(service, file(service, 1)))
    eventually(lambda: not {each.name for each in threading.enumerate() if each.name.startswith("slett")} - before)
    reference = file(service, 2)
    with running(make(service)):  # and another begins where it ended
        eventually(fulfilled(service, reference))
