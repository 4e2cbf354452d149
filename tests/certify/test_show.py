"""A certificate for a person to read."""

from collections.abc import Callable
from datetime import UTC, date, datetime

from slett.certify import KeptTable, LeftTable, Verification, certificate_body, sections
from slett.ledger import Request

End = Callable[..., Request]


def test_every_section_that_has_something_to_say_is_shown(end: End) -> None:
    body = certificate_body(
        end("partially_fulfilled"),
        service="Tørget",
        key="k",
        kept=[
            KeptTable("torget", "orders", 3, "Bokføringsloven § 13", date(2031, 12, 31)),
            KeptTable("torget", "order_items", 7, "Bokføringsloven § 13", None),
        ],
        left=[LeftTable("torget", "messages", 2, "the store went away")],
        verification=Verification(datetime(2026, 11, 20, 13, tzinfo=UTC), 9, 2),
    )
    certificate, done, kept, left = sections(body)
    pairs = {row[0]: row[1] for row in certificate.rows}
    assert pairs["Outcome"] == "partially fulfilled: see what is left, and why"
    assert pairs["Looked again"] == "2026-11-20T13:00:00Z, 9 statements, 2 rows found"
    assert pairs["Due by law"] == "2026-12-21"
    assert "Reason" not in pairs
    assert done.rows == (
        ("konsern", "audit.log", "delete", "2"),
        ("torget", "orders", "delete", "4"),
        ("torget", "orders", "keep", "3"),
        ("torget", "users", "delete", "1"),
    )
    assert kept.rows == (
        ("torget", "orders", "3", "Bokføringsloven § 13", "2031-12-31"),
        ("torget", "order_items", "7", "Bokføringsloven § 13", "as its parent"),
    )
    assert left.rows == (("torget", "messages", "2", "the store went away"),)
    assert all(len(row) == len(section.columns) for section in (done, kept, left) for row in section.rows)


def test_empty_sections_are_left_out(end: End) -> None:
    (certificate,) = sections(certificate_body(end("not_found"), service="Tørget", key="k"))
    pairs = {row[0]: row[1] for row in certificate.rows}
    assert pairs["Outcome"] == "not found: nobody by that key or identifier is known"
    assert "Started" not in pairs
    assert "Looked again" not in pairs
