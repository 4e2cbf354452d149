"""A certificate for a person to read, as plain sections: the command line and the web draw them."""

from dataclasses import dataclass
from typing import Any, cast

from slett.certify.body import Body

OUTCOMES = {
    "fulfilled": "fulfilled: a second look found nothing left",
    "partially_fulfilled": "partially fulfilled: see what is left, and why",
    "not_found": "not found: nobody by that key or identifier is known",
}


@dataclass(frozen=True, slots=True)
class Section:
    """A title over rows of text; without `columns` the rows are pairs of a label and a value."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def sections(body: Body) -> tuple[Section, ...]:
    """The sections of a certificate's body; those that would be empty are left out."""
    certificate = cast(dict[str, Any], body)
    looked = certificate["verification"]
    pairs = [
        ("Request", certificate["request"]),
        ("Kind", certificate["kind"]),
        ("Outcome", OUTCOMES[certificate["outcome"]]),
        ("Reason", certificate["reason"]),
        ("Service", certificate["service"]),
        ("Person (keyed hash)", certificate["subject"]),
        ("Data map (SHA-256)", certificate["map"]),
        ("Filed", certificate["filed"]),
        ("Started", certificate["started"]),
        ("Finished", certificate["finished"]),
        ("Erased", certificate.get("erased")),
        ("Beyond recovery", certificate.get("beyond_recovery")),
        ("Promised by", certificate["promised"]),
        ("Due by law", certificate["law_due"]),
        ("Looked again", looked and f"{looked['at']}, {looked['statements']} statements, {looked['rows']} rows found"),
        ("Public key", certificate["key"]),
    ]
    found = (
        Section("Certificate", (), tuple((label, value) for label, value in pairs if value)),
        Section(
            "Done",
            ("Store", "Table", "Action", "Rows"),
            tuple(
                (each["store"], each["table"], action, str(rows))
                for each in certificate["tables"]
                for action, rows in sorted(each["actions"].items())
            ),
        ),
        Section(
            "Kept",
            ("Store", "Table", "Rows", "Basis", "Until"),
            tuple(
                (each["store"], each["table"], str(each["rows"]), each["basis"], each["until"] or "as its parent")
                for each in certificate["kept"]
            ),
        ),
        Section(
            "Left",
            ("Store", "Table", "Rows", "Why"),
            tuple((each["store"], each["table"], str(each["rows"]), each["reason"]) for each in certificate["left"]),
        ),
    )
    return tuple(section for section in found if section.rows)
