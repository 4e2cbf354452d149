"""Holds: a legal reason why a person, or some tables' rows of theirs, must stay as they are until somebody releases it.

Whom a hold is about is known by keyed hashes of root keys and identifiers alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, func, insert, select, update

from slett.ledger.keys import Keys
from slett.ledger.tables import hold_marks, holds, requests, slices

_NEWEST = select(func.coalesce(func.max(holds.c.number), 0))

Mark = tuple[str, str]  # what the value is, as for a tombstone; and the value


@dataclass(frozen=True, slots=True)
class Hold:
    number: int
    basis: str  # the law or the case, without anybody's data
    by: str
    placed_at: datetime
    review: date  # it holds on after that day, and somebody is asked about it
    tables: tuple[str, ...] = ()  # `store/table`; none: everything of the person
    released_at: datetime | None = None


class Holds:
    """The holds, inside one transaction."""

    def __init__(self, connection: Connection, now: datetime, keys: Keys) -> None:
        self._connection = connection
        self._now = now
        self._keys = keys

    def add(self, basis: str, by: str, review: date, tables: Sequence[str], marks: Iterable[Mark]) -> int:
        """The number of a new hold on whoever has one of these keys or identifiers."""
        row = {"basis": basis, "by": by, "placed_at": self._now, "review": review, "tables": list(tables)}
        number: int = self._connection.execute(insert(holds).returning(holds.c.number), row).scalar_one()
        rows = [{"hold": number, "kind": kind, "hash": self._hash(kind, text)} for kind, text in dict.fromkeys(marks)]
        self._connection.execute(insert(hold_marks), rows)
        return number

    def all(self) -> tuple[Hold, ...]:
        """Every hold, released ones too, oldest first."""
        return tuple(_read(row) for row in self._connection.execute(select(holds).order_by(holds.c.number)).mappings())

    def standing(self) -> tuple[Hold, ...]:
        """The holds that nobody has released."""
        return tuple(each for each in self.all() if each.released_at is None)

    def newest(self) -> int:
        """The number of the last hold that was placed; 0 before the first."""
        return int(self._connection.execute(_NEWEST).scalar_one())

    def release(self, number: int) -> bool:
        """Whether this call released it; the requests that it suspends wait for their turn from now on."""
        mine = update(holds).where(holds.c.number == number, holds.c.released_at.is_(None))
        if not self._connection.execute(mine.values(released_at=self._now)).rowcount:
            return False
        self._connection.execute(update(requests).where(requests.c.held == number).values(held=None, reason=""))
        return True

    def match(self, marks: Iterable[Mark]) -> dict[Mark, set[int]]:
        """The holds that stand, by which of these keys and identifiers they are on."""
        hashes = {(kind, self._hash(kind, text)): (kind, text) for kind, text in marks}
        found: dict[Mark, set[int]] = {}
        for some in slices([digest for _, digest in hashes]):
            query = select(hold_marks.c.kind, hold_marks.c.hash, hold_marks.c.hold).join(
                holds, holds.c.number == hold_marks.c.hold
            )
            for row in self._connection.execute(
                query.where(hold_marks.c.hash.in_(some), holds.c.released_at.is_(None))
            ):
                if (row.kind, row.hash) in hashes:
                    found.setdefault(hashes[row.kind, row.hash], set()).add(row.hold)
        return found

    def kinds(self, number: int) -> set[str]:
        """What the hold knows its person by."""
        query = select(hold_marks.c.kind).where(hold_marks.c.hold == number).distinct()
        return set(self._connection.execute(query).scalars())

    def _hash(self, kind: str, text: str) -> str:
        return self._keys.keyed("holds", kind, text)


def _read(row: object) -> Hold:
    values = dict(row)  # type: ignore[call-overload]  # a mapping of SQLAlchemy's
    return Hold(**{**values, "tables": tuple(values["tables"])})
