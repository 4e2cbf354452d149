"""Checking offline: a true certificate passes, and one that differs in any byte does not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slett.certify import CertificateError, certificate_path, verify
from slett.certify.document import spell
from slett.ledger import Keys

Issue = Callable[[int], list[str]]
same_certificate = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def certificate(issue: Issue, home: Path) -> bytes:
    """One with a proof of several steps."""
    return certificate_path(home / "certificates", issue(6)[3]).read_bytes()


def spelled(plain: dict[str, Any]) -> bytes:
    return spell(plain)


def bad(data: bytes, public_key: bytes) -> set[str]:
    return {finding.name for finding in verify(data, public_key).findings if not finding.good}


def test_a_true_certificate_passes_every_test_by_name(certificate: bytes, public_key: bytes) -> None:
    verdict = verify(certificate, public_key)
    assert verdict.good
    assert [finding.name for finding in verdict.findings] == ["format", "key", "signature", "head", "inclusion"]


@same_certificate
@given(data=st.data())
def test_a_flipped_bit_anywhere_is_found(data: st.DataObject, certificate: bytes, public_key: bytes) -> None:
    changed = bytearray(certificate)
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert not verify(bytes(changed), public_key).good


def test_a_changed_byte_at_every_single_place_is_found(certificate: bytes, public_key: bytes) -> None:
    for at in range(len(certificate)):
        for change in (0x01, 0x20):  # 0x20 turns letter case, and a blank into nothing that JSON minds less
            changed = bytearray(certificate)
            changed[at] ^= change
            assert not verify(bytes(changed), public_key).good, at


@same_certificate
@given(data=st.data())
def test_bytes_cut_or_added_anywhere_are_found(data: st.DataObject, certificate: bytes, public_key: bytes) -> None:
    start = data.draw(st.integers(0, len(certificate)))
    end = data.draw(st.integers(start, min(start + 20, len(certificate))))
    added = data.draw(st.binary(max_size=5) | st.sampled_from([b" ", b"\n", b"0", b'"x": 1,']))
    changed = certificate[:start] + added + certificate[end:]
    assert changed == certificate or not verify(changed, public_key).good


@same_certificate
@given(noise=st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
def test_noise_is_no_certificate_and_no_crash(noise: bytes, public_key: bytes) -> None:
    assert bad(noise, public_key) == {"format"}


def set_at(plain: dict[str, Any], path: str, value: object) -> None:
    *outer, last = path.split(".")
    for name in outer:
        plain = plain[name]
    plain[last] = value


FORGERIES: list[tuple[str, object, set[str]]] = [
    ("body.outcome", "partially_fulfilled", {"signature", "inclusion"}),
    ("body.kept", [], {"signature", "inclusion"}),
    ("body.law_due", "2027-01-01", {"signature", "inclusion"}),
    ("body.key", "0" * 32, {"key", "signature", "inclusion"}),
    ("body.extra", 1, {"signature", "inclusion"}),
    ("signature", "00" * 64, {"signature"}),
    ("signature", "", {"signature"}),
    ("ledger.index", 2, {"inclusion"}),
    ("ledger.index", 6, {"inclusion"}),
    ("ledger.index", -1, {"inclusion"}),
    ("ledger.proof", [], {"inclusion"}),
    ("ledger.head.size", 7, {"head"}),
    ("ledger.head.size", 4, {"head", "inclusion"}),
    ("ledger.head.root", "00" * 32, {"head", "inclusion"}),
    ("ledger.head.at", "2026-11-20T12:00:08Z", {"head"}),
    ("ledger.head.key", "0" * 32, {"key", "head"}),
    ("ledger.signature", "00" * 64, {"head"}),
    ("ledger.index", True, {"format"}),
    ("ledger.index", 3.0, {"format"}),
    ("ledger.index", None, {"format"}),
    ("ledger.head.type", "slett-tree-head/2", {"format"}),
    ("ledger.extra", 1, {"format"}),
    ("body.type", "slett-certificate/2", {"format"}),
    ("body", [], {"format"}),
    ("body.extra", float("nan"), {"format"}),
    ("body.extra", 2**60, {"format"}),
    ("signature", "zz", {"format"}),
    ("ledger.proof", "00", {"format"}),
]


@pytest.mark.parametrize(("path", "value", "found"), FORGERIES)
def test_a_forgery_is_found_by_name(
    certificate: bytes, public_key: bytes, path: str, value: object, found: set[str]
) -> None:
    plain = json.loads(certificate)
    set_at(plain, path, value)
    assert bad(spelled(plain), public_key) == found


def test_the_body_and_signature_of_another_certificate_do_not_fit(issue: Issue, home: Path, public_key: bytes) -> None:
    one, other = (json.loads(certificate_path(home / "certificates", each).read_bytes()) for each in issue(2))
    one["body"], one["signature"] = other["body"], other["signature"]
    assert bad(spelled(one), public_key) == {"inclusion"}


def test_the_signature_of_a_tree_head_is_none_of_a_body(certificate: bytes, public_key: bytes) -> None:
    plain = json.loads(certificate)
    plain["body"], plain["signature"] = plain["ledger"]["head"], plain["ledger"]["signature"]
    assert bad(spelled(plain), public_key) == {"format"}


def test_the_same_words_spelled_otherwise_are_not_the_file(certificate: bytes, public_key: bytes) -> None:
    assert bad(json.dumps(json.loads(certificate)).encode(), public_key) == {"format"}
    twice = certificate.replace(b'"kind": "erase",', b'"kind": "export",\n    "kind": "erase",')
    assert bad(twice, public_key) == {"format"}


def test_the_key_of_another_service_fails_it_by_name(certificate: bytes, tmp_path: Path) -> None:
    other = Keys(tmp_path)
    assert other.id
    assert bad(certificate, (tmp_path / "signing.pub").read_bytes()) == {"key", "signature", "head"}


def test_what_is_no_public_key_is_refused(certificate: bytes) -> None:
    ec = generate_private_key(SECP256R1()).public_key()
    pem = ec.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for wrong in (b"", b"-----BEGIN PUBLIC KEY-----", pem):
        with pytest.raises(CertificateError, match="the public key is not an Ed25519 key in PEM"):
            verify(certificate, wrong)
