"""References whose target depends on another column: (owner_type, owner_id)."""

import pytest

from tests.journeys.difference import erased
from tests.journeys.paths import both_paths as both_paths
from tests.journeys.people import KARI, PEOPLE, USERS
from tests.journeys.scene import Scene

FILES = """
comments:
  references: [{column: author_id, to: users}]
  action: delete
files:
  references:
    - {column: owner_id, to: users, when: {owner_type: user}}
    - {column: owner_id, to: comments, when: {owner_type: comment}}
  action: delete
"""


@pytest.mark.parametrize(("number", "quote"), [("INT", ""), ("VARCHAR(20)", "'")])
def test_a_number_is_mine_only_under_its_type(scene: Scene, number: str, quote: str) -> None:
    """User 1 and comment 1 are two things, and comment 2 is a stranger's. As text, 1 is neither 01 nor 10."""
    ids = {each: f"{quote}{each}{quote}" for each in (1, 2, 3, 5, 10)}
    scene.sql(
        *PEOPLE,
        "CREATE TABLE comments (id INT PRIMARY KEY, author_id INT NOT NULL REFERENCES users (id))",
        f"CREATE TABLE files (id INT PRIMARY KEY, owner_type VARCHAR(20), owner_id {number})",
        "INSERT INTO comments VALUES (1, 2), (2, 3), (5, 1)",
        f"INSERT INTO files VALUES (1, 'user', {ids[1]}), (2, 'comment', {ids[1]}), (3, 'comment', {ids[5]}), "
        f"(4, 'user', {ids[5]}), (5, 'order', {ids[1]}), (6, NULL, {ids[1]}), (7, 'user', NULL), "
        f"(8, 'user', {ids[2]}), (9, 'user', {ids[10]}), (10, '', {ids[1]})",
    )
    if quote:
        scene.sql(
            "INSERT INTO files VALUES (11, 'user', '01'), (12, 'user', '1a'), (13, 'user', ''), (14, 'user', 'x')"
        )
    scene.map(shop=USERS + FILES)
    one, five = (1, 5) if not quote else ("1", "5")
    assert erased(scene, 1) == {
        "-comments": [(5, 1)],
        "-files": [(1, "user", one), (3, "comment", five)],
        "-users": [KARI],
    }


def test_a_mention_lets_go_only_under_its_type(scene: Scene) -> None:
    scene.sql(
        *PEOPLE,
        "CREATE TABLE likes (id INT PRIMARY KEY, user_id INT, target_type INT NOT NULL, target_id INT)",
        "INSERT INTO likes VALUES (1, 2, 7, 1), (2, 2, 8, 1), (3, 1, 7, 2), (4, 3, 7, 3), (5, 1, 7, 1)",
    )
    scene.map(
        shop=USERS
        + """
likes:
  references:
    - {column: user_id, to: users}
    - {column: target_id, to: users, kind: mention, when: {target_type: 7}}
  action: delete
"""
    )
    assert erased(scene, 1) == {
        "-likes": [(1, 2, 7, 1), (3, 1, 7, 2), (5, 1, 7, 1)],
        "+likes": [(1, 2, 7, None)],
        "-users": [KARI],
    }
