"""Every measurement runs, in miniature, on both databases: so none rots between the days on which somebody measures.

What is printed is not looked at. That all ways of erasing leave the same rows behind, the measurements make sure of.
"""

import importlib
from collections.abc import Iterator

import pytest

from bench.lab.server import DATABASES, Server, connected, running_server
from bench.lab.shop import MENTIONS, REFERENCES, build, digest
from tests.docs.pages import ROOT

TINY = {
    "large_person": "--rows 1000 --size 100 --rounds 1 --skip django",
    "many_people": "--rows 4000 --rounds 1 --sizes 1 3 --without-index undeclared --skip django",
    "memory": "--rows 1000 --sizes 100 1000",
    "one_person": "--rows 2000 --people 1 --sizes 10 --delay 0.1 --skip django row",
    "plan": "--tables 5 --rounds 1",
    "portal": "--open 10 --people 2 --rows 1000 --rounds 2",
    "traffic": "--rows 2000 --size 300 --rounds 1 --seconds 0.5 --loads steady --spreads skewed --skip cascade",
}
ONCE = {"plan", "portal"}  # about Slett rather than about a database


@pytest.fixture(scope="module", params=DATABASES)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    try:
        with running_server(request.param, trial=True) as server:
            yield server
    except SystemExit as missing:
        pytest.skip(str(missing))


def test_every_measurement_is_tried() -> None:
    assert set(TINY) == {file.stem for file in (ROOT / "bench").glob("[a-z]*.py")}


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
    for name, words in TINY.items():
        if name in ONCE and database != DATABASES[0]:
            continue
        module = importlib.import_module(f"bench.{name}")
        module.measure(server, module.parser().parse_args([*words.split(), "--database", database]))
