"""Whatever has a name in the code has an explanation."""

import re
from importlib import import_module
from pkgutil import walk_packages
from typing import get_args, get_type_hints

import slett
from slett.datamap.model import Action, Kind
from slett.datamap.problem import Code
from slett.ledger.requests import State
from slett.settings import each_setting, variable
from slett.stores.operations import Rule
from tests.docs.pages import PAGES, anchors, first_cells, page, section


def exceptions() -> set[str]:
    """The names of all that Slett raises by itself."""
    modules = [
        import_module(module.name)
        for module in walk_packages(slett.__path__, "slett.")
        if ".migrations." not in module.name  # these run when they are imported
    ]
    found = [each for module in modules for each in vars(module).values() if isinstance(each, type)]
    return {each.__name__ for each in found if issubclass(each, Exception) and each.__module__.startswith("slett.")}


def shown(default: object) -> str:
    """A default, as the tables of settings have it."""
    if default in (None, "", ()):
        return "empty"
    text = ",".join(map(str, default)) if isinstance(default, tuple) else str(default)
    return f"`{text.lower() if isinstance(default, bool) else text}`"


def test_every_setting_is_explained_with_its_variable_and_default() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| `(\w+)` \| ([^|]+?) \|", page("settings"), re.M)
    assert rows == [(".".join(path), variable(path), shown(field.default)) for path, field in each_setting()]


def test_no_page_names_a_variable_that_is_no_setting() -> None:
    known = {variable(path) for path, _ in each_setting()}
    named = {(name, word) for name, text in PAGES.items() for word in re.findall(r"\bSLETT_[A-Z_]+\b", text)}
    assert {(name, word) for name, word in named if word not in known} == set()


def test_every_action_is_shown() -> None:
    assert set(get_args(Action)) <= anchors(section(page("actions"), "## Actions"))


def test_every_kind_of_reference_is_shown() -> None:
    assert set(get_args(Kind)) <= anchors(section(page("actions"), "## References"))


def test_every_rule_is_shown() -> None:
    shown = {cell for cell in first_cells(section(page("actions"), "## Rules")) if cell.isalpha()}
    assert shown == {*get_args(get_type_hints(Rule)["how"]), "rule"}


def test_every_state_of_a_request_is_explained() -> None:
    told = list(first_cells(section(page("glossary"), "## States of a request")))[2:]
    assert told == list(get_args(State))


def test_every_problem_is_explained() -> None:
    assert set(get_args(Code)) <= set(first_cells(page("data-map")))


def test_every_exception_is_explained_and_no_other() -> None:
    told = {cell for cell in first_cells(page("errors")) if re.fullmatch(r"[A-Z]\w+", cell)}
    assert told == exceptions()


def test_every_decision_is_short_and_listed() -> None:
    records = {name.rpartition("/")[2]: text for name, text in PAGES.items() if re.match(r"docs/decisions/\d", name)}
    assert re.findall(r"\((\d{4}-[\w-]+\.md)\)", page("decisions/README")) == sorted(records)
    for text in records.values():
        assert len(text.splitlines()) <= 25
        assert re.findall(r"^\*\*(\w+)\.\*\*", text, re.M) == ["Context", "Decision", "Consequences"]
