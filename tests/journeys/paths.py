"""The two ways in which keys travel: inside each statement, or in key tables of the store.

A module that imports `both_paths` runs all its tests on both, and expects the same end state of both.
"""

import pytest

from tests.journeys.scene import Scene

PATHS = {"inline": {}, "tables": {"inline_keys": 0, "chunk_rows": 3}}


@pytest.fixture(autouse=True, params=PATHS)
def both_paths(request: pytest.FixtureRequest, scene: Scene) -> None:
    """Small erasures go inline and in one piece; here also with key tables, and in chunks of three rows."""
    scene.settings.update(PATHS[request.param])
