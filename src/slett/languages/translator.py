"""One language: its sentences, its plural forms, and how it writes dates and numbers."""

import gettext
import re
import unicodedata
from datetime import date, datetime, tzinfo
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Literal, Protocol, runtime_checkable

from babel import Locale
from babel.dates import format_date, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from markupsafe import escape

TAGS = (
    "nb",
    "nn",
    "se",
    "sv",
    "da",
    "fi",
    "en",
    "de",
    "fr",
    "es",
    "pl",
    "ar",
)  # in the order in which they are offered
SOURCE = "en"  # the language of the sources: it needs no catalogue

REGIONS = {"en": "en_GB"}  # day before month, and 24 hours, as everywhere else in Europe
DATES = {"se": "MMMM d. 'b'. y"}  # CLDR has a pattern for the months' names only
BIDI = dict.fromkeys(map(ord, "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))


@runtime_checkable
class _Marked(Protocol):
    def __html__(self) -> str: ...


def N_(text: str) -> str:  # noqa: N802 (gettext's own name)
    """The sentence itself: it is to be translated, but not here."""
    return text


class Translator:
    """What a page or a mail needs to speak one language. Immutable; threads may share it. Made by `translator`."""

    def __init__(self, tag: str, catalogue: gettext.NullTranslations) -> None:
        self._catalogue = catalogue
        self._locale = Locale.parse(REGIONS.get(tag, tag))
        self.tag = tag
        self.direction: Literal["ltr", "rtl"] = "rtl" if self._locale.text_direction == "rtl" else "ltr"
        own = Locale.parse(tag).get_display_name() or tag
        self.name = own[0].upper() + own[1:]

    def _(self, sentence: str, /, **values: object) -> str:
        """The sentence in this language, with the values in place of `{name}`.

        A value that is markup makes markup of the sentence; the sentence and its other values are then escaped.
        """
        return _filled(self._catalogue.gettext(sentence), values)

    def ngettext(self, one: str, many: str, number: int, /, **values: object) -> str:
        """The form of the sentence for this number, which stands at `{count}` as the language writes it."""
        found = self._catalogue.ngettext(one, many, number)
        return _filled(found, {"count": self.number(number), **values})

    def date(self, day: date) -> str:
        """A day, written out: `4. mars 2026`."""
        return format_date(day, DATES.get(self.tag, "long"), locale=self._locale)

    def moment(self, at: datetime, zone: tzinfo) -> str:
        """A day and time in that zone, and which zone it is: `4. mars 2026, 15:04 CET`."""
        there = at.astimezone(zone)
        time = f"{format_time(there, 'short', locale=self._locale)} {there.tzname()}"
        pattern = self._locale.datetime_formats["medium"]
        return str(pattern).replace("'", "").format(time, self.date(there.date()))

    def number(self, number: float) -> str:
        """A number, with the language's own separators."""
        return format_decimal(number, locale=self._locale)

    @property
    def phrase(self) -> str:
        """What a person types to agree."""
        return self._("agree")

    def agrees(self, typed: str) -> bool:
        """Whether somebody typed the phrase: letter case, spaces around, and invisible marks do not matter."""
        return _plain(typed) == _plain(self.phrase)


@cache
def translator(tag: str) -> Translator:
    """The translator of one of `TAGS`.

    Raises:
        KeyError: there is no such language.
    """
    if tag not in TAGS:
        raise KeyError(tag)
    return Translator(tag, gettext.NullTranslations() if tag == SOURCE else _compiled(tag))


def _compiled(tag: str) -> gettext.GNUTranslations:
    with files("slett.languages").joinpath(f"{tag}.po").open("rb") as file:
        catalogue = read_po(file, locale=tag)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def _filled(sentence: str, values: dict[str, object]) -> str:
    if any(isinstance(value, _Marked) for value in values.values()):
        return escape(sentence).format(**values)
    return sentence.format(**values) if values else sentence


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", folded).translate(BIDI)).strip()
