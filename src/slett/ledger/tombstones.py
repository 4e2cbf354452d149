"""Tombstones: keyed hashes that say "this one is gone".

They make a second erasure notice the first, and a restored backup forget again. Without the secret key nobody can
tell whom one stands for, or even try.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from slett.ledger.keys import Keys
from slett.ledger.tables import slices, tombstones

_ADD = {
    name: insert.on_conflict_do_update(
        index_elements=["kind", "hash"], set_={"request": insert.excluded.request, "at": insert.excluded.at}
    )
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
        """Set a tombstone for each (kind, value, request); where there was one, the new request replaces it.

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

    def find(self, kind: str, values: Iterable[str]) -> dict[str, Tombstone]:
        """The tombstones of those values that have one."""
        hashes = {self._keys.tombstone(kind, value): value for value in values}
        found = {}
        for some in slices(list(hashes)):
            query = select(tombstones).where(tombstones.c.kind == kind, tombstones.c.hash.in_(some))
            for row in self._connection.execute(query):
                found[hashes[row.hash]] = Tombstone(row.request, row.at)
        return found
