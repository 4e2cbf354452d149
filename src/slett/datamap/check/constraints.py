"""What a CHECK constraint says of a value: as far as that is certain from its text.

Decided are conjunctions of comparisons with constants, `IN (…)` and `length(…)`, as the three databases print them.
Everything else is left to a human.
"""

import re
from collections.abc import Iterator
from operator import eq, ge, gt, le, lt, ne

from slett.datamap.model import Rule, Scalar

OPERATORS = {"=": eq, "<>": ne, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}

_TEXT = r"'(?:[^']|'')*'"
_LITERAL = rf"(?:{_TEXT}|-?\d+(?:\.\d+)?)"
_LIST = rf"(?P<list>{_LITERAL}(?:\s*,\s*{_LITERAL})*)"
_NAME = r'\(*[`"]?(?P<name>\w+)[`"]?\)*'
_OPERATOR = r"(?P<operator>=|<>|!=|<=?|>=?)"
_IN = re.compile(rf"{_NAME}\s+IN\s*\(\s*{_LIST}\s*\)", re.I)
_ANY = re.compile(rf"{_NAME}\s*=\s*ANY\s*\(+ARRAY\[\s*{_LIST}\s*\]\)+", re.I)
_LENGTH = re.compile(rf"(?P<unit>char_|character_|octet_)?length\({_NAME}\)\s*{_OPERATOR}\s*(?P<literal>\d+)", re.I)
_COMPARED = re.compile(rf"{_NAME}\s*{_OPERATOR}\s*\(?(?P<literal>{_LITERAL})\)?", re.I)
_NOT_NULL = re.compile(rf"{_NAME}\s+IS\s+NOT\s+NULL", re.I)
_PATTERNS = (_NOT_NULL, _IN, _ANY, _LENGTH, _COMPARED)
_CAST = re.compile(
    r"::(?:character varying|double precision|timestamp with(?:out)? time zone|\w+)(?:\(\d+\))?(?:\[\])?"
)
_CHARSET = re.compile(r"\b_(?:utf8mb[34]|latin1|binary)(?=')", re.I)
_OF_NULL = re.compile(r"\b(?:null|coalesce|ifnull|nullif|case|distinct|concat\w*)\b|<=>", re.I)


def mentions(text: str, column: str) -> bool:
    """Whether the constraint is about that column."""
    return re.search(rf"(?<!\w){re.escape(column)}(?!\w)", re.sub(_TEXT, "''", text), re.I) is not None


def allows(text: str, column: str, rule: Rule) -> bool | None:
    """Whether what the rule writes satisfies the constraint; None when that cannot be told."""
    if rule.how == "null" and not _OF_NULL.search(text):
        return True  # a comparison with null is unknown, and a constraint is violated only by what is false
    text = text.replace("\\'", "''")  # as MariaDB prints a quote within a text
    plain = _CHARSET.sub("", _CAST.sub("", re.sub(r"^\s*CHECK\b", "", text, flags=re.I)))
    parts = [part for part in _conjuncts(plain) if mentions(part, column)]
    verdicts = {_conjunction({_satisfies(part, column, value) for part in parts}) for value in _samples(rule)}
    return verdicts.pop() if len(verdicts) == 1 else None


def _samples(rule: Rule) -> tuple[Scalar, ...]:
    """Values that stand for everything the rule can write; none when too little is known of them."""
    match rule.how:
        case "null":
            return (None,)
        case "constant":
            return (rule.value,)
        case "hash":
            return ("slett-" + "0" * 32,)
        case "template":
            return tuple(re.sub(r"\{[^{}]*\}", key, str(rule.value)) for key in ("1", "9" * 19))
        case _:
            return ()


def _conjunction(verdicts: set[bool | None]) -> bool | None:
    return False if False in verdicts else None if None in verdicts else True


def _conjuncts(text: str) -> Iterator[str]:
    """What the constraint joins by AND, without the parentheses around the whole."""
    text = text.strip()
    masked = re.sub(_TEXT, lambda found: "'" * len(found[0]), text)
    depth = start = 0
    between = False
    closes = []
    for found in re.finditer(r"[()]|\bAND\b|\bBETWEEN\b", masked, re.I):
        word = found[0].upper()
        depth += {"(": 1, ")": -1}.get(word, 0)
        if word == ")" and depth == 0:
            closes.append(found.end())
        elif word == "BETWEEN" and depth == 0:
            between = True
        elif word == "AND" and depth == 0:
            if not between:
                yield from _conjuncts(text[start : found.start()])
                start = found.end()
            between = False
    if start == 0 and masked.startswith("(") and closes == [len(text)]:
        yield from _conjuncts(text[1:-1])
    elif start == 0:
        yield text
    else:
        yield from _conjuncts(text[start:])


def _satisfies(part: str, column: str, value: Scalar) -> bool | None:
    found = next((found for pattern in _PATTERNS if (found := pattern.fullmatch(part))), None)
    if not found or found["name"].casefold() != column.casefold():
        return None
    if found.re is _NOT_NULL:
        return value is not None
    if value is None:
        return True
    if found.re in (_IN, _ANY):
        verdicts = {_compare(value, "=", literal) for literal in re.findall(_LITERAL, found["list"])}
        return True if True in verdicts else None if None in verdicts else False
    if found.re is _LENGTH:
        if not isinstance(value, str):
            return None
        length = len(value.encode()) if found["unit"] == "octet_" else len(value)
        return _compare(length, found["operator"], found["literal"])
    return _compare(value, found["operator"], found["literal"])


def _compare(value: str | float, operator: str, literal: str) -> bool | None:
    """The comparison, where no collation and no conversion has a say in it."""
    if isinstance(value, str) != literal.startswith("'"):
        return None
    if isinstance(value, str):
        text = literal[1:-1].replace("''", "'")
        alike = value.strip().casefold() == text.strip().casefold()
        if operator not in ("=", "<>", "!=") or (alike and value != text):
            return None
        return bool(OPERATORS[operator](value, text))
    return bool(OPERATORS[operator](value, float(literal)))
