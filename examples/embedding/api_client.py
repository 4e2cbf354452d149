"""A service with pages of its own, which asks the portal's API for the rest.

PORTAL=http://localhost:8000 TOKEN=… python -m examples.embedding.api_client 17 kari@example.org
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx2


class Refused(Exception):
    """The API answered with a problem; its title says which."""


@dataclass(frozen=True)
class Leaving:
    """The calls, in the order of a person's way. `visit` belongs into the person's session, on the server."""

    client: httpx2.Client  # with base_url …/api/v1 and the token in its headers

    def outlook(self, key: str) -> Any:
        """What would happen: show it before anything else."""
        return self._post("/outlook", {"subject": {"key": key}, "language": "en"})

    def file(self, key: str, address: str, signed_in_at: datetime, wish_number: str) -> Any:
        """The wish. `wish_number` is drawn once for each, so that a second click files nothing new."""
        body = {
            "kind": "erase",
            "subject": {"key": key},
            "addresses": [address],
            "language": "en",
            "signed_in_at": signed_in_at.isoformat(),
            "factors": ["pwd"],
        }
        return self._post("/requests", body, {"Idempotency-Key": wish_number})

    def send_code(self, reference: str, visit: str) -> None:
        """A code goes to the person's mailbox."""
        self._post(f"/requests/{reference}/code", {"visit": visit})

    def confirm(self, reference: str, visit: str, code: str) -> Any:
        """The person typed the code and the phrase. The answer's `secret` opens the status page: give it to them."""
        return self._post(f"/requests/{reference}/confirm", {"visit": visit, "code": code, "agreed": True})

    def cancel(self, reference: str, secret: str) -> Any:
        """They changed their mind, in time."""
        return self._post(f"/requests/{reference}/cancel", {"secret": secret})

    def status(self, reference: str) -> Any:
        """How far it is."""
        return self._read(self.client.get(f"/requests/{reference}"))

    def _post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> Any:
        return self._read(self.client.post(path, json=body, headers=headers))

    def _read(self, answer: httpx2.Response) -> Any:
        if answer.is_error:
            raise Refused(answer.json()["title"])
        return answer.json() if answer.content else None


def connect(portal: str, token: str) -> httpx2.Client:
    """A client for the API of that portal."""
    return httpx2.Client(base_url=f"{portal}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=30)


def walk(
    leaving: Leaving, key: str, address: str, ask: Callable[[str], str], say: Callable[[str], object] = print
) -> str:
    """One person's whole way; the reference of their request."""
    for part in leaving.outlook(key)["parts"]:
        say(f"{part['label'] or part['category']}: {part['goes']} go, {part['anonymised']} are anonymised")
    filed = leaving.file(key, address, datetime.now(UTC), wish_number=os.urandom(16).hex())
    reference, visit = filed["request"]["reference"], filed["visit"]
    if filed["needs"]["code"]:
        leaving.send_code(reference, visit)
    confirmed = leaving.confirm(reference, visit, ask("The code from the e-mail: "))
    say(f"{reference} is due {confirmed['request']['due_at']}; the status page's key is {confirmed['secret']}")
    return str(reference)


if __name__ == "__main__":
    with connect(os.environ["PORTAL"], os.environ["TOKEN"]) as client:
        walk(Leaving(client), sys.argv[1], sys.argv[2], input)
