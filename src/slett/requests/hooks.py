"""Webhooks: the service is told of each change of state, with no personal data, and can check that it was Slett.

An event is a CloudEvent 1.0 in structured JSON, signed as Standard Webhooks 1.0 says. It is written down with the
change that it tells of and delivered afterwards, at least once: a receiver knows a repetition by its `id`. Events may
arrive out of order; `time` tells.

The address was configured, and is mistrusted nevertheless: whatever its name resolves to must be a public address,
and the connection goes to the very address that was checked. No redirect is followed and no answer read.
"""

import hmac
import json
import logging
import socket
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, timedelta
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from uuid import uuid4

import httpx2

from slett.ledger import Page, Request
from slett.ledger.outbox import Delivery
from slett.ledger.requests import State
from slett.requests.notices import wait_after
from slett.requests.service import Service
from slett.settings import SettingsError, Webhook

AT_ONCE = 20
SECONDS = 10.0  # for the receiver to answer
GONE = 410  # the receiver wants no more of this
NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address is inside

log = logging.getLogger(__name__)

Resolve = Callable[[str, int], list[str]]


class NotPublic(Exception):
    """The address of the webhook is not one that may be called."""


def record(page: Page, request: Request, state: State) -> None:
    """Write down that a request came into that state, to be told after this page is committed."""
    page.deliveries.add([_event(page, request, state)])


def record_all(page: Page, service: Service, requests: Iterable[Request], state: State) -> None:
    """The same of many; those that somebody typed at a terminal only where there is a service to tell."""
    told = (each for each in requests if each.secret or service.settings.webhook.url)
    page.deliveries.add(_event(page, each, state) for each in told)


def _event(page: Page, request: Request, state: State) -> tuple[str, str, dict[str, object]]:
    at = page.now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    event = str(uuid4())
    body: dict[str, object] = {
        "specversion": "1.0",
        "id": event,
        "type": f"no.slett.request.{state}",
        "subject": request.reference,
        "time": at,
        "datacontenttype": "application/json",
        "data": {"reference": request.reference, "kind": request.kind, "state": state, "at": at},
    }
    return event, request.reference, body


def addresses_of(host: str, port: int) -> list[str]:
    """The addresses that a name resolves to.

    Raises:
        OSError: it resolves to none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(where[0]) for *_, where in found))


def deliver_waiting(service: Service, resolve: Resolve = addresses_of) -> int:
    """How many events were accepted. The others are tried again later, or given up after `webhook.attempts`.

    Raises:
        SettingsError: the webhook's settings cannot be used. Nothing was tried.
    """
    webhook = service.settings.webhook
    target = Target.of(webhook) if webhook.url else None
    with service.ledger.write() as page:
        taken = page.deliveries.take(AT_ONCE, timedelta(seconds=60 + AT_ONCE * 4 * SECONDS))
        if target is None:
            for each in taken:
                page.deliveries.give_up(each.number, None)  # there is nobody to tell
    if target is None or not taken:
        return 0
    accepted = 0
    with httpx2.Client(trust_env=False, follow_redirects=False, timeout=SECONDS) as client:
        for each in taken:
            source = service.settings.portal.url or "slett"
            status, why = _deliver(client, target, each, source, service, resolve)
            accepted += _note(service, each, status, why)
    return accepted


@dataclass(frozen=True, slots=True)
class Target:
    """Where events go, and what signs them."""

    url: httpx2.URL
    key: bytes
    allow_private: bool

    @classmethod
    def of(cls, webhook: Webhook) -> "Target":
        """The target of these settings.

        Raises:
            SettingsError: not an HTTPS address, or not a secret.
        """
        try:
            url = httpx2.URL(webhook.url)
            key = b64decode(webhook.secret.removeprefix("whsec_"), validate=True)
        except (httpx2.InvalidURL, ValueError):
            url, key = httpx2.URL(""), b""
        if url.scheme not in ("https", "http") or not url.host or url.userinfo:
            raise SettingsError("setting `webhook.url`: write https://host/path, without a user or password")
        if url.scheme != "https" and not webhook.allow_private:
            raise SettingsError("setting `webhook.url`: must be https, unless `webhook.allow_private` is set")
        if not webhook.secret.startswith("whsec_") or not 24 <= len(key) <= 64:
            raise SettingsError("setting `webhook.secret`: write whsec_ and the base64 of 24 to 64 random bytes")
        return cls(url, key, webhook.allow_private)

    def checked(self, resolve: Resolve) -> str:
        """The address to connect to.

        Raises:
            NotPublic: one of those that the name resolves to is not public.
            OSError: it resolves to none.
        """
        port = self.url.port or (443 if self.url.scheme == "https" else 80)
        addresses = resolve(self.url.host, port)
        if not self.allow_private and not all(map(is_public, addresses)):
            raise NotPublic("its name leads to an address that is not public")
        return addresses[0]


def is_public(text: str) -> bool:
    """Whether an address is one of the public internet, also where it hides another inside."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address) and (inside := _inside(address)):
        return is_public(str(inside))
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _inside(address: IPv6Address) -> IPv4Address | None:
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def sign(key: bytes, event: str, timestamp: str, body: bytes) -> str:
    """The signature of Standard Webhooks 1.0: version 1, HMAC-SHA-256 of `id.timestamp.body`, in base64."""
    content = f"{event}.{timestamp}.".encode() + body
    return f"v1,{b64encode(hmac.new(key, content, sha256).digest()).decode()}"


def _deliver(
    client: httpx2.Client, target: Target, delivery: Delivery, source: str, service: Service, resolve: Resolve
) -> tuple[int | None, str]:
    """The status that was answered, or None and why there was none."""
    body = json.dumps({**delivery.body, "source": source}, separators=(",", ":"), sort_keys=True).encode()
    with service.ledger.read() as page:
        timestamp = str(int(page.now.timestamp()))
    headers = {
        "Host": target.url.netloc.decode("ascii"),
        "Content-Type": "application/cloudevents+json; charset=utf-8",
        "User-Agent": "slett",
        "webhook-id": delivery.event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": sign(target.key, delivery.event_id, timestamp, body),
    }
    try:
        there = target.url.copy_with(host=target.checked(resolve))
        name = {"sni_hostname": target.url.host}  # whose certificate the server must show
        with client.stream("POST", there, content=body, headers=headers, extensions=name) as answer:
            return answer.status_code, f"answered {answer.status_code}"
    except NotPublic as error:
        return None, str(error)
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, UnicodeError) as error:
        return None, f"no answer ({type(error).__name__})"


def _note(service: Service, delivery: Delivery, status: int | None, why: str) -> bool:
    accepted = status is not None and 200 <= status < 300
    over = status == GONE or delivery.attempts >= service.settings.webhook.attempts
    with service.ledger.write() as page:
        if accepted and status is not None:
            page.deliveries.sent(delivery.number, status)
        elif over:
            page.deliveries.give_up(delivery.number, status)
        else:
            page.deliveries.again(delivery.number, page.now + wait_after(delivery.attempts), status)
    if not accepted:
        then = "given up" if over else "tried again later"
        log.warning("webhook %s (request %s): %s; %s", delivery.event_id, delivery.request, why, then)
    return accepted
