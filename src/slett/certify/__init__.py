"""Certificates: a signed statement of what became of a request, for anybody to check.

    with ledger.write() as page:                               # with the last move of the requests
        ended = page.requests.move(references, "verifying", "fulfilled")
        enter(page, [certificate_body(request, service=…, key=ledger.keys.id, …) for request in …])
    write_certificates(ledger, folder, ended)                  # after the commit; may be repeated at any time
    verify(file.read_bytes(), public_key_pem)                  # anywhere, offline

The body is the statement. Its RFC 8785 bytes are what is signed, and they are an entry of the ledger's Merkle log, so
the statement is in the ledger from the moment at which the request ended, and its file can always be written anew.
Around the body the file carries the signature, and the proof that the body is in the log: a path of hashes to a
tree head, itself signed.

It promises: no personal data; a file that is changed in any byte does not verify; the public key alone is enough to
check it; format 1 will be readable by every later version. It does not say that a backup or a recipient forgot, and
it is only as true as the data map was complete.
"""

from slett.certify.body import KeptTable, LeftTable, Verification, certificate_body
from slett.certify.document import CertificateError
from slett.certify.issue import Proven, certificate_path, enter, prove, write_certificates, write_proven
from slett.certify.offline import Finding, Verdict, verify
from slett.certify.show import Section, sections

__all__ = [
    "CertificateError",
    "Finding",
    "KeptTable",
    "LeftTable",
    "Proven",
    "Section",
    "Verdict",
    "Verification",
    "certificate_body",
    "certificate_path",
    "enter",
    "prove",
    "sections",
    "verify",
    "write_certificates",
    "write_proven",
]
