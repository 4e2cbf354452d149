"""The API, asked everything that its own OpenAPI document allows and forbids: no fault, every answer as described."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.generation import GenerationMode
from starlette.testclient import TestClient

from slett.settings import Settings
from slett.web.api import create_api
from slett.web.portal import Portal
from tests.cli.shop import Shop
from tests.web.test_api import TOKEN, wish
from tests.web.test_api import settings as settings_of

AUTHORISED = {"Authorization": f"Bearer {TOKEN}"}
BOUNDED = settings(
    max_examples=30,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    database=None,
)
CALLS = [
    (path, method) for path, calls in create_api(Portal(Settings())).openapi()["paths"].items() for method in calls
]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder: Path = tmp_path_factory.mktemp("fuzzed")
    shop = Shop(folder, {"shop": f"sqlite:///{folder / 'shop.db'}"})
    shop.fill()
    portal = Portal(settings_of(folder))
    yield create_api(portal)
    portal.close()


@pytest.mark.parametrize(("path", "method"), CALLS)
def test_whatever_is_sent_the_answer_is_as_described(api: Any, path: str, method: str) -> None:
    operation = schemathesis.openapi.from_asgi("/openapi.json", api)[path][method]
    for mode in GenerationMode:

        @given(operation.as_strategy(generation_mode=mode))
        @BOUNDED
        def ask(case: schemathesis.Case) -> None:
            case.call_and_validate(headers=AUTHORISED)

        ask()


@pytest.mark.parametrize(("path", "method"), [call for call in CALLS if "{reference}" in call[0]])
def test_whatever_is_allowed_about_somebodys_request_is_answered_as_described(api: Any, path: str, method: str) -> None:
    with TestClient(api, headers=AUTHORISED) as client:
        now = datetime.now(UTC).isoformat()
        wishes = [wish(kind=kind, signed_in_at=now) for kind in ("erase", "close", "export", "unsubscribe")]
        known = [client.post("/v1/requests", json=each).json() for each in wishes]
    chosen = random.Random(1)

    @given(schemathesis.openapi.from_asgi("/openapi.json", api)[path][method].as_strategy())
    @BOUNDED
    def ask(case: schemathesis.Case) -> None:
        one = chosen.choice(known)
        case.path_parameters["reference"] = one["request"]["reference"]
        if isinstance(case.body, dict) and "visit" in case.body:
            case.body["visit"] = one["visit"]
        case.call_and_validate(headers=AUTHORISED)

    ask()
