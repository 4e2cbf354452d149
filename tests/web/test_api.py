"""The API: for services with pages of their own. What it answers, and what it refuses."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from slett.requests import codes
from slett.settings import Portal as PortalSettings
from slett.settings import Settings
from slett.web.api import create_api
from slett.web.portal import Portal
from tests.cli.shop import Shop

TOKEN = "a-token-of-the-service"
KARI = {"root": "users", "key": "1"}
OLA = {"identifier": "email", "value": "ola@example.org"}
Call = Callable[..., Any]


def settings(folder: Path) -> Settings:
    hashes = ("0" * 64, sha256(TOKEN.encode()).hexdigest())
    return Settings(
        map=folder / "slett.yaml", home=folder / ".slett", portal=PortalSettings(api_token_hashes=hashes, wait_hours=1)
    )


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path, {"shop": f"sqlite:///{tmp_path / 'shop.db'}"})
    shop.fill()
    return shop


@pytest.fixture
def portal(shop: Shop) -> Iterator[Portal]:
    portal = Portal(settings(shop.folder))
    yield portal
    portal.close()


@pytest.fixture
def client(portal: Portal) -> Iterator[TestClient]:
    with TestClient(create_api(portal), headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        yield client


@pytest.fixture
def sent_codes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every code that is sent, the newest last."""
    drawn: list[str] = []
    real = codes.secrets.randbelow

    def draw(limit: int) -> int:
        number = real(limit)
        drawn.append(f"{number:08}")
        return number

    monkeypatch.setattr(codes.secrets, "randbelow", draw)
    return drawn


def wish(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "erase",
        "subject": KARI,
        "addresses": ["kari.nordmann@example.org"],
        "language": "nb",
        "signed_in_at": datetime.now(UTC).isoformat(),
        **changes,
    }


def post(client: TestClient, path: str, body: Any, status: int = 200, **headers: str) -> Any:
    answer = client.post(f"/v1{path}", json=body, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def get(client: TestClient, path: str, status: int = 200) -> Any:
    answer = client.get(f"/v1{path}")
    assert answer.status_code == status, answer.text
    return answer.json()


def problem(client: TestClient, path: str, body: Any, status: int, name: str) -> Any:
    answer = client.post(f"/v1{path}", json=body)
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    said = answer.json()
    assert (answer.status_code, said["status"], said["type"]) == (status, status, f"urn:problem-type:slett:{name}")
    return said


def filed(client: TestClient, **changes: Any) -> tuple[str, str]:
    """Reference and visit of a filed wish."""
    answer = post(client, "/requests", wish(**changes), 201)
    return answer["request"]["reference"], answer["visit"]


def confirmed(client: TestClient, sent_codes: list[str], **changes: Any) -> tuple[str, str]:
    """Reference and secret of a confirmed wish."""
    reference, visit = filed(client, **changes)
    post(client, f"/requests/{reference}/code", {"visit": visit, "ip": "192.0.2.1"}, 204)
    body = {"visit": visit, "code": sent_codes[-1], "agreed": True}
    return reference, post(client, f"/requests/{reference}/confirm", body)["secret"]


def test_what_will_happen_is_told_before_anything_does(client: TestClient, shop: Shop) -> None:
    before = shop.snapshot()
    said = post(client, "/outlook", {"subject": KARI, "language": "en"})
    assert said["rows"] > 0
    assert said["stores"] == ["shop"]
    assert shop.snapshot() == before


def test_a_person_leaves_through_the_services_own_pages(client: TestClient, shop: Shop, sent_codes: list[str]) -> None:
    reference, visit = filed(client)
    needs = post(client, "/requests", wish(), 201)["needs"]
    assert needs == {"sign_in": False, "second_factor": False, "code": True, "phrase": True}
    post(client, f"/requests/{reference}/code", {"visit": visit}, 204)
    body = {"visit": visit, "code": sent_codes[-1], "agreed": True}
    done = post(client, f"/requests/{reference}/confirm", body)
    assert done["request"]["state"] == "scheduled"
    assert post(client, f"/requests/{reference}/confirm", body)["secret"] == done["secret"]
    assert get(client, f"/requests/{reference}")["can_cancel"] is True
    assert shop.rows("SELECT count(*) FROM users WHERE id = 1") == [(1,)]


def test_whoever_confirmed_may_cancel_with_the_secret(client: TestClient, sent_codes: list[str]) -> None:
    reference, secret = confirmed(client, sent_codes)
    problem(client, f"/requests/{reference}/cancel", {"secret": "0" * 26}, 404, "no-such-request")
    assert post(client, f"/requests/{reference}/cancel", {"secret": secret})["request"]["state"] == "cancelled"
    assert post(client, f"/requests/{reference}/cancel", {"secret": secret})["request"]["state"] == "cancelled"


def test_an_unconfirmed_wish_is_cancelled_with_its_visit(client: TestClient) -> None:
    reference, visit = filed(client)
    assert post(client, f"/requests/{reference}/cancel", {"visit": visit})["request"]["state"] == "cancelled"
    said = problem(
        client, f"/requests/{reference}/confirm", {"visit": visit, "code": "1", "agreed": True}, 409, "too-late"
    )
    assert said["state"] == "cancelled"


def test_without_proof_nothing_is_confirmed(client: TestClient, sent_codes: list[str]) -> None:
    old = (datetime.now(UTC) - timedelta(minutes=6)).isoformat()
    reference, visit = filed(client, signed_in_at=old, second_factor=True)
    path, body = f"/requests/{reference}/confirm", {"visit": visit, "code": "00000000", "agreed": True}
    assert problem(client, path, body, 403, "not-fresh")["second_factor"] is True
    now = {"visit": visit, "subject": KARI, "signed_in_at": datetime.now(UTC).isoformat(), "factors": ["pwd", "otp"]}
    visit = post(client, f"/requests/{reference}/sign-in", now | {"second_factor": True})["visit"]
    problem(client, path, body, 404, "no-such-request")  # the old visit is dead
    body["visit"] = visit
    problem(client, path, body | {"agreed": False}, 403, "not-agreed")
    problem(client, path, body, 403, "expired-code")  # none was sent
    post(client, f"/requests/{reference}/code", {"visit": visit}, 204)
    wrong = "11111111" if sent_codes[-1] != "11111111" else "22222222"
    assert problem(client, path, body | {"code": wrong}, 403, "wrong-code")["tries_left"] == 4
    assert post(client, path, body | {"code": sent_codes[-1]})["request"]["state"] == "scheduled"


def test_somebody_else_who_signs_in_stops_the_request(client: TestClient) -> None:
    reference, visit = filed(client)
    body = {"visit": visit, "subject": {"key": "2"}, "signed_in_at": datetime.now(UTC).isoformat()}
    problem(client, f"/requests/{reference}/sign-in", body, 409, "somebody-else")
    assert get(client, f"/requests/{reference}")["request"]["state"] == "cancelled"


def test_codes_are_limited(client: TestClient) -> None:
    reference, visit = filed(client)
    for _ in range(3):
        post(client, f"/requests/{reference}/code", {"visit": visit}, 204)
    answer = client.post(f"/v1/requests/{reference}/code", json={"visit": visit})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3600")


@pytest.mark.parametrize("call", ["code", "confirm", "cancel", "sign-in"])
def test_a_visit_opens_nobody_elses_request(client: TestClient, call: str) -> None:
    hers, _ = filed(client)
    _, his = filed(client, subject=OLA, addresses=["ola@example.org"])
    body: dict[str, Any] = {"visit": his}
    if call == "confirm":
        body |= {"code": "12345678", "agreed": True}
    if call == "sign-in":
        body |= {"subject": OLA}
    problem(client, f"/requests/{hers}/{call}", body, 404, "no-such-request")
    problem(client, f"/requests/S-0000-0000/{call}", body, 404, "no-such-request")
    assert get(client, f"/requests/{hers}")["request"]["state"] == "filed"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer another",
        f"Basic {TOKEN}",
        f"Bearer {TOKEN.upper()}",
        f"Bearer {sha256(TOKEN.encode()).hexdigest()}",
        "Bearer " + "0" * 64,
        "Bearer tökèn".encode(),
    ],
)
def test_without_a_token_of_the_settings_nobody_learns_anything(client: TestClient, header: Any) -> None:
    reference, _ = filed(client)
    del client.headers["authorization"]
    given = {} if header is None else {"Authorization": header}
    for method, path in (
        ("POST", "/outlook"),
        ("POST", "/requests"),
        ("GET", "/requests"),
        ("GET", f"/requests/{reference}"),
        ("GET", f"/requests/{reference}/certificate"),
        ("POST", f"/requests/{reference}/code"),
        ("POST", f"/requests/{reference}/confirm"),
        ("POST", f"/requests/{reference}/cancel"),
        ("POST", f"/requests/{reference}/return"),
        ("POST", f"/requests/{reference}/erase"),
        ("POST", f"/requests/{reference}/sign-in"),
    ):
        answer = client.request(method, f"/v1{path}", headers=given)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert answer.json()["type"].endswith(":no-token")


def test_where_no_token_is_set_none_is_right(shop: Shop) -> None:
    portal = Portal(settings(shop.folder).model_copy(update={"portal": PortalSettings()}))
    with TestClient(create_api(portal)) as client:
        for token in ("", TOKEN):
            assert client.get("/v1/requests", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    portal.close()


def test_filing_again_answers_the_open_request(client: TestClient) -> None:
    assert filed(client)[0] == filed(client)[0]
    assert filed(client)[0] != filed(client, kind="export")[0]


def test_a_key_makes_the_second_time_the_same_as_the_first(client: TestClient) -> None:
    body, key = wish(), {"Idempotency-Key": "0f9a7c1e-5b1d"}
    first = post(client, "/requests", body, 201, **key)
    assert post(client, "/requests", body, 201, **key) == first
    post(client, f"/requests/{first['request']['reference']}/cancel", {"visit": first["visit"]})
    again = post(client, "/requests", body, 201, **key)
    assert (again["request"]["reference"], again["request"]["state"]) == (first["request"]["reference"], "cancelled")
    assert len(get(client, "/requests")["requests"]) == 1


def test_a_key_is_for_one_body(client: TestClient) -> None:
    key = {"Idempotency-Key": "0f9a7c1e-5b1d"}
    post(client, "/requests", wish(), 201, **key)
    said = post(client, "/requests", wish(subject=OLA), 409, **key)
    assert said["type"].endswith(":key-used")


def test_requests_are_listed_a_page_at_a_time(client: TestClient) -> None:
    for kind in ("erase", "close", "export", "unsubscribe"):
        filed(client, kind=kind)
        filed(client, kind=kind, subject=OLA)
    seen, path = [], "/requests?limit=3"
    while path:
        said = get(client, path)
        seen += [each["reference"] for each in said["requests"]]
        path = f"/requests?limit=3&after={said['next']}" if said["next"] else ""
    assert len(seen) == len(set(seen)) == 8
    assert [each["kind"] for each in get(client, "/requests?kind=close")["requests"]] == ["close", "close"]
    assert get(client, "/requests?state=fulfilled")["requests"] == []
    get(client, "/requests?after=S-0000-0000", 404)


def test_no_answer_names_the_person(client: TestClient, portal: Portal, sent_codes: list[str]) -> None:
    """Beyond what the caller sent in the same call; hashes that stand for the person included."""
    reference, secret = confirmed(client, sent_codes)
    answers = [client.get(f"/v1/requests/{reference}"), client.get("/v1/requests")]
    answers.append(client.post("/v1/requests", json=wish(kind="export")))
    with portal.service.ledger.read() as page:
        request = page.requests.get(reference)
    assert request
    for answer in answers:
        assert not {word for word in ("kari", "nordmann", request.subject, secret) if word in answer.text.lower()}


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"kind": "destroy"}, "/kind"),
        ({"addresses": ["kari@example.org\r\nBcc: all@example.org"]}, "/addresses/0"),
        ({"addresses": "kari@example.org"}, "/addresses"),
        ({"addresses": ["a@example.org"] * 21}, "/addresses"),
        ({"language": "nb\r\nX: y"}, "/language"),
        ({"signed_in_at": "2026-11-22T16:00:00"}, "/signed_in_at"),
        ({"second_factor": "true"}, "/second_factor"),
        ({"subject": {"key": 1}}, "/subject/ByKey/key"),
        ({"admin": True}, "/admin"),
    ],
)
def test_a_body_that_is_not_as_it_must_be_is_refused_without_repeating_it(
    client: TestClient, changes: dict[str, Any], pointer: str
) -> None:
    said = problem(client, "/requests", wish(**changes), 422, "invalid")
    assert pointer in [each["pointer"] for each in said["errors"]]
    assert "kari" not in json.dumps(said).lower()


@pytest.mark.parametrize(
    "subject", [{"key": "kari"}, {"root": "orders", "key": "1"}, {"identifier": "x", "value": "y"}]
)
def test_somebody_who_cannot_be_is_not_found(client: TestClient, subject: dict[str, str]) -> None:
    problem(client, "/requests", wish(subject=subject), 404, "no-such-subject")


def test_a_store_that_is_away_is_a_problem_of_ours(client: TestClient, shop: Shop) -> None:
    get(client, "/requests")
    shop.sql("DROP TABLE messages")
    problem(client, "/outlook", {"subject": KARI}, 503, "not-available")


def test_a_fault_is_told_without_details_and_logged_without_values(
    client: TestClient, portal: Portal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down(*_: Any, **__: Any) -> None:
        raise RuntimeError("kari.nordmann@example.org")

    monkeypatch.setattr(portal.desk, "choose", break_down)
    said = problem(client, "/requests", wish(), 500, "fault")
    assert "kari" not in (json.dumps(said) + caplog.text).lower()
    assert "RuntimeError" in caplog.text


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v2", 404), ("DELETE", "/v1/requests", 405)])
def test_every_error_is_a_problem(client: TestClient, method: str, path: str, status: int) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_there_are_no_pages_that_load_anything(client: TestClient) -> None:
    assert {client.get(path).status_code for path in ("/docs", "/redoc", "/")} == {404}


def test_the_document_explains_every_call_member_and_error(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            assert call["description"], (method, path)
            assert call["security"], (method, path)
            assert "401" in call["responses"], (method, path)
            for status, said in call["responses"].items():
                if int(status) >= 400:
                    assert list(said["content"]) == ["application/problem+json"], (method, path, status)
    schemas = document["components"]["schemas"]
    assert not {"HTTPValidationError", "ValidationError"} & set(schemas)
    assert {name for name, schema in schemas.items() if not schema.get("description") and "enum" not in schema} == set()


def test_whoever_came_back_in_part_comes_again_by_secret_code_and_recovery_code(
    shop: Shop, client: TestClient, sent_codes: list[str]
) -> None:
    map_file = shop.folder / "slett.yaml"
    map_file.write_text(map_file.read_text().replace("slett: 1", "slett: 1\nclosing: seal", 1))
    reference, visit = filed(client, kind="close")
    post(client, f"/requests/{reference}/code", {"visit": visit}, 204)
    word = {"visit": visit, "code": sent_codes[-1], "agreed": True}
    closed = post(client, f"/requests/{reference}/confirm", word)
    assert get(client, f"/requests/{reference}")["waits"] is None

    def come(of: str) -> dict[str, Any]:
        asked = post(client, f"/requests/{of}/return", {"secret": closed["secret"]}, 201)
        recovery = {"recovery_code": closed["recovery_code"]}
        back = asked["request"]["reference"]
        code = {"visit": asked["visit"], "code": sent_codes[-1], **recovery}
        return dict(post(client, f"/requests/{back}/confirm", code)["request"])

    shop.sql("INSERT INTO sessions VALUES (1, 2, 'token-ola')")
    back = come(reference)
    assert back["state"] == "partially_fulfilled"
    for each in (reference, back["reference"]):
        status = get(client, f"/requests/{each}")
        assert status["can_return"]
        assert status["waits"]["until"] == closed["request"]["until"]
        assert [each["rows"] for each in status["waits"]["done"]] == [{"wait": 1}]
    shop.sql("DELETE FROM sessions WHERE id = 1")
    assert come(back["reference"])["state"] == "fulfilled"
    assert get(client, f"/requests/{reference}")["waits"] is None
    problem(client, f"/requests/{back['reference']}/return", {"secret": closed["secret"]}, 409, "too-late")


def test_whoever_is_sealed_is_erased_at_once_by_secret_code_and_word(
    shop: Shop, client: TestClient, sent_codes: list[str]
) -> None:
    map_file = shop.folder / "slett.yaml"
    map_file.write_text(map_file.read_text().replace("slett: 1", "slett: 1\nclosing: seal", 1))
    reference, secret = confirmed(client, sent_codes, kind="close")
    assert get(client, f"/requests/{reference}")["can_erase"]
    problem(client, f"/requests/{reference}/erase", {"secret": "0" * 26}, 404, "no-such-request")
    asked = post(client, f"/requests/{reference}/erase", {"secret": secret, "ip": "192.0.2.1"}, 201)
    assert asked["needs"] == {"sign_in": False, "second_factor": False, "code": True, "phrase": True}
    word = {"visit": asked["visit"], "code": sent_codes[-1], "agreed": True}
    erasure = asked["request"]["reference"]
    problem(client, f"/requests/{erasure}/confirm", {**word, "agreed": False}, 403, "not-agreed")
    done = post(client, f"/requests/{erasure}/confirm", word)
    assert (done["request"]["state"], done["request"]["follows"]) == ("scheduled", reference)
    assert post(client, f"/requests/{erasure}/confirm", word)["secret"] == done["secret"] == secret
    problem(client, f"/requests/{reference}/erase", {"secret": secret}, 409, "too-late")
    problem(client, f"/requests/{reference}/return", {"secret": secret}, 409, "too-late")
