"""What I opened and others filled is not mine: the walk stops at a mention, whatever hangs below it."""

from tests.journeys.difference import erased
from tests.journeys.paths import both_paths as both_paths
from tests.journeys.people import KARI, OLA, PEOPLE, USERS
from tests.journeys.scene import Scene

FORUM = """
posts:
  references: [{column: author_id, to: users}]
  action: delete
likes:
  references: [{column: post_id, to: posts}, {column: user_id, to: users}]
  action: delete
"""


def forum(scene: Scene, created_by: str) -> None:
    """Topic 1 is Kari's, topic 2 is Ola's; everybody writes in both."""
    scene.sql(
        *PEOPLE,
        f"CREATE TABLE topics (id INT PRIMARY KEY, title VARCHAR(20), created_by {created_by} REFERENCES users (id))",
        "CREATE TABLE posts (id INT PRIMARY KEY, topic_id INT NOT NULL REFERENCES topics (id), "
        "author_id INT NOT NULL REFERENCES users (id))",
        "CREATE TABLE likes (post_id INT REFERENCES posts (id), user_id INT REFERENCES users (id), "
        "PRIMARY KEY (post_id, user_id))",
        "INSERT INTO topics VALUES (1, 'boats', 1), (2, 'trains', 2)",
        "INSERT INTO posts VALUES (1, 1, 1), (2, 1, 2), (3, 1, 3), (4, 2, 1), (5, 2, 2), (6, 2, 3)",
        "INSERT INTO likes VALUES (1, 2), (1, 3), (2, 1), (2, 3), (6, 1), (6, 2)",
    )


def test_a_topic_that_i_opened_stays_with_what_others_wrote(scene: Scene) -> None:
    forum(scene, "INT")
    scene.map(shop=f"{USERS}topics: {{references: [{{column: created_by, to: users, kind: mention}}]}}\n{FORUM}")
    assert erased(scene, 1) == {
        "-likes": [(1, 2), (1, 3), (2, 1), (6, 1)],
        "-posts": [(1, 1, 1), (4, 2, 1)],
        "-topics": [(1, "boats", 1)],
        "+topics": [(1, "boats", None)],
        "-users": [KARI],
    }


def test_where_nobody_may_be_null_a_ghost_has_opened_it(scene: Scene) -> None:
    forum(scene, "INT NOT NULL")
    scene.sql("INSERT INTO users VALUES (0, NULL)")
    scene.map(
        shop=f"{USERS}topics: {{references: [{{column: created_by, to: users, kind: mention, set: 0}}]}}\n{FORUM}"
    )
    assert erased(scene, 1, 2) == {
        "-likes": [(1, 2), (1, 3), (2, 1), (2, 3), (6, 1), (6, 2)],
        "-posts": [(1, 1, 1), (2, 1, 2), (4, 2, 1), (5, 2, 2)],
        "-topics": [(1, "boats", 1), (2, "trains", 2)],
        "+topics": [(1, "boats", 0), (2, "trains", 0)],
        "-users": [KARI, OLA],
    }


def test_who_is_named_beside_the_reference_is_forgotten_with_it(scene: Scene) -> None:
    scene.sql(
        *PEOPLE,
        "CREATE TABLE topics (id INT PRIMARY KEY, created_by INT REFERENCES users (id), opener VARCHAR(20), title INT)",
        "INSERT INTO topics VALUES (1, 1, 'Kari', 7), (2, 2, 'Kari', 7), (3, NULL, 'Kari', 7)",
    )
    scene.map(
        shop=USERS
        + """
topics:
  references: [{column: created_by, to: users, kind: mention, anonymise: {opener: "(deleted)"}}]
"""
    )
    assert erased(scene, 1) == {
        "-topics": [(1, 1, "Kari", 7)],
        "+topics": [(1, None, "(deleted)", 7)],
        "-users": [KARI],
    }


def test_a_mention_of_somebody_who_stays_under_another_name_keeps_its_reference(scene: Scene) -> None:
    scene.sql(
        *PEOPLE,
        "CREATE TABLE topics (id INT PRIMARY KEY, created_by INT NOT NULL REFERENCES users (id), opener VARCHAR(20))",
        "INSERT INTO topics VALUES (1, 1, 'Kari'), (2, 2, 'Ola')",
    )
    scene.map(
        shop="""
users:
  root: true
  identifiers: {email: email}
  action: anonymise
  anonymise: {email: {template: "deleted-{id}@invalid"}}
topics:
  references: [{column: created_by, to: users, kind: mention, anonymise: {opener: null}}]
"""
    )
    assert erased(scene, 1) == {
        "-topics": [(1, 1, "Kari")],
        "+topics": [(1, 1, None)],
        "-users": [KARI],
        "+users": [(1, "deleted-1@invalid")],
    }
