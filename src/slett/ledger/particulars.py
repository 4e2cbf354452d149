"""What a request needs of a person for a while, sealed: who and whereto, and what closing must put back."""

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import Connection, Table, delete, exists, func, insert, select

from slett.ledger.database import mark_destroyed
from slett.ledger.requests import DONE, FINAL
from slett.ledger.seal import Seal
from slett.ledger.tables import before, particulars, requests, slices, vault_rests


class Particulars:
    """Who asked, and where they are told, inside one transaction. Destroyed when there is nothing more to tell."""

    def __init__(self, connection: Connection, seal: Seal) -> None:
        self._connection = connection
        self._seal = seal

    def put(self, request: str, content: bytes) -> None:
        """Seal the particulars of a request, in place of those it had."""
        self.destroy(request)
        blob = self._seal.close(content, "particulars", request)
        self._connection.execute(insert(particulars), {"request": request, "blob": blob})

    def get(self, request: str) -> bytes | None:
        """The particulars of a request, or None if it has none or they are destroyed.

        Raises:
            BrokenSeal: they were changed, or sealed with another secret key.
        """
        return self.some([request]).get(request)

    def some(self, wanted: Sequence[str]) -> dict[str, bytes]:
        """The particulars of those requests that have some, by reference.

        Raises:
            BrokenSeal: as `get`.
        """
        query = select(particulars.c.request, particulars.c.blob)
        return {
            request: self._seal.open(blob, "particulars", request)
            for each in slices(wanted)
            for request, blob in self._connection.execute(query.where(particulars.c.request.in_(each)))
        }

    def of_ended(self, limit: int = 1_000) -> tuple[str, ...]:
        """The references of requests that are over and still have some.

        A close is over once something follows it; a return in part once there is nothing more to come back.
        """
        closed = requests.c.state.in_(DONE)
        way_back = (requests.c.kind == "close") & closed & requests.c.followed_by.is_(None)
        left = exists().where(vault_rests.c.request == requests.c.follows)
        rest = (requests.c.kind == "return") & (requests.c.state == "partially_fulfilled") & left
        query = (
            select(particulars.c.request)
            .join(requests, requests.c.reference == particulars.c.request)
            .where(requests.c.state.in_(sorted(FINAL)), ~way_back, ~rest)
        )
        return tuple(self._connection.execute(query.order_by(requests.c.finished_at).limit(limit)).scalars())

    def destroy(self, request: str) -> None:
        """Delete them; they are not in the database's file any more."""
        _destroy(self._connection, particulars, request)


class Before:
    """How rows were before closing changed them, inside one transaction. Destroyed when there is no way back."""

    def __init__(self, connection: Connection, seal: Seal) -> None:
        self._connection = connection
        self._seal = seal

    def put(self, request: str, contents: Iterable[bytes]) -> None:
        """Seal these parts, after those that are there."""
        count = select(func.count()).where(before.c.request == request)
        first: int = self._connection.execute(count).scalar_one()
        rows = [
            {"request": request, "part": part, "blob": self._seal.close(content, "before", request, part)}
            for part, content in enumerate(contents, first)
        ]
        if rows:
            self._connection.execute(insert(before), rows)

    def read(self, request: str) -> Iterator[bytes]:
        """The parts of a request, in order, one at a time.

        Raises:
            BrokenSeal: a part was changed, or sealed with another secret key.
        """
        query = select(before.c.part, before.c.blob).where(before.c.request == request).order_by(before.c.part)
        for part, blob in self._connection.execute(query, execution_options={"yield_per": 1}):
            yield self._seal.open(blob, "before", request, part)

    def destroy(self, request: str) -> None:
        """Delete them; they are not in the database's file any more."""
        _destroy(self._connection, before, request)


def _destroy(connection: Connection, table: Table, request: str) -> None:
    if connection.execute(delete(table).where(table.c.request == request)).rowcount:
        mark_destroyed(connection)
