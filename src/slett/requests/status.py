"""How far a request has come: what its status page says, without a word about the person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from slett.datamap.model import OTHER
from slett.ledger import FINAL, Page, Request
from slett.ledger.requests import DONE, Counts, State
from slett.requests.rest import WAITS, rest_of
from slett.requests.service import Service

StepName = Literal["filed", "confirmed", "waited", "carried_out", "checked"]
Reached = Literal["done", "doing", "to_do", "never"]

_PAST: Mapping[State, int] = {  # how many steps are done
    "filed": 1,
    "verified": 2,
    "scheduled": 2,
    "running": 3,
    "verifying": 4,
    "fulfilled": 5,
    "partially_fulfilled": 5,
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way."""

    name: StepName
    reached: Reached
    at: datetime | None = None  # when it was done, where that is known


@dataclass(frozen=True, slots=True)
class Done:
    """What was done in one category of the person's data."""

    category: str
    label: str  # in the person's language; empty where the map has no word for it
    rows: Mapping[str, int]  # what was done → rows


@dataclass(frozen=True, slots=True)
class Waiting:
    """What did not come back with its person to a sealed account, and until when it may."""

    until: datetime
    done: tuple[Done, ...]  # by category


@dataclass(frozen=True, slots=True)
class Status:
    request: Request
    steps: tuple[Step, ...]
    done: tuple[Done, ...]  # by category, once the request is over
    receipt: bool  # there is a signed certificate
    copy_until: datetime | None  # of an export that can be fetched
    can_cancel: bool
    can_return: bool
    can_erase: bool = False  # at once: whoever is put away since they closed their account
    waits: Waiting | None = None  # of a close, and of a return that follows it


def status_of(service: Service, request: Request, now: datetime, language: str = "") -> Status:
    """What to tell of the request now.

    Args:
        language: of the categories' names, a BCP 47 tag.
    """
    fulfilled = request.state == "fulfilled"
    copy_until = None
    if request.kind == "export" and fulfilled and request.finished_at:
        copy_until = request.finished_at + timedelta(days=service.settings.portal.export_days)
    return Status(
        request=request,
        steps=tuple(_steps(request)),
        done=tuple(_done(service, request.counts, language)) if request.state in FINAL else (),
        receipt=request.certificate is not None,
        copy_until=copy_until if copy_until and now < copy_until else None,
        can_cancel=_can_cancel(request),
        can_return=can_return(request, now),
    )


def waiting_of(service: Service, page: Page, request: Request, language: str = "") -> Waiting | None:
    """What waits since somebody came back in part: said of the close, and of each return that follows it."""
    rest = rest_of(page, request)
    if rest is None:
        return None
    counts = {name: {WAITS: rows} for name, rows in rest.rows.items()}
    return Waiting(rest.until, tuple(_done(service, counts, language)))


def _can_cancel(request: Request) -> bool:
    """Whether nothing was done yet; also not before a hold stopped it."""
    begun = request.batch is not None or (request.started_at and request.kind in ("erase", "close"))
    return request.state in ("filed", "verified", "scheduled") and not begun


def can_return(request: Request, now: datetime) -> bool:
    """Whether the account that this request closed still has a way back."""
    closed = request.kind == "close" and request.state in DONE
    open_until = request.until if closed else None
    return open_until is not None and now < open_until and request.followed_by is None


def _steps(request: Request) -> list[Step]:
    at = {"filed": request.filed_at, "waited": request.started_at, "checked": request.finished_at}
    names: tuple[StepName, ...] = ("filed", "confirmed", "waited", "carried_out", "checked")
    past = _PAST.get(request.state)
    if past is None:  # it ended early
        past = 3 if request.started_at else 2 if request.secret else 1
    steps = []
    for place, name in enumerate(names):
        reached: Reached = "done" if place < past else "doing" if place == past else "to_do"
        if reached != "done" and request.state in FINAL:
            reached = "never"
        steps.append(Step(name, reached, at.get(name) if reached == "done" else None))
    return steps


def _done(service: Service, counts: Counts, language: str) -> list[Done]:
    by_category: dict[str, dict[str, int]] = {}
    for name, actions in counts.items():
        mapped = service.relations.tables.get(name)
        rows = by_category.setdefault(mapped.category if mapped else OTHER, {})
        for action, count in actions.items():
            rows[action] = rows.get(action, 0) + count
    words = service.datamap.categories
    order = [*words, *(each for each in by_category if each not in words)]
    return [
        Done(each, words[each].said_in(language) if each in words else "", by_category[each])
        for each in order
        if each in by_category
    ]
