"""What the portal keeps: requests that wait, sealed particulars, visits, counts, and what is to be sent."""

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest

from slett.ledger import BrokenSeal, Ledger, LedgerError, Request, open_ledger
from slett.settings import Settings
from tests.ledger.clock import Clock

FileRequest = Callable[[], Request]
NEEDLE = b"anna.planted@example.com"
HOUR = timedelta(hours=1)


def waiting(ledger: Ledger, request: Request, hours: float = 0) -> Request:
    """That request, scheduled to begin in so many hours."""
    with ledger.write() as page:
        page.requests.move([request.reference], "filed", "verified")
        start = page.now + timedelta(hours=hours)
        return page.requests.schedule(request, secret="e" * 64, promise=HOUR, not_before=start, doubt="")


def closed(ledger: Ledger, request: Request, until: timedelta) -> str:
    """That request, as a close with a way back."""
    with ledger.write() as page:
        (close,) = page.requests.file("close", [request.subject], "d" * 64, HOUR)
        for start, end in (
            ("filed", "verified"),
            ("verified", "scheduled"),
            ("scheduled", "running"),
            ("running", "verifying"),
            ("verifying", "fulfilled"),
        ):
            page.requests.move([close.reference], start, end)  # type: ignore[arg-type]  # literals
        page.requests.open_window(close.reference, page.now + until)
    return close.reference


def test_a_request_is_due_from_its_moment_on(ledger: Ledger, file_request: FileRequest) -> None:
    later, now = waiting(ledger, file_request(), 2), waiting(ledger, file_request())
    with ledger.read() as page:
        assert page.requests.get(later.reference) == later
        assert page.requests.due(page.now, "erase") == (now,)
        assert page.requests.due(page.now, "export") == ()
        assert page.requests.due(page.now + 2 * HOUR, "erase") == (now, later)
        assert page.requests.due(page.now + 2 * HOUR, "erase", limit=1) == (now,)


def test_what_is_in_a_batch_is_neither_due_nor_withdrawn(ledger: Ledger, file_request: FileRequest) -> None:
    request = waiting(ledger, file_request())
    with ledger.write() as page:
        page.batches.create([request.reference])
        assert page.requests.due(page.now, "erase") == ()
        assert not page.requests.withdraw(request.reference)


def test_what_was_withdrawn_gets_into_no_batch(ledger: Ledger, file_request: FileRequest) -> None:
    request = waiting(ledger, file_request())
    with ledger.write() as page:
        assert page.requests.withdraw(request.reference)
        assert not page.requests.withdraw(request.reference)
    with pytest.raises(LedgerError, match="over"), ledger.write() as page:
        page.batches.create([request.reference])
    with ledger.read() as page:
        found = page.requests.get(request.reference)
    assert found
    assert (found.state, found.finished_at) == ("cancelled", found.filed_at)


def test_a_close_is_followed_by_one(ledger: Ledger, file_request: FileRequest) -> None:
    reference = closed(ledger, file_request(), 24 * HOUR)
    together, won = Barrier(6), []

    def follow(number: int) -> None:
        together.wait()
        with ledger.write() as page:
            if page.requests.follow(reference, f"S-0000-000{number}"):
                won.append(number)

    threads = [Thread(target=follow, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with ledger.read() as page:
        request = page.requests.get(reference)
    assert request
    assert [f"S-0000-000{number}" for number in won] == [request.followed_by]


def test_only_a_fulfilled_close_is_followed(ledger: Ledger) -> None:
    with ledger.write() as page:
        assert not page.requests.follow("S-0000-0000", "S-0000-0001")
        (close,) = page.requests.file("close", ["a" * 64], "d" * 64, HOUR)
        assert not page.requests.follow(close.reference, "S-0000-0001")


def test_windows_end_and_come_near_their_end(ledger: Ledger, file_request: FileRequest, clock: Clock) -> None:
    reference = closed(ledger, file_request(), 24 * HOUR)
    with ledger.read() as page:
        assert page.requests.windows_over(page.now) == ()
        assert [each.reference for each in page.requests.windows_ending(page.now, page.now + 25 * HOUR)] == [reference]
        assert page.requests.find_open("close", page.requests.get(reference).subject)  # type: ignore[union-attr]
    clock.forward(hours=24)
    with ledger.write() as page:
        (over,) = page.requests.windows_over(page.now)
        assert over.reference == reference
        assert page.requests.find_open("close", over.subject) is None
        assert page.requests.follow(reference, "S-0000-0001")
        assert page.requests.windows_over(page.now) == ()


def test_what_nobody_confirmed_and_what_nobody_finished_is_found(
    ledger: Ledger, file_request: FileRequest, clock: Clock
) -> None:
    old = file_request()
    clock.forward(hours=1)
    begun = waiting(ledger, file_request())
    with ledger.write() as page:
        page.requests.move([begun.reference], "scheduled", "running")
        assert page.requests.unconfirmed(page.now) == (old,)
        assert page.requests.running(page.now - HOUR, "erase") == ()
        assert [each.reference for each in page.requests.running(page.now, "erase")] == [begun.reference]


def test_one_open_request_a_person_and_kind_however_many_ask_at_once(ledger: Ledger) -> None:
    together, filed = Barrier(10), []

    def ask() -> None:
        together.wait()
        with ledger.write() as page:
            found = page.requests.find_open("erase", "a" * 64)
            filed.append((found or page.requests.file("erase", ["a" * 64], "d" * 64, HOUR)[0]).reference)

    threads = [Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(filed) == 10
    assert len(set(filed)) == 1


def test_whoever_opens_a_request_opens_what_follows_it(ledger: Ledger, file_request: FileRequest) -> None:
    first = waiting(ledger, file_request())
    with ledger.write() as page:
        (second,) = page.requests.file("return", [first.subject], "d" * 64, HOUR, follows=first)
        assert (second.follows, second.secret) == (first.reference, first.secret)
        assert page.requests.get(second.reference) == second


def test_sealed_parts_come_back_and_only_where_they_were_sealed(ledger: Ledger, file_request: FileRequest) -> None:
    one, two = file_request().reference, file_request().reference
    with ledger.write() as page:
        page.particulars.put(one, b"first")
        page.particulars.put(one, NEEDLE)
        page.before.put(one, [b"a", b"b"])
        page.before.put(one, [b"c"])
        assert page.particulars.get(one) == NEEDLE
        assert page.particulars.get(two) is None
        assert list(page.before.read(one)) == [b"a", b"b", b"c"]
        page.particulars._connection.exec_driver_sql(f"UPDATE particulars SET request = '{two}'")
        with pytest.raises(BrokenSeal, match=two):
            page.particulars.get(two)


def test_nothing_personal_is_in_the_files_and_nothing_destroyed_stays(home: Path, clock: Clock) -> None:
    """Neither in the open nor, once destroyed, sealed."""
    with open_ledger(Settings(home=home), clock=clock) as ledger:
        with ledger.write() as page:
            (request,) = page.requests.file("erase", ["a" * 64], "d" * 64, HOUR)
            page.particulars.put(request.reference, NEEDLE)
            page.before.put(request.reference, [NEEDLE])
            page.sessions.add("b" * 64, NEEDLE, page.now + HOUR)
            number = page.notices.add("filed", request.reference, NEEDLE)
        assert NEEDLE not in b"".join(path.read_bytes() for path in home.iterdir())
        with ledger.read() as page:
            connection = page.particulars._connection  # as an intruder would read the database
            sealed = [
                connection.exec_driver_sql(f"SELECT substr(blob, 14, 20) FROM {table}").scalar_one()
                for table in ("particulars", "before", "sessions", "notices")
            ]
        with ledger.write() as page:
            page.particulars.destroy(request.reference)
            page.before.destroy(request.reference)
            page.sessions.end("b" * 64)
            page.notices.sent(number)
    files = b"".join(path.read_bytes() for path in home.iterdir())
    assert [blob in files for blob in sealed] == [False] * 4


def test_a_mail_is_taken_by_one_and_again_if_they_die(ledger: Ledger, clock: Clock) -> None:
    with ledger.write() as page:
        numbers = [page.notices.add("filed", "S-0000-0000", f"mail {n}".encode()) for n in range(20)]
        page.notices.add("code", None, b"only looks like one", state="given_up")
    together = Barrier(4)
    taken: list[int] = []

    def take() -> None:
        together.wait()
        with ledger.write() as page:
            taken.extend(each.number for each in page.notices.take(6, HOUR))

    threads = [Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with ledger.write() as page:
        taken.extend(each.number for each in page.notices.take(100, HOUR))
        assert page.notices.take(100, HOUR) == ()
    assert sorted(taken) == numbers
    clock.forward(hours=1)
    with ledger.write() as page:
        again = page.notices.take(100, HOUR)
        assert [(each.content, each.attempts) for each in again] == [(f"mail {n}".encode(), 2) for n in range(20)]


def test_a_mail_is_sent_or_given_up_or_tried_again(ledger: Ledger, clock: Clock) -> None:
    with ledger.write() as page:
        sent, given_up, again = (page.notices.add("filed", "S-0000-0000", NEEDLE) for _ in range(3))
        page.notices.take(3, HOUR)
        page.notices.sent(sent)
        page.notices.give_up(given_up)
        page.notices.again(again, page.now + timedelta(minutes=5))
        assert page.notices.take(3, HOUR) == ()
        assert page.notices.any_waiting("S-0000-0000")
    clock.forward(minutes=5)
    with ledger.write() as page:
        assert [each.number for each in page.notices.take(3, HOUR)] == [again]
        page.notices.sent(again)
        assert not page.notices.any_waiting("S-0000-0000")
        assert page.notices.was_queued("S-0000-0000", "filed") == 3


def test_a_webhook_remembers_what_was_answered(ledger: Ledger, clock: Clock) -> None:
    with ledger.write() as page:
        page.deliveries.add([("event-1", "S-0000-0000", {"state": "filed"})])
        (first,) = page.deliveries.take(10, HOUR)
        assert (first.body, first.attempts, first.last_status) == ({"state": "filed"}, 1, None)
        page.deliveries.again(first.number, page.now + HOUR, 503)
    clock.forward(hours=1)
    with ledger.write() as page:
        (second,) = page.deliveries.take(10, HOUR)
        assert (second.attempts, second.last_status) == (2, 503)
        page.deliveries.sent(second.number, 204)
        assert [each.state for each in page.deliveries.of("S-0000-0000")] == ["sent"]


def test_what_may_be_used_once_is_used_once(ledger: Ledger, clock: Clock) -> None:
    together, won = Barrier(8), []

    def spend() -> None:
        together.wait()
        with ledger.write() as page:
            won.append(page.spent.spend("a" * 64, page.now + HOUR))

    threads = [Thread(target=spend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 7 + [True]
    clock.forward(hours=1)
    with ledger.write() as page:
        assert page.spent.purge() == 1


def test_the_questions_of_the_portal_are_answered_from_an_index(home: Path) -> None:
    """So that pages stay fast with ten thousand open requests."""
    open_ledger(Settings(home=home)).close()
    connection = sqlite3.connect(home / "ledger.db")
    try:
        for query in (
            "requests WHERE state = 'scheduled' AND kind = 'erase' AND not_before <= 'x' AND batch IS NULL"
            " ORDER BY not_before",
            "requests WHERE subject = 'x' AND kind = 'erase'",
            "requests WHERE reference = 'x'",
            "requests WHERE kind = 'close' AND state = 'fulfilled' AND until <= 'x'",
            "sessions WHERE hash = 'x' AND expires_at > 'x'",
            "codes WHERE session = 'x' AND purpose = 'confirm' ORDER BY number DESC LIMIT 1",
            "notices WHERE state = 'waiting' AND next_at <= 'x' ORDER BY next_at, number LIMIT 20",
            "deliveries WHERE state = 'waiting' AND next_at <= 'x' ORDER BY next_at, number LIMIT 20",
        ):
            plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN SELECT * FROM {query}"))
            assert "SCAN" not in plan, query
    finally:
        connection.close()
