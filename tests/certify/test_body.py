"""The statement itself: what it says, and what it refuses to say."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from slett.certify import KeptTable, LeftTable, Verification, certificate_body
from slett.ledger import Ledger, Request

End = Callable[..., Request]
CLEAN = Verification(datetime(2026, 11, 20, 13, 0, tzinfo=UTC), statements=9, rows=0)
LEFT = LeftTable("torget", "messages", 2, "the store went away")


def test_a_fulfilled_erasure_says_what_was_done_what_is_kept_and_who_looked_again(end: End, ledger: Ledger) -> None:
    request = end("fulfilled")
    kept = KeptTable("torget", "order_items", 7, "Bokføringsloven § 13", None)
    body = certificate_body(request, service="Tørget", key="k" * 32, kept=[kept], verification=CLEAN)
    assert body == {
        "type": "slett-certificate/1",
        "request": request.reference,
        "kind": "erase",
        "outcome": "fulfilled",
        "reason": "",
        "service": "Tørget",
        "subject": ledger.keys.subject("email", "anna@example.com"),
        "map": "d" * 64,
        "filed": "2026-11-20T12:00:07Z",
        "started": "2026-11-20T12:00:07Z",
        "finished": "2026-11-20T12:00:07Z",
        "erased": None,
        "beyond_recovery": None,
        "promised": "2026-11-21T12:00:07Z",
        "law_due": "2026-12-21",
        "tables": [
            {"store": "konsern", "table": "audit.log", "actions": {"delete": 2}},
            {"store": "torget", "table": "orders", "actions": {"delete": 4, "keep": 3}},
            {"store": "torget", "table": "users", "actions": {"delete": 1}},
        ],
        "kept": [
            {"store": "torget", "table": "order_items", "rows": 7, "basis": "Bokføringsloven § 13", "until": None}
        ],
        "left": [],
        "verification": {"at": "2026-11-20T13:00:00Z", "statements": 9, "rows": 0},
        "key": "k" * 32,
    }


def test_a_partial_erasure_says_what_is_left_and_why(end: End) -> None:
    request = end("partially_fulfilled", reason="a store went away")
    looked = Verification(CLEAN.at, statements=9, rows=2)
    body = certificate_body(request, service="Tørget", key="k", left=[LEFT], verification=looked)
    assert body["outcome"] == "partially_fulfilled"
    assert body["reason"] == "a store went away"
    assert body["left"] == [{"store": "torget", "table": "messages", "rows": 2, "reason": "the store went away"}]


def test_nobody_found_is_an_outcome_of_its_own(end: End) -> None:
    body = certificate_body(end("not_found"), service="Tørget", key="k")
    assert (body["outcome"], body["started"], body["tables"]) == ("not_found", None, [])


@pytest.mark.parametrize("state", ["running", "cancelled"])
def test_a_request_that_has_not_come_so_far_is_not_certified(end: End, state: str) -> None:
    with pytest.raises(ValueError, match=f"is `{state}`: there is nothing to certify"):
        certificate_body(end(state), service="Tørget", key="k", verification=CLEAN)


@pytest.mark.parametrize(
    ("left", "verification"),
    [([], None), ([], Verification(CLEAN.at, statements=9, rows=1)), ([LEFT], CLEAN)],
)
def test_nothing_is_fulfilled_unless_a_second_look_found_nothing(
    end: End, left: list[LeftTable], verification: Verification | None
) -> None:
    with pytest.raises(ValueError, match="is not fulfilled: nobody looked again, or something is left"):
        certificate_body(end("fulfilled"), service="Tørget", key="k", left=left, verification=verification)


def test_a_partial_erasure_that_does_not_say_what_is_left_is_not_certified(end: End) -> None:
    with pytest.raises(ValueError, match="say what is left, and why"):
        certificate_body(end("partially_fulfilled"), service="Tørget", key="k", verification=CLEAN)
