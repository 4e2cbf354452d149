"""A scene for every test."""

from pathlib import Path

import pytest

from slett.vault import giving
from tests.journeys.scene import Scene


@pytest.fixture
def scene(database: str, tmp_path: Path) -> Scene:
    """A service with one store, `shop`, on each database in turn."""
    return Scene(tmp_path, {"shop": database})


@pytest.fixture(params=["straight", "with care"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """How rows come back: straight, and with care as if something stood in the way."""
    if request.param == "with care":
        monkeypatch.setattr(giving, "_straight", lambda *_: None)
