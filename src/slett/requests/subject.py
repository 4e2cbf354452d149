"""Who is meant: a key of a root, or an identifier."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from slett.execute.walk import Walk, named_by
from slett.ledger import Keys, Page, Tombstone
from slett.plan import Named, Plan
from slett.stores.schema import Family
from slett.stores.sql import Session


class SubjectError(Exception):
    """Nobody can be meant by this. The value itself is not repeated: it is somebody's."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One person, as a request names them."""

    kind: str  # `store/table` of a root, or the name of an identifier
    values: tuple[Any, ...]

    @property
    def text(self) -> str:
        """The value as it is hashed: a key as it is, since `aB3` is not `Ab3`; an identifier in small letters."""
        text = ",".join(map(str, self.values))
        return text if "/" in self.kind else text.lower()

    def hash(self, keys: Keys) -> str:
        """The keyed hash by which the ledger and the certificate know this person."""
        return keys.subject(self.kind, self.text)


NOBODY = Subject("", ())  # names no row


def by_key(plan: Plan, text: str, root: str = "") -> Subject:
    """The person with this key in a root; a composite key is written with commas.

    Raises:
        SubjectError: there is no such root, or the text cannot be such a key.
    """
    roots = [each for each in plan.named if each.root]
    wanted = root or roots[0].root
    found = next((each for each in roots if wanted in (each.root, each.root.partition("/")[2])), None)
    if found is None:
        raise SubjectError(f"`{wanted}` is not a root of the map; roots are {_listed(each.root for each in roots)}")
    parts = text.split(",") if len(found.keys.families) > 1 else [text]
    if len(parts) != len(found.keys.families):
        columns = ", ".join(found.keys.columns)
        raise SubjectError(
            f"the key of `{found.root}` is ({columns}); write {len(found.keys.families)} values with commas"
        )
    return Subject(
        found.root,
        tuple(_typed(part, family, found) for part, family in zip(parts, found.keys.families, strict=True)),
    )


def by_identifier(plan: Plan, name: str, text: str) -> Subject:
    """The person with this identifier.

    Raises:
        SubjectError: no root has such an identifier, or the text is empty.
    """
    found = named_by(plan, identifier=name)
    if found is None:
        known = _listed(each.identifier for each in plan.named if each.identifier)
        raise SubjectError(f"no root of the map has an identifier `{name}`; there is {known or 'none'}")
    if not text.strip():
        raise SubjectError(f"the {name} is empty; name somebody")
    return Subject(name, (_typed(text.strip(), found.keys.families[0], found),))


def _typed(text: str, family: Family, named: Named) -> Any:
    where = f"the key of `{named.root}`" if named.root else f"the identifier `{named.identifier}`"
    if not text.strip():
        raise SubjectError(f"{where} is empty; name somebody")
    if family != "text":
        text = text.strip()  # a key that is a text is somebody's, and with a space at its end perhaps another's
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise SubjectError(f"{where} has characters in it that no database holds")
    if family == "integer":
        if not re.fullmatch(r"-?[0-9]{1,19}", text) or abs(int(text)) >= 2**63:
            raise SubjectError(f"{where} is a whole number; what was given is not one")
        return int(text)
    if family == "uuid":
        try:
            return str(UUID(text))
        except ValueError:
            raise SubjectError(f"{where} is a UUID; what was given is not one") from None
    return text


def _listed(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in names)


def collected(plan: Plan, sessions: Mapping[str, Session], subjects: Sequence[Subject]) -> Walk:
    """The walk of these people, with all their keys."""
    walk = Walk(plan, sessions, len(subjects))
    name_people(walk, subjects)
    walk.collect()
    return walk


def newest_stones(page: Page, subjects: Iterable[Subject]) -> dict[tuple[str, str], Tombstone]:
    """The newest tombstone of each who has one, by kind and text."""
    texts: dict[str, set[str]] = {}
    for one in subjects:
        texts.setdefault(one.kind, set()).add(one.text)
    return {
        (kind, text): stone for kind, some in texts.items() for text, stone in page.tombstones.find(kind, some).items()
    }


def name_people(walk: Walk, subjects: Sequence[Subject]) -> None:
    """Fill the key sets that a request fills: each person by what names them."""
    for named in walk.plan.named:
        kind = named.root or named.identifier
        rows = [(number, *one.values) for number, one in enumerate(subjects) if one.kind == kind]
        walk.name(named.keys, rows)
