"""The tree, against the published vectors of Certificate Transparency and against the RFC's own definitions."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slett.ledger import merkle

ENTRIES = [
    bytes.fromhex(entry)
    for entry in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PAIR_23 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
LEAF_4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
PAIR_67 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
LEAF_1 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
FOUR_4_7 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
PAIR_45 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"


class Tree:
    """A tree in memory, grown in the given portions, that answers as the ledger's log does."""

    def __init__(self, entries: Sequence[bytes], portion: int = 1) -> None:
        self.nodes: dict[int, bytes] = {}
        self.leaves = [merkle.leaf_hash(entry) for entry in entries]
        for start in range(0, len(entries), portion):
            self.nodes.update(merkle.grow(start, self.nodes, self.leaves[start : start + portion]))

    def root(self, size: int) -> bytes:
        return merkle.stretch_hash((0, size), self.nodes)

    def inclusion(self, index: int, size: int) -> list[bytes]:
        return [merkle.stretch_hash(part, self.nodes) for part in merkle.inclusion_stretches(index, size)]

    def consistency(self, old: int, new: int) -> list[bytes]:
        return [merkle.stretch_hash(part, self.nodes) for part in merkle.consistency_stretches(old, new)]


def defined_root(leaves: Sequence[bytes]) -> bytes:
    """The Merkle Tree Hash exactly as RFC 9162, 2.1.1 defines it, from leaf hashes."""
    if len(leaves) < 2:
        return leaves[0] if leaves else merkle.EMPTY
    cut = 1
    while cut * 2 < len(leaves):
        cut *= 2
    return merkle.node_hash(defined_root(leaves[:cut]), defined_root(leaves[cut:]))


FORTY = Tree([bytes([number]) * number for number in range(40)])


@pytest.mark.parametrize("size", range(9))
def test_the_published_roots_come_out(size: int) -> None:
    assert Tree(ENTRIES).root(size).hex() == ROOTS[size]


@pytest.mark.parametrize(
    ("index", "size", "proof"),
    [(0, 1, []), (0, 8, [LEAF_1, PAIR_23, FOUR_4_7]), (5, 8, [LEAF_4, PAIR_67, ROOTS[4]]), (2, 3, [ROOTS[2]])],
)
def test_the_published_inclusion_proofs_come_out(index: int, size: int, proof: list[str]) -> None:
    assert [step.hex() for step in Tree(ENTRIES).inclusion(index, size)] == proof


@pytest.mark.parametrize(
    ("old", "new", "proof"),
    [
        (1, 1, []),
        (1, 8, [LEAF_1, PAIR_23, FOUR_4_7]),
        (6, 8, [PAIR_45, PAIR_67, ROOTS[4]]),
        (2, 5, [PAIR_23, LEAF_4]),
    ],
)
def test_the_published_consistency_proofs_come_out(old: int, new: int, proof: list[str]) -> None:
    assert [step.hex() for step in Tree(ENTRIES).consistency(old, new)] == proof


@given(st.integers(0, 40), st.integers(1, 40))
def test_roots_are_as_the_standard_defines_them_however_the_tree_grew(size: int, portion: int) -> None:
    entries = [bytes([number]) for number in range(size)]
    tree = Tree(entries, portion)
    assert tree.root(size) == defined_root(tree.leaves)


@pytest.mark.parametrize("size", range(1, 41))
def test_every_entry_is_proven_to_be_in_every_tree(size: int) -> None:
    for index in range(size):
        proof = FORTY.inclusion(index, size)
        assert merkle.verify_inclusion(FORTY.leaves[index], index, size, proof, FORTY.root(size))


@pytest.mark.parametrize("new", range(1, 41))
def test_every_tree_is_proven_to_have_grown_from_every_smaller_one(new: int) -> None:
    for old in range(new + 1):
        proof = FORTY.consistency(old, new)
        assert merkle.verify_consistency(old, new, FORTY.root(old), FORTY.root(new), proof)


@given(st.data())
def test_a_changed_inclusion_proof_proves_nothing(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 40))
    index = data.draw(st.integers(0, size - 1))
    leaf, proof, root = FORTY.leaves[index], FORTY.inclusion(index, size), FORTY.root(size)
    other = bytes(32)
    wrong = [
        (other, index, size, proof, root),
        (leaf, index, size, proof, other),
        (leaf, index, size, [*proof, other], root),
        (leaf, index, size, [other, *proof], root),
        *((leaf, other_index, size, proof, root) for other_index in range(-1, size + 1) if other_index != index),
        *((leaf, index, size, [*proof[:at], other, *proof[at + 1 :]], root) for at in range(len(proof))),
        *((leaf, index, size, proof[:at], root) for at in range(len(proof))),
    ]
    assert not any(merkle.verify_inclusion(*attempt) for attempt in wrong)


@given(st.data())
def test_a_changed_consistency_proof_proves_nothing(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, 40))
    old = data.draw(st.integers(1, new - 1))
    proof, before, after = FORTY.consistency(old, new), FORTY.root(old), FORTY.root(new)
    other = bytes(32)
    wrong = [
        (old, new, other, after, proof),
        (old, new, before, other, proof),
        (old, new, before, after, [*proof, other]),
        (old, new, before, after, []),
        (new, old, after, before, proof),
        (old, old, before, after, proof),
        *((old, new, before, after, [*proof[:at], other, *proof[at + 1 :]]) for at in range(len(proof))),
        *((old, new, before, after, proof[:at]) for at in range(len(proof))),
    ]
    assert not any(merkle.verify_consistency(*attempt) for attempt in wrong)


def test_nothing_is_consistent_with_a_tree_that_had_another_first_entry() -> None:
    forked = Tree([b"forked", *(bytes([number]) * number for number in range(1, 40))])
    for old in range(1, 40):
        proof = FORTY.consistency(old, 40)
        assert not merkle.verify_consistency(old, 40, forked.root(old), FORTY.root(40), proof)


@given(st.integers(0, 30), st.integers(0, 1 << 20))
def test_a_complete_stretch_and_its_number_name_each_other(level: int, place: int) -> None:
    stretch = (place << level, place + 1 << level)
    assert merkle.stretch(merkle.position(stretch)) == stretch


def test_a_proof_needs_few_hashes_however_long_the_log() -> None:
    size = 1_000_003
    needed = [part for stretch in merkle.inclusion_stretches(777, size) for part in merkle.complete(stretch)]
    assert len(needed) < 2 * size.bit_length()
