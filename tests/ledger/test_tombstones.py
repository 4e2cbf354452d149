"""Tombstones: found by who knows the value and has the key, by nobody else."""

from collections.abc import Callable

from slett.ledger import Ledger, Request, Tombstone
from tests.ledger.clock import Clock

FileRequest = Callable[[], Request]


def test_the_erased_are_recognised_and_others_are_not(ledger: Ledger, file_request: FileRequest, clock: Clock) -> None:
    reference = file_request().reference
    with ledger.write() as page:
        page.tombstones.add([("email", "anna@example.com", reference), ("torget/users", "42", reference)])
    with ledger.read() as page:
        found = page.tombstones.find("email", ["anna@example.com", "berit@example.com", "42"])
        assert found == {"anna@example.com": Tombstone(reference, clock.now)}
        assert page.tombstones.find("torget/users", ["42", "43"]).keys() == {"42"}
        assert page.tombstones.find("konsern/persons", ["42"]) == {}
        assert page.tombstones.find("email", []) == {}


def test_many_are_looked_up_at_once(ledger: Ledger, file_request: FileRequest) -> None:
    reference = file_request().reference
    with ledger.write() as page:
        page.tombstones.add(("torget/users", str(key), reference) for key in range(0, 12_000, 2))
    with ledger.read() as page:
        found = page.tombstones.find("torget/users", map(str, range(12_000)))
    assert found.keys() == set(map(str, range(0, 12_000, 2)))


def test_a_later_erasure_of_the_same_value_has_a_tombstone_of_its_own(
    ledger: Ledger, file_request: FileRequest, clock: Clock
) -> None:
    first, second = file_request().reference, file_request().reference
    with ledger.write() as page:
        page.tombstones.add([("email", "anna@example.com", first)])
    clock.forward(days=30)
    with ledger.write() as page:
        page.tombstones.add([("email", "anna@example.com", second)])
        stones = page.tombstones.every("email", ["anna@example.com", "berit@example.com"])
        assert [stone.request for stone in stones["anna@example.com"]] == [first, second], "oldest first"
        assert page.tombstones.kinds() == {"email"}
        assert page.tombstones.find("email", ["anna@example.com"]) == {"anna@example.com": Tombstone(second, clock.now)}
