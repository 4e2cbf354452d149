"""The statements of a plan, as each database gets them, beside how they were: `golden/*.sql`.

After a change that is meant, write them anew with `SLETT_UPDATE_GOLDEN=1` and read the difference.
"""

import os
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from sqlalchemy import create_mock_engine, make_url
from sqlglot import expressions

from slett.plan import Plan
from slett.plan.model import Round
from slett.stores.conditions import Conditions
from slett.stores.dialect import parse_url
from slett.stores.keytables import column_types
from slett.stores.known import Inline, KeyTable, Listed, Stored
from slett.stores.operations import KeySet
from slett.stores.schema import Dialect
from slett.stores.statements import Statements
from tests.plan.shop import plan, schema

GOLDEN = Path(__file__).parent / "golden"
DRIVERS: dict[Dialect, str] = {"postgresql": "postgresql+psycopg", "mariadb": "mysql+pymysql", "sqlite": "sqlite"}
GRAMMARS: dict[Dialect, str] = {"postgresql": "postgres", "mariadb": "mysql", "sqlite": "sqlite"}
MODES = ("inline", "tables")
FILES = [*((dialect, mode) for dialect in DRIVERS for mode in MODES), ("postgresql", "listed")]


def statements(dialect: Dialect, mode: str) -> tuple[Plan, Statements]:
    """The maker of statements for one person or a few, whose keys travel inside, or for many."""
    found, shop = plan(dialect), schema(dialect)
    known: dict[str, Inline | KeyTable] = {}
    for number, keys in enumerate([*found.keysets.values(), *found.free_keysets], 1):
        known[keys.name] = _known(keys, number, mode)
    store, _ = parse_url("shop", f"{dialect}://")
    conditions = Conditions(store, shop, known, date(2026, 11, 22), b"key")
    for number, keys in enumerate([*found.keysets.values(), *found.free_keysets] if mode == "listed" else [], 1):
        types = column_types(keys, conditions, "shop")
        known[keys.name] = Listed(keys.columns, keys.families, f"slett_list_{number}", keys.name, types)
    engine: Any = create_mock_engine(make_url(f"{DRIVERS[dialect]}://"), lambda *_: None)
    return found, Statements("shop", store, conditions, engine, {})


def _known(keys: KeySet, number: int, mode: str) -> Inline | KeyTable:
    if mode == "inline":
        return Inline(keys.columns, keys.families, [tuple(range(1, len(keys.columns) + 1))])
    return Stored(keys.columns, keys.families, f"slett_keys_{number}")


def lines(dialect: Dialect, mode: str) -> Iterator[str]:
    found, made = statements(dialect, mode)
    for number, each in enumerate(found.rounds, 1):
        again = ", until nothing new is found" if each.repeat else ""
        yield f"-- round {number}{again}\n"
        yield from _collected(found, made, each)
    for step in found.steps:
        yield f"-- {step.phase}: {step.what} {step.table}, {step.why}"
        yield _layout(made.change(step.change).text)


def _collected(found: Plan, made: Statements, each: Round) -> Iterator[str]:
    for collect in each.collects:
        yield f"-- collect {collect.into}"
        yield _layout(made.keys(collect.rows, found.keysets[collect.into].columns, 501).text)


def _layout(text: str) -> str:
    return re.sub(r" *\n", "\n", text) + ";\n"


@pytest.mark.parametrize(("dialect", "mode"), FILES)
def test_the_statements_are_as_they_were(dialect: Dialect, mode: str) -> None:
    file = GOLDEN / f"{dialect}.{mode}.sql"
    text = "\n".join(lines(dialect, mode))
    if os.environ.get("SLETT_UPDATE_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize(("dialect", "mode"), FILES)
def test_every_delete_and_update_has_a_where_as_another_parser_reads_it(dialect: Dialect, mode: str) -> None:
    found, made = statements(dialect, mode)
    for step in found.steps:
        text = made.change(step.change).text.replace("%%", "%").replace("%s", "?")
        (tree,) = sqlglot.parse(text, dialect=GRAMMARS[dialect])
        assert isinstance(tree, expressions.Delete | expressions.Update)
        where = tree.args.get("where")
        assert where is not None
        assert list(where.find_all(expressions.Column))


def test_there_is_no_golden_file_too_many() -> None:
    assert {file.name for file in GOLDEN.iterdir()} == {f"{dialect}.{mode}.sql" for dialect, mode in FILES}
