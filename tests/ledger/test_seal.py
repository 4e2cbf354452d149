import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slett.ledger import BrokenSeal
from slett.ledger.seal import Seal

SEAL = Seal(bytes(range(32)), secrets.token_bytes)
PLACE = ("scope", 7, "torget/users", 0)


@given(st.binary(max_size=2_000))
def test_what_is_sealed_opens_where_it_was_sealed(content: bytes) -> None:
    assert SEAL.open(SEAL.close(content, *PLACE), *PLACE) == content


@given(st.binary(max_size=100), st.data())
def test_a_blob_changed_in_any_bit_does_not_open(content: bytes, data: st.DataObject) -> None:
    blob = bytearray(SEAL.close(content, *PLACE))
    at = data.draw(st.integers(0, len(blob) - 1))
    blob[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(BrokenSeal):
        SEAL.open(bytes(blob), *PLACE)


@pytest.mark.parametrize(
    "elsewhere",
    [("scope", 8, "torget/users", 0), ("scope", 7, "torget/users", 1), ("scope", 7, "torget", 0), ("step", 7, 0)],
)
def test_a_blob_moved_to_another_place_does_not_open(elsewhere: tuple[str | int, ...]) -> None:
    with pytest.raises(BrokenSeal, match=r"the sealed part `.*` does not open"):
        SEAL.open(SEAL.close(b"42", *PLACE), *elsewhere)


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(BrokenSeal):
        Seal(bytes(32), secrets.token_bytes).open(SEAL.close(b"42", *PLACE), *PLACE)


def test_the_same_content_sealed_twice_does_not_look_the_same() -> None:
    assert SEAL.close(b"42", *PLACE) != SEAL.close(b"42", *PLACE)


@pytest.mark.parametrize("blob", [b"", b"\x01", b"\x01" + bytes(12)])
def test_a_stump_does_not_open(blob: bytes) -> None:
    with pytest.raises(BrokenSeal):
        SEAL.open(blob, *PLACE)
