"""Webhooks, delivered to a real HTTP server; and addresses that must never be called."""

import json
import logging
import re
import ssl
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from slett.requests.hooks import deliver_waiting, is_public, record
from slett.requests.notices import wait_after
from slett.settings import SettingsError, Webhook
from tests.requests.shop import Counter
from tests.servers.mailbox import free_port

KEY = bytes(range(32))
SECRET = "whsec_" + b64encode(KEY).decode()
PAGE = Path("docs/webhooks.md")


@dataclass
class Receiver:
    """What came in; answers with `status`."""

    url: str
    status: int = 204
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.came]


@contextmanager
def listening(certificate: Path | None = None) -> Iterator[Receiver]:
    receiver = Receiver("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.came.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(receiver.status)
            self.send_header("Location", receiver.url + "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        receiver.url = f"http://localhost:{server.server_port}/hook"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as receiver:
        yield receiver


def told(counter: Counter, url: str, **changes: Any) -> Counter:
    """The counter, with a webhook."""
    webhook = Webhook(**{"url": url, "secret": SECRET, "allow_private": True, **changes})
    settings = counter.service.settings.model_copy(update={"webhook": webhook})
    return replace(counter, service=replace(counter.service, settings=settings))


def local(_host: str, _port: int) -> list[str]:
    return ["127.0.0.1"]


def happen(counter: Counter) -> str:
    """One change of state: the reference of the request."""
    with counter.service.ledger.write() as page:
        (request,) = page.requests.file("erase", ["a" * 64], "d" * 64, timedelta(hours=24))
        record(page, request, "filed")
    return request.reference


def deliveries(counter: Counter, reference: str) -> list[tuple[str, int, int | None]]:
    with counter.service.ledger.read() as page:
        return [(each.state, each.attempts, each.last_status) for each in page.deliveries.of(reference)]


def test_an_event_is_a_cloud_event_without_personal_data(counter: Counter, receiver: Receiver) -> None:
    counter = told(counter, receiver.url)
    reference = happen(counter)
    assert deliver_waiting(counter.service, local) == 1
    (event,) = receiver.events
    at = "2026-11-20T12:00:00.000Z"
    assert event.pop("id")
    assert event == {
        "specversion": "1.0",
        "type": "no.slett.request.filed",
        "source": "https://leave.example.org",
        "subject": reference,
        "time": at,
        "datacontenttype": "application/json",
        "data": {"reference": reference, "kind": "erase", "state": "filed", "at": at},
    }
    headers, _ = receiver.came[0]
    assert headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert headers["host"] == receiver.url.split("/")[2]
    assert deliveries(counter, reference) == [("sent", 1, 204)]
    assert deliver_waiting(counter.service, local) == 0


@pytest.mark.parametrize("status", [500, 404, 301, 307])
def test_any_other_answer_is_tried_again_and_no_redirect_followed(
    counter: Counter, receiver: Receiver, status: int
) -> None:
    counter = told(counter, receiver.url, attempts=3)
    reference = happen(counter)
    receiver.status = status
    for attempt in range(1, 4):
        assert deliver_waiting(counter.service, local) == 0
        assert len(receiver.came) == attempt
        counter.clock.now += wait_after(attempt)
    assert deliveries(counter, reference) == [("given_up", 3, status)]
    assert len({event["id"] for event in receiver.events}) == 1
    assert len({headers["webhook-timestamp"] for headers, _ in receiver.came}) == 3


def test_whoever_is_gone_is_not_asked_again(counter: Counter, receiver: Receiver) -> None:
    counter = told(counter, receiver.url)
    reference = happen(counter)
    receiver.status = 410
    deliver_waiting(counter.service, local)
    assert deliveries(counter, reference) == [("given_up", 1, 410)]


def test_a_dead_receiver_is_tried_again(counter: Counter) -> None:
    counter = told(counter, f"http://localhost:{free_port()}/")
    reference = happen(counter)
    assert deliver_waiting(counter.service, local) == 0
    assert deliveries(counter, reference) == [("waiting", 1, None)]


def test_without_a_webhook_nothing_piles_up(counter: Counter) -> None:
    reference = happen(counter)
    assert deliver_waiting(counter.service) == 0
    assert deliveries(counter, reference) == [("given_up", 1, None)]


PRIVATE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",  # noqa: S104 (not listened on)
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "192.0.0.1",
    "198.18.0.1",
    "203.0.113.5",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_never_called(counter: Counter, receiver: Receiver, address: str) -> None:
    counter = told(counter, receiver.url.replace("http:", "https:"), allow_private=False)
    reference = happen(counter)
    assert not is_public(address)
    assert deliver_waiting(counter.service, lambda *_: ["93.184.216.34", address]) == 0
    assert deliveries(counter, reference) == [("waiting", 1, None)]
    assert not receiver.came


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "localhost", "2130706433", "0x7f.1", "127.1", "[::ffff:7f00:1]"]
)
def test_no_spelling_of_this_machine_is_called(counter: Counter, receiver: Receiver, host: str) -> None:
    url = re.sub("http://localhost", f"https://{host}", receiver.url)
    counter = told(counter, url, allow_private=False)
    reference = happen(counter)
    assert deliver_waiting(counter.service) == 0
    assert deliveries(counter, reference)[0][0] == "waiting"
    assert not receiver.came


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::5db8:d822"])
def test_a_public_address_may_be_called(address: str) -> None:
    assert is_public(address)


def test_the_connection_goes_to_the_address_that_was_checked(counter: Counter, receiver: Receiver) -> None:
    """A name that resolves to something else the second time (DNS rebinding) is asked once only."""
    port = receiver.url.split(":")[2].removesuffix("/hook")
    counter = told(counter, f"http://rebinding.invalid:{port}")
    happen(counter)
    answers = iter([["127.0.0.1"]])
    assert deliver_waiting(counter.service, lambda *_: next(answers)) == 1
    assert receiver.came[0][0]["host"] == f"rebinding.invalid:{port}"


@pytest.mark.parametrize(("certified", "accepted"), [("hooks.example", 1), ("other.example", 0)])
def test_the_certificate_must_be_of_the_name_and_not_of_the_address(
    counter: Counter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, certified: str, accepted: int
) -> None:
    certificate = self_signed(tmp_path / "hook.pem", certified)
    with listening(certificate) as receiver:
        trusting = partial(httpx2.Client, verify=ssl.create_default_context(cafile=certificate))
        monkeypatch.setattr("slett.requests.hooks.httpx2.Client", trusting)
        counter = told(counter, receiver.url.replace("http://localhost", "https://hooks.example"))
        happen(counter)
        assert deliver_waiting(counter.service, local) == accepted
        assert len(receiver.came) == accepted


def self_signed(path: Path, name: str) -> Path:
    """A certificate of that name, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(pem + certificate.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"url": "http://hooks.example"}, "https"),
        ({"url": "ftp://hooks.example"}, "https"),
        ({"url": "https://kari:pw-secret@hooks.example"}, "password"),
        ({"url": "https://"}, "host"),
        ({"secret": ""}, "whsec_"),
        ({"secret": "whsec_c2hvcnQ="}, "24"),
        ({"secret": "whsec_%%%"}, "webhook"),
    ],
)
def test_a_webhook_that_cannot_be_used_is_named_without_its_secrets(
    counter: Counter, changes: dict[str, str], why: str
) -> None:
    counter = told(counter, **{"url": "https://hooks.example", "allow_private": False, **changes})  # type: ignore[arg-type]  # of different types
    reference = happen(counter)
    with pytest.raises(SettingsError, match=why) as error:
        deliver_waiting(counter.service)
    assert "pw-secret" not in str(error.value)
    assert deliveries(counter, reference) == [("waiting", 0, None)]


def test_neither_url_nor_secret_is_logged(counter: Counter, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    counter = told(counter, f"http://localhost:{free_port()}/path-secret?token=url-secret")
    happen(counter)
    deliver_waiting(counter.service, local)
    logged = "".join(record.getMessage() for record in caplog.records if record.name.startswith("slett"))
    assert "tried again later" in logged
    assert "secret" not in logged


@pytest.fixture
def recipe() -> dict[str, Any]:
    """The receiver of docs/webhooks.md."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    space: dict[str, Any] = {}
    exec(code, space)  # noqa: S102 (that is what readers would do)
    return space


def test_the_recipe_accepts_what_is_sent_once(counter: Counter, receiver: Receiver, recipe: dict[str, Any]) -> None:
    counter = told(counter, receiver.url)
    reference = happen(counter)
    deliver_waiting(counter.service, local)
    headers, body = receiver.came[0]
    now, seen = counter.clock.now.timestamp(), set[str]()
    event = recipe["read_event"](headers, body, SECRET, seen, now)
    assert event["data"]["reference"] == reference
    assert recipe["read_event"](headers, body, SECRET, seen, now) is None, "it came before"


@pytest.mark.parametrize("what", ["body", "id", "timestamp", "signature", "secret", "old", "ahead", "unsigned"])
def test_the_recipe_refuses_everything_else(
    counter: Counter, receiver: Receiver, recipe: dict[str, Any], what: str
) -> None:
    counter = told(counter, receiver.url)
    happen(counter)
    deliver_waiting(counter.service, local)
    (headers, body), now, secret = receiver.came[0], counter.clock.now.timestamp(), SECRET
    if what == "body":
        body += b" "
    elif what == "secret":
        secret = "whsec_" + b64encode(bytes(32)).decode()
    elif what in ("old", "ahead"):
        now += 301 if what == "old" else -301
    elif what == "unsigned":
        headers = {name: value for name, value in headers.items() if name != "webhook-signature"}
    else:
        headers = {**headers, f"webhook-{what}": {"signature": "v1,AAAA"}.get(what, headers[f"webhook-{what}"] + "1")}
    with pytest.raises(recipe["Refused"]):
        recipe["read_event"](headers, body, secret, set(), now)
