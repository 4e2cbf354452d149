"""A service on one database."""

from pathlib import Path

import pytest

from tests.journeys.scene import Scene


@pytest.fixture
def scene(database: str, tmp_path: Path) -> Scene:
    return Scene(tmp_path, {"shop": database})
