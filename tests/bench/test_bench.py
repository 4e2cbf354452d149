"""Every measurement runs, in miniature, on both databases: so none rots between the days on which somebody measures.

What is printed is not looked at. That all ways of erasing leave the same rows behind, the measurements make sure of.
"""

import importlib
import shutil
from collections.abc import Iterator

import pytest

from bench.all import RUNS
from bench.lab.server import DATABASES, Server, connected, running_server
from bench.lab.shop import MENTIONS, REFERENCES, build, digest
from tests.docs.pages import ROOT

ENOUGH = {"large_person": "mariadb", "memory": "mariadb", "peer": "postgresql"}  # nothing else differs there


@pytest.fixture(scope="module", params=DATABASES)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    try:
        with running_server(request.param, trial=True) as server:
            yield server
    except SystemExit as missing:
        pytest.skip(str(missing))


def test_every_measurement_is_tried() -> None:
    """Whoever adds one to `bench/` adds it to `bench/all.py`, with words that make it quick."""
    assert {each.module for each in RUNS} == {file.stem for file in (ROOT / "bench").glob("[a-z]*.py")} - {"all"}


def test_a_copy_of_the_shop_is_the_same_and_its_own(server: Server) -> None:
    shop = server.create()
    people = build(shop, 2_000)
    before = digest(shop)
    with server.copy(shop) as url:
        assert digest(url) == before
        assert before["people"][0] == people
        with connected(url) as connection:
            connection.execute("DELETE FROM notifications WHERE person_id = 1")
    assert digest(shop) == before


def test_every_row_of_the_shop_is_somebodys(server: Server) -> None:
    """The foreign keys are there, and hold: on MariaDB the rows were not checked when they came in."""
    shop = server.create()
    build(shop, 2_000)
    with connected(shop) as connection:
        ((others,),) = connection.execute("SELECT count(DISTINCT recipient_id) FROM messages WHERE sender_id = 1")
        assert others > 2, "people write to many, not to one"
        for child, column, parent in REFERENCES:
            ((lost,),) = connection.execute(
                f"SELECT count(*) FROM {child} LEFT JOIN {parent} ON {parent}.id = {child}.{column}"
                f" WHERE {parent}.id IS NULL"
            )
            assert lost == 0, (child, column)
            if (child, column) not in MENTIONS:
                with pytest.raises(Exception, match=f"{child}_{column}_fkey"):
                    connection.execute(f"UPDATE {child} SET {column} = -1")


@pytest.mark.slow
def test_every_measurement_runs(server: Server, request: pytest.FixtureRequest) -> None:
    database = request.node.callspec.params["server"]
    for each in RUNS:
        if database not in each.databases or database != ENOUGH.get(each.module, database):
            continue
        if each.needs and not shutil.which(each.needs):
            continue
        module = importlib.import_module(f"bench.{each.module}")
        module.measure(server, module.parser().parse_args([*each.quick.split(), "--database", database]))
