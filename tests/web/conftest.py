"""`town`: a marketplace with two stores. `portal`: its portal. `browser`, `other`: browsers there, nobody signed in."""

from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from slett.web import create_app
from tests.conftest import NewDatabase
from tests.journeys.scene import Scene
from tests.web.town import ADDRESS, SETTINGS, Browser, Town, fill, opened_town


@pytest.fixture
def town(tmp_path: Path, new_database: NewDatabase) -> Iterator[Town]:
    urls = {"shop": new_database("sqlite"), "owner": new_database("sqlite")}
    scene = Scene(tmp_path, urls, deepcopy(SETTINGS), today=datetime.now(UTC).date())
    fill(scene)
    with opened_town(scene) as town:
        yield town


@pytest.fixture
def portal(town: Town) -> Starlette:
    return create_app(town.service.settings, service=town.service)


@pytest.fixture
def browser(portal: Starlette, town: Town) -> Iterator[Browser]:
    with TestClient(portal, base_url=ADDRESS) as client:
        yield Browser(client, town)


@pytest.fixture
def other(portal: Starlette, town: Town) -> Iterator[Browser]:
    """Somebody else's browser."""
    with TestClient(portal, base_url=ADDRESS) as client:
        yield Browser(client, town)
