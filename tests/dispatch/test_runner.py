"""The runner of one process: on a ledger in SQLite, and in PostgreSQL."""

import pytest

from slett.requests.runner import Runner
from slett.requests.service import Service
from tests.dispatch.conformance import *  # noqa: F403 - every test of the suite
from tests.dispatch.conformance import Make


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("postgresql_database")) if request.param == "postgresql" else ""


@pytest.fixture
def make() -> Make:
    def make(service: Service) -> Runner:
        return Runner(lambda: service)

    return make
