"""Tombstones: keyed hashes that say "this one is gone".

They make a second erasure notice the first, and a restored backup forget again. Without the secret key nobody can
tell whom one stands for, or even try.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from slett.ledger.keys import Keys
from slett.ledger.tables import slices, tombstones

_ADD = {
    name: insert.on_conflict_do_update(index_elements=["kind", "hash", "request"], set_={"at": insert.excluded.at})
    for name, insert in (("sqlite", sqlite.insert(tombstones)), ("postgresql", postgresql.insert(tombstones)))
}


@dataclass(frozen=True, slots=True)
class Tombstone:
    request: str
    at: datetime


class Tombstones:
    """The tombstones, inside one transaction."""

    def __init__(self, connection: Connection, now: datetime, keys: Keys) -> None:
        self._connection = connection
        self._now = now
        self._keys = keys

    def add(self, stones: Iterable[tuple[str, str, str]]) -> None:
        """Set a tombstone for each (kind, value, request), beside those of earlier requests.

        Args:
            stones: the kind is what the value is, `torget/users` for a root's key or the name of an identifier;
                the value is as for `Keys.subject`. Only its keyed hash is written.
        """
        rows = [
            {"kind": kind, "hash": self._keys.tombstone(kind, value), "request": request, "at": self._now}
            for kind, value, request in stones
        ]
        if not rows:
            return
        self._connection.execute(_ADD[self._connection.dialect.name], rows)

    def remove(self, request: str) -> None:
        """Take away the tombstones that were set for a request: its person is back."""
        self._connection.execute(delete(tombstones).where(tombstones.c.request == request))

    def twins(self, request: str) -> list[str]:
        """The other requests whose tombstones of persons are all of values that this one has set some for, too."""
        person = tombstones.c.kind.not_like("kept %")
        mine = select(tombstones.c.kind, tombstones.c.hash).where(tombstones.c.request == request, person)
        set_for = {tuple(row) for row in self._connection.execute(mine)}
        hashes = [digest for _, digest in set_for]
        others = {
            other
            for some in slices(hashes)
            for other in self._connection.execute(
                select(tombstones.c.request).where(tombstones.c.hash.in_(some), tombstones.c.request != request)
            ).scalars()
        }
        found = []
        for other in sorted(others):
            theirs = select(tombstones.c.kind, tombstones.c.hash).where(tombstones.c.request == other, person)
            if {tuple(row) for row in self._connection.execute(theirs)} <= set_for:
                found.append(other)
        return found

    def find(self, kind: str, values: Iterable[str]) -> dict[str, Tombstone]:
        """The newest tombstones of those values that have one."""
        return {value: stones[-1] for value, stones in self.every(kind, values).items()}

    def every(self, kind: str, values: Iterable[str]) -> dict[str, list[Tombstone]]:
        """All tombstones of those values that have one, oldest first.

        An address has several when people had it one after the other; so has a key that was given out twice.
        """
        hashes = {self._keys.tombstone(kind, value): value for value in values}
        found: dict[str, list[Tombstone]] = {}
        for some in slices(list(hashes)):
            query = select(tombstones).where(tombstones.c.kind == kind, tombstones.c.hash.in_(some))
            for row in self._connection.execute(query.order_by(tombstones.c.at, tombstones.c.request)):
                found.setdefault(hashes[row.hash], []).append(Tombstone(row.request, row.at))
        return found

    def kinds(self) -> set[str]:
        """What there are tombstones of."""
        return set(self._connection.execute(select(tombstones.c.kind).distinct()).scalars())
