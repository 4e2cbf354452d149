"""Is anything left of a person? Asked of every store, whether or not they were ever erased here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from slett.execute import Run
from slett.requests.service import Service
from slett.requests.subject import Subject, collected
from slett.verify import Left


@dataclass(frozen=True, slots=True)
class Found:
    """What every store answered about one person."""

    left: tuple[Left, ...]
    erased_at: datetime | None  # of their tombstone
    request: str  # that erased them; or empty


def look(service: Service, subjects: Sequence[Subject]) -> list[Found]:
    """What is found of each person, one after the other."""
    return [_look(service, subject) for subject in subjects]


def _look(service: Service, subject: Subject) -> Found:
    with service.sessions() as sessions:
        walk = collected(service.plan, sessions, [subject])
        counts = Run(walk, service.settings.chunk_rows).count()
        found: dict[tuple[str, str, str], int] = {}
        for step, rows in zip(service.plan.steps, counts, strict=True):
            if rows:  # a row that would be disabled and then deleted is one row
                where = (step.store, step.table, step.why)
                found[where] = max(found.get(where, 0), rows)
        left = tuple(Left(store, table, rows, why) for (store, table, why), rows in found.items())
    with service.ledger.read() as page:
        stone = page.tombstones.find(subject.kind, [subject.text]).get(subject.text)
    return Found(left, stone.at if stone else None, stone.request if stone else "")
