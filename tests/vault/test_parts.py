"""A part of a vault: what went in comes out, at its own place and for its own identity alone."""

from dataclasses import replace

import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slett.stores.taken import Taken
from slett.vault import VaultError, make_identity
from slett.vault.parts import Frame, pack, unpack

TAKEN = Taken("shop", "users", "rows", ("id", "name"), ("id",), ("integer", "text"), (), "sqlite 1")
MADE = make_identity()
FRAMES = st.lists(
    st.builds(Frame, st.integers(0, 99), st.sampled_from([TAKEN, replace(TAKEN, table="ø\n{")]), st.binary())
)


@given(FRAMES)
def test_what_went_in_comes_out(frames: list[Frame]) -> None:
    sealed, plain = pack(3, 7, frames, MADE.recipient)
    assert list(unpack(3, 7, sealed, MADE.identity)) == frames
    assert plain >= sum(len(each.content) for each in frames)


def test_a_part_opens_at_no_other_place() -> None:
    sealed, _ = pack(3, 7, [Frame(0, TAKEN, b"1\tKari\n")], MADE.recipient)
    for vault, part in ((3, 8), (4, 7)):
        with pytest.raises(VaultError, match="moved"):
            list(unpack(vault, part, sealed, MADE.identity))


def test_a_changed_part_does_not_open() -> None:
    sealed, _ = pack(3, 7, [Frame(0, TAKEN, b"1\tKari\n")], MADE.recipient)
    with pytest.raises(VaultError, match="changed"):
        list(unpack(3, 7, sealed[:-1] + bytes([sealed[-1] ^ 1]), MADE.identity))


def test_nobody_else_can_open_it() -> None:
    sealed, _ = pack(3, 7, [Frame(0, TAKEN, b"1\tKari\n")], MADE.recipient)
    with pytest.raises(VaultError):
        list(unpack(3, 7, sealed, make_identity().identity))


def test_it_is_an_age_file() -> None:
    sealed, _ = pack(3, 7, [Frame(0, TAKEN, b"1\tKari\n")], MADE.recipient)
    assert sealed.startswith(b"age-encryption.org/v1\n-> X25519 ")
    assert pyrage.decrypt(sealed, [MADE.identity])
    assert b"Kari" not in sealed
