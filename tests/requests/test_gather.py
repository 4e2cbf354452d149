"""Where one pass reads a large table whole, erasures wait for each other, and never too long."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slett.ledger import Request
from slett.requests.due import erase_due
from slett.requests.gather import is_time
from slett.requests.service import Service
from tests.journeys.scene import Scene
from tests.requests.shop import Counter


@pytest.fixture
def scanning(counter: Counter) -> Counter:
    return replace(counter, service=replace(counter.service, scans=True))


def confirmed(counter: Counter, number: int) -> Request:
    return counter.file(counter.session(number), "erase").request


def test_erasures_that_must_read_everything_go_together(scanning: Counter) -> None:
    first = confirmed(scanning, 1)
    scanning.clock.forward(minutes=20)
    second = confirmed(scanning, 2)
    assert erase_due(scanning.service) == 0
    assert {scanning.state(each.reference) for each in (first, second)} == {"scheduled"}
    scanning.clock.forward(minutes=11)
    assert erase_due(scanning.service) == 2
    with scanning.service.ledger.read() as page:
        found = page.requests.some([first.reference, second.reference])
    assert len({each.batch for each in found.values()}) == 1


def test_whoever_waits_for_others_can_cancel(scanning: Counter) -> None:
    reference = confirmed(scanning, 1).reference
    assert erase_due(scanning.service) == 0
    with scanning.service.ledger.write() as page:
        assert page.requests.withdraw(reference)
    scanning.clock.forward(hours=25)
    assert erase_due(scanning.service) == 0
    assert scanning.scene.rows("SELECT count(*) FROM users WHERE id = 1") == [(1,)]


def test_with_an_index_nobody_waits(counter: Counter) -> None:
    assert not counter.service.scans
    confirmed(counter, 1)
    assert erase_due(counter.service) == 1


def test_a_full_batch_does_not_wait(scanning: Counter) -> None:
    settings = scanning.service.settings.model_copy(update={"batch_people": 2})
    service = replace(scanning.service, settings=settings)
    confirmed(scanning, 1)
    assert erase_due(service) == 0
    confirmed(scanning, 2)
    assert erase_due(service) == 2


@given(st.integers(0, 1_000), st.integers(0, 2_000), st.lists(st.integers(0, 3_000), min_size=1))
def test_nobody_waits_longer_than_was_set_nor_past_their_promise(gather: int, promise: int, waited: list[int]) -> None:
    """They begin once one of them has waited so long, or has no more than that left; and not before."""
    now = datetime.fromisoformat("2026-11-22T12:00:00+00:00")
    due = [
        Request(
            "r", "erase", "scheduled", "", "", now, begun + timedelta(minutes=promise), now.date(), not_before=begun
        )
        for begun in (now - timedelta(minutes=each) for each in waited)
    ]

    class Settings:
        gather_minutes = gather
        batch_people = 10_000

    class Opened:
        scans = True
        settings = Settings()

    service: Service = Opened()  # type: ignore[assignment]  # all of it that is asked
    longest = max(waited)
    assert is_time(service, due, now) is (longest >= gather or longest >= promise - gather)


@pytest.mark.parametrize("indexed", [True, False])
def test_a_large_table_without_an_index_is_one_that_must_be_read(
    postgresql_database: str, tmp_path_factory: pytest.TempPathFactory, indexed: bool
) -> None:
    scene = Scene(tmp_path_factory.mktemp("scene"), {"shop": postgresql_database})
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY)",
        "CREATE TABLE clicks (id INT PRIMARY KEY, user_id INT)",
        "INSERT INTO clicks SELECT i, i FROM generate_series(1, 12000) AS i",
        *(["CREATE INDEX clicks_user ON clicks (user_id)"] if indexed else []),
        "ANALYZE",
    )
    scene.map(
        shop="users: {root: true, action: delete}\nclicks: {references: [{column: user_id, to: users}], action: delete}"
    )
    with scene.open() as service:
        assert service.scans is not indexed
