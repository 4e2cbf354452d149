"""One language: sentences, plural forms, dates and numbers, and the phrase that is typed."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from markupsafe import Markup

from slett.languages import TAGS, Translator, translator
from slett.languages.catalogues import catalogue_of
from slett.languages.translator import SOURCE

MINUTES = ("It works once, within {count} minute.", "It works once, within {count} minutes.")


def test_a_sentence_is_said_in_the_language() -> None:
    assert translator("nb")._("We begin at once.") == "Vi begynner med en gang."
    assert translator("en")._("We begin at once.") == "We begin at once."


def test_a_sentence_without_translation_is_said_in_english() -> None:
    assert translator("ar")._("Nobody has translated {this}", this="me") == "Nobody has translated me"


def test_a_language_that_there_is_not_is_an_error() -> None:
    with pytest.raises(KeyError):
        translator("xx")


def test_a_value_is_never_markup_unless_it_says_so() -> None:
    words = translator("en")
    assert words._("{a} & {b}", a="<b>", b="{c}") == "<b> & {c}"
    said = words._("{a} & {b}", a="<b>", b=Markup("<i>x</i>"))
    assert said == Markup("&lt;b&gt; &amp; <i>x</i>")
    assert isinstance(said, Markup)


@pytest.mark.parametrize(
    ("tag", "forms"),
    [
        ("nb", {0: 1, 1: 0, 2: 1}),
        ("fr", {0: 0, 1: 0, 2: 1, 1_000_000: 1}),
        ("se", {0: 2, 1: 0, 2: 1, 3: 2, 102: 2}),
        ("pl", {0: 2, 1: 0, 2: 1, 4: 1, 5: 2, 12: 2, 21: 2, 22: 1, 112: 2, 122: 1}),
        ("ar", {0: 0, 1: 1, 2: 2, 3: 3, 10: 3, 11: 4, 99: 4, 100: 5, 102: 5, 103: 3, 111: 4}),
    ],
)
def test_each_number_has_its_form(tag: str, forms: dict[int, int]) -> None:
    catalogue = translator(tag)._catalogue
    for number, form in forms.items():
        assert catalogue.plural(number) == form, number  # type: ignore[attr-defined]  # of GNUTranslations only


def test_a_number_in_a_sentence_is_written_as_the_language_does() -> None:
    assert translator("de").ngettext("{count} row", "{count} rows", 12345) == "12.345 rows"
    assert translator("pl").ngettext(*MINUTES, 2) == "Działa raz, przez 2 minuty."
    assert translator("pl").ngettext(*MINUTES, 5) == "Działa raz, przez 5 minut."
    assert translator("ar").ngettext(*MINUTES, 2) == "يعمل مرة واحدة، خلال دقيقتين."


@pytest.mark.parametrize(
    ("tag", "day", "moment"),
    [
        ("nb", "4. mars 2026", "4. mars 2026, 16:04 CET"),
        ("se", "njukčamánnu 4. b. 2026", "njukčamánnu 4. b. 2026 16:04 CET"),
        ("en", "4 March 2026", "4 March 2026, 16:04 CET"),
        ("fi", "4. maaliskuuta 2026", "4. maaliskuuta 2026 16.04 CET"),
        ("es", "4 de marzo de 2026", "4 de marzo de 2026, 16:04 CET"),
        ("ar", "4 مارس 2026", "4 مارس 2026، 4:04 م CET"),
    ],
)
def test_days_and_times_are_written_as_the_language_does(tag: str, day: str, moment: str) -> None:
    words = translator(tag)
    assert words.date(date(2026, 3, 4)) == day
    said = words.moment(datetime(2026, 3, 4, 15, 4, tzinfo=UTC), ZoneInfo("Europe/Oslo"))
    assert said.replace("\u202f", " ").replace("\u200f", "") == moment


def test_arabic_runs_from_right_to_left_and_nothing_else_does() -> None:
    assert {tag for tag in TAGS if translator(tag).direction == "rtl"} == {"ar"}


def test_each_language_is_called_by_its_own_name() -> None:
    names = [translator(tag).name for tag in TAGS]
    assert names[:3] == ["Norsk bokmål", "Norsk nynorsk", "Davvisámegiella"]
    assert len(set(names)) == len(TAGS)


@pytest.mark.parametrize("tag", TAGS)
def test_the_phrase_is_accepted_as_people_type_it(tag: str) -> None:
    words = translator(tag)
    phrase = words.phrase
    loose = f" \u200f{phrase.upper().replace(' ', chr(0xA0) + '  ')}\u2069\n"
    assert words.agrees(phrase)
    assert words.agrees(loose)
    assert words.agrees("".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in phrase))
    assert not words.agrees("")
    assert not words.agrees(phrase[:-1])
    assert not words.agrees(phrase + "?")


def test_a_combined_letter_is_the_same_letter() -> None:
    assert translator("sv").agrees("godka\u0308nner")


def test_translators_are_made_once() -> None:
    assert translator("nb") is translator("nb")


@pytest.mark.parametrize("tag", [tag for tag in TAGS if tag != SOURCE])
def test_a_catalogue_says_its_language(tag: str) -> None:
    assert f'"Language: {tag}\\n"' in catalogue_of(tag).read_text(encoding="utf-8")
    assert isinstance(translator(tag), Translator)
