"""Where large vaults are kept: durable, never overwritten, and gone when they are to be."""

from pathlib import Path

import pytest

from slett.vault import Place, VaultError


def test_what_is_put_can_be_had_and_removed(tmp_path: Path) -> None:
    place = Place(f"file://{tmp_path}/vault")
    names = [place.put(7, number, bytes([number])) for number in range(3)]
    assert [place.get(name) for name in names] == [b"\0", b"\1", b"\2"]
    place.remove(7, names)
    assert list((tmp_path / "vault").iterdir()) == []
    place.remove(7, names)  # a second time


def test_a_process_that_was_taken_over_overwrites_nothing(tmp_path: Path) -> None:
    place = Place(str(tmp_path))
    first, second = place.put(7, 0, b"one"), place.put(7, 0, b"other")
    assert first != second
    assert (place.get(first), place.get(second)) == (b"one", b"other")


def test_a_part_that_never_came_into_the_ledger_goes_with_the_vault(tmp_path: Path) -> None:
    place = Place(str(tmp_path))
    known, _ = place.put(7, 0, b"known"), place.put(7, 1, b"orphan")
    other = place.put(71, 0, b"another vault's")
    place.remove(7, [known])
    assert [each.name for each in tmp_path.iterdir()] == [other]


def test_it_works_in_any_place_that_fsspec_knows() -> None:
    place = Place("memory://vault")
    name = place.put(1, 0, b"content")
    assert place.get(name) == b"content"
    place.remove(1, [name])
    with pytest.raises(VaultError, match="does not give"):
        place.get(name)


@pytest.mark.parametrize("url", ["nowhere://x", "s3x://"])
def test_an_unknown_place_is_a_sentence(url: str) -> None:
    with pytest.raises(VaultError, match=r"`vault\.url`"):
        Place(url)


def test_a_place_that_takes_nothing_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(VaultError, match="does not take"):
        Place(f"{tmp_path}/file/vault").put(1, 0, b"content")


@pytest.mark.parametrize(
    "name", ["../other.txt", "../vault-7-000000-0000000000000000.age", "/etc/hostname", "vault-7-*"]
)
def test_a_ledger_that_was_written_into_leads_nowhere_else(tmp_path: Path, name: str) -> None:
    beside = tmp_path / "other.txt"
    beside.write_bytes(b"somebody's")
    place = Place(f"{tmp_path}/vault")
    place.put(7, 0, b"part")
    with pytest.raises(VaultError):
        place.get(name)
    with pytest.raises(VaultError):
        place.remove(7, [name])
    assert beside.read_bytes() == b"somebody's"
