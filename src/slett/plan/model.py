"""A plan, as data."""

from dataclasses import dataclass
from typing import Literal

from slett.stores.operations import Change, Collect, Due, KeySet, Rows

Phase = Literal["disable", "detach", "change"]
What = Literal["disable", "unsubscribe", "close", "detach", "delete", "anonymise", "keep", "expire"]


class PlanError(Exception):
    """The map cannot be carried out on this schema."""


@dataclass(frozen=True, slots=True)
class Named:
    """A key set that a request fills: keys of a root, or values of an identifier."""

    keys: KeySet
    root: str = ""  # `store/table`, where it holds keys
    identifier: str = ""


@dataclass(frozen=True, slots=True)
class Identifier:
    """All values of one identifier that are known of the persons: the named ones and those in root rows."""

    name: str
    keys: KeySet
    sources: tuple[tuple[str, str], ...]  # (key set of a root, column)


@dataclass(frozen=True, slots=True)
class Round:
    """Keys to collect; where they feed each other, in this order, again until nothing new is found."""

    collects: tuple[Collect, ...]
    repeat: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One change of one table."""

    store: str
    table: str
    phase: Phase
    what: What
    change: Change
    why: str  # by which reference the rows are the person's, in words
    together: int = 0  # steps with the same number share one transaction, with constraints deferred
    guards: tuple[Change, ...] = ()  # done in the same transaction just before, and not counted


@dataclass(frozen=True, slots=True)
class Keeping:
    """Rows that stay until their time comes: written down before they lose their link to the person."""

    store: str
    table: str
    rows: Rows
    key: tuple[str, ...]
    due: Due
    basis: str


@dataclass(frozen=True, slots=True)
class Plan:
    named: tuple[Named, ...]
    roots: tuple[str, ...]  # key sets of the roots
    rounds: tuple[Round, ...]  # of roots first; identifiers are taken from root rows after the first `root_rounds`
    root_rounds: int
    identifiers: tuple[Identifier, ...]
    keysets: dict[str, KeySet]
    strangers: tuple[tuple[str, Rows], ...]  # (identifier, rows of a root that share it with somebody not named)
    steps: tuple[Step, ...]
    keepings: tuple[Keeping, ...]

    @property
    def free_keysets(self) -> tuple[KeySet, ...]:
        """The key sets that belong to no table."""
        return (*(each.keys for each in self.named), *(each.keys for each in self.identifiers))

    @property
    def stores(self) -> tuple[str, ...]:
        """The stores that the plan reads or changes, in order."""
        found = [keys.store for keys in self.keysets.values() if keys.store]
        return tuple(dict.fromkeys([*found, *(step.store for step in self.steps)]))
