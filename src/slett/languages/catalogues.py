"""Keeping the catalogues true to the sources: which sentences there are, and a line in every catalogue for each."""

import re
from collections.abc import Iterator
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from slett.languages.translator import SOURCE, TAGS

PACKAGE = Path(str(files("slett")))
KEYWORDS = {"_": None, "N_": None, "ngettext": (1, 2)}
TEMPLATES = (".html", ".txt")  # of Jinja
VALUE = re.compile(r"\{\w*\}")


def sentences(package: Path = PACKAGE) -> Catalog:
    """Every sentence that a person may read, and in which files it stands."""
    found = Catalog()
    for path in sorted(package.rglob("*")):
        name = path.relative_to(package).as_posix()
        if path.suffix == ".py":
            with path.open("rb") as source:
                for line, message, comments, _ in extract("python", source, KEYWORDS, ("Translators:",)):
                    _add(found, name, line, message, comments)
        elif path.suffix in TEMPLATES:
            with path.open("rb") as source:
                for line, message, comments in _of_template(source):
                    _add(found, name, line, message, comments)
    return found


def _of_template(source: BinaryIO) -> Iterator[tuple[int, Any, list[str]]]:
    options = {"encoding": "utf-8", "silent": "false"}
    for line, function, message, comments in babel_extract(source, list(KEYWORDS), ["Translators:"], options):
        wanted = message[:2] if function == "ngettext" and isinstance(message, tuple) else _first(message)
        if wanted:
            yield line, wanted, comments


def _first(message: Any) -> Any:
    return message[0] if isinstance(message, tuple) else message


def _add(found: Catalog, name: str, line: int, message: Any, comments: list[str]) -> None:
    found.add(message, locations=[(name, line)], auto_comments=comments)


def catalogue_of(tag: str, package: Path = PACKAGE) -> Path:
    """The file of a language."""
    return package / "languages" / f"{tag}.po"


def update(package: Path = PACKAGE) -> None:
    """Write every sentence into every catalogue; translations stay, those of sentences that are gone do not."""
    template = sentences(package)
    for tag in TAGS:
        if tag != SOURCE:
            path = catalogue_of(tag, package)
            path.write_text(updated(path.read_text(encoding="utf-8"), tag, template), encoding="utf-8")


def problems(text: str, tag: str, template: Catalog) -> list[str]:
    """What is wrong with a catalogue: sentences that are missing, half translated, or name other values."""
    catalogue = read_po(BytesIO(text.encode()), locale=tag)
    return [
        f"{tag}: `{_ways(wanted.id)[0]}`: {problem}"
        for wanted in template
        if wanted.id and (problem := _problem(wanted, catalogue.get(wanted.id), catalogue.num_plurals))
    ]


def _problem(wanted: Message, found: Message | None, plurals: int) -> str:
    if found is None or found.pluralizable != wanted.pluralizable:
        return "not in the catalogue; run `make languages`"
    sentences = _ways(found.string)
    if not all(sentence.strip() for sentence in sentences):
        return "not translated"
    if found.pluralizable and len(sentences) != plurals:
        return f"has {len(sentences)} forms of {plurals}"
    if any("<" in sentence for sentence in sentences):
        return "holds markup; put it in as a value"
    values = set(VALUE.findall(_ways(wanted.id)[-1]))
    optional = {"{count}"} if found.pluralizable else set()  # "one row" needs no number
    for sentence in sentences:
        if not values - optional <= set(VALUE.findall(sentence)) <= values:
            return f"must name {', '.join(sorted(values)) or 'no value'}, and no other"
    return ""


def _ways(text: Any) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def updated(text: str, tag: str, template: Catalog) -> str:
    """A catalogue with the sentences of the template, and no dates or line numbers: its header stays as it is."""
    header, _, _ = text.partition("\n\n")
    catalogue = read_po(BytesIO(text.encode()), locale=tag)
    catalogue.update(template, no_fuzzy_matching=True)
    written = BytesIO()
    write_po(
        written, catalogue, width=110, omit_header=True, sort_by_file=True, ignore_obsolete=True, include_lineno=False
    )
    return f"{header}\n\n{written.getvalue().decode().strip()}\n"
