"""The journal: steps and sealed scope, and what of them can be found on disk."""

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from slett.ledger import Conflict, Kept, Lease, Ledger, Request, Step, open_ledger
from slett.settings import Settings
from tests.ledger.clock import Clock

FileRequest = Callable[[], Request]
NEEDLE = b"anna.planted@example.com"


@pytest.fixture
def lease(ledger: Ledger, file_request: FileRequest) -> Lease:
    reference = file_request().reference
    with ledger.write() as page:
        return page.batches.take(page.batches.create([reference]).number, "host:1")


def test_a_plan_is_written_whole_and_read_in_order(ledger: Ledger, lease: Lease) -> None:
    plan = [Step(position, "torget", "orders", "delete", planned=position * 10) for position in range(20)]
    with ledger.write() as page:
        page.steps.plan(lease, reversed(plan))
    with ledger.read() as page:
        assert page.steps.of(lease.batch) == tuple(plan)
        assert page.batches.get(lease.batch).state == "planned"  # type: ignore[union-attr]  # it was just made


def test_what_is_planned_of_a_day_is_what_all_steps_of_its_batches_were_to_change(
    ledger: Ledger, lease: Lease, file_request: FileRequest, clock: Clock
) -> None:
    """Also those that a later pass adds, and nothing of a batch that was begun before."""
    with ledger.write() as page:
        page.steps.plan(lease, [Step(place, "torget", "orders", "delete", planned=place) for place in range(4)])
    with ledger.write() as page:
        page.steps.plan(lease, [Step(9, "torget", "users", "delete", planned=10)])
        page.steps.mark(lease, [Step(9, "torget", "users", "delete", planned=10, done=3, state="done")])
    clock.forward(hours=1)
    reference = file_request().reference
    with ledger.write() as page:
        later = page.batches.create([reference], "host:2")
        page.steps.plan(later.lease, [Step(0, "torget", "users", "delete", planned=100)])
    with ledger.read() as page:
        first, second = page.batches.get(lease.batch), page.batches.get(later.number)
        assert first
        assert second
        assert (first.planned, second.planned) == (16, 100)
        assert page.pauses.rows_planned(first.created_at) == 116
        assert page.pauses.rows_planned(second.created_at) == 100
        assert page.pauses.rows_planned(second.created_at + timedelta(microseconds=1)) == 0


def test_an_empty_plan_is_a_plan(ledger: Ledger, lease: Lease) -> None:
    with ledger.write() as page:
        page.steps.plan(lease, [])
        assert page.batches.get(lease.batch).state == "planned"  # type: ignore[union-attr]  # it was just made


def test_steps_are_added_for_a_later_pass_but_never_written_over(ledger: Ledger, lease: Lease) -> None:
    first, second = Step(0, "torget", "users", "delete"), Step(1, "torget", "users", "delete")
    with ledger.write() as page:
        page.steps.plan(lease, [first])
    with ledger.write() as page:
        page.steps.plan(lease, [second])
    with pytest.raises(Conflict), ledger.write() as page:
        page.steps.plan(lease, [first])
    with ledger.read() as page:
        assert page.steps.of(lease.batch) == (first, second)


def test_several_steps_are_marked_in_one_commit(ledger: Ledger, lease: Lease) -> None:
    plan = [Step(position, "torget", "orders", "delete", planned=5) for position in range(3)]
    marked = [
        replace(plan[0], state="done", done=5),
        replace(plan[1], state="running", done=2, progress='{"after": 17}'),
    ]
    with ledger.write() as page:
        page.steps.plan(lease, plan)
        page.steps.mark(lease, marked)
    with ledger.read() as page:
        assert page.steps.of(lease.batch) == (*marked, plan[2])


def test_scope_comes_back_part_by_part_as_it_was_put(ledger: Ledger, lease: Lease) -> None:
    with ledger.write() as page:
        page.scope.put(lease, [("users", 1, b"second"), ("users", 0, b"first"), ("orders", 0, b"")])
    with ledger.read() as page:
        assert page.scope.names(lease.batch) == {"orders": 1, "users": 2}
        assert list(page.scope.read(lease.batch, "users")) == [b"first", b"second"]
        assert list(page.scope.read(lease.batch, "orders")) == [b""]
        assert list(page.scope.read(lease.batch, "nothing")) == []


def test_scope_and_steps_are_committed_together_or_not_at_all(ledger: Ledger, lease: Lease) -> None:
    with suppress(KeyboardInterrupt), ledger.write() as page:
        page.scope.put(lease, [("users", 0, b"42")])
        page.steps.plan(lease, [Step(0, "torget", "users", "delete")])
        raise KeyboardInterrupt
    with ledger.read() as page:
        assert page.scope.names(lease.batch) == {}
        assert page.steps.of(lease.batch) == ()


def test_scope_of_one_batch_is_destroyed_and_that_of_another_stays(
    ledger: Ledger, lease: Lease, file_request: FileRequest
) -> None:
    reference = file_request().reference
    with ledger.write() as page:
        other = page.batches.take(page.batches.create([reference]).number, "host:1")
        page.scope.put(lease, [("users", 0, b"42")])
        page.scope.put(other, [("users", 0, b"43")])
    with ledger.write() as page:
        page.scope.destroy(lease)
    with ledger.read() as page:
        assert page.scope.names(lease.batch) == {}
        assert list(page.scope.read(other.batch, "users")) == [b"43"]


def test_a_finished_batch_has_neither_scope_nor_progress_left(ledger: Ledger, lease: Lease) -> None:
    step = Step(0, "torget", "users", "delete", planned=1, done=1, state="done", progress='{"after": 42}')
    with ledger.write() as page:
        page.scope.put(lease, [("users", 0, b"42")])
        page.steps.plan(lease, [step])
        page.batches.finish(lease)
    with ledger.read() as page:
        assert page.scope.names(lease.batch) == {}
        assert page.steps.of(lease.batch) == (replace(step, progress=""),)


def on_disk(home: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(home.glob("ledger.db*")))


def sealed_blobs(home: Path) -> list[bytes]:
    with closing(sqlite3.connect(home / "ledger.db")) as connection:
        return [blob for (blob,) in connection.execute("SELECT blob FROM scope UNION ALL SELECT keys FROM kept")]


def test_no_personal_data_reaches_the_disk(home: Path) -> None:
    """The ledger holds none: a person appears as a keyed hash, keys are sealed."""
    text = NEEDLE.decode()
    with open_ledger(Settings(home=home)) as ledger:
        with ledger.write() as page:
            subject = ledger.keys.subject("email", text)
            (request,) = page.requests.file("erase", [subject], "d" * 64, timedelta(hours=1))
            lease = page.batches.take(page.batches.create([request.reference]).number, "host:1")
            page.scope.put(lease, [("email", 0, NEEDLE)])
            page.steps.plan(lease, [Step(0, "torget", "users", "delete", progress=f'{{"after": "{text}"}}')])
            page.kept.add([Kept(request.reference, "torget", "orders", None, NEEDLE)])
            page.tombstones.add([("email", text, request.reference)])
        assert NEEDLE not in on_disk(home)
        assert subject.encode() in on_disk(home), "the search would have found it"
    assert NEEDLE not in on_disk(home)


@pytest.mark.parametrize("seconds", [0.0, 60.0])
def test_destroyed_scope_and_forgotten_keys_are_gone_from_the_bytes_on_disk(
    home: Path, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """Within a minute, or when the ledger is closed; until then they are sealed."""
    monkeypatch.setattr("slett.ledger.ledger.SCRUB_SECONDS", seconds)
    with open_ledger(Settings(home=home)) as ledger:
        with ledger.write() as page:
            (request,) = page.requests.file("erase", ["a" * 64], "d" * 64, timedelta(hours=1))
            lease = page.batches.take(page.batches.create([request.reference]).number, "host:1")
            page.scope.put(lease, [("users", part, bytes([part]) * 50) for part in range(30)])
            page.kept.add([Kept(request.reference, "torget", "orders", None, b"17")])
        blobs = sealed_blobs(home)
        assert len(blobs) == 31
        assert all(blob in on_disk(home) for blob in blobs)
        with ledger.write() as page:
            page.kept.forget([row.number for row in page.kept.of(request.reference)])
            page.batches.finish(lease)
        assert seconds or not any(blob in on_disk(home) for blob in blobs)
    assert not any(blob in on_disk(home) for blob in blobs)


def test_the_parts_that_stand_alone_are_read_together(ledger: Ledger, lease: Lease) -> None:
    with ledger.write() as page:
        page.scope.put(lease, [("one", 0, b"alone"), ("two", 0, b"first"), ("two", 1, b"second")])
        assert page.scope.small(lease.batch) == {"one": b"alone", "two": None}
