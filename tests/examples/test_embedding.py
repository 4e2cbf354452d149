"""Each way of embedding the portal, walked from end to end with the example that the docs show."""

import time
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from examples.embedding import api_client, handoff_service, mounted, webhook_receiver
from slett.requests import codes
from slett.requests.hooks import deliver_waiting, sign
from slett.requests.service import open_service
from slett.settings import Portal, Settings, Webhook
from slett.web import create_app
from tests.cli.shop import Shop
from tests.servers.web import served
from tests.web.test_handoff import KEY, private, public

AUDIENCE = "https://leave.example"
TOKEN = "a-token-of-the-service"
SECRET = "whsec_" + b64encode(b"0" * 32).decode()
FORM = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path, {"shop": f"sqlite:///{tmp_path / 'shop.db'}"})
    shop.fill()
    return shop


@pytest.fixture
def browser() -> Iterator[httpx2.Client]:
    with httpx2.Client(follow_redirects=True, trust_env=False, timeout=30) as browser:
        yield browser


def settings(shop: Shop, webhook: Webhook | None = None, **portal: Any) -> Settings:
    return Settings(
        map=shop.folder / "slett.yaml",
        home=shop.folder / ".slett",
        portal=Portal(**portal),
        webhook=webhook or Webhook(),
    )


def test_a_service_hands_somebody_over(shop: Shop, browser: httpx2.Client) -> None:
    key = shop.folder / "service.pub"
    key.write_bytes(public(KEY))
    with served(create_app(settings(shop, handoff_key=key, handoff_audience=AUDIENCE))) as portal:
        with served(handoff_service.create_service(private(KEY), portal, AUDIENCE)) as service:
            assert "Sign in" in browser.get(service).text
            assert "Close or erase" in browser.post(f"{service}/sign-in", data={"name": "kari"}).text
            arrived = browser.post(f"{service}/leave")
        assert (arrived.status_code, str(arrived.url)) == (200, f"{portal}/")
        assert "token" not in str(arrived.url)
        what = browser.post(f"{portal}/choose", data={"wish": "erase"}, headers=FORM)
        assert (what.status_code, what.url.path) == (200, "/what")


def test_a_host_has_the_portal_inside(shop: Shop) -> None:
    with TestClient(mounted.create_host(settings(shop), "shop/users")) as browser:
        browser.post("/sign-in", data={"name": "kari"})
        assert "/leave/" in browser.get("/").text
        assert browser.get("/leave/").status_code == 200
        what = browser.post("/leave/choose", data={"wish": "erase"}, headers=FORM)
        assert (what.status_code, what.url.path) == (200, "/leave/what")
        browser.cookies.delete(mounted.COOKIE)  # whoever signed out is out there too
        assert browser.post("/leave/what", data={"wish": "erase"}, headers=FORM).url.path == "/leave/"


def test_a_service_with_pages_of_its_own_uses_the_api(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes.secrets, "randbelow", lambda _: 4711815)
    hashes = (sha256(TOKEN.encode()).hexdigest(),)
    said: list[str] = []
    with (
        served(create_app(settings(shop, api_token_hashes=hashes, wait_hours=1))) as portal,
        api_client.connect(portal, TOKEN) as client,
    ):
        leaving = api_client.Leaving(client)
        reference = api_client.walk(leaving, "1", "kari.nordmann@example.org", lambda _: "04711815", said.append)
        assert leaving.status(reference)["request"]["state"] == "scheduled"
        assert leaving.cancel(reference, said[-1].rpartition(" ")[2])["request"]["state"] == "cancelled"
        with api_client.connect(portal, "another") as stranger, pytest.raises(api_client.Refused, match="token"):
            api_client.Leaving(stranger).status(reference)


def test_a_receiver_is_told_of_each_change_once(shop: Shop) -> None:
    told: list[dict[str, Any]] = []
    with served(webhook_receiver.create_receiver(SECRET, told.append)) as receiver:
        webhook = Webhook(url=f"{receiver}/slett", secret=SECRET, allow_private=True)
        hashes = (sha256(TOKEN.encode()).hexdigest(),)
        known = settings(shop, webhook, api_token_hashes=hashes)
        with TestClient(create_app(known), headers={"Authorization": f"Bearer {TOKEN}"}) as client:
            body = {"kind": "export", "subject": {"key": "1"}}
            request = client.post("/api/v1/requests", json=body).json()["request"]
        with open_service(known) as service:
            assert deliver_waiting(service) == 1
    assert [(each["type"], each["subject"]) for each in told] == [("no.slett.request.filed", request["reference"])]
    assert "kari" not in str(told).lower()


@pytest.mark.parametrize(
    ("changes", "status", "handled"),
    [
        ({}, 204, 1),
        ({"webhook-signature": "v1,AAAA"}, 401, 0),
        ({"webhook-signature": ""}, 401, 0),
        ({"webhook-id": "another"}, 401, 0),
        ({"webhook-timestamp": str(int(time.time()) + 1)}, 401, 0),
    ],
)
def test_a_receiver_believes_only_what_is_signed(changes: dict[str, str], status: int, handled: int) -> None:
    told: list[dict[str, Any]] = []
    body, now = b'{"type":"no.slett.request.filed","subject":"S-7K4M-2Q9X"}', str(int(time.time()))
    headers = {"webhook-id": "1", "webhook-timestamp": now, "webhook-signature": sign(b"0" * 32, "1", now, body)}
    with TestClient(webhook_receiver.create_receiver(SECRET, told.append)) as sender:
        for _ in range(2):  # a repetition is accepted, and handled once
            assert sender.post("/slett", content=body, headers=headers | changes).status_code == status
    assert len(told) == handled


def test_a_receiver_believes_nothing_old() -> None:
    told: list[dict[str, Any]] = []
    body, then = b"{}", str(int(time.time()) - 3_600)
    headers = {"webhook-id": "1", "webhook-timestamp": then, "webhook-signature": sign(b"0" * 32, "1", then, body)}
    with TestClient(webhook_receiver.create_receiver(SECRET, told.append)) as sender:
        assert sender.post("/slett", content=body, headers=headers).status_code == 401
    assert told == []
