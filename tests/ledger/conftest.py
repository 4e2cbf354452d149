"""A ledger for every test that asks for one, on SQLite and on PostgreSQL, with a clock that stands still."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from slett.ledger import Ledger, Request, open_ledger
from slett.settings import Settings
from tests.ledger.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / ".slett"


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, home: Path) -> Settings:
    url = request.getfixturevalue("postgresql_database") if request.param == "postgresql" else ""
    return Settings(home=home, ledger_url=url)


@pytest.fixture
def ledger(settings: Settings, clock: Clock) -> Iterator[Ledger]:
    with open_ledger(settings, clock=clock) as ledger:
        yield ledger


@pytest.fixture
def file_request(ledger: Ledger) -> Callable[[], Request]:
    """Files one request for an erasure."""

    def file() -> Request:
        with ledger.write() as page:
            subject = ledger.keys.subject("torget/users", "42")
            (request,) = page.requests.file("erase", [subject], "d" * 64, timedelta(hours=24))
        return request

    return file
