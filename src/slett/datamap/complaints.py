"""What pydantic says about a document, in this project's sentences and with the place in the file."""

import re
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from slett.datamap.document import (
    BackupsEntry,
    BlockEntry,
    CeilingEntry,
    Document,
    Entry,
    RecipientEntry,
    ReferenceEntry,
    RuleEntry,
    StoreEntry,
    TableEntry,
    UntilDate,
    UntilParent,
)
from slett.datamap.problem import Code, Problem, listed, quoted, suggestion
from slett.datamap.source import Path, Source

EXPECTED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping: names, each with what belongs to it",
    "model_type": "a mapping: names, each with what belongs to it",
    "string_too_short": "a text that is not empty",
    "too_short": "at least one entry",
}


def problems_of(error: ValidationError, source: Source) -> Iterator[Problem]:
    """One problem for everything that pydantic found wrong with the values of `source`."""
    for details in error.errors(include_url=False, include_input=False):
        yield _problem(details, source)


def _problem(details: ErrorDetails, source: Source) -> Problem:
    path, kind = _path(details["loc"], source.values), details["type"]
    name = str(details["loc"][-1]) if details["loc"] else ""
    code: Code = "wrong-value"
    hint = ""
    context = details.get("ctx", {})
    if kind == "missing":
        code, message = "missing-key", f"{_subject(path)} has no {quoted(name)}"
        hint = f"write {quoted(name + ': …')}"
    elif kind == "extra_forbidden":
        code, message = "unknown-key", f"{_subject(path[:-1])} has no key {quoted(name)}"
        hint = suggestion(name, _keys(path[:-1]))
    elif kind == "literal_error":
        options = re.findall(r"'([^']*)'", context["expected"]) or [context["expected"].lower()]
        value = source.get(path)
        message = f"{quoted(path[-1])} cannot be {_shown(value)}"
        hint = suggestion(value if isinstance(value, str) else "", options)
    elif kind == "string_pattern_mismatch":
        if path[:1] == ("stores",) and len(path) == 2:
            message = f"{quoted(path[-1])} is not a name: letters, digits, `_` and `-`, and a letter first"
            hint = "choose a short name for the store; its address goes under `url`"
        else:
            message = f"{quoted(path[-1])} is not a language tag"
            hint = "write the language as in `nb`, `en` or `pt-BR`"
    elif kind in EXPECTED:
        message = f"{_subject(path)} must be {EXPECTED[kind]}, not {_shown(source.get(path))}"
        hint = _hint(kind, path)
    elif kind in ("greater_than", "greater_than_equal", "less_than_equal"):
        message = f"{_subject(path)} must be {details['msg'].removeprefix('Input should be ')}"
    else:
        message = f"{_subject(path)}: {details['msg']}"
    return Problem(code, "error", source.at(path), message, hint)


def _path(loc: tuple[str | int, ...], values: Any) -> Path:
    """The part of pydantic's location that is in the file: it also names the members of its unions."""
    path: list[str | int] = []
    for step in loc:
        known = isinstance(values, dict | list) and step in (values if isinstance(values, dict) else range(len(values)))
        if known:
            values = values[step]
            path.append(step)
    return tuple(path)


def _subject(path: Path) -> str:
    match path:
        case ():
            return "the map"
        case ("stores", store):
            return f"store {quoted(store)}"
        case ("stores", _, "tables", table):
            return f"table {quoted(table)}"
        case ("stores", _, "tables", _, "references", int()):
            return "this reference"
        case ("stores", _, "tables", _, "blocks", int()):
            return "this block"
        case (*_, int()):
            return "this item"
        case _:
            return quoted(path[-1])


def _entries(path: Path) -> tuple[type[Entry], ...]:
    """The kinds of entry that can stand at that place of the file."""
    match path:
        case ():
            return (Document,)
        case ("ceiling",):
            return (CeilingEntry,)
        case ("backups",):
            return (BackupsEntry,)
        case ("recipients", int()):
            return (RecipientEntry,)
        case ("stores", _):
            return (StoreEntry,)
        case ("stores", _, "tables", _):
            return (TableEntry,)
        case (*_, "until"):
            return (UntilDate, UntilParent)
        case (*_, "references", int()):
            return (ReferenceEntry,)
        case (*_, "blocks", int()):
            return (BlockEntry,)
        case _:
            return (RuleEntry,)


def _keys(path: Path) -> list[str]:
    return [field.alias or name for entry in _entries(path) for name, field in entry.model_fields.items()]


def _shown(value: object) -> str:
    """The kind of a value, or the value where it is short and plain: never a whole text, it may be a URL."""
    match value:
        case None:
            return "empty"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case bool():
            return str(value).lower()
        case str():
            return quoted(value)
        case _:
            return str(value)


def _hint(kind: str, path: Path) -> str:
    match kind, path:
        case "string_type", (*_, "column"):
            return "write one name, or use `columns: […]` for a composite reference"
        case "string_type", _:
            return 'put it in quotes if it is meant as text: "…"'
        case "bool_type", _:
            return f"choose one of {listed(('true', 'false'))}"
        case _:
            return ""
