"""Opening a ledger, and reading and writing it a transaction at a time."""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, Engine, func, insert, select

from slett.ledger.batches import Batches, Lease
from slett.ledger.database import MIGRATION_LOCK, connect_to_write, open_engine, scrub
from slett.ledger.errors import Conflict, LedgerError
from slett.ledger.holds import Holds
from slett.ledger.jobs import Jobs, prepare
from slett.ledger.journal import Scope, Steps
from slett.ledger.kept import KeptRows
from slett.ledger.keys import Keys
from slett.ledger.log import Log
from slett.ledger.outbox import Deliveries, Notices
from slett.ledger.overview import Overview
from slett.ledger.particulars import Before, Particulars
from slett.ledger.pauses import Pauses
from slett.ledger.requests import Requests
from slett.ledger.seal import Seal
from slett.ledger.tables import properties
from slett.ledger.tombstones import Tombstones
from slett.ledger.vaults import Approvals, Vaults
from slett.ledger.visits import Attempts, Codes, Sessions, Spent
from slett.settings import Settings

SCRUB_SECONDS = 60.0  # how long what was destroyed may stay in the write-ahead log, sealed as it is

Clock = Callable[[], datetime]
Draw = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Page:
    """One transaction: everything read on it is of one moment, everything written on it is committed together."""

    now: datetime  # the one moment that all of it happens at
    requests: Requests
    batches: Batches
    steps: Steps
    scope: Scope
    kept: KeptRows
    tombstones: Tombstones
    log: Log
    particulars: Particulars
    before: Before
    vaults: Vaults
    approvals: Approvals
    sessions: Sessions
    codes: Codes
    attempts: Attempts
    spent: Spent
    notices: Notices
    deliveries: Deliveries
    pauses: Pauses
    holds: Holds
    overview: Overview
    jobs: Jobs


class Ledger:
    """An open ledger; threads may share it. Made by `open_ledger`, closed by `close` or at the end of a `with`."""

    def __init__(self, engine: Engine, keys: Keys, clock: Clock, draw: Draw) -> None:
        # two machines may not agree on the time: leases are told by the clock of the database that they share
        shared = engine.dialect.name == "postgresql" and clock is machine_time
        self._lease_clock = _database_time if shared else lambda _: clock()
        self.keys = keys
        self._known_jobs: set[str] = set()
        self._engine = engine
        self._destroyed = False
        self._scrubbed = time.monotonic()
        self._clock = clock
        self._draw = draw

    @cached_property
    def _seal(self) -> Seal:
        return Seal(self.keys.subkey("sealing"), self._draw)

    @contextmanager
    def read(self) -> Iterator[Page]:
        """A page to read from: a snapshot, which delays no writer."""
        snapshot = {} if self._engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
        with self._engine.connect() as connection:
            yield self._page(connection.execution_options(**snapshot))

    @contextmanager
    def write(self, *, lasting: bool = True) -> Iterator[Page]:
        """A page to write on, committed at the end of the `with`, or rolled back on an exception.

        Args:
            lasting: the disk has it by then. Else, in SQLite, a power cut could still undo it, though no death of a
                process, until something else is written that lasts: for what nothing hangs on before.

        Raises:
            LedgerError: the database does not answer, or another process has been writing for half a minute.
        """
        with connect_to_write(self._engine, lasting=lasting) as connection:
            with connection.begin():
                yield self._page(connection)
            self._destroyed |= connection.info.pop("destroyed", False)
            if self._destroyed and time.monotonic() - self._scrubbed > SCRUB_SECONDS:
                self._scrub(connection)

    def prepare_jobs(self) -> None:
        """Make the tables that workers are woken by; from then on each request that is scheduled wakes one.

        Raises:
            LedgerError: the ledger is not in PostgreSQL.
        """
        if self._engine.dialect.name != "postgresql":
            raise LedgerError(
                "workers need a ledger in PostgreSQL; set `ledger_url`, or let `slett serve` do the work by itself"
            )
        with self._engine.connect() as connection, connection.begin():
            connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
            prepare(connection)

    def _scrub(self, connection: Connection) -> None:
        scrub(connection)
        self._destroyed, self._scrubbed = False, time.monotonic()

    def close(self) -> None:
        """Close every connection, leaving nothing behind that was destroyed."""
        if self._destroyed:
            with suppress(LedgerError), self._engine.connect() as connection:
                self._scrub(connection)
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _page(self, connection: Connection) -> Page:
        now, seal = self._clock(), self._seal
        checked: set[Lease] = set()
        jobs = Jobs(connection, self._known_jobs)
        return Page(
            now=now,
            requests=Requests(connection, now, self._draw, jobs),
            batches=Batches(connection, now, checked, self._lease_clock, jobs),
            steps=Steps(connection, seal, checked),
            scope=Scope(connection, seal, checked),
            kept=KeptRows(connection, seal),
            tombstones=Tombstones(connection, now, self.keys),
            log=Log(connection),
            particulars=Particulars(connection, seal),
            before=Before(connection, seal),
            vaults=Vaults(connection, now, checked),
            approvals=Approvals(connection, now, self.keys),
            sessions=Sessions(connection, now, seal),
            codes=Codes(connection, now),
            attempts=Attempts(connection, now),
            spent=Spent(connection, now),
            notices=Notices(connection, now, seal),
            deliveries=Deliveries(connection, now),
            pauses=Pauses(connection, now),
            holds=Holds(connection, now, self.keys),
            overview=Overview(connection, now),
            jobs=jobs,
        )


def machine_time() -> datetime:
    """What this machine's clock says."""
    return datetime.now(UTC)


def _database_time(connection: Connection) -> datetime:
    now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return now


def open_ledger(settings: Settings, *, clock: Clock = machine_time, draw: Draw = secrets.token_bytes) -> Ledger:
    """The ledger of these settings, made and migrated if need be, with its keys.

    Args:
        clock: gives the time, with its zone.
        draw: gives that many random bytes, for references, nonces and new keys.

    Raises:
        LedgerError: it cannot be opened, was written by a newer Slett, or with another secret key.
    """
    try:
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        keys = Keys(settings.home, draw)
        engine = open_engine(settings.ledger)
    except OSError as error:
        place = error.filename or settings.home
        raise LedgerError(
            f"{place}: the ledger cannot be kept there ({error.strerror}); choose another `home`"
        ) from None
    ledger = Ledger(engine, keys, clock, draw)
    try:
        _match(engine, keys)
    except BaseException:
        ledger.close()
        raise
    return ledger


def _match(engine: Engine, keys: Keys) -> None:
    """Make sure that the secret key on disk is the one the ledger was written with."""
    written = _fingerprint(engine)
    if written is None:
        row = {"name": "secret", "value": keys.fingerprint}
        with suppress(Conflict), connect_to_write(engine) as connection:
            connection.execute(insert(properties), row)
            connection.commit()
        written = _fingerprint(engine)  # another process may have been first
    path = keys.home / "secret.key"
    if not keys.has_secret:
        raise LedgerError(f"{path}: missing; the ledger was written with it: restore it from its copy")
    if written != keys.fingerprint:
        raise LedgerError(f"{path}: the ledger was written with another secret key; restore that one from its copy")


def _fingerprint(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return connection.execute(select(properties.c.value).where(properties.c.name == "secret")).scalar()
