"""A Merkle tree over a growing list, hashed as RFC 9162 (and RFC 6962 before it) says. Pure: no I/O.

A stretch of leaves `[start, end)` that is a power of two long and begins at a multiple of it is *complete*: its
hash never changes again, so it can be stored. Every root and every proof is made of such hashes. The functions
here first say which stretches they need (`*_stretches`, `complete`), and then put the hashes together; who
stores hashes fetches all of them at once.

Complete stretches are numbered in order (leaf i is 2i, the pair of leaves 0 and 1 is 1, …), so a node's
place is one integer.
"""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256

Stretch = tuple[int, int]

EMPTY = sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one entry (RFC 9162, 2.1.1)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two neighbouring subtrees (RFC 9162, 2.1.1)."""
    return sha256(b"\x01" + left + right).digest()


def position(stretch: Stretch) -> int:
    """The number of a complete stretch."""
    start, end = stretch
    return start + end - 1


def stretch(position: int) -> Stretch:
    """The complete stretch of that number: the ones it ends in, as bits, say how long it is."""
    twice = position + 1
    length = twice & -twice
    return (twice - length) // 2, (twice + length) // 2


def complete(stretch: Stretch) -> list[Stretch]:
    """The complete stretches that a stretch of the tree is made of, from left to right: largest first."""
    start, end = stretch
    parts = []
    while start < end:
        length = 1 << (end - start).bit_length() - 1
        parts.append((start, start + length))
        start += length
    return parts


def stretch_hash(stretch: Stretch, nodes: Mapping[int, bytes]) -> bytes:
    """The hash of a stretch of the tree, from the hashes of its complete parts by position."""
    hashes = [nodes[position(part)] for part in complete(stretch)]
    if not hashes:
        return EMPTY
    root = hashes.pop()
    while hashes:
        root = node_hash(hashes.pop(), root)
    return root


def grow(size: int, nodes: Mapping[int, bytes], leaves: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
    """The (position, hash) of every node that becomes complete when leaf hashes join a tree of that size.

    `nodes` holds the complete parts of `(0, size)`.
    """
    edge = [(part, nodes[position(part)]) for part in complete((0, size))]
    for index, leaf in enumerate(leaves, size):
        stretch, value = (index, index + 1), leaf
        yield position(stretch), value
        while edge and edge[-1][0][1] - edge[-1][0][0] == stretch[1] - stretch[0]:
            (start, _), left = edge.pop()
            stretch, value = (start, stretch[1]), node_hash(left, value)
            yield position(stretch), value
        edge.append((stretch, value))


def _split(start: int, end: int) -> int:
    """Where RFC 9162 cuts a stretch: after the largest power of two smaller than its length."""
    return start + (1 << (end - start - 1).bit_length() - 1)


def inclusion_stretches(index: int, size: int) -> list[Stretch]:
    """The stretches whose hashes prove that entry `index` is in a tree of that size (RFC 9162, 2.1.3.1)."""
    start, end = 0, size
    path = []
    while end - start > 1:
        middle = _split(start, end)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start = middle
    return path[::-1]


def consistency_stretches(old: int, new: int) -> list[Stretch]:
    """The stretches whose hashes prove that a tree of size `new` began as that of size `old` (RFC 9162, 2.1.4.1)."""
    if not 0 < old < new:
        return []
    start, end = 0, new
    path = []
    while old != end:
        middle = _split(start, end)
        if old <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start = middle
    if start:
        path.append((start, end))
    return path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof shows that the leaf hash is at `index` of a tree of that size and root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, value = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            value = node_hash(step, value)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            value = node_hash(value, step)
        place, last = place >> 1, last >> 1
    return last == 0 and value == root


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that the newer tree only added to the older one (RFC 9162, 2.1.4.2)."""
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY
    if not 0 < old < new or not proof:
        return False
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            before, after = node_hash(step, before), node_hash(step, after)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            after = node_hash(after, step)
        place, last = place >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root
