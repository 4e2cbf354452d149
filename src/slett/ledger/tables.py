"""The tables of the ledger's database. Change one, and add a migration.

Times are RFC 3339 text in UTC with microseconds, so that they read and sort alike in every database.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeVar

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)

metadata = MetaData(
    naming_convention={  # batch mode can only change a constraint that has a name
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


@lru_cache(maxsize=256)  # everything on one page happens at one moment
def _spelled(moment: datetime) -> str:
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


class Moment(TypeDecorator[datetime]):
    """A moment in UTC."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002 (SQLAlchemy's signature)
        return _spelled(value) if value else None

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 (SQLAlchemy's signature)
        return datetime.fromisoformat(value) if value else None


T = TypeVar("T")


def slices(items: Sequence[T], size: int = 5_000) -> Iterator[Sequence[T]]:
    """The items in pieces that an IN list can hold: databases limit the parameters of a statement."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


Number = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only an INTEGER primary key

properties = Table(  # the ledger's own: the fingerprint of the secret key
    "properties",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)

batches = Table(
    "batches",
    metadata,
    Column("number", Number, primary_key=True),
    Column("state", String(12), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("finished_at", Moment),
    Column("owner", Text, nullable=False, default=""),
    Column("held_until", Moment),
    Column("fence", Integer, nullable=False, default=0),
    Column("lane", String(8), nullable=False, default="small", server_default="small"),
    Column("attempts", Integer, nullable=False, default=0, server_default="0"),
    Column("next_at", Moment),  # not to be tried again before
    Column("dead_at", Moment),  # since when it is a dead letter
    Column("reason", Text, nullable=False, default="", server_default=""),  # why it failed last
    Column("settles_at", Moment),  # when it is time for the late look
    Column("planned", Number, nullable=False, default=0, server_default="0"),  # rows, of all its steps
    Column("swept", Number, nullable=False, default=0, server_default="0"),  # rows, that its late look is to change
    Column("swept_at", Moment),  # when that look said so last
    Index("ix_batches_state", "state"),
    Index("ix_batches_created", "created_at"),
    Index("ix_batches_swept", "swept_at"),
)

requests = Table(
    "requests",
    metadata,
    Column("reference", String(11), primary_key=True),
    Column("kind", String(12), nullable=False),
    Column("state", String(20), nullable=False, index=True),
    Column("subject", String(64), nullable=False, index=True),
    Column("map_digest", String(64), nullable=False),
    Column("filed_at", Moment, nullable=False, index=True),
    Column("due_at", Moment, nullable=False),
    Column("law_due", Date, nullable=False),
    Column("started_at", Moment),
    Column("finished_at", Moment),
    Column("reason", Text, nullable=False, default=""),
    Column("counts", JSON, nullable=False, default=dict),
    Column("batch", ForeignKey("batches.number"), index=True),
    Column("certificate", Number),  # its place in the log
    Column("not_before", Moment),  # the earliest start
    Column("secret", String(64)),  # keyed hash of what opens its status page
    Column("follows", String(11)),  # the request that it comes after
    Column("followed_by", String(11)),  # of a close, what ended it: its return or its erasure
    Column("until", Moment),  # of a close, the end of the way back
    Column("leaving", String(20), nullable=False, default="", server_default=""),  # why they leave, if they said so
    Column("doubt", String(20), nullable=False, default="", server_default=""),  # why it waits longer
    Column("held", Number),  # the hold that suspends it
    Column("origin", String(12), nullable=False, default="", server_default=""),  # what filed it, if nobody asked now
    Index("ix_requests_waiting", "state", "kind", "not_before"),
    Index("ix_requests_until", "until"),
    CheckConstraint("length(subject) = 64", name="subject_is_a_hash"),
)

steps = Table(
    "steps",
    metadata,
    Column("batch", ForeignKey("batches.number"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("store", Text, nullable=False),
    Column("table", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("state", String(8), nullable=False),
    Column("planned", Number, nullable=False),
    Column("done", Number, nullable=False),
    Column("progress", LargeBinary),  # sealed: the bounds of a chunk may be somebody's keys
)

scope = Table(
    "scope",
    metadata,
    Column("batch", ForeignKey("batches.number"), primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("blob", LargeBinary, nullable=False),
)

kept = Table(
    "kept",
    metadata,
    Column("number", Number, primary_key=True),
    Column("request", ForeignKey("requests.reference"), nullable=False, index=True),
    Column("store", Text, nullable=False),
    Column("table", Text, nullable=False),
    Column("due", Date, index=True),
    Column("keys", LargeBinary, nullable=False),
)

tombstones = Table(
    "tombstones",
    metadata,
    Column("kind", String(200), primary_key=True),
    Column("hash", String(64), primary_key=True),
    Column("request", ForeignKey("requests.reference"), primary_key=True),
    Column("at", Moment, nullable=False),
)

log_entries = Table(
    "log_entries",
    metadata,
    Column("index", Number, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
)

log_nodes = Table(  # complete subtrees only: they never change
    "log_nodes",
    metadata,
    Column("position", Number, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), nullable=False),
)

log_head = Table(  # one row, which is also the lock that appenders queue at
    "log_head",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("size", Number, nullable=False),
    Column("root", LargeBinary(32), nullable=False),
)

pauses = Table(
    "pauses",
    metadata,
    Column("number", Number, primary_key=True),
    Column("store", Text, nullable=False),  # empty: all of them
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("lifted_at", Moment),
)

holds = Table(
    "holds",
    metadata,
    Column("number", Number, primary_key=True),
    Column("basis", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("placed_at", Moment, nullable=False),
    Column("review", Date, nullable=False),
    Column("tables", JSON, nullable=False),  # none: everything
    Column("released_at", Moment),
)

hold_marks = Table(  # whom a hold is about
    "hold_marks",
    metadata,
    Column("hold", ForeignKey("holds.number"), primary_key=True),
    Column("kind", String(200), primary_key=True),
    Column("hash", String(64), primary_key=True, index=True),  # keyed
)

particulars = Table(  # sealed: who asked, and where they are told
    "particulars",
    metadata,
    Column("request", ForeignKey("requests.reference"), primary_key=True),
    Column("blob", LargeBinary, nullable=False),
)

before = Table(  # sealed: what closing must put back
    "before",
    metadata,
    Column("request", ForeignKey("requests.reference"), primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("blob", LargeBinary, nullable=False),
)

vaults = Table(  # what was taken out of the stores, and may come back until then
    "vaults",
    metadata,
    Column("number", Number, primary_key=True),
    Column("batch", ForeignKey("batches.number"), unique=True),
    Column("request", ForeignKey("requests.reference"), unique=True),  # of a close, which is made before its batch
    Column("state", String(12), nullable=False),
    Column("recipient", String(80), nullable=False),
    Column("people", JSON, nullable=False, default=list),  # references of requests, in the order of the rows' numbers
    Column("created_at", Moment, nullable=False),
    Column("until", Moment),
    Column("destroyed_at", Moment),
    Index("ix_vaults_over", "state", "until"),
)

vault_keys = Table(  # of each vault its identity, wrapped: no way back without them
    "vault_keys",
    metadata,
    Column("vault", ForeignKey("vaults.number"), primary_key=True),
    Column("holder", String(8), primary_key=True),
    Column("salt", LargeBinary, nullable=False),
    Column("blob", LargeBinary, nullable=False),
)

vault_parts = Table(
    "vault_parts",
    metadata,
    Column("vault", ForeignKey("vaults.number"), primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("rows", Number, nullable=False),
    Column("plain", Number, nullable=False),
    Column("size", Number, nullable=False),
    Column("mac", String(64), nullable=False),
    Column("name", String(200), nullable=False),  # of a part that is kept elsewhere
    Column("blob", LargeBinary, nullable=False),
)

vault_rests = Table(  # of whoever came back in part: what of their rows waits still
    "vault_rests",
    metadata,
    Column("vault", ForeignKey("vaults.number"), primary_key=True),
    Column("request", ForeignKey("requests.reference"), primary_key=True),
    Column("lines", JSON, nullable=False),
)

approvals = Table(  # of those who want an erasure undone
    "approvals",
    metadata,
    Column("request", ForeignKey("requests.reference"), primary_key=True),
    Column("who", String(64), primary_key=True),  # keyed hash of their account on the machine
    Column("at", Moment, nullable=False),
)

sessions = Table(  # a browser's visits
    "sessions",
    metadata,
    Column("hash", String(64), primary_key=True),  # keyed, of the token that the browser has
    Column("blob", LargeBinary, nullable=False),
    Column("signed_in_at", Moment),
    Column("created_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False, index=True),
    Column("request", String(11)),
)

codes = Table(
    "codes",
    metadata,
    Column("number", Number, primary_key=True),
    Column("session", String(64), nullable=False, index=True),
    Column("request", String(11)),
    Column("purpose", String(12), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("salt", LargeBinary(16), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False, index=True),
    Column("tries_left", Integer, nullable=False),
    Column("used_at", Moment),
)

attempts = Table(
    "attempts",
    metadata,
    Column("key", String(64), primary_key=True),  # keyed hash of what is limited, and of whom
    Column("window", Moment, primary_key=True, index=True),  # its end
    Column("count", Integer, nullable=False),
)

spent = Table(  # what may be used once
    "spent",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("expires_at", Moment, nullable=False, index=True),
)

notices = Table(  # mails
    "notices",
    metadata,
    Column("number", Number, primary_key=True),
    Column("request", String(11), index=True),
    Column("kind", String(20), nullable=False),
    Column("blob", LargeBinary, nullable=False),  # sealed; empty once it is sent or given up
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Moment, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("sent_at", Moment),
    Index("ix_notices_waiting", "state", "next_at"),
)

deliveries = Table(  # webhooks
    "deliveries",
    metadata,
    Column("number", Number, primary_key=True),
    Column("event_id", String(40), nullable=False),
    Column("request", String(11), nullable=False, index=True),
    Column("body", JSON, nullable=False),
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Moment, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("last_status", Integer),
    Index("ix_deliveries_waiting", "state", "next_at"),
)
