"""The receipt: a certificate, in the person's language. The signed file beside it is the truth."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from importlib.util import find_spec
from typing import Any

from slett.certify import certificate_path, write_certificates
from slett.ledger import Request
from slett.requests.service import Service

DONE = {"delete": "goes", "expire": "goes", "anonymise": "anonymised", "detach": "released", "keep": "stays"}


@dataclass(frozen=True, slots=True)
class Line:
    """One category: what was done to how many rows."""

    label: str  # in the person's language; empty where the map has no word for it
    goes: int = 0
    anonymised: int = 0
    released: int = 0  # rows of others that no longer name the person


@dataclass(frozen=True, slots=True)
class Kept:
    """Rows of one category that stay for a while."""

    label: str
    rows: int
    basis: str
    until: date | None  # None: as long as what they hang on


@dataclass(frozen=True, slots=True)
class Left:
    """Rows of one category that should have gone and did not."""

    label: str
    rows: int
    reason: str


@dataclass(frozen=True, slots=True)
class Receipt:
    reference: str
    kind: str
    outcome: str
    service: str
    subject: str  # keyed hash
    filed: datetime
    finished: datetime
    promised: datetime
    law_due: date
    looked: datetime | None
    key: str
    done: tuple[Line, ...]
    kept: tuple[Kept, ...]
    left: tuple[Left, ...]


def can_print() -> bool:
    """Whether the extra `pdf` is installed."""
    return find_spec("weasyprint") is not None


def receipt_of(service: Service, request: Request, language: str) -> Receipt | None:
    """The receipt of a request that is certified, or None."""
    if request.certificate is None:
        return None
    with service.ledger.read() as page:
        content = page.log.read([request.certificate])[request.certificate]
    body: dict[str, Any] = json.loads(content)
    looked = body["verification"]

    def label(entry: Mapping[str, Any]) -> str:
        table = service.datamap.table(entry["store"], entry["table"])
        words = table and service.datamap.categories.get(table.category)
        return words.said_in(language) if words else ""

    order = [words.said_in(language) for words in service.datamap.categories.values()]
    return Receipt(
        reference=body["request"],
        kind=body["kind"],
        outcome=body["outcome"],
        service=body["service"],
        subject=body["subject"],
        filed=datetime.fromisoformat(body["filed"]),
        finished=datetime.fromisoformat(body["finished"]),
        promised=datetime.fromisoformat(body["promised"]),
        law_due=date.fromisoformat(body["law_due"]),
        looked=datetime.fromisoformat(looked["at"]) if looked else None,
        key=body["key"],
        done=tuple(_done(((label(each), each["actions"]) for each in body["tables"]), order)),
        kept=tuple(_kept((label(each), each) for each in body["kept"])),
        left=tuple(Left(label(each), each["rows"], each["reason"]) for each in body["left"]),
    )


def signed_file(service: Service, request: Request) -> bytes | None:
    """The bytes of the certificate's file, written anew from the log if it is gone; None if there is none."""
    if request.certificate is None:
        return None
    folder = service.settings.home / "certificates"
    path = certificate_path(folder, request.reference)
    if not path.is_file():
        write_certificates(service.ledger, folder, [request.reference])
    return path.read_bytes()


def _done(entries: Iterable[tuple[str, Mapping[str, int]]], order: Sequence[str]) -> Iterable[Line]:
    by_label: dict[str, dict[str, int]] = {}
    for label, actions in entries:
        rows = by_label.setdefault(label, {"goes": 0, "anonymised": 0, "released": 0})
        for action, count in actions.items():
            if (what := DONE.get(action)) in rows:
                rows[what] += count
    places = {label: place for place, label in enumerate(order)}
    return (
        Line(label, **by_label[label])
        for label in sorted(by_label, key=lambda label: places.get(label, len(places)))
        if any(by_label[label].values())
    )


def _kept(entries: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterable[Kept]:
    found: dict[tuple[str, str, date | None], int] = {}
    for label, entry in entries:
        until = date.fromisoformat(entry["until"]) if entry["until"] else None
        key = (label, entry["basis"], until)
        found[key] = found.get(key, 0) + entry["rows"]
    return (Kept(label, rows, basis, until) for (label, basis, until), rows in found.items())
