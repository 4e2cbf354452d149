"""A shop with six people, a ledger that is shared, and a dispatcher to be made any number of times."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slett.requests.service import Service
from tests.journeys.scene import Scene
from tests.requests.shop import fill


@pytest.fixture
def scene(tmp_path: Path, sqlite_database: str) -> Scene:
    settings = {"large_rows": 20, "tries": 3, "webhook": {"url": ""}}
    scene = Scene(tmp_path, {"shop": sqlite_database}, settings)
    fill(scene, 6)
    return scene


@pytest.fixture
def service(scene: Scene, ledger_url: str) -> Iterator[Service]:
    scene.settings["ledger_url"] = ledger_url
    with scene.open() as service:
        yield service
