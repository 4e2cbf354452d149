"""Issuing certificates: into the log together with the end of the request, then into files.

Only the log has to be durable: a file can be written anew from it at any time, so files are not synced one by one.
"""

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from slett.certify.body import Body, rfc3339
from slett.certify.document import CertificateError, Document, TreeHead, canonical
from slett.ledger import Ledger, Page
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


def write_certificates(ledger: Ledger, folder: Path, references: Iterable[str]) -> dict[str, Path]:
    """The files of the certificates of those requests that have one, each written whole or not at all.

    Raises:
        CertificateError: one was issued under another signing key.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    paths = {}
    with ledger.read() as page:
        places = page.requests.certificates(references)
        indexes = list(places.values())
        now = page.log.head()
        proofs = page.log.inclusion(indexes, now.size)
        bodies = page.log.read(indexes)
        head = TreeHead(now.size, now.root, rfc3339(page.now), ledger.keys.id)
    head_signature = ledger.keys.sign(canonical(head.plain()))
    for reference, index in places.items():
        body = json.loads(bodies[index])
        if body["key"] != ledger.keys.id:
            raise CertificateError(
                f"the certificate of {reference} was issued under the signing key {body['key']}; "
                f"this one is {ledger.keys.id}: put the old one back to write that file again"
            )
        signature = ledger.keys.sign(bodies[index])
        document = Document(body, signature, index, proofs[index], head, head_signature)
        paths[reference] = certificate_path(folder, reference)
        _replace(paths[reference], document.spell())
    return paths


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
