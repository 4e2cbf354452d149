"""Languages: what a person reads, in theirs.

    words = translator(choose(account="", header="nn-NO,nb;q=0.8", allowed=TAGS, default="nb"))
    words._("Good day, {name}", name="Kari")
    words.ngettext("{count} row", "{count} rows", 1200)       # one thousand two hundred, as the language writes it
    words.date(day), words.moment(at, zone), words.direction   # "4. mars 2026", "…, kl. 15:04 CET", "ltr"

The English sentence is the name of its translations: `<tag>.po` beside this file, one a language, gettext's own format.
A catalogue is compiled in memory the first time somebody reads that language; `python -m slett.languages` brings
the sentences of the sources into all of them, and keeps what is translated.

It promises that a sentence without translation appears in English, never as a gap; and that a value put into a
sentence is never read as markup. It does not say how good a translation is: see docs/languages.md.
"""

from slett.languages.choice import choose
from slett.languages.translator import N_, TAGS, Translator, translator

__all__ = ["N_", "TAGS", "Translator", "choose", "translator"]
