"""Issuing: into the log with the end of the request, into a file as often as one likes."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from slett.certify import (
    CertificateError,
    certificate_body,
    certificate_path,
    enter,
    prove,
    verify,
    write_certificates,
    write_proven,
)
from slett.certify.body import TYPE
from slett.certify.document import TreeHead, canonical
from slett.certify.issue import Proven
from slett.ledger import Ledger, Request, open_ledger
from slett.settings import Settings

End = Callable[..., Request]
Issue = Callable[[int], list[str]]


def test_an_issued_certificate_verifies(issue: Issue, home: Path, public_key: bytes) -> None:
    for reference in issue(5):
        verdict = verify(certificate_path(home / "certificates", reference).read_bytes(), public_key)
        assert verdict.good
        assert verdict.body
        assert verdict.body["request"] == reference


def test_the_ledger_is_held_against_the_head_of_a_certificate(
    issue: Issue, home: Path, ledger: Ledger, public_key: bytes
) -> None:
    (reference,) = issue(1)
    issue(4)
    verdict = verify(certificate_path(home / "certificates", reference).read_bytes(), public_key)
    assert verdict.head
    assert verdict.head.size == 1
    with ledger.read() as page:
        assert page.log.check(verdict.head) is None
        assert json.loads(page.log.read([0])[0]) == verdict.body


def test_a_lost_file_is_written_again_with_the_same_statement_and_a_newer_head(
    issue: Issue, home: Path, ledger: Ledger, public_key: bytes
) -> None:
    (reference,) = issue(1)
    path = certificate_path(home / "certificates", reference)
    before = verify(path.read_bytes(), public_key)
    path.unlink()
    issue(2)
    assert write_certificates(ledger, home / "certificates", [reference]) == {reference: path}
    after = verify(path.read_bytes(), public_key)
    assert after.good
    assert after.body == before.body
    assert after.head
    assert after.head.size == 3


def test_writing_twice_leaves_one_file_and_no_drafts(issue: Issue, home: Path, ledger: Ledger) -> None:
    references = issue(3)
    write_certificates(ledger, home / "certificates", references)
    assert sorted(path.name for path in (home / "certificates").iterdir()) == sorted(
        f"{each}.json" for each in references
    )


def test_what_is_proven_with_the_end_needs_no_second_look_at_the_ledger(
    end: End, ledger: Ledger, home: Path, public_key: bytes
) -> None:
    """The file is the very one that anybody would write from the ledger at that moment."""
    requests = [end("not_found") for _ in range(3)]
    with ledger.write() as page:
        places = enter(page, [certificate_body(each, service="Tørget", key=ledger.keys.id) for each in requests])
        proven = prove(page, places, ledger.keys.id)
    paths = write_proven(ledger.keys, home / "certificates", proven)
    assert list(paths) == [each.reference for each in requests]
    files = {reference: path.read_bytes() for reference, path in paths.items()}
    assert all(verify(file, public_key).good for file in files.values())
    assert write_certificates(ledger, home / "certificates", list(paths)) == paths
    assert {reference: path.read_bytes() for reference, path in paths.items()} == files


def test_a_request_without_a_certificate_has_no_file(ledger: Ledger, home: Path) -> None:
    assert write_certificates(ledger, home / "certificates", ["S-0000-0000"]) == {}


def test_a_statement_is_in_the_log_from_the_moment_at_which_its_request_ended(issue: Issue, ledger: Ledger) -> None:
    (reference,) = issue(1)
    with ledger.read() as page:
        assert page.requests.certificates([reference]) == {reference: 0}
        assert json.loads(page.log.read([0])[0])["request"] == reference


def test_what_is_rolled_back_is_not_certified(end: End, ledger: Ledger, home: Path) -> None:
    request = end("not_found")
    with suppress(KeyboardInterrupt), ledger.write() as page:
        enter(page, [certificate_body(request, service="Tørget", key=ledger.keys.id)])
        raise KeyboardInterrupt
    assert write_certificates(ledger, home / "certificates", [request.reference]) == {}
    with ledger.read() as page:
        assert page.log.head().size == 0


def test_a_certificate_of_an_earlier_signing_key_is_not_signed_with_a_later_one(issue: Issue, home: Path) -> None:
    (reference,) = issue(1)
    before = certificate_path(home / "certificates", reference).read_bytes()
    (home / "signing.key").unlink()
    (home / "signing.pub").rename(home / "signing-2026.pub")
    with (
        open_ledger(Settings(home=home)) as ledger,
        pytest.raises(CertificateError, match=f"the certificate of {reference} was issued under the signing key"),
    ):
        write_certificates(ledger, home / "certificates", [reference])
    assert certificate_path(home / "certificates", reference).read_bytes() == before


@pytest.mark.parametrize("name", ["../../outside", "../outside", "S-0000-0000/../../outside", "", "s00000000", 7, None])
def test_no_name_in_the_ledger_chooses_where_a_certificate_is_written(
    ledger: Ledger, home: Path, issue: Issue, name: object
) -> None:
    """Whoever alters the ledger may write what they like into an entry: it is neither signed nor written."""
    issue(1)
    before = sorted(home.parent.rglob("*"))
    body = {"type": TYPE, "request": name, "key": ledger.keys.id}
    head = TreeHead(1, b"\0" * 32, "2026-11-20T12:00:00Z", ledger.keys.id)
    with pytest.raises(CertificateError, match="entry 0 of the log is of no request"):
        write_proven(ledger.keys, home / "certificates", Proven(head, ((0, canonical(body), ()),)))
    assert sorted(home.parent.rglob("*")) == before


def test_a_request_that_points_at_the_certificate_of_another_gets_none(
    issue: Issue, ledger: Ledger, home: Path
) -> None:
    """Nobody is given another's statement because a number in the ledger was changed."""
    mine, other = issue(2)
    for file in (home / "certificates").iterdir():
        file.unlink()
    with ledger.write() as page:
        page.requests.certify({mine: 1})
    with pytest.raises(CertificateError, match=f"entry 1 of the log is not the certificate of {mine}"):
        write_certificates(ledger, home / "certificates", [mine])
    assert not list((home / "certificates").iterdir())
    assert write_certificates(ledger, home / "certificates", [other])


def test_a_certificate_holds_no_personal_data(issue: Issue, home: Path) -> None:
    (reference,) = issue(1)
    assert b"anna@example.com" not in certificate_path(home / "certificates", reference).read_bytes()
