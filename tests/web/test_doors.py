"""From the service to the portal, through the whole application: hand-off and OpenID Connect, and attacks on both."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from slett.ledger import FINAL
from slett.settings import Portal, Settings
from slett.web import create_app
from tests.cli.shop import Shop
from tests.servers.web import served
from tests.web.issuer import Issuer
from tests.web.test_handoff import KEY, PORTAL, SERVICE, forge, public, sign

COOKIE = "__Host-slett"


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[Issuer, str]]:
    issuer = Issuer()
    with served(issuer.app()) as url:
        yield issuer, url


@pytest.fixture
def issuer(address: tuple[Issuer, str]) -> Issuer:
    issuer, url = address
    issuer.__dict__.update(vars(Issuer(url=url, redirect_uri=f"{PORTAL}/signed-in")))
    return issuer


@pytest.fixture
def client(tmp_path: Path, issuer: Issuer) -> Iterator[TestClient]:
    shop = Shop(tmp_path, {"shop": f"sqlite:///{tmp_path / 'shop.db'}"})
    shop.fill()
    key = tmp_path / "service.pub"
    key.write_bytes(public(KEY))
    portal = Portal(
        url=PORTAL,
        service_url=SERVICE,
        handoff_key=key,
        oidc_issuer=issuer.url,
        oidc_client_id=issuer.client_id,
        oidc_client_secret=issuer.client_secret,
    )
    app = create_app(Settings(map=tmp_path / "slett.yaml", home=tmp_path / ".slett", portal=portal))
    with TestClient(app, base_url=PORTAL, follow_redirects=False) as client:
        yield client


def choose(client: TestClient, kind: str) -> Any:
    return client.post("/choose", data={"kind": kind, "wish": kind}, headers={"Sec-Fetch-Site": "same-origin"})


def requests_of(client: TestClient) -> Any:
    with client.app.state.portal.service.ledger.read() as page:  # type: ignore[attr-defined] # Starlette's
        return page.requests.find()


def come_back(client: TestClient, issuer: Issuer) -> dict[str, str]:
    """Begin a sign-in, and let the issuer answer: the query with which the browser comes back."""
    start = client.get("/sign-in")
    assert start.status_code == 303, start.text
    return issuer.visit(start.headers["location"])


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_hand_off_begins_a_visit_at_an_address_without_the_token(client: TestClient, method: str) -> None:
    token = sign()
    parameters: dict[str, Any] = {"params": {"token": token}} if method == "GET" else {"data": {"token": token}}
    answer = client.request(method, "/handoff", **parameters)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert answer.headers["cache-control"] == "no-store"
    assert all(flag in answer.headers["set-cookie"] for flag in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"))
    assert token not in str(answer.headers)


def test_a_token_that_was_used_begins_nothing(client: TestClient) -> None:
    token = sign()
    client.get("/handoff", params={"token": token})
    client.cookies.clear()
    answer = client.get("/handoff", params={"token": token})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert token not in answer.text


def test_whoever_only_looks_at_a_link_uses_nothing_up(client: TestClient) -> None:
    token = sign()
    for method in ("HEAD", "OPTIONS"):
        assert client.request(method, "/handoff", params={"token": token}).status_code == 405
    assert client.get("/handoff", params={"token": token}).status_code == 303


@pytest.mark.parametrize("token", ["", "nonsense", "a\r\nSet-Cookie: x=y", "<script>alert(1)</script>", "æ" * 9_000])
def test_nonsense_begins_nothing_and_is_not_repeated(client: TestClient, token: str) -> None:
    answer = client.post("/handoff", data={"token": token})
    assert answer.status_code == 403
    assert "x=y" not in str(answer.headers)
    assert not token or token not in answer.text


def test_a_visit_that_somebody_brought_along_is_not_taken_up(client: TestClient) -> None:
    """Session fixation: the token of the visit is always a new one, and the old one opens nothing."""
    client.cookies.set(COOKIE, "planted-by-an-attacker", domain="slett.torget.example")
    client.get("/handoff", params={"token": sign()})
    visits = [
        each.value for each in client.cookies.jar if each.name == COOKIE and each.value != "planted-by-an-attacker"
    ]
    assert len(visits) == 1
    client.get("/handoff", params={"token": sign()})
    again = [each.value for each in client.cookies.jar if each.name == COOKIE]
    assert visits[0] not in again
    client.cookies.clear()
    client.cookies.set(COOKIE, visits[0] or "", domain="slett.torget.example")
    choose(client, "export")
    assert requests_of(client) == ()


@pytest.mark.parametrize("name", ["return_to", "next", "redirect_uri", "url", "to", "back"])
@pytest.mark.parametrize("where", ["https://attacker.example", "//attacker.example", "/\\attacker.example"])
def test_no_door_leads_to_where_somebody_else_says(client: TestClient, issuer: Issuer, name: str, where: str) -> None:
    """Open redirect."""
    answer = client.get("/handoff", params={"token": sign(), name: where})
    assert answer.headers["location"] == "/"
    start = client.get("/sign-in", params={name: where})
    assert start.headers["location"].startswith(f"{issuer.url}/authorize?")
    assert "attacker" not in start.headers["location"]


def test_a_forged_host_does_not_change_where_the_issuer_sends_people(client: TestClient) -> None:
    for header in ("host", "x-forwarded-host", "forwarded"):
        value = "host=attacker.example" if header == "forwarded" else "attacker.example"
        answer = client.get("/sign-in", headers={header: value})
        assert "attacker" not in answer.headers.get("location", "")


def test_whoever_signs_in_with_the_issuer_has_a_visit(client: TestClient, issuer: Issuer) -> None:
    answer = client.get("/signed-in", params=come_back(client, issuer))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    choose(client, "export")
    assert [each.kind for each in requests_of(client)] == ["export"]


def test_a_way_back_opened_in_another_browser_begins_nothing(client: TestClient, issuer: Issuer) -> None:
    query = come_back(client, issuer)
    client.cookies.clear()
    assert client.get("/signed-in", params=query).status_code == 403


def test_whoever_is_known_already_must_sign_in_anew(client: TestClient, issuer: Issuer) -> None:
    client.get("/signed-in", params=come_back(client, issuer))
    client.get("/sign-in")
    come_back(client, issuer)
    assert [each["max_age"] for each in issuer.asked] == ["300", "0"]


def test_signing_in_again_goes_on_where_it_was(client: TestClient, issuer: Issuer) -> None:
    client.get("/signed-in", params=come_back(client, issuer))
    choose(client, "export")
    answer = client.get("/signed-in", params=come_back(client, issuer))
    assert answer.headers["location"] == "/confirm"


def test_somebody_else_at_the_second_sign_in_stops_everything(client: TestClient) -> None:
    client.get("/handoff", params={"token": sign(emails=["kari.nordmann@example.org"])})
    choose(client, "export")
    answer = client.get("/handoff", params={"token": sign(sub="2")})
    assert answer.status_code == 403
    assert [each.state in FINAL for each in requests_of(client)] == [True]


def test_an_error_of_the_issuer_is_not_repeated_on_the_page(client: TestClient, issuer: Issuer) -> None:
    query = come_back(client, issuer)
    del query["code"]
    query |= {"error": "access_denied", "error_description": "<script>alert(1)</script>"}
    answer = client.get("/signed-in", params=query)
    assert answer.status_code == 403
    assert "script>alert" not in answer.text


def test_a_token_for_elsewhere_opens_no_door_here(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    """The log says why, and repeats nothing of it."""
    token = forge(aud="https://elsewhere.example")
    assert client.get("/handoff", params={"token": token}).status_code == 403
    assert "`aud` is not `portal.handoff_audience`" in caplog.text
    assert token not in caplog.text
    assert "elsewhere" not in caplog.text.replace(token, "")
