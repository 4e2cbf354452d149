"""What is searched for: what persons are known by, in every spelling that a database may hold it in.

Two steps, because one pass over a database must not understand each text: `patterns` are the bytes that a place has in
it if the needle may be there, and `Reading` then looks at that place letter by letter. A needle is somebody's: no part
of it is printed, logged or written down.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice, product
from unicodedata import normalize
from urllib.parse import quote, unquote

LEAST = 5  # characters: what is shorter is found everywhere
DIGITS = range(6, 16)  # of a telephone number, without its country's code
LETTERS = 4  # beyond ASCII, for which each way of writing them large and small is tried
_PHONE = re.compile(r"(?:\+|00)?[\d\s().\-/\u00a0]+")
_GAP = r"[\s().\-/\u00a0]{0,3}"
_GAPS = (" ", "\u00a0", "-", ".")
_GROUPS = {6: "222 33", 7: "322 34", 8: "2222 323 44", 9: "333 3222 2322 234", 10: "334 22222 433 3322"}
# Country codes that are one digit or two (ITU-T E.164); the others are three.
_SHORT = re.compile(r"[17]|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]")
_ESCAPE = re.compile(r"\\(u[0-9a-f]{4}|.)", re.DOTALL)
_UNESCAPED = re.compile(r"[A-Za-z0-9_.~@-]*")  # what neither JSON escapes nor an address, but for the @
_SPACES = dict.fromkeys("nrtbfv", " ")


@dataclass(frozen=True, slots=True)
class Needle:
    """One text that says who somebody is, and whom."""

    text: str = field(repr=False)
    people: frozenset[int] = frozenset()  # their numbers: two may share a telephone

    @property
    def is_plain(self) -> bool:
        """Whether it says enough: so short a text, or number, would be found everywhere."""
        if re.fullmatch(r"[\d\W]*", self.text):
            return sum(each.isdigit() for each in self.text) >= DIGITS[0]
        return len(self.text) >= LEAST


def gather(known: Iterable[tuple[int, str]]) -> tuple[list[Needle], int]:
    """(the needles, how many texts say too little to be one), from (person's number, what they are known by)."""
    people: dict[str, set[int]] = {}
    for number, text in known:
        people.setdefault(fold_text(text.strip()), set()).add(number)
    made = [Needle(text, frozenset(numbers)) for text, numbers in people.items() if text]
    told = [each for each in made if each.is_plain]
    return told, len(made) - len(told)


def fold_text(text: str) -> str:
    """The text with letter case folded, and letters composed."""
    return normalize("NFC", normalize("NFC", text).lower())


def fold_bytes(block: bytes) -> bytes:
    """A block as patterns are matched with it: a–z for A–Z, and one backslash for several.

    Several stand where escaped text was escaped again: by COPY, or as JSON within JSON.
    """
    block = block.lower()
    while b"\\\\" in block:
        block = block.replace(b"\\\\", b"\\")
    return block


# -- the first step: bytes ------------------------------------------------------------------------------


def patterns(needle: Needle) -> set[bytes]:
    """What a block, folded, has in it wherever the needle may be."""
    texts = {needle.text, *_grouped(needle.text)}
    return {fold_bytes(each.encode()) for text in texts for form in _forms(text) for each in _escaped(form)}


def _forms(text: str) -> Iterator[str]:
    """Large and small letters, composed or not; only of letters beyond ASCII, since the others are folded."""
    if text.isascii():
        yield text
        return
    beyond = [place for place, letter in enumerate(text) if not letter.isascii() and letter.upper() != letter]
    if len(beyond) > LETTERS:
        forms = {text, text.upper(), text.title()}
    else:
        forms = set()
        for large in product((False, True), repeat=len(beyond)):
            letters = list(text)
            for place, is_large in zip(beyond, large, strict=True):
                letters[place] = letters[place].upper() if is_large else letters[place]
            forms.add("".join(letters))
    for form in forms:
        yield from {normalize("NFC", form), normalize("NFD", form)}


def _escaped(text: str) -> Iterator[str]:
    yield text
    if _UNESCAPED.fullmatch(text):
        yield text.replace("@", "%40")
        return
    for ascii_only in (False, True):
        escaped = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield escaped
        yield escaped.replace("/", "\\/")
        yield escaped.replace("+", "\\u002b").replace("'", "\\u0027").replace("&", "\\u0026")
    for safe in ("", "@", "@+", "@+/"):
        escaped = quote(text, safe=safe)
        yield escaped
        yield escaped.replace("%20", "+")


def _grouped(text: str) -> Iterator[str]:
    """A telephone number without its country's code, in the groups in which it is written."""
    if (parts := phone_parts(text)) is None:
        return
    number = parts[1]
    yield number
    for groups in (_own_groups(text, number), *_usual_groups(number)):
        yield from (gap.join(groups) for gap in _GAPS)


def _own_groups(text: str, number: str) -> list[str]:
    """The groups that it has already, without those of the country's code."""
    groups = re.findall(r"\d+", text)
    excess = sum(map(len, groups)) - len(number)
    while excess:
        dropped = min(excess, len(groups[0]))
        groups[0] = groups[0][dropped:]
        groups, excess = groups if groups[0] else groups[1:], excess - dropped
    return groups


def _usual_groups(number: str) -> Iterator[list[str]]:
    for sizes in _GROUPS.get(len(number), "").split():
        letters = iter(number)
        yield ["".join(islice(letters, int(size))) for size in sizes]


def phone_parts(text: str) -> tuple[str, str] | None:
    """(country's code or nothing, the rest without a leading 0) of a telephone number; None if it is none."""
    if not _PHONE.fullmatch(text):
        return None
    digits = re.sub(r"\D", "", text)
    code = ""
    if text.startswith(("+", "00")):
        digits = digits.removeprefix("00")
        short = _SHORT.match(digits)
        code = short[0] if short else digits[:3]
    number = digits[len(code) :].removeprefix("0")
    return (code, number) if len(number) in DIGITS else None


# -- the second step: letters ---------------------------------------------------------------------------


def expression(needle: Needle) -> re.Pattern[str]:
    """The needle, standing for itself: not within a longer word, address or number."""
    whole = rf"(?<!\w){re.escape(needle.text)}(?!\w)"
    if "@" in needle.text:
        whole = rf"(?<!\w[.+\-]){whole}(?![.\-]\w)"
    elif parts := phone_parts(needle.text):
        code, number = parts
        before = rf"(?:(?:\+|00)?{code}{_GAP})?" if code else rf"(?:(?:\+|00)\d{{1,3}}{_GAP})?"
        whole = rf"(?<!\w){before}0?{_GAP}{_GAP.join(number)}(?!\w)|{whole}"
    return re.compile(whole)


def readings(cell: bytes) -> list[str]:
    """A folded cell, as it is and without its escapes."""
    text = cell.decode("utf-8", "replace")
    found = [text]
    if "\\" in text:
        found.append(_joined(_ESCAPE.sub(_unescaped, text)))
    for written in [each for each in found if "%" in each]:
        found.append(unquote(written))
        if "@" not in written:  # as forms write it: elsewhere + is part of an address
            found.append(unquote(written.replace("+", " ")))
    return [fold_text(each) for each in found]


def _unescaped(found: re.Match[str]) -> str:
    letter = found[1]
    return chr(int(letter[1:], 16)) if len(letter) > 1 else _SPACES.get(letter, letter)


def _joined(text: str) -> str:
    """Halves of a letter that JSON writes as two, put together."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def find(cell: bytes, wanted: Mapping[int, re.Pattern[str]]) -> set[int]:
    """Which of these needles are in the cell, by number."""
    texts = readings(cell)
    return {number for number, needle in wanted.items() if any(needle.search(text) for text in texts)}
