"""The file of a certificate: JSON that a person can read, with exactly one spelling.

body        what is certified, see `body`
signature   Ed25519 over the RFC 8785 bytes of the body; 128 hexadecimal digits
ledger
  index     where the body is in the log, counted from 0
  proof     the path of RFC 9162, 2.1.3, from the leaf up
  head      size and root of the log when the file was written, and when that was
  signature Ed25519 over the RFC 8785 bytes of the head
"""

import json
from dataclasses import dataclass
from typing import Any, Self

import rfc8785

from slett.certify.body import TYPE, Body

HEAD_TYPE = "slett-tree-head/1"


class CertificateError(Exception):
    """A certificate cannot be read or written."""


def canonical(value: dict[str, Any]) -> bytes:
    """The RFC 8785 bytes of a body or a head: what is signed."""
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, RecursionError):
        raise CertificateError("it holds a value that JSON cannot carry exactly") from None


def spell(plain: dict[str, Any]) -> bytes:
    """The bytes of a file: a line a member, two levels deep, and a line an entry of a list."""
    parts = [
        f"\n{_line(name)}: {_lines(part) if isinstance(part, dict) else _line(part)}" for name, part in plain.items()
    ]
    return ("{" + ",".join(sorted(parts)) + "\n}\n").encode()


def _lines(value: dict[str, Any]) -> str:
    members = []
    for name, member in sorted(value.items()):
        entries = [f"\n    {_line(entry)}" for entry in member] if isinstance(member, list) else []
        text = f"[{','.join(entries)}\n  ]" if entries else _line(member)
        members.append(f"\n  {_line(name)}: {text}")
    return "{" + ",".join(members) + "\n}"


def _line(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class TreeHead:
    """A head of the log, as it is signed."""

    size: int
    root: bytes
    at: str
    key: str

    def plain(self) -> dict[str, Any]:
        """As it stands in the file."""
        return {"type": HEAD_TYPE, "size": self.size, "root": self.root.hex(), "at": self.at, "key": self.key}


@dataclass(frozen=True, slots=True)
class Document:
    """A certificate's file, read."""

    body: Body
    signature: bytes
    index: int
    proof: tuple[bytes, ...]
    head: TreeHead
    head_signature: bytes

    def spell(self) -> bytes:
        """The bytes of the file."""
        ledger = {
            "index": self.index,
            "proof": [step.hex() for step in self.proof],
            "head": self.head.plain(),
            "signature": self.head_signature.hex(),
        }
        return spell({"body": self.body, "ledger": ledger, "signature": self.signature.hex()})

    @classmethod
    def read(cls, data: bytes) -> Self:
        """The document in a file, whether or not it is true.

        Raises:
            CertificateError: not a certificate, or spelled in another way than `spell` does.
        """
        try:
            plain = json.loads(data.decode())
            ledger, head = plain["ledger"], plain["ledger"]["head"]
            document = cls(
                body=plain["body"],
                signature=bytes.fromhex(plain["signature"]),
                index=ledger["index"],
                proof=tuple(map(bytes.fromhex, ledger["proof"])),
                head=TreeHead(head["size"], bytes.fromhex(head["root"]), head["at"], head["key"]),
                head_signature=bytes.fromhex(ledger["signature"]),
            )
            spelled = document.spell()
            known = document.body["type"] == TYPE
            whole = type(document.index) is int and type(document.head.size) is int
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise CertificateError("this is not a certificate, or only a part of one") from None
        if not known or not whole:
            raise CertificateError(f"this is not a certificate of type `{TYPE}`")
        if spelled != data:
            raise CertificateError("the file is not spelled as it was written: something was added or changed")
        return document
