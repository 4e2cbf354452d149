"""What is wrong in a map: where, what, and what to write instead."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from slett.datamap.model import Place

Severity = Literal["error", "warning"]
Code = Literal[
    "unreadable",
    "not-yaml",
    "tag",
    "duplicate-key",
    "unknown-key",
    "missing-key",
    "wrong-value",
    "missing-variable",
    "unknown-store",
    "unknown-table",
    "unknown-column",
    "unknown-identifier",
    "unknown-trigger",
    "no-root",
    "root-action",
    "undecided",
    "keep-without-basis",
    "keep-without-until",
    "until-column",
    "until-parent",
    "incomplete-ignore",
    "expired-review",
    "disable",
    "disable-referenced",
    "irreversible",
    "no-category",
    "unknown-category",
    "no-effect",
    "no-path",
    "column-count",
    "partial-foreign-key",
    "another-column",
    "match-not-unique",
    "shared-across-stores",
    "incomparable",
    "compared-as-text",
    "identifier-not-unique",
    "identifier-binary",
    "no-index",
    "no-primary-key",
    "no-transactions",
    "not-null",
    "not-unique",
    "too-long",
    "wrong-type",
    "check-constraint",
    "generated-column",
    "key-column",
    "cascade",
    "blocked-delete",
    "kept-reference",
    "cycle",
    "trigger",
    "unmapped-table",
    "personal-column",
    "undecided-reference",
]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; `docs/data-map.md` explains every code."""

    code: Code
    severity: Severity
    place: Place
    message: str
    hint: str

    def __str__(self) -> str:
        lines = f"{self.place}: {self.severity}: {self.message} [{self.code}]"
        return f"{lines}\n    {self.hint}" if self.hint else lines


class MapError(Exception):
    """The map cannot be used."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = in_order(problems)
        super().__init__("\n".join(map(str, self.problems)))


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems by place, each once."""
    return tuple(
        sorted(
            dict.fromkeys(problems),
            key=lambda problem: (problem.place.file, problem.place.line, problem.place.column, problem.code),
        )
    )


def quoted(value: object) -> str:
    """The value as a message shows it: short, on one line, and without the password of a URL."""
    text = re.sub(r"//.*@", "//…@", " ".join(str(value).split()))
    return f"`{text[:60]}…`" if len(text) > 60 else f"`{text}`"


def suggestion(word: str, options: Iterable[str]) -> str:
    """A hint that names what was probably meant, or the options when they are few."""
    by_folded = {option.casefold(): option for option in sorted(options)}
    if close := get_close_matches(word.casefold(), by_folded, n=1):
        return f"did you mean {quoted(by_folded[close[0]])}?"
    if len(by_folded) > 12:
        return f"none of the {len(by_folded)} that there are has a name like it"
    return f"choose one of {listed(by_folded.values())}" if by_folded else "there is none: take it out"


def listed(words: Iterable[str]) -> str:
    """The words as a message lists them: `a`, `b`."""
    return ", ".join(map(quoted, words))


def flow(names: Sequence[str]) -> str:
    """Names as a map writes them: one as it is, several as a list."""
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"


def error(code: Code, place: Place, message: str, hint: str = "") -> Problem:
    """A problem that makes the map unusable."""
    return Problem(code, "error", place, message, hint)


def warning(code: Code, place: Place, message: str, hint: str = "") -> Problem:
    """A problem that a human should know of."""
    return Problem(code, "warning", place, message, hint)
