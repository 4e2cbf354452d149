"""A browser's visits: who came, what they were sent to prove it, how often they tried, and what was used up.

Nothing here can be read: tokens and addresses are keyed hashes, and what a visit knows is sealed.
"""

from dataclasses import dataclass
from datetime import datetime
from types import ModuleType

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from slett.ledger.database import mark_destroyed
from slett.ledger.seal import Seal
from slett.ledger.tables import attempts, codes, sessions, spent

_NEWEST = (
    select(codes)
    .where(
        codes.c.session == bindparam("of"),
        codes.c.purpose == bindparam("why"),
        codes.c.request.is_not_distinct_from(bindparam("about")),
    )
    .order_by(codes.c.number.desc())
    .limit(1)
)
_BURN = (
    update(codes)
    .where(
        codes.c.number == bindparam("which"),
        codes.c.tries_left > 0,
        codes.c.used_at.is_(None),
        codes.c.expires_at > bindparam("now"),
    )
    .values(tries_left=codes.c.tries_left - 1)
    .returning(codes.c.tries_left)
)


@dataclass(frozen=True, slots=True)
class Visit:
    """One session, as it is kept."""

    hash: str  # keyed, of the token that the browser has
    content: bytes  # who it is, in the writing of whoever added it; sealed in the database
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    signed_in_at: datetime | None = None
    request: str | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """One code that was sent. The code itself is known to nobody but the person."""

    number: int
    session: str
    request: str | None
    purpose: str
    hash: str
    salt: bytes
    created_at: datetime
    expires_at: datetime
    tries_left: int
    used_at: datetime | None


class Sessions:
    """The sessions, inside one transaction."""

    def __init__(self, connection: Connection, now: datetime, seal: Seal) -> None:
        self._connection = connection
        self._now = now
        self._seal = seal

    def add(
        self,
        hash: str,
        content: bytes,
        expires_at: datetime,
        signed_in_at: datetime | None = None,
        request: str | None = None,
    ) -> Visit:
        """A new session."""
        visit = Visit(hash, content, self._now, self._now, expires_at, signed_in_at, request)
        self._connection.execute(
            insert(sessions),
            {
                "hash": hash,
                "blob": self._seal.close(content, "session", hash),
                "signed_in_at": signed_in_at,
                "created_at": self._now,
                "seen_at": self._now,
                "expires_at": expires_at,
                "request": request,
            },
        )
        return visit

    def get(self, hash: str, *, lock: bool = False) -> Visit | None:
        """The session of that hash, or None if there is none or it has expired.

        Args:
            lock: let nobody else change it, or do so themselves, before this transaction ends.
        """
        query = select(sessions).where(sessions.c.hash == hash, sessions.c.expires_at > self._now)
        if lock:
            query = query.with_for_update()
        row = self._connection.execute(query).first()
        if row is None:
            return None
        content = self._seal.open(row.blob, "session", hash)
        return Visit(hash, content, row.created_at, row.seen_at, row.expires_at, row.signed_in_at, row.request)

    def touch(self, hash: str, expires_at: datetime) -> None:
        """Note that it was seen now."""
        values = {"seen_at": self._now, "expires_at": expires_at}
        self._connection.execute(update(sessions).where(sessions.c.hash == hash), values)

    def change(self, hash: str, content: bytes, request: str | None) -> None:
        """Set what it knows, and which request it is about."""
        values = {"blob": self._seal.close(content, "session", hash), "request": request}
        self._connection.execute(update(sessions).where(sessions.c.hash == hash), values)

    def end(self, hash: str) -> bool:
        """Whether this call ended it; its codes go with it."""
        self._connection.execute(delete(codes).where(codes.c.session == hash))
        ended = self._connection.execute(delete(sessions).where(sessions.c.hash == hash)).rowcount == 1
        mark_destroyed(self._connection)
        return ended

    def purge(self) -> int:
        """How many had expired; they are gone now."""
        gone = self._connection.execute(delete(sessions).where(sessions.c.expires_at <= self._now)).rowcount
        if gone:
            mark_destroyed(self._connection)
        return gone


class Codes:
    """The codes, inside one transaction."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def add(
        self,
        session: str,
        request: str | None,
        purpose: str,
        *,
        hash: str,
        salt: bytes,
        expires_at: datetime,
        tries: int,
    ) -> None:
        """A new code; those sent before for the same are worth nothing from now on."""
        row = {
            "session": session,
            "request": request,
            "purpose": purpose,
            "hash": hash,
            "salt": salt,
            "created_at": self._now,
            "expires_at": expires_at,
            "tries_left": tries,
        }
        self._connection.execute(insert(codes), row)

    def newest(self, session: str, request: str | None, purpose: str) -> Code | None:
        """The one that counts, or None."""
        row = self._connection.execute(_NEWEST, {"of": session, "about": request, "why": purpose}).mappings().first()
        return Code(**row) if row else None

    def burn(self, number: int) -> int | None:
        """One try is used up: how many are left, or None if the code is used, expired, or out of tries."""
        return self._connection.execute(_BURN, {"which": number, "now": self._now}).scalar()

    def use(self, number: int) -> bool:
        """Whether this call used the code: it is worth nothing afterwards."""
        unused = (codes.c.number == number) & codes.c.used_at.is_(None)
        return self._connection.execute(update(codes).where(unused), {"used_at": self._now}).rowcount == 1

    def purge(self) -> int:
        """How many had expired; they are gone now."""
        return self._connection.execute(delete(codes).where(codes.c.expires_at <= self._now)).rowcount


class Attempts:
    """How often something was tried in a window of time, inside one transaction."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def add(self, key: str, window: datetime) -> int:
        """How often it was tried in the window that ends then, this time included."""
        statement = _dialect(self._connection).insert(attempts).values(key=key, window=window, count=1)
        return int(
            self._connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["key", "window"], set_={"count": attempts.c.count + 1}
                ).returning(attempts.c.count)
            ).scalar_one()
        )

    def purge(self) -> int:
        """How many counts were of windows that are over; they are gone now."""
        return self._connection.execute(delete(attempts).where(attempts.c.window <= self._now)).rowcount


class Spent:
    """What may be used once, inside one transaction."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def spend(self, hash: str, expires_at: datetime) -> bool:
        """Whether this call used it up: nobody had before.

        Args:
            expires_at: from when on nobody would accept it anyway.
        """
        statement = _dialect(self._connection).insert(spent).values(hash=hash, expires_at=expires_at)
        added = statement.on_conflict_do_nothing().returning(spent.c.hash)
        return self._connection.execute(added).first() is not None

    def purge(self) -> int:
        """How many had expired; they are gone now."""
        return self._connection.execute(delete(spent).where(spent.c.expires_at <= self._now)).rowcount


def _dialect(connection: Connection) -> ModuleType:
    return sqlite if connection.dialect.name == "sqlite" else postgresql
