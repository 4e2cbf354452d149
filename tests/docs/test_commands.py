"""Every command and option is documented, and none is that does not exist."""

import re
from collections.abc import Iterator

import click
import pytest

from slett.cli import main
from slett.cli.errors import FAILED, NOT_FOUND, PARTLY
from tests.docs.pages import PAGES, blocks, first_cells, page, section, spans

COMMANDS = page("commands")
WORD = re.compile(r"[a-z]+")
OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")


def tree(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by what one types."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from tree(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


LEAVES = dict(tree(main))


def options(command: click.Command) -> set[str]:
    named = [option for each in command.params if isinstance(each, click.Option) for option in each.opts]
    return {*named, "-h", "--help"}


def lines_typed() -> Iterator[tuple[str, str]]:
    """(page, what one types after `slett`), wherever it is shown."""
    for name, text in PAGES.items():
        shown = [line for _, content in blocks(text) for line in content.splitlines()]
        shown += [line.strip() for line in text.splitlines() if line.startswith("    ")]
        for line in [*shown, *spans(text)]:
            for typed in re.findall(r"(?:^|\$ |\| )slett ([^|#;]*)", line.strip()):
                yield name, typed.strip()


@pytest.mark.parametrize("name", LEAVES)
def test_every_command_has_its_own_section(name: str) -> None:
    text = section(COMMANDS, f"## slett {name}")
    assert f"`slett {name}" in text
    assert re.search(r"Status: (as|0)", text), "which exit statuses?"


@pytest.mark.parametrize("name", LEAVES)
def test_every_option_is_explained_where_its_command_is(name: str) -> None:
    text = section(COMMANDS, f"## slett {name}")
    people = "" if name == "map" else section(COMMANDS, "## Naming people")
    told = set(OPTION.findall(text + people))
    assert options(LEAVES[name]) - told - {"-h", "--help"} == set()


def test_the_options_before_a_command_are_explained() -> None:
    above = COMMANDS.partition("## Exit status")[0]
    assert (options(main) | {"--version"}) - set(OPTION.findall(above)) == set()


def test_every_exit_status_is_explained_and_no_other() -> None:
    told = {int(cell) for cell in first_cells(section(COMMANDS, "## Exit status")) if cell.isdigit()}
    assert told == {0, click.UsageError.exit_code, FAILED, NOT_FOUND, PARTLY}


def test_no_page_shows_a_command_or_option_that_is_not_there() -> None:
    wrong = []
    typed = list(lines_typed())
    for name, line in typed:
        words = [word for word in line.split() if not word.startswith("-")]
        command: click.Command = main
        while isinstance(command, click.Group) and words and WORD.fullmatch(words[0]):
            found = command.commands.get(words.pop(0))
            if found is None:
                break
            command = found
        else:
            found = command
        known = options(main) | options(command) | {"--version"}
        if found is None or set(OPTION.findall(line)) - known:
            wrong.append((name, line))
    assert wrong == []
    assert len(typed) > 100, "they are looked for in the wrong way"


def test_no_page_explains_an_option_that_is_not_there() -> None:
    known = options(main) | {"--version"} | {option for each in LEAVES.values() for option in options(each)}
    others = {"--no-build-isolation"}  # pip's
    alone = {(name, span) for name, text in PAGES.items() for span in spans(text) if OPTION.fullmatch(span)}
    assert {(name, span) for name, span in alone if span not in known | others} == set()
