"""What a person is told before they decide: what of theirs goes, what stays and why, and what they must settle first.

Counted where the rows are, in a number of statements that does not depend on how many rows there are. Nothing is
changed, and nothing is written to the ledger.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date

from slett.datamap.model import OTHER
from slett.execute import Run, Walk
from slett.plan import Step
from slett.plan.closing import blocking, releasing
from slett.requests.refuse import Refused, doubled
from slett.requests.service import Service
from slett.requests.subject import Subject, collected
from slett.stores.due import end
from slett.stores.tally import count_holding, latest_due


@dataclass(frozen=True, slots=True)
class Stay:
    """Rows that stay for a time."""

    rows: int
    basis: str
    until: date | None  # the day on which the last of them goes


@dataclass(frozen=True, slots=True)
class Part:
    """One category of a person's data, and what an erasure would do to it."""

    category: str
    label: str  # in the person's language; empty where the map has no word for it
    goes: int = 0
    anonymised: int = 0
    stays: tuple[Stay, ...] = ()
    released: int = 0  # rows that stay because they are somebody else's too, and no longer name the person

    @property
    def rows(self) -> int:
        """How many rows of their own."""
        return self.goes + self.anonymised + sum(stay.rows for stay in self.stays)


@dataclass(frozen=True, slots=True)
class Told:
    """A third party that is told."""

    name: str
    what: str
    country: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """What must be settled first."""

    text: str
    link: str
    rows: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """All that the person is told, in their language."""

    parts: tuple[Part, ...]  # in the order of the map's categories; those without rows are left out
    blocks: tuple[Blocked, ...]
    recipients: tuple[Told, ...]
    backup_days: int | None
    stores: tuple[str, ...]  # in which something of theirs is

    @property
    def rows(self) -> int:
        """How many rows of their own; none: nobody was found."""
        return sum(part.rows for part in self.parts)


def outlook(service: Service, subject: Subject, language: str) -> Outlook:
    """What an erasure of this person would do now, by category.

    Args:
        language: a BCP 47 tag, as in `nb` or `pt-BR`.

    Raises:
        Refused: several people are meant.
        StoreError: a store does not answer.
    """
    steps = (*(step for step in service.plan.steps if _is_told(service, step)), *releasing(service.relations))
    with _walk(service, subject, steps) as walk:
        for refusal in doubled(walk).values():
            raise Refused(refusal)
        tally = _Tally(service)
        for step, rows in zip(steps, Run(walk, service.settings.chunk_rows).count(), strict=True):
            tally.add(step, rows)
        tally.keep(walk)
        return Outlook(
            parts=tuple(tally.parts(language)),
            blocks=_blocks(service, walk, language),
            recipients=tuple(
                Told(each.name, each.what.said_in(language), each.country) for each in service.datamap.recipients
            ),
            backup_days=service.datamap.backup_days,
            stores=tuple(store for store in service.stores if store in tally.stores),
        )


def find_blocks(service: Service, subject: Subject, language: str) -> tuple[Blocked, ...]:
    """What stands in this person's way: while there is any, they can neither close nor erase their account.

    Raises:
        StoreError: a store does not answer.
    """
    with _walk(service, subject, ()) as walk:
        return _blocks(service, walk, language)


@contextmanager
def _walk(service: Service, subject: Subject, steps: tuple[Step, ...]) -> Iterator[Walk]:
    with service.sessions() as sessions:
        walk = collected(replace(service.plan, steps=steps), sessions, [subject])
        yield walk


def _blocks(service: Service, walk: Walk, language: str) -> tuple[Blocked, ...]:
    every = blocking(service.relations)
    counts: dict[int, int] = {}
    for store, session in walk.sessions.items():
        here = [(place, each) for place, each in enumerate(every) if each.store == store]
        for _, each in here:
            walk.bring(store, each.rows)
        found = count_holding(session, [(each.rows, each.holding) for _, each in here])
        counts |= {place: rows for (place, _), rows in zip(here, found, strict=True)}
    return tuple(
        Blocked(each.block.text.said_in(language), each.block.link, counts[place])
        for place, each in enumerate(every)
        if counts[place]
    )


def _is_told(service: Service, step: Step) -> bool:
    """Whether a step is of the person's own rows, and says what becomes of them for good."""
    return step.what in ("delete", "expire", "anonymise") or _goes_first(service, step)


def _goes_first(service: Service, step: Step) -> bool:
    return step.what == "disable" and service.relations.tables[f"{step.store}/{step.table}"].disable == "delete"


class _Tally:
    """Rows by category."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.stores: set[str] = set()
        self._goes: dict[str, int] = {}
        self._anonymised: dict[str, int] = {}
        self._released: dict[str, int] = {}
        self._stays: dict[str, dict[str, Stay]] = {}  # category → basis

    def add(self, step: Step, rows: int) -> None:
        bucket = {"anonymise": self._anonymised, "detach": self._released}.get(step.what, self._goes)
        category = self._category(f"{step.store}/{step.table}")
        bucket[category] = bucket.get(category, 0) + rows
        if rows:
            self.stores.add(step.store)

    def keep(self, walk: Walk) -> None:
        """What stays, on what basis, and until when."""
        for store, session in walk.sessions.items():
            here = [each for each in walk.plan.keepings if each.store == store]
            for each in here:
                walk.bring(store, each.rows)
            found = latest_due(session, [(each.rows, each.due) for each in here])
            for each, (rows, since) in zip(here, found, strict=True):
                if rows:
                    stay = Stay(rows, each.basis, end(each.due, since) if since else None)
                    self.stores.add(store)
                    self._stay(self._category(f"{store}/{each.table}"), stay)

    def _stay(self, category: str, stay: Stay) -> None:
        by_basis = self._stays.setdefault(category, {})
        before = by_basis.get(stay.basis)
        if before:
            until = max(filter(None, (before.until, stay.until)), default=None)
            stay = Stay(before.rows + stay.rows, stay.basis, until)
        by_basis[stay.basis] = stay

    def _category(self, name: str) -> str:
        return self.service.relations.tables[name].category

    def parts(self, language: str) -> Iterator[Part]:
        labels: Mapping[str, str] = {OTHER: ""} | {
            name: words.said_in(language) for name, words in self.service.datamap.categories.items()
        }
        for name in sorted(labels, key=lambda name: name == OTHER):  # what is left comes last
            part = Part(
                name,
                labels[name],
                self._goes.get(name, 0),
                self._anonymised.get(name, 0),
                tuple(self._stays.get(name, {}).values()),
                self._released.get(name, 0),
            )
            if part.rows or part.released:
                yield part
