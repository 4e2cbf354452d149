"""Vaults: what was taken out of the stores and may come back for a while.

The ledger remembers where each part of a vault is and what it must be; it cannot read one. Parts are encrypted to the
vault's own recipient, whose identity is here only wrapped, by keys that are elsewhere. Destroying those wrapped
identities is the end of the way back, whatever copies of the parts there may be.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, Connection, Text, and_, cast, delete, func, insert, or_, select, update

from slett.ledger.batches import Lease, check_lease
from slett.ledger.database import mark_destroyed
from slett.ledger.keys import Keys
from slett.ledger.requests import DONE, FINAL
from slett.ledger.tables import approvals, batches, requests, vault_keys, vault_parts, vault_rests, vaults

RETURNING = timedelta(hours=1)  # longest time that giving back takes

State = Literal["filling", "sealed", "returning", "destroyed"]
Holder = Literal["person", "service"]
Lines = Sequence[Sequence[int]]  # (first, last) of each run of rows
Rest = Mapping[str, Lines | None]  # by what took them, which lines of that wait; None: all. What is not named is back


@dataclass(frozen=True, slots=True)
class Vault:
    number: int
    state: State
    recipient: str  # to whom parts are encrypted
    created_at: datetime
    people: Sequence[str] = ()  # references of requests: the place of each is the number that their rows have
    batch: int | None = None  # whose rows; None: nothing was taken yet
    request: str | None = None  # of a close, which is made before its batch; or of whom a hold stopped half way
    until: datetime | None = None  # the end of the way back; None while it is being filled
    destroyed_at: datetime | None = None

    @property
    def may_open(self) -> bool:
        """Whether everything is in it that was taken, and is not destroyed."""
        return self.state in ("sealed", "returning")


@dataclass(frozen=True, slots=True)
class Wrapped:
    """The vault's identity, wrapped for one holder."""

    holder: Holder
    salt: bytes
    blob: bytes


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a vault; `blob` is empty where it is kept elsewhere, under `name`."""

    number: int
    rows: int
    plain: int  # bytes before compression
    size: int  # bytes as they are kept
    mac: str  # keyed hash of the kept bytes, 64 hexadecimal digits
    name: str = ""
    blob: bytes = b""


class Vaults:
    """The vaults, inside one transaction."""

    def __init__(self, connection: Connection, now: datetime, checked: set[Lease]) -> None:
        self._connection = connection
        self._now = now
        self._checked = checked

    def create(self, recipient: str, wrapped: Sequence[Wrapped], *, request: str | None = None) -> Vault:
        """A new vault, empty.

        Args:
            request: the close that it is for, where that is known before there is a batch.
        """
        row = {"state": "filling", "recipient": recipient, "created_at": self._now, "request": request}
        number: int = self._connection.execute(insert(vaults).returning(vaults.c.number), row).scalar_one()
        self.wrap(number, wrapped)
        return Vault(number, "filling", recipient, self._now, request=request)

    def join(self, lease: Lease, vault: Vault, people: Sequence[str]) -> Vault:
        """The vault, from now on that of a batch and of these requests, in the order of the rows' numbers.

        Raises:
            Fenced: another process has taken the batch over.
        """
        check_lease(self._connection, lease, self._checked)
        values = {"batch": lease.batch, "people": list(people)}
        self._connection.execute(update(vaults).where(vaults.c.number == vault.number).values(values))
        return replace(vault, batch=lease.batch, people=people)

    def wait_for(self, number: int, request: str) -> None:
        """A hold stopped the only request that fills it: it stays that request's, which goes on at the release."""
        self._connection.execute(update(vaults).where(vaults.c.number == number).values(request=request))

    def of_batch(self, batch: int) -> Vault | None:
        """The vault of a batch, or None."""
        return self._one(vaults.c.batch == batch)

    def of_request(self, reference: str) -> Vault | None:
        """The vault that was made for a close, or waits for an erasure to go on; or None."""
        return self._one(vaults.c.request == reference)

    def earlier(self, reference: str, than: int) -> tuple[Vault, ...]:
        """The vaults of earlier batches of several in which a request's rows may be, because a hold stopped it there.

        Those that came last are first; one may be destroyed by now.
        """
        named = cast(vaults.c.people, Text).like(f'%"{reference}"%')
        query = select(vaults).where(vaults.c.number < than, named).order_by(vaults.c.number.desc())
        return tuple(Vault(**row) for row in self._connection.execute(query).mappings())

    def wrap(self, number: int, wrapped: Sequence[Wrapped]) -> None:
        """Add wrapped identities, each in place of the one that its holder had."""
        for each in wrapped:
            mine = (vault_keys.c.vault == number) & (vault_keys.c.holder == each.holder)
            self._connection.execute(delete(vault_keys).where(mine))
            row = {"vault": number, "holder": each.holder, "salt": each.salt, "blob": each.blob}
            self._connection.execute(insert(vault_keys), row)

    def unwrap(self, number: int, holder: Holder) -> None:
        """Destroy the identity that was wrapped for that holder: from now on they cannot open the vault."""
        mine = (vault_keys.c.vault == number) & (vault_keys.c.holder == holder)
        self._connection.execute(delete(vault_keys).where(mine))
        mark_destroyed(self._connection)

    def keys(self, number: int) -> dict[Holder, Wrapped]:
        """The wrapped identities, by holder; none of a vault that is destroyed."""
        query = select(vault_keys).where(vault_keys.c.vault == number)
        return {row.holder: Wrapped(row.holder, row.salt, row.blob) for row in self._connection.execute(query)}

    # -- parts --------------------------------------------------------------------------------------

    def put(self, lease: Lease, vault: int, part: Part) -> None:
        """Write a part: it is durable when this page is.

        Raises:
            Fenced: another process has taken the batch over. Whoever is told so must not commit what was taken.
        """
        check_lease(self._connection, lease, self._checked)
        self._connection.execute(
            insert(vault_parts),
            {
                "vault": vault,
                "part": part.number,
                "rows": part.rows,
                "plain": part.plain,
                "size": part.size,
                "mac": part.mac,
                "name": part.name,
                "blob": part.blob,
            },
        )

    def size(self, number: int) -> tuple[int, int]:
        """(the number that the next part of the vault has, bytes of it that are in the ledger)."""
        here = func.coalesce(func.sum(func.length(vault_parts.c.blob)), 0)
        query = select(func.coalesce(func.max(vault_parts.c.part) + 1, 0), here).where(vault_parts.c.vault == number)
        last, inside = self._connection.execute(query).one()
        return int(last), int(inside)

    def parts(self, number: int) -> Iterator[Part]:
        """The parts of a vault, as they were taken, one at a time in memory."""
        query = select(vault_parts).where(vault_parts.c.vault == number).order_by(vault_parts.c.part)
        for row in self._connection.execute(query, execution_options={"yield_per": 1}):
            yield Part(row.part, row.rows, row.plain, row.size, row.mac, row.name, row.blob)

    def elsewhere(self, number: int) -> list[str]:
        """The names of the parts that are not in the ledger."""
        query = select(vault_parts.c.name).where(vault_parts.c.vault == number, vault_parts.c.name != "")
        return list(self._connection.execute(query).scalars())

    # -- what waits ---------------------------------------------------------------------------------

    def rest(self, number: int, request: str) -> Rest | None:
        """What of a request's rows did not come back yet; None: nobody came back by this vault, or all of it did."""
        mine = (vault_rests.c.vault == number) & (vault_rests.c.request == request)
        found: Rest | None = self._connection.execute(select(vault_rests.c.lines).where(mine)).scalar()
        return found

    def leave_rest(self, number: int, request: str, rest: Rest | None) -> None:
        """Note what of a request's rows waits from now on, and that all the others are back; None: nothing waits."""
        mine = (vault_rests.c.vault == number) & (vault_rests.c.request == request)
        self._connection.execute(delete(vault_rests).where(mine))
        if rest is not None:
            self._connection.execute(insert(vault_rests), {"vault": number, "request": request, "lines": rest})

    def with_rest(self) -> tuple[str, ...]:
        """The references of the closes of whose rows some wait although their person is back."""
        query = (
            select(vaults.c.request)
            .join(vault_rests, (vault_rests.c.vault == vaults.c.number) & (vault_rests.c.request == vaults.c.request))
            .join(requests, requests.c.reference == vaults.c.request)
            .where(requests.c.kind == "close", vaults.c.state.in_(["sealed", "returning"]))
        )
        return tuple(self._connection.execute(query.order_by(vaults.c.request)).scalars())

    # -- the end ------------------------------------------------------------------------------------

    def seal(self, lease: Lease, number: int, until: datetime) -> None:
        """The vault is whole; its way back ends at that moment.

        Raises:
            Fenced: another process has taken the batch over.
        """
        check_lease(self._connection, lease, self._checked)
        self._move(number, ("filling",), "sealed", until=until)

    def begin_return(self, number: int, *, late: timedelta = timedelta()) -> bool:
        """Whether what is in the vault may be given back: it is whole, its time is not over, nobody destroyed it.

        Args:
            late: how long after its time it may still be given back.
        """
        return self._move(number, ("sealed", "returning"), "returning", vaults.c.until > self._now - late)

    def end_return(self, number: int) -> None:
        """What could go back is back; the rest stays sealed until the end."""
        self._move(number, ("returning",), "sealed")

    def destroy(self, number: int, *, at_end: bool) -> bool:
        """Whether this call destroyed the vault: its wrapped identities and its parts in the ledger are gone.

        Args:
            at_end: only if its way back has ended, and nobody is on it.
        """
        over = (self._is_over(),) if at_end else ()
        states: tuple[State, ...] = ("filling", "sealed", "returning")
        if not self._move(number, states, "destroyed", *over, destroyed_at=self._now):
            return False
        self._connection.execute(delete(vault_keys).where(vault_keys.c.vault == number))
        self._connection.execute(delete(vault_parts).where(vault_parts.c.vault == number, vault_parts.c.name == ""))
        self._connection.execute(delete(vault_rests).where(vault_rests.c.vault == number))
        mark_destroyed(self._connection)
        return True

    def over(self, limit: int = 1_000) -> tuple[Vault, ...]:
        """The vaults whose way back has ended, and that are not destroyed yet, oldest first."""
        query = select(vaults).where(self._is_over())
        return tuple(
            Vault(**row) for row in self._connection.execute(query.order_by(vaults.c.until).limit(limit)).mappings()
        )

    def forgotten(self, limit: int = 1_000) -> tuple[Vault, ...]:
        """The vaults that nobody sealed although nothing more comes into them, with what is known of them.

        Their batch ended before its own end, when a hold stopped the last of its people; or the close that they were
        made for was never carried out. A close that a hold stopped goes on at the release, and fills its vault then.
        """
        ended = select(batches.c.number).where(batches.c.state == "finished")
        never = select(requests.c.reference).where(requests.c.state.in_(sorted(FINAL.difference(DONE))))
        query = select(vaults).where(
            vaults.c.state == "filling",
            or_(vaults.c.batch.in_(ended) & vaults.c.request.is_(None), vaults.c.request.in_(never)),
        )
        return tuple(Vault(**row) for row in self._connection.execute(query.limit(limit)).mappings())

    def leave(self, number: int, until: datetime) -> None:
        """Seal such a vault, whoever filled it: what is in it can come back until then."""
        self._move(number, ("filling",), "sealed", until=until)

    def scattered(self, limit: int = 1_000) -> tuple[int, ...]:
        """The destroyed vaults of which parts are still kept elsewhere: nobody can read them, and they must go."""
        query = (
            select(vaults.c.number)
            .join(vault_parts, vault_parts.c.vault == vaults.c.number)
            .where(vaults.c.state == "destroyed")
            .distinct()
        )
        return tuple(self._connection.execute(query.order_by(vaults.c.number).limit(limit)).scalars())

    def forget_parts(self, number: int) -> None:
        """Forget the parts of a destroyed vault that were kept elsewhere, because they are deleted there."""
        self._connection.execute(delete(vault_parts).where(vault_parts.c.vault == number))

    def _is_over(self) -> ColumnElement[bool]:
        """Its time has come, and nobody is giving anything back; whoever has been at it for so long has died."""
        returning = and_(vaults.c.state == "returning", vaults.c.until <= self._now - RETURNING)
        return or_(and_(vaults.c.state == "sealed", vaults.c.until <= self._now), returning)

    def _one(self, which: ColumnElement[bool]) -> Vault | None:
        row = self._connection.execute(select(vaults).where(which)).mappings().first()
        return Vault(**row) if row else None

    def _move(
        self, number: int, start: Sequence[State], end: State, *also: ColumnElement[bool], **values: object
    ) -> bool:
        statement = update(vaults).where(vaults.c.number == number, vaults.c.state.in_(start), *also)
        return self._connection.execute(statement.values(state=end, **values)).rowcount == 1


class Approvals:
    """Who wants an erasure undone, inside one transaction. Nobody's name is written."""

    def __init__(self, connection: Connection, now: datetime, keys: Keys) -> None:
        self._connection = connection
        self._now = now
        self._keys = keys

    def add(self, request: str, who: str, *, within: timedelta) -> int:
        """How many different people have asked within that time, this one among them.

        Args:
            who: their account; only its keyed hash is written.
        """
        hashed = self._keys.keyed("approvals", who)
        mine = (approvals.c.request == request) & (approvals.c.who == hashed)
        self._connection.execute(delete(approvals).where(mine))
        self._connection.execute(insert(approvals), {"request": request, "who": hashed, "at": self._now})
        query = select(func.count()).where(approvals.c.request == request, approvals.c.at > self._now - within)
        return int(self._connection.execute(query).scalar_one())
