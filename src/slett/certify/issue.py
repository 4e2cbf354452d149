"""Issuing certificates: into the log together with the end of the request, then into files.

Only the log has to be durable: a file can be written anew from it at any time, so files are not synced one by one.
"""

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from slett.certify.body import Body, rfc3339
from slett.certify.document import CertificateError, Document, TreeHead, canonical
from slett.ledger import Keys, Ledger, Page
from slett.ledger.references import read_reference
from slett.ledger.requests import Counts


def enter(page: Page, bodies: Sequence[Body], counts: Mapping[str, Counts] | None = None) -> range:
    """The places in the log of these bodies, appended to it and noted with their requests.

    Args:
        counts: of each request, what was done to how many rows, to be noted with it too.
    """
    places = page.log.append(bodies)
    page.requests.certify({str(body["request"]): place for body, place in zip(bodies, places, strict=True)}, counts)
    return places


def certificate_path(folder: Path, reference: str) -> Path:
    """Where the certificate of a request is."""
    return folder / f"{reference}.json"


@dataclass(frozen=True, slots=True)
class Proven:
    """Bodies in the log, and what shows that they are in it: all that their files need but the signatures."""

    head: TreeHead
    entries: tuple[tuple[int, bytes, tuple[bytes, ...]], ...]  # its place, the body, the path of RFC 9162


def prove(page: Page, places: Sequence[int], key: str) -> Proven:
    """What the files of the bodies at these places of the log are written from, once the page is committed.

    Args:
        key: the name of the public key, `Keys.id`.
    """
    now = page.log.head()
    proofs, bodies = page.log.inclusion(places, now.size), page.log.read(places)
    head = TreeHead(now.size, now.root, rfc3339(page.now), key)
    return Proven(head, tuple((place, bodies[place], proofs[place]) for place in places))


def write_proven(keys: Keys, folder: Path, proven: Proven) -> dict[str, Path]:
    """The files of these certificates, by the reference of the request, each written whole or not at all.

    Raises:
        CertificateError: one was issued under another signing key, or is not of a request.
    """
    paths: dict[str, Path] = {}
    if not proven.entries:
        return paths
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    head_signature = keys.sign(canonical(proven.head.plain()))
    for index, spelled, proof in proven.entries:
        body = json.loads(spelled)
        reference = body.get("request")  # it names the file: nothing else in the ledger may
        if not isinstance(reference, str) or read_reference(reference) != reference:
            raise CertificateError(
                f"entry {index} of the log is of no request: it is not signed; `slett ledger check` looks for changes"
            )
        if body["key"] != keys.id:
            raise CertificateError(
                f"the certificate of {reference} was issued under the signing key {body['key']}; "
                f"this one is {keys.id}: put the old one back to write that file again"
            )
        document = Document(body, keys.sign(spelled), index, proof, proven.head, head_signature)
        paths[reference] = certificate_path(folder, reference)
        _replace(paths[reference], document.spell())
    return paths


def write_certificates(ledger: Ledger, folder: Path, references: Iterable[str]) -> dict[str, Path]:
    """The files of the certificates of those requests that have one.

    Raises:
        CertificateError: as `write_proven`, or the ledger names the certificate of another request.
    """
    with ledger.read() as page:
        places = page.requests.certificates(references)
        proven = prove(page, list(places.values()), ledger.keys.id)
    named = {index: json.loads(spelled).get("request") for index, spelled, _ in proven.entries}
    for reference, place in places.items():
        if named[place] != reference:
            raise CertificateError(
                f"entry {place} of the log is not the certificate of {reference}: the ledger was changed; "
                "`slett ledger check` looks where"
            )
    return write_proven(ledger.keys, folder, proven)


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
