"""Checking a certificate with nothing but its file and the public key. Pure: no ledger, no network, no clock."""

from dataclasses import dataclass
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from slett.certify.body import Body
from slett.certify.document import CertificateError, Document, canonical
from slett.ledger import Head
from slett.ledger.keys import key_id
from slett.ledger.merkle import leaf_hash, verify_inclusion

Name = Literal["format", "key", "signature", "head", "inclusion"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: Name
    good: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of checking a certificate. Believe `body` and `head` only if it is `good`."""

    findings: tuple[Finding, ...]
    body: Body | None = None
    head: Head | None = None  # of the log: hold the ledger against it with `Log.check`

    @property
    def good(self) -> bool:
        """Whether everything that was looked at is as it should be."""
        return all(finding.good for finding in self.findings)


def verify(data: bytes, public_key: bytes) -> Verdict:
    """What is found when the bytes of a certificate's file are checked with a public key in PEM.

    Raises:
        CertificateError: that is not an Ed25519 public key in PEM.
    """
    key = _read_key(public_key)
    try:
        document = Document.read(data)
        body, head = canonical(document.body), canonical(document.head.plain())
    except CertificateError as error:
        return Verdict((Finding("format", False, str(error)),))
    named = {document.body.get("key"), document.head.key}
    signed = _signed(key, document.signature, body)
    head_signed = _signed(key, document.head_signature, head)
    included = verify_inclusion(leaf_hash(body), document.index, document.head.size, document.proof, document.head.root)
    findings = (
        Finding("format", True, f"the file is a certificate of type `{document.body['type']}`, whole"),
        Finding("key", True, f"it names the given public key, {key_id(key)}")
        if named == {key_id(key)}
        else Finding("key", False, f"it names another public key than the given one, which is {key_id(key)}"),
        Finding("signature", True, "the body is signed with that key")
        if signed
        else Finding("signature", False, "the body is not signed with that key, or was changed afterwards"),
        Finding("head", True, f"the tree head of size {document.head.size} is signed with that key")
        if head_signed
        else Finding("head", False, "the tree head is not signed with that key, or was changed afterwards"),
        Finding("inclusion", True, f"the body is entry {document.index} of the log with that head")
        if included
        else Finding("inclusion", False, "the proof does not show that the body is in the log with that head"),
    )
    return Verdict(findings, document.body, Head(document.head.size, document.head.root))


def _read_key(pem: bytes) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(pem)
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise CertificateError("the public key is not an Ed25519 key in PEM (`-----BEGIN PUBLIC KEY-----`)")
    return key


def _signed(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True
