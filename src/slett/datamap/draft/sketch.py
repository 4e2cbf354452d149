"""A table of the map while it is drafted: its references as they are found, then its action, each with a reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from slett.datamap.draft.graph import Key, Link
from slett.datamap.model import Action, Place, Reference, Rule, TableMap, Until

Personal = Mapping[Key, tuple[str, ...]]  # the columns of every table that look personal
NOWHERE = Place("", 0, 0)  # what is drafted was not written by anybody yet


@dataclass(frozen=True, slots=True)
class Told:
    """A reference, why it is proposed, and what keeps its table undecided."""

    reference: Reference
    why: str = ""
    doubt: str = ""
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """An action and why; `follows` is the table whose action decided it, or will."""

    action: Action
    why: str
    follows: Key | None = None
    until: Until | None = None
    basis: str = ""


@dataclass(slots=True)
class Sketch:
    """What is known of a table so far; `known` is what a human wrote of it."""

    key: Key
    known: TableMap | None = None
    references: list[Told] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # for a human to read, above the entry's keys
    doubts: list[str] = field(default_factory=list)
    addresses: list[Told] = field(default_factory=list)  # columns that may hold those of people whose rows they are not
    verdict: Verdict = Verdict("undecided", "")
    identifiers: tuple[tuple[str, str], ...] = ()
    disable: tuple[tuple[str, Rule], ...] | Literal["delete"] | None = None
    omit: tuple[str, ...] = ()
    root: bool = False

    @property
    def owned(self) -> bool:
        """Whether a person can own rows of it: only then the walk goes on, and the action applies."""
        return self.root or any(told.reference.kind != "mention" for told in self.references)

    @property
    def leads_on(self) -> bool:
        """Whether what refers to its rows is the person's too, for all that is known."""
        return self.root or any(told.reference.kind != "mention" and not told.doubt for told in self.references)

    @property
    def decided(self) -> bool:
        """Whether a human has said what becomes of it."""
        return self.known is not None and (self.known.action != "undecided" or bool(self.known.reason))

    @property
    def doubt(self) -> str:
        """The first thing that keeps it undecided."""
        return next((told.doubt for told in self.references if told.doubt), next(iter(self.doubts), ""))
