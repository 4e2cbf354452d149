"""How a command names people: keys, identifiers, or a file of them."""

from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from slett.requests.service import Service
    from slett.requests.subject import Subject

Named = list[tuple[str, str]]  # ("key", value) or (identifier, value)


def names_people(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the arguments and options that name people, as one list `named` and a `root`."""

    @click.argument("keys", nargs=-1, metavar="[KEY]...")
    @click.option("--email", "emails", multiple=True, metavar="ADDRESS", help="Name a person by e-mail address.")
    @click.option(
        "--by", "pairs", multiple=True, metavar="NAME=VALUE", help="Name a person by any identifier of the map."
    )
    @click.option(
        "--from",
        "source",
        type=click.File("r", encoding="utf-8"),
        help="Read people from a file, or - for standard input: a key or NAME=VALUE a line.",
    )
    @click.option("--root", default="", metavar="TABLE", help="The root that keys are of; the map's first by default.")
    @wraps(command)
    def wrapped(
        keys: tuple[str, ...], emails: tuple[str, ...], pairs: tuple[str, ...], source: TextIO | None, **rest: Any
    ) -> Any:
        named: Named = [("key", key) for key in keys]
        named += [("email", address) for address in emails]
        named += [_pair(pair) for pair in pairs]
        if source is not None:
            named += _lines(source)
        if not named:
            raise click.UsageError("name at least one person: a key, --email, --by NAME=VALUE or --from FILE")
        return command(named=named, **rest)

    return wrapped


def find_subjects(service: "Service", named: Iterable[tuple[str, str]], root: str) -> "list[Subject]":
    """The subjects, each once, in the order in which they were named."""
    from slett.requests.subject import by_identifier, by_key

    found = [
        by_key(service.plan, value, root) if kind == "key" else by_identifier(service.plan, kind, value)
        for kind, value in named
    ]
    return list(dict.fromkeys(found))


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise click.UsageError("write --by NAME=VALUE, for example --by phone=…")
    return name.strip(), value.strip()


def _lines(source: TextIO) -> Iterator[tuple[str, str]]:
    try:
        for line in source:
            if text := line.strip():
                yield _pair(text) if "=" in text else ("key", text)
    except UnicodeDecodeError:
        raise click.UsageError("what --from names is not a text in UTF-8") from None
