"""A scene for every test."""

from pathlib import Path

import pytest

from tests.journeys.scene import Scene


@pytest.fixture
def scene(database: str, tmp_path: Path) -> Scene:
    """A service with one store, `shop`, on each database in turn."""
    return Scene(tmp_path, {"shop": database})
