"""A row of a large step that somebody writes between two of its slices lies elsewhere from then on, and goes too."""

import pytest

from slett.requests.erase import erase
from tests.journeys.scene import Scene, subjects

MAP = """
users: {root: true, action: delete}
posts:
  references: [{column: user_id, to: users}]
  action: delete
"""


@pytest.mark.parametrize("statement", ["UPDATE posts SET seen = seen + 1", "CLUSTER posts USING posts_pkey"])
@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_what_is_moved_meanwhile_goes_in_the_same_pass(scene: Scene, statement: str) -> None:
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY)",
        "CREATE TABLE posts (id INT PRIMARY KEY, user_id INT REFERENCES users, seen INT DEFAULT 0)",
        "INSERT INTO users VALUES (1), (2)",
        "INSERT INTO posts SELECT i, 1 + mod(i, 2) FROM generate_series(200, 1, -1) i",
    )
    scene.map(shop=MAP)
    scene.settings |= {"chunk_rows": 20, "chunk_seconds": 3600, "sweeps": 1}
    moved: list[int] = []

    def watch(stage: str, done: int, _total: int) -> None:
        if stage == "change" and done == 20 and not moved:
            moved.append(done)
            scene.sql(statement)

    with scene.open() as service:
        (outcome,) = erase(service, subjects(service, [1]), watch)
    assert moved
    assert outcome.state == "fulfilled"
    assert scene.rows("SELECT count(*), min(user_id) FROM posts") == [(100, 2)]
