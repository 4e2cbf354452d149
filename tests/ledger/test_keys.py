import stat
from pathlib import Path
from threading import Barrier, Thread
from typing import get_args

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from slett.ledger import Keys, LedgerError
from slett.ledger.keys import Purpose, key_id


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_private_keys_are_made_when_first_needed_and_only_their_owner_can_read_them(keys: Keys) -> None:
    assert not keys.has_secret
    keys.subkey("sealing")
    keys.sign(b"")
    assert keys.has_secret
    assert mode(keys.home / "secret.key") == mode(keys.home / "signing.key") == 0o600
    assert {path.name for path in keys.home.iterdir()} == {"secret.key", "signing.key", "signing.pub"}


def test_the_same_folder_gives_the_same_keys(keys: Keys) -> None:
    again = Keys(keys.home)
    assert again.fingerprint == keys.fingerprint
    assert again.id == keys.id
    assert again.sign(b"word") == keys.sign(b"word")


def test_the_public_key_beside_it_checks_what_was_signed(keys: Keys) -> None:
    signature = keys.sign(b"word")
    public = load_pem_public_key((keys.home / "signing.pub").read_bytes())
    public.verify(signature, b"word")  # type: ignore[union-attr, call-arg]  # raises unless it is Ed25519 and right
    assert key_id(public) == keys.id  # type: ignore[arg-type]


def test_each_purpose_has_a_key_of_its_own(keys: Keys) -> None:
    purposes = get_args(Purpose)
    assert len({keys.subkey(purpose) for purpose in purposes}) == len(purposes)


def test_a_subject_and_a_tombstone_of_the_same_person_cannot_be_joined(keys: Keys) -> None:
    assert keys.subject("email", "anna@example.com") != keys.tombstone("email", "anna@example.com")


def test_the_kind_is_part_of_the_hash_and_cannot_run_into_the_value(keys: Keys) -> None:
    assert keys.subject("users", "42") != keys.subject("contacts", "42")
    assert keys.subject("user", "s42") != keys.subject("users", "42")


def test_the_derivation_never_changes_because_old_tombstones_must_match(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("00" * 32)
    assert (
        Keys(tmp_path).tombstone("email", "anna@example.com")
        == "c7b884e041795a24cec7cf743d8e35efd9f907bc786ac1c4ba662967a0083857"
    )


def test_threads_that_make_the_keys_at_once_all_get_the_same(tmp_path: Path) -> None:
    together, found = Barrier(8), []

    def make() -> None:
        keys = Keys(tmp_path)
        together.wait()
        found.append((keys.fingerprint, keys.id))

    threads = [Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


@pytest.mark.parametrize("content", ["", "xyz", "00" * 31, "00" * 33])
def test_a_damaged_secret_key_is_refused_and_left_as_it_is(keys: Keys, content: str) -> None:
    path = keys.home / "secret.key"
    path.write_text(content)
    with pytest.raises(LedgerError, match=r"not a secret key of 64 hexadecimal digits; restore it"):
        keys.subkey("sealing")
    assert path.read_text() == content


def test_a_damaged_signing_key_is_refused(keys: Keys) -> None:
    (keys.home / "signing.key").write_text("-----BEGIN PRIVATE KEY-----")
    with pytest.raises(LedgerError, match=r"not an Ed25519 private key in PEM; restore it"):
        keys.sign(b"")


def test_a_new_signing_key_does_not_silently_replace_the_old_public_one(keys: Keys) -> None:
    keys.sign(b"")
    (keys.home / "signing.key").unlink()
    with pytest.raises(LedgerError, match=r"signing\.pub: belongs to another signing key; rename it, and keep it"):
        Keys(keys.home).sign(b"")
