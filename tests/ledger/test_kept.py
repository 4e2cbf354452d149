"""Kept rows: remembered with their keys, due on their day, forgotten when they are erased."""

from collections.abc import Callable
from datetime import date

from slett.ledger import Kept, Ledger, Request

FileRequest = Callable[[], Request]


def test_what_is_due_comes_on_its_day_and_not_before(ledger: Ledger, file_request: FileRequest) -> None:
    reference = file_request().reference
    with ledger.write() as page:
        page.kept.add(
            [
                Kept(reference, "torget", "orders", date(2031, 12, 31), b"[17]"),
                Kept(reference, "torget", "payments", date(2036, 12, 31), b"[3]"),
                Kept(reference, "torget", "order_items", None, b"[99]"),
            ]
        )
    with ledger.read() as page:
        assert page.kept.due(date(2031, 12, 30)) == ()
        (due,) = page.kept.due(date(2031, 12, 31))
        assert (due.table, due.due, due.keys) == ("orders", date(2031, 12, 31), b"[17]")
        assert [each.table for each in page.kept.due(date(2099, 1, 1))] == ["orders", "payments"]
        assert [each.table for each in page.kept.of(reference)] == ["orders", "payments", "order_items"]


def test_what_is_due_comes_in_pages(ledger: Ledger, file_request: FileRequest) -> None:
    reference = file_request().reference
    with ledger.write() as page:
        page.kept.add(Kept(reference, "torget", "orders", date(2030, 1, 1), b"%d" % key) for key in range(7))
    seen, after = [], 0
    with ledger.read() as page:
        while some := page.kept.due(date(2030, 1, 1), after=after, limit=3):
            seen += [each.keys for each in some]
            after = some[-1].number
    assert seen == [b"%d" % key for key in range(7)]


def test_what_was_erased_is_forgotten(ledger: Ledger, file_request: FileRequest) -> None:
    reference = file_request().reference
    with ledger.write() as page:
        page.kept.add(Kept(reference, "torget", "orders", date(2030, 1, 1), b"%d" % key) for key in range(3))
    with ledger.write() as page:
        first, *_, last = page.kept.of(reference)
        page.kept.forget([first.number, last.number])
    with ledger.read() as page:
        assert [each.keys for each in page.kept.of(reference)] == [b"1"]
