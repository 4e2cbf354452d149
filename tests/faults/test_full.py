"""No room left: nothing is lost, and what was begun goes on when there is room again."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from slett.ledger import LedgerError
from slett.requests.erase import erase, resume
from slett.requests.service import Service
from tests.journeys.everything import build
from tests.journeys.scene import Scene, subjects


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    scene = Scene(tmp_path, {name: f"sqlite:///{tmp_path / name}.db" for name in ("shop", "crm")})
    build(scene)
    return scene


@contextmanager
def no_room(service: Service) -> Iterator[None]:
    """The ledger's file cannot grow by a page more; what is free in it is all there is."""

    def limit(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # SQLite takes the size that it has, if that is more

    engine = service.ledger._engine
    engine.dispose()
    sa.event.listen(engine, "checkout", limit)
    try:
        yield
    finally:
        sa.event.remove(engine, "checkout", limit)
        engine.dispose()


def test_a_full_ledger_stops_the_work_before_a_row_is_touched(scene: Scene) -> None:
    before = scene.snapshot()
    with scene.open() as service:
        with no_room(service), pytest.raises(LedgerError, match="full"):
            fill(service)
        assert scene.snapshot() == before
        resume(service)
        assert [each.state for each in erase(service, subjects(service, [1]))] == ["fulfilled"]
        with service.ledger.read() as page:
            assert page.log.check() is None
            assert page.batches.unfinished() == ()


def fill(service: Service) -> None:
    """There is some room inside: people who are not there take it."""
    for number in range(1_000, 2_000):
        erase(service, subjects(service, [number]))
