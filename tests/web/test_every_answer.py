"""What holds for every address of the portal, the doors and the API included: headers, cookies, methods, origins."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from slett.settings import Portal, Settings
from slett.web import create_app
from slett.web.app import OPEN
from tests.cli.shop import Shop
from tests.web.test_handoff import KEY, PORTAL, SERVICE, public, sign

FILLED = {"reference": "S-7K4M-2Q9X", "secret": "0" * 26, "token": "0" * 26, "path": "slett.css"}
TOKEN = "a-token-of-the-service"


def settings(folder: Path) -> Settings:
    key = folder / "service.pub"
    key.write_bytes(public(KEY))
    hashes = (sha256(TOKEN.encode()).hexdigest(),)
    return Settings(
        map=folder / "slett.yaml",
        home=folder / ".slett",
        portal=Portal(url=PORTAL, service_url=SERVICE, handoff_key=key, api_token_hashes=hashes),
    )


@pytest.fixture
def app(tmp_path: Path) -> Any:
    shop = Shop(tmp_path, {"shop": f"sqlite:///{tmp_path / 'shop.db'}"})
    shop.fill()
    return create_app(settings(tmp_path))


@pytest.fixture
def client(app: Any) -> Iterator[TestClient]:
    with TestClient(app, base_url=PORTAL, follow_redirects=False) as client:
        yield client


def paths(app: Any, method: str) -> list[str]:
    """The addresses that know that method, with something in the place of each name."""
    known = [each for each in app.routes if isinstance(each, Route) and method in (each.methods or ())]
    return [each.path.format(**FILLED) for each in known]


def others(app: Any) -> list[str]:
    return [
        *paths(app, "GET"),
        "/static/slett.css",
        "/nowhere",
        "/api/openapi.json",
        "/api/v1/requests",
        "/api/nowhere",
    ]


def state_of(app: Any) -> Any:
    with app.state.portal.service.ledger.read() as page:
        return page.requests.find()


def test_every_answer_tells_the_browser_what_it_may_not_do(client: TestClient, app: Any) -> None:
    for path in others(app):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        for rule in ("default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "style-src 'self'"):
            assert rule in policy, path
        assert "unsafe" not in policy, path
        assert "script-src" not in policy, path
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["referrer-policy"] in ("same-origin", "no-referrer"), path
        assert headers["cross-origin-opener-policy"] == "same-origin", path
        assert headers["cross-origin-resource-policy"] == "same-origin", path
        assert int(headers["strict-transport-security"].partition("max-age=")[2].partition(";")[0]) >= 31_536_000, path
        assert "access-control-allow-origin" not in headers, path
        assert "server" not in headers, path


def test_no_answer_about_somebody_is_kept_by_a_cache(client: TestClient, app: Any) -> None:
    for path in set(others(app)) - {"/static/slett.css"}:
        assert "no-store" in client.get(path).headers["cache-control"], path


def test_every_cookie_is_for_this_host_and_for_no_script(client: TestClient, app: Any) -> None:
    client.get("/handoff", params={"token": sign()})
    cookies = [
        cookie
        for path in others(app)
        for cookie in client.get(path, params={"to": "nn"}).headers.get_list("set-cookie")
    ]
    cookies += client.get("/handoff", params={"token": sign()}).headers.get_list("set-cookie")
    assert cookies
    for cookie in cookies:
        assert cookie.startswith("__Host-"), cookie
        assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}, cookie
        assert len(cookie) < 4_096


def test_no_get_acts(client: TestClient, app: Any) -> None:
    """A mail scanner, or an image on another page, asks for whatever it finds."""
    client.get("/handoff", params={"token": sign(emails=["kari.nordmann@example.org"])})
    before = state_of(app)
    for path in others(app):
        for wish in ("erase", "close", "export", "unsubscribe"):
            client.get(path, params={"wish": wish, "code": "12345678", "phrase": "godtar"})
        client.head(path)
        client.options(path)
    assert state_of(app) == before == ()


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://attacker.example"},
        {"Sec-Fetch-Site": "same-site", "Origin": "https://other.torget.example"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://attacker.example"},
        {"Origin": "null"},
        {"Origin": f"{PORTAL}.attacker.example"},
        {},
    ],
)
def test_no_form_of_another_site_is_taken(client: TestClient, app: Any, headers: dict[str, str]) -> None:
    client.get("/handoff", params={"token": sign(emails=["kari.nordmann@example.org"])})
    before = state_of(app)
    for path in paths(app, "POST"):
        if not path.startswith(OPEN):
            assert client.post(path, data={"wish": "export"}, headers=headers).status_code == 403, path
    assert state_of(app) == before


def test_what_may_be_posted_to_from_elsewhere_reads_no_visit(client: TestClient, app: Any) -> None:
    """The visit's cookie alone opens none of them."""
    client.get("/handoff", params={"token": sign()})
    elsewhere = {"Sec-Fetch-Site": "cross-site", "Origin": "https://attacker.example"}
    for path in [each for each in paths(app, "POST") if each.startswith(OPEN)] + ["/api/v1/requests"]:
        answer = client.post(path, data={"wish": "erase"}, headers=elsewhere)
        assert answer.status_code in (200, 401, 403, 404), path
    assert state_of(app) == ()


@pytest.mark.parametrize(
    "value", ["a\r\nSet-Cookie: x=y", "a%0d%0aSet-Cookie:%20x=y", "a\nLocation: //attacker.example"]
)
def test_no_value_becomes_a_header(client: TestClient, app: Any, value: str) -> None:
    """Header injection: in every parameter that an answer could repeat."""
    for path in others(app):
        for name in ("to", "back", "wish", "return_to", "token", "state", "reference"):
            headers = client.get(path, params={name: value}).headers
            assert "x=y" not in headers.get("set-cookie", ""), path
            assert "attacker" not in headers.get("location", ""), path
    for secret in ("a%0d%0aSet-Cookie:%20x=y", "%E6%BC%A2", "%C3%A9"):  # letters, too, that no cookie can hold
        assert client.get(f"/s/S-7K4M-2Q9X/{secret}").status_code == 404


def test_no_address_leads_to_where_somebody_else_says(client: TestClient, app: Any) -> None:
    """Open redirect: in every parameter that an answer could follow."""
    for path in others(app):
        for where in ("https://attacker.example", "//attacker.example", "/\\attacker.example", "/%5cattacker.example"):
            asked = dict.fromkeys(("to", "back", "next", "return_to", "url", "redirect_uri"), where)
            assert "attacker" not in client.get(path, params=asked).headers.get("location", ""), (path, where)


def test_another_host_is_refused(client: TestClient, app: Any) -> None:
    for path in paths(app, "GET"):
        assert client.get(path, headers={"host": "attacker.example"}).status_code == 421, path


def test_a_body_that_is_too_long_is_not_read(client: TestClient) -> None:
    same = {"Sec-Fetch-Site": "same-origin"}
    assert client.post("/choose", content=b"wish=" + b"a" * 200_000, headers=same).status_code == 413
    token = {"Authorization": f"Bearer {TOKEN}"}
    assert client.post("/api/v1/requests", content=b"{" + b" " * 200_000, headers=token).status_code == 413
