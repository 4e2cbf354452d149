"""A batch of requests on its way, and what becomes of each."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from slett.ledger import Lane, Lease, Request
from slett.ledger.requests import Kind
from slett.ledger.vaults import Vault
from slett.requests.hold import HeldRequest
from slett.requests.subject import Subject
from slett.verify import Left


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one person's request."""

    reference: str
    state: str
    reason: str = ""
    rows: int = 0
    left: tuple[Left, ...] = ()
    certificate: Path | None = None  # its file, where that is written already
    erased_before: bool = False


def surely_ours() -> None:
    """Nobody can have taken the batch over."""


@dataclass(slots=True)
class Batch:
    """A batch on its way."""

    lease: Lease
    requests: list[Request]
    subjects: list[Subject]
    resumed: bool = False
    lane: Lane | None = None  # whose persons are too large for it are set apart; None: whoever they are, now
    check: Callable[[], None] = surely_ours  # before each change of a store
    left_out: set[int] = field(default_factory=set)  # persons whose requests were put back because they are held
    held: HeldRequest | None = None  # of a batch of one, some of whose rows are
    held_rows: dict[str, int] = field(default_factory=dict)  # that are kept back: table → how many
    newest_hold: int = 0  # that it knows of
    apart: list[int] = field(default_factory=list)  # batches of those who are held in part
    vault: Vault | None = None  # takes in its rows, if they have a way back
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    done: dict[int, int] = field(default_factory=dict)  # rows, by step
    changed: int = 0  # rows, in all passes
    total: int = 0  # rows expected
    unmarked: set[int] = field(default_factory=set)  # steps whose progress is not written yet
    marked: float = field(default_factory=time.monotonic)
    planned: list[int] = field(default_factory=list)
    kept: list[tuple[int, int, int, date]] = field(default_factory=list)  # person, keeping, rows, day on which they go
    people: dict[int, dict[int, int]] = field(default_factory=dict)  # rows planned: step → person → rows

    @property
    def kind(self) -> Kind:
        """What all of its requests ask for."""
        return self.requests[0].kind

    def drop(self, numbers: Collection[int]) -> None:
        """Leave out the persons of these numbers, for good; those who stay are numbered anew."""
        self.subjects = [one for number, one in enumerate(self.subjects) if number not in numbers]
        self.requests = [one for number, one in enumerate(self.requests) if number not in numbers]
