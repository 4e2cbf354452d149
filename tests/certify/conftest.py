"""A ledger with requests that have come to their end, and the certificate of one."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from slett.certify import KeptTable, Verification, certificate_body, enter, write_certificates
from slett.ledger import Ledger, Request, open_ledger
from slett.ledger.requests import State
from slett.settings import Settings

NOW = datetime(2026, 11, 20, 12, 0, 7, 999_999, tzinfo=UTC)
COUNTS = {"torget/users": {"delete": 1}, "torget/orders": {"keep": 3, "delete": 4}, "konsern/audit.log": {"delete": 2}}
KEPT = KeptTable("torget", "orders", 3, "Bokføringsloven § 13", date(2031, 12, 31))

End = Callable[..., Request]
Issue = Callable[[int], list[str]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / ".slett"


@pytest.fixture
def ledger(home: Path) -> Iterator[Ledger]:
    with open_ledger(Settings(home=home), clock=lambda: NOW) as ledger:
        yield ledger


@pytest.fixture
def public_key(ledger: Ledger, home: Path) -> bytes:
    assert ledger.keys.id
    return (home / "signing.pub").read_bytes()


@pytest.fixture
def end(ledger: Ledger) -> End:
    """A request that has just ended in the given state."""

    def end_as(state: State = "fulfilled", reason: str = "") -> Request:
        ways: dict[str, tuple[State, ...]] = {
            "not_found": ("filed", "not_found"),
            "cancelled": ("filed", "cancelled"),
            "running": ("filed", "verified", "scheduled", "running"),
        }
        way = ways.get(state, ("filed", "verified", "scheduled", "running", "verifying", state))
        with ledger.write() as page:
            subject = ledger.keys.subject("email", "anna@example.com")
            (request,) = page.requests.file("erase", [subject], "d" * 64, timedelta(hours=24))
            for before, after in pairwise(way):
                page.requests.move([request.reference], before, after, reason=reason)
            if state != "not_found":
                page.requests.count({request.reference: COUNTS})
            ended = page.requests.get(request.reference)
        assert ended
        return ended

    return end_as


@pytest.fixture
def issue(ledger: Ledger, home: Path, end: End) -> Issue:
    """Ends that many requests well, and writes their certificates."""

    def issue_many(number: int) -> list[str]:
        verification = Verification(NOW, statements=9, rows=0)
        requests = [end() for _ in range(number)]
        bodies = [
            certificate_body(request, service="Tørget", key=ledger.keys.id, kept=[KEPT], verification=verification)
            for request in requests
        ]
        with ledger.write() as page:
            enter(page, bodies)
        references = [request.reference for request in requests]
        write_certificates(ledger, home / "certificates", references)
        return references

    return issue_many
