"""Filling a vault: what a run takes out of the stores is durable here before the store commits."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from hashlib import sha256

from slett.ledger import Lease, Ledger
from slett.ledger.vaults import Part, Vault
from slett.stores.capture import capture, capture_all
from slett.stores.operations import Change
from slett.stores.sql import Session
from slett.stores.statements import Slice
from slett.stores.taken import Taken, shape_of
from slett.vault.parts import Frame, mac, pack
from slett.vault.place import Place

PART_BYTES = 4 << 20  # of rows, before compression: memory does not grow with what is taken


class Filling:
    """The vault of a batch on its way; for one run at a time.

    Args:
        place: where parts go once the ledger holds `ledger_bytes` of this vault; None: all stay in the ledger.
    """

    def __init__(self, ledger: Ledger, lease: Lease, vault: Vault, place: Place | None, ledger_bytes: int) -> None:
        self.vault = vault
        self._ledger = ledger
        self._lease = lease
        self._place = place
        self._room = ledger_bytes
        self._frames: list[Frame] = []
        self._bytes = 0
        self._rows = 0
        self._shapes: dict[tuple[str, Change], Taken] = {}
        with ledger.read() as page:
            self._next, inside = page.vaults.size(vault.number)
        self._room -= inside

    @contextmanager
    def taking(self) -> Iterator[None]:
        """Around what a store's transaction takes, inside it: at the end all of it is durable.

        Raises:
            Fenced: another process has the batch by now. The store must roll back.
            LedgerError, VaultError: it could not be written. Likewise.
        """
        self._frames, self._bytes, self._rows = [], 0, 0  # of a transaction that was rolled back
        yield
        if self._frames:
            self._put()

    def take(self, session: Session, position: int, change: Change, part: Slice | None = None) -> int:
        """Run a change of the step at that position, and take in every row as it was; says how many rows it touched."""
        taken = self._shape(session, change)

        def write(content: bytes) -> None:
            self._add(position, taken, content)

        rows = capture(session, change, write, part, along=partial(self._add, position))
        self._rows += rows
        return rows

    def take_all(self, session: Session, changes: Sequence[tuple[int, Change]]) -> list[int]:
        """The same of several small changes, in as few round trips as may be."""
        shapes = [self._shape(session, change) for _, change in changes]

        def write(place: int, content: bytes) -> None:
            self._add(changes[place][0], shapes[place], content)

        def along(place: int, taken: Taken, content: bytes) -> None:
            self._add(changes[place][0], taken, content)

        rows = capture_all(session, [change for _, change in changes], write, along=along)
        self._rows += sum(rows)
        return rows

    def _shape(self, session: Session, change: Change) -> Taken:
        what = (session.store.name, change)
        if what not in self._shapes:
            self._shapes[what] = shape_of(session, change)
        return self._shapes[what]

    def _add(self, position: int, taken: Taken, content: bytes) -> None:
        self._frames.append(Frame(position, taken, content))
        self._bytes += len(content)
        if self._bytes >= PART_BYTES:
            self._put()

    def _put(self) -> None:
        number = self._next
        sealed, plain = pack(self.vault.number, number, self._frames, self.vault.recipient)
        name = ""
        if self._place and len(sealed) > self._room:
            name = self._place.put(self.vault.number, number, sealed)
        code = mac(self._ledger.keys, self.vault.number, number, sha256(sealed).hexdigest())
        part = Part(number, self._rows, plain, len(sealed), code, name, b"" if name else sealed)
        with self._ledger.write() as page:
            page.vaults.put(self._lease, self.vault.number, part)
        self._next += 1
        self._room -= len(part.blob)
        self._frames, self._bytes, self._rows = [], 0, 0
