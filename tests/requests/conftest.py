"""`counter`: a shop with five people and its desk, on a ledger in SQLite. `any_counter`: and in PostgreSQL.

`mailbox`: a real SMTP server, to which the mails of `posted` go: a counter that has a mail server.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.scene import Scene
from tests.ledger.clock import Clock
from tests.requests.shop import Counter, fill, opened_counter
from tests.servers.mailbox import Mailbox, opened_mailbox


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def scene(tmp_path: Path, sqlite_database: str) -> Scene:
    scene = Scene(tmp_path, {"shop": sqlite_database}, {"portal": {"url": "https://leave.example.org"}})
    fill(scene, 5)
    return scene


@pytest.fixture
def counter(scene: Scene, clock: Clock) -> Iterator[Counter]:
    with opened_counter(scene, clock) as counter:
        yield counter


@pytest.fixture(params=["sqlite", "postgresql"])
def any_counter(request: pytest.FixtureRequest, scene: Scene, clock: Clock) -> Iterator[Counter]:
    if request.param == "postgresql":
        scene.settings["ledger_url"] = request.getfixturevalue("postgresql_database")
    with opened_counter(scene, clock) as counter:
        yield counter


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with opened_mailbox() as mailbox:
        yield mailbox


@pytest.fixture
def posted(scene: Scene, clock: Clock, mailbox: Mailbox) -> Iterator[Counter]:
    scene.settings["service"] = "Torget"
    scene.settings["mail"] = {"url": mailbox.url, "sender": "no-reply@torget.example", "timeout_seconds": 5}
    with opened_counter(scene, clock) as counter:
        yield counter
