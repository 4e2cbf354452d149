"""The log: an append-only list of entries under a Merkle tree.

Whoever knows a head (a size and a root) of the log can be shown that an entry is in it, and that every later head
only added to it. An entry is the RFC 8785 form of a small mapping, without personal data, and is its own leaf.
Appenders queue at the one row of `log_head`, so the log never forks.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Select, bindparam, insert, select, update

from slett.ledger import merkle
from slett.ledger.errors import LedgerError
from slett.ledger.spelling import canonical_all
from slett.ledger.tables import log_entries, log_head, log_nodes, slices

PAGE = 1_000

_APPEND = insert(log_entries)
_GROW = insert(log_nodes)
_MOVE = update(log_head)
_HEAD = select(log_head.c.size, log_head.c.root)
_HEAD_LOCKED = _HEAD.with_for_update()
_NODES = select(log_nodes.c.position, log_nodes.c.hash).where(
    log_nodes.c.position.in_(bindparam("positions", expanding=True))
)
_ENTRIES = select(log_entries).where(log_entries.c.index.in_(bindparam("indexes", expanding=True)))


@dataclass(frozen=True, slots=True)
class Head:
    """The state of the log at one size."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Tampering:
    """The first place where the log is not what was appended."""

    index: int
    sentence: str

    def __str__(self) -> str:
        return self.sentence


class Log:
    """The log, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._grown: Head | None = None  # what this transaction made of it, which nobody else can change meanwhile
        self._hashes_here: dict[int, bytes] = {}
        self._bodies_here: dict[int, bytes] = {}

    def append(self, entries: Sequence[Mapping[str, object]]) -> range:
        """The places of these new entries, in order. They are kept for ever: they must hold no personal data.

        Raises:
            LedgerError: an entry holds what `canonical` does not spell.
        """
        if not entries:
            return range(0)
        head = self._grown or self._stored_head(_HEAD_LOCKED)
        bodies = canonical_all(entries)
        end = head.size + len(bodies)
        known = self._known_nodes([merkle.position(part) for part in merkle.complete((0, head.size))])
        grown = dict(merkle.grow(head.size, known, [merkle.leaf_hash(body) for body in bodies]))
        root = merkle.stretch_hash((0, end), known | grown)
        rows = [{"index": index, "body": body} for index, body in enumerate(bodies, head.size)]
        self._connection.execute(_APPEND, rows)
        nodes = [{"position": position, "hash": value} for position, value in grown.items()]
        self._connection.execute(_GROW, nodes)
        self._connection.execute(_MOVE, {"size": end, "root": root})
        self._grown = Head(end, root)
        self._hashes_here |= known | grown
        self._bodies_here |= dict(enumerate(bodies, head.size))
        return range(head.size, end)

    def head(self, size: int | None = None) -> Head:
        """The head of the log now, or as it was at that size."""
        now = self._head()
        if size is None or size == now.size:
            return now
        self._require(size)
        return Head(size, self._hashes([(0, size)])[0])

    def inclusion(self, indexes: Sequence[int], size: int) -> dict[int, tuple[bytes, ...]]:
        """For each index, the proof that its entry is in the log of that size (RFC 9162, 2.1.3)."""
        self._require(size)
        if any(not 0 <= index < size for index in indexes):
            raise LedgerError(f"a log of size {size} has no entry {max(indexes)}")
        paths = {index: merkle.inclusion_stretches(index, size) for index in indexes}
        hashes = iter(self._hashes([stretch for path in paths.values() for stretch in path]))
        return {index: tuple(next(hashes) for _ in path) for index, path in paths.items()}

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """The proof that the log of size `new` began as that of size `old` (RFC 9162, 2.1.4)."""
        self._require(new)
        return tuple(self._hashes(merkle.consistency_stretches(old, new)))

    def entries(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """The (index, bytes) of the entries from `start` on, a page at a time in memory."""
        for page in self._pages(start):
            yield from page

    def read(self, indexes: Sequence[int]) -> dict[int, bytes]:
        """The bytes of these entries, by index; those that the log does not have are missing."""
        found = {index: self._bodies_here[index] for index in indexes if index in self._bodies_here}
        for some in slices([index for index in indexes if index not in found]):
            found.update((index, body) for index, body in self._connection.execute(_ENTRIES, {"indexes": some}))
        return found

    def check(self, known: Head | None = None) -> Tampering | None:
        """Recompute everything: the first place that was tampered with, or None.

        Args:
            known: a head from elsewhere, of a certificate for example. Whoever can write the whole database could
                rewrite the whole log; only a head that was kept elsewhere shows that.
        """
        head = self._stored_head()
        edge: dict[int, bytes] = {}
        size = 0
        for page in self._pages():
            bodies = [body for place, (index, body) in enumerate(page, size) if index == place]
            grown = dict(merkle.grow(size, edge, [merkle.leaf_hash(body) for body in bodies]))
            stored = self._nodes(list(grown))
            for position, value in grown.items():
                if stored.get(position) != value:
                    return _tampering(position)
            size += len(bodies)
            if len(bodies) < len(page):
                return Tampering(size, f"entry {size} is missing")
            edge = {place: (edge | grown)[place] for place in map(merkle.position, merkle.complete((0, size)))}
        if (head.size, head.root) != (size, merkle.stretch_hash((0, size), edge)):
            return Tampering(min(size, head.size), f"the {size} entries do not make the head of size {head.size}")
        if known and known.size > size:
            return Tampering(size, f"the log has {size} entries; it had {known.size} when the known head was made")
        if known and known.root != self.head(known.size).root:
            return Tampering(0, f"the first {known.size} entries are not those that the known head was made of")
        return None

    def _pages(self, start: int = 0) -> Iterator[list[tuple[int, bytes]]]:
        columns = (log_entries.c.index, log_entries.c.body)
        while True:
            query = select(*columns).where(columns[0] >= start).order_by(columns[0]).limit(PAGE)
            page = [(index, body) for index, body in self._connection.execute(query)]
            if page:
                yield page
            if len(page) < PAGE:
                return
            start = page[-1][0] + 1

    def _head(self) -> Head:
        return self._grown or self._stored_head()

    def _stored_head(self, query: Select[tuple[int, bytes]] = _HEAD) -> Head:
        row = self._connection.execute(query).one()
        return Head(row.size, row.root)

    def _require(self, size: int) -> None:
        if not 0 <= size <= (now := self._head().size):
            raise LedgerError(f"the log has {now} entries; it has no head of size {size}")

    def _hashes(self, stretches: Sequence[merkle.Stretch]) -> list[bytes]:
        nodes = self._known_nodes(list({merkle.position(part) for each in stretches for part in merkle.complete(each)}))
        return [merkle.stretch_hash(stretch, nodes) for stretch in stretches]

    def _known_nodes(self, positions: Sequence[int]) -> dict[int, bytes]:
        found = {each: self._hashes_here[each] for each in positions if each in self._hashes_here}
        return found | self._nodes([each for each in positions if each not in found])

    def _nodes(self, positions: Sequence[int]) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        for some in slices(positions):
            found.update((position, value) for position, value in self._connection.execute(_NODES, {"positions": some}))
        return found


def _tampering(position: int) -> Tampering:
    first, end = merkle.stretch(position)
    if end - first == 1:
        return Tampering(first, f"entry {first} is not what was appended")
    return Tampering(first, f"entries {first} to {end - 1} are not what was appended, or the hash over them is not")
