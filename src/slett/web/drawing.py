"""Drawing a page: Jinja templates, everything in them escaped, nothing in them left undefined."""

from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from slett.languages import Translator

STATIC = files("slett.web") / "static"


@cache
def templates() -> Environment:
    """The environment of the templates. What a template says in words comes from the translator it is given."""
    return Environment(
        loader=PackageLoader("slett.web"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def draw(template: str, words: Translator, view: dict[str, Any]) -> str:
    """The page as text."""
    spoken = {
        "words": words,
        "_": words._,
        "ngettext": words.ngettext,
        "date": words.date,
        "number": words.number,
    }
    return templates().get_template(template).render(spoken | view)


@cache
def version_of(name: str) -> str:
    """A mark that changes with a static file: browsers may then keep it for a year."""
    return sha256((STATIC / name).read_bytes()).hexdigest()[:12]
