"""What a watcher is told: never more than there is, never backwards, and in the end all of it."""

from itertools import pairwise

import pytest

from slett.requests.erase import Stage, erase
from slett.stores.schema import Dialect
from tests.journeys.numbers import numbers
from tests.journeys.scene import Scene, subjects

MAP = """
users:
  root: true
  disable: {active: 0}
  action: delete
sessions:
  references: [{column: user_id, to: users}]
  disable: delete
  action: delete
clicks:
  references: [{column: user_id, to: users}]
  action: delete
"""


@pytest.fixture
def shop(scene: Scene, dialect: Dialect) -> Scene:
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, active INT)",
        "CREATE TABLE sessions (id INT PRIMARY KEY, user_id INT)",
        "CREATE TABLE clicks (id INT PRIMARY KEY, user_id INT)",
        "INSERT INTO users VALUES (1, 1), (2, 1), (3, 1)",
        "INSERT INTO sessions VALUES (1, 1), (2, 1), (3, 2), (4, 3)",
        f"INSERT INTO clicks SELECT i, 1 FROM {numbers(dialect, 95)}",
        "INSERT INTO clicks VALUES (1000, 2), (1001, 3)",
    )
    scene.map(shop=MAP)
    return scene


class Seen:
    """Everything that a watcher was told."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.told: list[tuple[Stage, int, int]] = []
        self.late: list[str] = []

    def __call__(self, stage: Stage, done: int, total: int) -> None:
        self.told.append((stage, done, total))
        if stage == "verify" and self.late:
            self.scene.sql(self.late.pop())

    @property
    def changes(self) -> list[tuple[int, int]]:
        return [(done, total) for stage, done, total in self.told if stage == "change"]


@pytest.mark.parametrize("chunk_rows", [10, 5_000])
@pytest.mark.parametrize("people", [[1], [1, 3]], ids=["one", "two"])
@pytest.mark.parametrize("sweeps", [0, 1])
def test_progress_goes_up_to_the_end(shop: Scene, chunk_rows: int, people: list[int], sweeps: int) -> None:
    shop.settings["chunk_rows"] = chunk_rows
    seen = Seen(shop)
    seen.late = [f"INSERT INTO clicks VALUES ({number}, 1)" for number in range(2000, 2000 + sweeps)]
    with shop.open() as service:
        outcomes = erase(service, subjects(service, people), seen)
    assert {outcome.state for outcome in outcomes} == {"fulfilled"}
    assert all(done <= total for done, total in seen.changes)
    assert all(first[0] <= second[0] for first, second in pairwise(seen.changes))
    assert seen.changes[-1][0] == seen.changes[-1][1]
    assert (seen.told[0][0], seen.told[-1][0]) == ("collect", "certify")
    assert shop.rows("SELECT * FROM clicks WHERE user_id = 2") == [(1000, 2)]


def test_rows_that_go_first_are_counted_once(shop: Scene) -> None:
    """Sessions end before anything else: they are not there any more when their table's turn comes."""
    seen = Seen(shop)
    with shop.open() as service:
        kari, per = erase(service, subjects(service, [1, 3]), seen)
    assert (kari.rows, per.rows) == (2 + 95 + 2, 1 + 1 + 2)
