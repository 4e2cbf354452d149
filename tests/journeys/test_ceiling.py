"""A wrong map cannot empty a table: what would touch too much is refused, and touches nothing."""

import pytest
import sqlalchemy as sa

from slett.requests.erase import Outcome
from slett.stores.schema import Dialect
from tests.journeys.numbers import numbers
from tests.journeys.scene import Scene, engine_of

MAP = """
users:
  root: true
  action: delete
clicks:
  references: [{column: user_id, to: users}]
  action: delete
"""


@pytest.fixture
def shop(scene: Scene, dialect: Dialect) -> Scene:
    """1,200 clicks of Kari, 800 of Ola and none of Per."""
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY)",
        "CREATE TABLE clicks (id INT PRIMARY KEY, user_id INT NOT NULL REFERENCES users (id))",
        "INSERT INTO users VALUES (1), (2), (3)",
        f"INSERT INTO clicks SELECT i, 1 FROM {numbers(dialect, 1_200)}",
        f"INSERT INTO clicks SELECT i + 1200, 2 FROM {numbers(dialect, 800)}",
    )
    count_rows(scene, dialect)
    return scene


def count_rows(scene: Scene, dialect: Dialect) -> None:
    """Let the database see how large its tables are."""
    analyse = {"postgresql": "ANALYZE", "mariadb": "ANALYZE TABLE users, clicks", "sqlite": "ANALYZE"}[dialect]
    engine = engine_of(scene.urls["shop"])
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(sa.text(analyse))
    engine.dispose()


def refused(scene: Scene, *keys: int) -> Outcome:
    """The outcome of the first, who is refused, and nothing has changed."""
    before = scene.snapshot()
    outcomes = scene.erase(*keys)
    assert outcomes[0].state == "refused"
    assert scene.snapshot() == before
    return outcomes[0]


def test_too_many_rows_are_refused(shop: Scene) -> None:
    shop.map("ceiling: {rows: 1000, share: 1.0}", shop=MAP)
    outcome = refused(shop, 1)
    assert "1201 rows" in outcome.reason
    assert "ceiling of 1000" in outcome.reason
    assert outcome.certificate is None


def test_too_large_a_share_of_a_table_is_refused(shop: Scene) -> None:
    shop.map("ceiling: {rows: 10000, share: 0.5}", shop=MAP)
    outcome = refused(shop, 1)
    assert "shop/clicks" in outcome.reason
    assert "50%" in outcome.reason


def test_the_ceiling_stands_when_nobody_wrote_one(shop: Scene) -> None:
    shop.map(shop=MAP)
    assert "50%" in refused(shop, 1).reason


@pytest.mark.parametrize("ceiling", ["{rows: 1201, share: 0.9}", "{rows: 50000, share: 1.0}"])
def test_who_raises_the_ceiling_may_go(shop: Scene, ceiling: str) -> None:
    shop.map("ceiling: {rows: 1000, share: 0.1}", shop=MAP)
    refused(shop, 1)
    shop.map(f"ceiling: {ceiling}", shop=MAP)
    (outcome,) = shop.erase(1)
    assert (outcome.state, outcome.rows) == ("fulfilled", 1_201)
    assert shop.rows("SELECT count(*), min(user_id), min(id), max(id) FROM clicks") == [(800, 2, 1_201, 2_000)]


def test_a_share_of_a_small_table_says_nothing(shop: Scene, dialect: Dialect) -> None:
    """Whoever wrote all three reviews of a young shop may go."""
    shop.sql("DELETE FROM clicks WHERE id > 900")
    count_rows(shop, dialect)
    shop.map(shop=MAP)
    (outcome,) = shop.erase(1)
    assert (outcome.state, outcome.rows) == ("fulfilled", 901)


def test_the_ceiling_is_each_persons_own(shop: Scene) -> None:
    """Together they would touch all of it, and one alone is too many."""
    shop.map("ceiling: {rows: 1000, share: 1.0}", shop=MAP)
    kari, ola, per = shop.erase(1, 2, 3)
    assert (kari.state, ola.state, per.state) == ("refused", "fulfilled", "fulfilled")
    assert shop.rows("SELECT count(*), min(user_id), max(user_id) FROM clicks") == [(1_200, 1, 1)]
    assert shop.rows("SELECT id FROM users") == [(1,)]


def test_a_table_that_was_never_counted_has_a_ceiling_too(scene: Scene, dialect: Dialect) -> None:
    """A database that keeps no estimate yet must not be taken for an empty one."""
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY)",
        "CREATE TABLE clicks (id INT PRIMARY KEY, user_id INT NOT NULL REFERENCES users (id))",
        "INSERT INTO users VALUES (1), (2)",
        f"INSERT INTO clicks SELECT i, 1 FROM {numbers(dialect, 2_000)}",
    )
    scene.map(shop=MAP)
    refused(scene, 1)
