"""How an entry of the log is spelled: RFC 8785, for the little that an entry may hold.

For text, whole numbers, truth values and nulls, in lists and under ASCII names, and for nothing else, it is what
Python's own JSON makes.
"""

import json
from collections.abc import Iterable, Mapping

from slett.ledger.errors import LedgerError

EXACT = 2**53  # whole numbers below it are the same in every reader of JSON

_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode


def canonical(entry: Mapping[str, object]) -> bytes:
    """The RFC 8785 bytes of text, whole numbers, truth values and nulls, in lists and under ASCII names.

    Raises:
        LedgerError: there is something else in it.
    """
    return _plain(entry).encode()


def canonical_all(entries: Iterable[Mapping[str, object]]) -> list[bytes]:
    """The same of each entry. What several of them hold, the very same object, is spelled once.

    Raises:
        LedgerError: as `canonical`.
    """
    held = list(entries)  # and with them all that is in them: no object takes another's place meanwhile
    if len(held) == 1:
        return [canonical(held[0])]
    known: dict[int, str] = {}
    names: dict[str, str] = {}
    return [_spelled(entry, known, names).encode() for entry in held]


def _spelled(value: object, known: dict[int, str], names: dict[str, str]) -> str:
    get = known.get  # this runs for every value of every certificate
    if type(value) is dict:
        if not names.keys() >= value.keys() or not all(type(name) is str for name in value):
            _plain(dict.fromkeys(value))
            names.update((name, f"{_encode(name)}:") for name in value)
        parts = [names[name] + (get(id(value[name])) or _spelled(value[name], known, names)) for name in sorted(value)]
        text = "{" + ",".join(parts) + "}"
    elif type(value) is list:
        text = "[" + ",".join([get(id(each)) or _spelled(each, known, names) for each in value]) + "]"
    elif isinstance(value, dict | list):
        return _plain(value)  # nobody knows how long what it hands out is there
    else:
        text = _plain(value)
    known[id(value)] = text
    return text


def _plain(value: object) -> str:
    if not _is_plain(value):
        raise LedgerError("an entry of the log may hold text, whole numbers, truth values and nulls alone")
    return _encode(value)


def _is_plain(value: object) -> bool:
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return True
    if kind is int:
        return -EXACT < value < EXACT  # type: ignore[operator] # its type was just asked for
    if isinstance(value, dict):
        for name, each in value.items():  # no generator: this runs for every value of every certificate
            if type(name) is not str or not name.isascii() or (type(each) is not str and not _is_plain(each)):
                return False
        return True
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return False
