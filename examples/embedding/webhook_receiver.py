"""A receiver of the portal's webhooks, which believes only what is signed, recent, and new.

SLETT_WEBHOOK_URL=https://service.example/slett SLETT_WEBHOOK_SECRET=whsec_… slett serve &
SECRET=whsec_… uvicorn --factory --port 9000 examples.embedding.webhook_receiver:from_environment
"""

import hmac
import json
import os
import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

RECENT = 300  # seconds
LARGEST = 10_000  # bytes; an event has some hundred

Handle = Callable[[dict[str, Any]], None]


def create_receiver(secret: str, handle: Handle, now: Callable[[], float] = time.time) -> Starlette:
    """The receiver. `handle` gets each event once; what it raises is answered with 500, and the event comes again."""
    key = b64decode(secret.removeprefix("whsec_"))
    seen: set[str] = set()  # in earnest: a table, in the same transaction as what `handle` does

    async def receive(request: Request) -> Response:
        body = await request.body()
        number, sent_at = request.headers.get("webhook-id", ""), request.headers.get("webhook-timestamp", "")
        content = f"{number}.{sent_at}.".encode() + body
        wanted = b"v1," + b64encode(hmac.new(key, content, sha256).digest())
        given = request.headers.get("webhook-signature", "").encode().split()  # several while a secret is replaced
        if len(body) > LARGEST or not any(hmac.compare_digest(wanted, each) for each in given):
            return Response(status_code=401)
        if abs(now() - int(sent_at)) > RECENT:
            return Response(status_code=401)
        if number not in seen:
            handle(json.loads(body))
            seen.add(number)
        return Response(status_code=204)

    return Starlette(routes=[Route("/slett", receive, methods=["POST"])])


def from_environment() -> Starlette:
    """The receiver, which prints what it is told."""
    return create_receiver(os.environ["SECRET"], lambda event: print(event["type"], event["subject"], flush=True))
