"""The catalogues: every sentence, in every language, whole."""

from importlib.resources import files
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog

from slett.languages import TAGS
from slett.languages.catalogues import catalogue_of, problems, sentences, update, updated
from slett.languages.translator import SOURCE

TRANSLATED = [tag for tag in TAGS if tag != SOURCE]
HEADER = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

"""


@pytest.fixture(scope="module")
def template() -> Catalog:
    return sentences()


@pytest.mark.parametrize("tag", TRANSLATED)
def test_every_sentence_is_translated(tag: str, template: Catalog) -> None:
    found = problems(catalogue_of(tag).read_text(encoding="utf-8"), tag, template)
    assert not found, "\n".join(["translate these, after `make languages`:", *found[:20]])


@pytest.mark.parametrize("tag", TRANSLATED)
def test_the_catalogues_are_as_the_tool_writes_them(tag: str, template: Catalog) -> None:
    text = catalogue_of(tag).read_text(encoding="utf-8")
    assert updated(text, tag, template) == text, "run `make languages`"


def test_every_language_has_a_catalogue_and_no_other_one() -> None:
    there = {path.name for path in files("slett.languages").iterdir() if path.name.endswith(".po")}
    assert there == {f"{tag}.po" for tag in TRANSLATED}


def test_sentences_are_found_in_sources_and_templates(template: Catalog) -> None:
    found = {message.id for message in template}
    assert "Other data" in found
    assert "We begin at once." in found
    assert ("It works once, within {count} minute.", "It works once, within {count} minutes.") in found


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ('msgid "{a} and b"\nmsgstr ""', "not translated"),
        ('msgid "{a} and b"\nmsgstr " "', "not translated"),
        ('msgid "{a} and b"\nmsgstr "b"', "must name {a}"),
        ('msgid "{a} and b"\nmsgstr "{a} {b}"', "must name {a}"),
        ('msgid "{a} and b"\nmsgstr "{a.b}"', "must name {a}"),
        ('msgid "{a} and b"\nmsgstr "<b>{a}</b>"', "markup"),
        ('msgid "other"\nmsgstr "x"', "not in the catalogue"),
    ],
)
def test_a_half_translated_sentence_is_named(message: str, problem: str) -> None:
    template = Catalog()
    template.add("{a} and b")
    (found,) = problems(HEADER + message, "nb", template)
    assert found.startswith("nb: `{a} and b`: ")
    assert problem in found


def test_every_plural_form_is_wanted() -> None:
    wanted = Catalog()
    wanted.add(("{count} day", "{count} days"))
    header = HEADER.replace("nplurals=2; plural=(n != 1)", "nplurals=3; plural=(n==1 ? 0 : n==2 ? 1 : 2)")
    message = 'msgid "{count} day"\nmsgid_plural "{count} days"\nmsgstr[0] "a"\nmsgstr[1] "{count} b"\nmsgstr[2] ""'
    (found,) = problems(header + message, "se", wanted)
    assert "not translated" in found
    assert not problems(header + message.replace('""', '"{count} c"'), "se", wanted)


def test_an_update_keeps_what_is_translated_and_drops_what_is_gone(tmp_path: Path) -> None:
    (tmp_path / "languages").mkdir()
    for tag in TRANSLATED:
        old = 'msgid "stays"\nmsgstr "blir"\n\nmsgid "goes"\nmsgstr "går"\n'
        catalogue_of(tag, tmp_path).write_text(HEADER + old, encoding="utf-8")
    (tmp_path / "page.html").write_text('{{ _("stays") }} {{ _("new") }}', encoding="utf-8")
    update(tmp_path)
    once = catalogue_of("nb", tmp_path).read_text(encoding="utf-8")
    update(tmp_path)
    assert catalogue_of("nb", tmp_path).read_text(encoding="utf-8") == once
    assert once == HEADER + '#: page.html\nmsgid "stays"\nmsgstr "blir"\n\n#: page.html\nmsgid "new"\nmsgstr ""\n'
