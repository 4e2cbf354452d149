"""The last mail about a request that is over; with it, what was known of the person is destroyed."""

import json
from datetime import date, timedelta
from typing import Any

from slett.ledger import Page, Request
from slett.requests.mails import Kind as Mail
from slett.requests.particulars import Particulars, read_particulars
from slett.requests.progress import tell
from slett.requests.service import Service

LAST: dict[tuple[str, str], Mail] = {  # what is mailed when a request ends; whoever ended it otherwise has told
    ("erase", "fulfilled"): "done",
    ("erase", "partially_fulfilled"): "partly",
    ("export", "fulfilled"): "done",
}


def tell_ended(service: Service) -> int:
    """The last mail about each request that is over, exactly once: in the same commit its particulars are destroyed."""
    with service.ledger.read() as page:
        ended = page.particulars.of_ended()
    told = 0
    for reference in ended:
        with service.ledger.write() as page:
            request = page.requests.get(reference)
            if request is None:
                continue
            page.requests.find_open(request.kind, request.subject)  # nobody else tells them meanwhile
            if who := read_particulars(page, reference):
                _tell_end(page, service, request, who)
                page.particulars.destroy(reference)
                told += 1
    return told


def _tell_end(page: Page, service: Service, request: Request, who: Particulars) -> None:
    language = who.language or service.settings.portal.language
    if request.state in ("refused", "not_found") and request.kind in ("erase", "export"):
        tell(page, service, "refused", request, who, found=request.state == "refused")
    elif kind := LAST.get((request.kind, request.state)):
        values = _of_certificate(page, service, request, language)
        if request.kind == "export" and request.finished_at:
            values["until"] = request.finished_at + timedelta(days=service.settings.portal.export_days)
        tell(page, service, kind, request, who, **values)


def _of_certificate(page: Page, service: Service, request: Request, language: str) -> dict[str, Any]:
    """What stays and what is left, by category, as the certificate says."""
    if request.certificate is None:
        return {"kept": [], "left": []}
    body = json.loads(page.log.read([request.certificate])[request.certificate])
    kept: dict[tuple[str, str], str] = {}
    for each in body["kept"]:
        what = (_label(service, each, language), each["basis"])
        kept[what] = max(kept.get(what, ""), each["until"] or "")
    left = dict.fromkeys((_label(service, each, language), each["reason"]) for each in body["left"])
    return {
        "kept": [
            {"label": label, "basis": basis, "until": until if until < date.max.isoformat() else ""}
            for (label, basis), until in kept.items()
        ],
        "left": [{"label": label, "reason": reason} for label, reason in left],
    }


def _label(service: Service, each: dict[str, Any], language: str) -> str:
    mapped = service.relations.tables.get(f"{each['store']}/{each['table']}")
    words = service.datamap.categories.get(mapped.category) if mapped else None
    return words.said_in(language) if words else ""
