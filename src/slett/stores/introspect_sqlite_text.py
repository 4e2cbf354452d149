"""What only the text of SQLite's CREATE statements tells: CHECKs, names of constraints, DEFERRABLE, collations."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import dropwhile, pairwise
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?P<nothing>\s+|--[^\n]*|/\*.*?\*/)
      | '(?:[^']|'')*' | "(?:[^"]|"")*" | `(?:[^`]|``)*` | \[[^\]]*\]
      | [\w$]+ | .""",
    re.DOTALL | re.VERBOSE,
)


@dataclass(slots=True)
class Constraints:
    """In the order of the text; a name is empty where none was given."""

    checks: list[tuple[str, str]] = field(default_factory=list)  # name, expression
    foreign_keys: list[tuple[str, bool]] = field(default_factory=list)  # name, deferrable
    collations: dict[str, str] = field(default_factory=dict)  # by column, in small letters, where one is given


class _Token(NamedTuple):
    text: str
    word: str  # in upper case; quoted names are no words
    start: int
    end: int


def read_constraints(sql: str) -> Constraints:
    """The CHECKs and foreign keys of a CREATE TABLE."""
    tokens = list(_tokens(sql))
    found = Constraints()
    depth, name, column = 0, "", ""
    for place, token in enumerate(tokens):
        match token.word:
            case "(":
                depth += 1
                if depth == 1:
                    column = unquote(tokens[place + 1].text).lower()
            case ")":
                depth -= 1
            case "," if depth == 1:
                name, column = "", unquote(tokens[place + 1].text).lower()
            case "COLLATE" if depth == 1:
                found.collations[column] = unquote(tokens[place + 1].text).upper()
            case "CONSTRAINT":
                name = unquote(tokens[place + 1].text)
            case "CHECK":
                clause = list(_until_closed(tokens[place + 2 :]))
                found.checks.append((name, sql[clause[0].start : clause[-1].end]))
                name = ""
            case "REFERENCES":
                words = [it.word for it in _until_closed(tokens[place + 1 :], stop=",")]
                deferrable = "DEFERRABLE" in words and ("NOT", "DEFERRABLE") not in pairwise(words)
                found.foreign_keys.append((name, deferrable))
                name = ""
    return found


def trigger_event(sql: str) -> str:
    """`DELETE`, `UPDATE` or `INSERT`: what a CREATE TRIGGER waits for."""
    return next(token.word for token in _tokens(sql) if token.word in ("DELETE", "UPDATE", "INSERT"))


def names_in(sql: str, names: Iterable[str]) -> tuple[str, ...]:
    """Those of the names that a CREATE INDEX mentions in or after its brackets, quoted or not."""
    tokens = dropwhile(lambda token: token.word != "(", _tokens(sql))
    mentioned = {unquote(token.text).lower() for token in tokens}
    return tuple(name for name in names if name.lower() in mentioned)


def unquote(name: str) -> str:
    """The name without the quotes around it."""
    if name[0] in "\"'`":
        return name[1:-1].replace(name[0] * 2, name[0])
    return name[1:-1] if name[0] == "[" else name


def _tokens(sql: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(sql):
        if not match["nothing"]:
            text = match[0]
            yield _Token(text, "" if text[0] in "\"'`[" else text.upper(), *match.span())


def _until_closed(tokens: list[_Token], stop: str = "") -> Iterator[_Token]:
    """The tokens up to the bracket that closes what was open, or up to `stop` outside of any other bracket."""
    depth = 0
    for token in tokens:
        if depth == 0 and token.word in (")", stop or ")"):
            return
        depth += (token.word == "(") - (token.word == ")")
        yield token
