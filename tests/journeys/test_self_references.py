"""Tables that refer to themselves: replies of strangers stand by themselves, and a tree of mine goes whole."""

import pytest

from slett.datamap.problem import MapError
from tests.journeys.difference import erased
from tests.journeys.paths import both_paths as both_paths
from tests.journeys.people import KARI, PEOPLE, USERS, kind
from tests.journeys.scene import Scene


def comments(scene: Scene, null: str, top: str) -> None:
    """Kari wrote 1, 3 and 7; the rest is of strangers. 1 and 5 are no replies."""
    scene.sql(
        *PEOPLE,
        "INSERT INTO users VALUES (0, NULL)",
        "CREATE TABLE comments (id INT PRIMARY KEY, author_id INT NOT NULL REFERENCES users (id), "
        f"parent_id INT {null} REFERENCES comments (id))",
        f"INSERT INTO comments VALUES (0, 0, {top}), (1, 1, {top}), (5, 3, {top})",
        "INSERT INTO comments VALUES (2, 2, 1), (6, 2, 5), (7, 1, 5)",
        "INSERT INTO comments VALUES (3, 1, 2)",
        "INSERT INTO comments VALUES (4, 3, 3), (8, 2, 3), (9, 3, 3)",
    )


def test_a_reply_of_a_stranger_stays_when_what_it_replies_to_goes(scene: Scene) -> None:
    comments(scene, "", "NULL")
    scene.map(
        shop=USERS
        + """
comments:
  references: [{column: author_id, to: users}, {column: parent_id, to: comments, kind: mention}]
  action: delete
"""
    )
    assert erased(scene, 1) == {
        "-comments": [(1, 1, None), (2, 2, 1), (3, 1, 2), (4, 3, 3), (7, 1, 5), (8, 2, 3), (9, 3, 3)],
        "+comments": [(2, 2, None), (4, 3, None), (8, 2, None), (9, 3, None)],
        "-users": [KARI],
    }


def test_a_reply_that_must_reply_to_something_replies_to_a_ghost(scene: Scene) -> None:
    comments(scene, "NOT NULL", "0")
    scene.map(
        shop=USERS
        + """
comments:
  references: [{column: author_id, to: users}, {column: parent_id, to: comments, kind: mention, set: 0}]
  action: delete
"""
    )
    assert erased(scene, 1) == {
        "-comments": [(1, 1, 0), (2, 2, 1), (3, 1, 2), (4, 3, 3), (7, 1, 5), (8, 2, 3), (9, 3, 3)],
        "+comments": [(2, 2, 0), (4, 3, 0), (8, 2, 0), (9, 3, 0)],
        "-users": [KARI],
    }


FOLDERS = """
folders:
  references: [{column: user_id, to: users}, {column: parent_id, to: folders}]
  action: delete
files:
  references: [{column: folder_id, to: folders}]
  action: delete
"""


def test_a_tree_of_folders_goes_whole_from_the_top_that_is_mine(scene: Scene) -> None:
    """Only the top says whose it is. Numbers run against the tree, so that no order of keys helps."""
    scene.sql(
        *PEOPLE,
        "CREATE TABLE folders (id INT PRIMARY KEY, user_id INT REFERENCES users (id), "
        "parent_id INT REFERENCES folders (id))",
        "CREATE TABLE files (id INT PRIMARY KEY, folder_id INT NOT NULL REFERENCES folders (id))",
        "INSERT INTO folders VALUES (50, 1, NULL), (60, 2, NULL), (70, NULL, NULL)",
        "INSERT INTO folders VALUES (41, NULL, 50), (42, NULL, 50), (61, NULL, 60), (71, NULL, 70)",
        "INSERT INTO folders VALUES (31, NULL, 41), (62, NULL, 61)",
        "INSERT INTO folders VALUES (21, NULL, 31), (22, NULL, 31), (63, NULL, 62)",
        "INSERT INTO folders VALUES (11, NULL, 22)",
        "INSERT INTO files VALUES (1, 11), (2, 21), (3, 42), (4, 63), (5, 71)",
    )
    scene.map(shop=USERS + FOLDERS)
    assert erased(scene, 1) == {
        "-files": [(1, 11), (2, 21), (3, 42)],
        "-folders": [
            *((11, None, 22), (21, None, 31), (22, None, 31), (31, None, 41)),
            *((41, None, 50), (42, None, 50), (50, 1, None)),
        ],
        "-users": [KARI],
    }


def test_a_tree_whose_every_row_needs_a_parent_goes_at_once_or_is_refused(scene: Scene) -> None:
    """PostgreSQL looks when the transaction ends, SQLite when it is asked to; MariaDB looks at every row."""
    dialect = kind(scene)
    later = "DEFERRABLE" if dialect == "postgresql" else ""
    scene.sql(
        *PEOPLE,
        "CREATE TABLE folders (id INT PRIMARY KEY, user_id INT REFERENCES users (id), "
        f"parent_id INT NOT NULL REFERENCES folders (id) {later})",
        "CREATE TABLE files (id INT PRIMARY KEY, folder_id INT NOT NULL REFERENCES folders (id))",
        "INSERT INTO folders VALUES (9, 1, 9), (19, 2, 19)",
        "INSERT INTO folders VALUES (8, NULL, 9), (18, NULL, 19)",
        "INSERT INTO folders VALUES (7, NULL, 8), (6, NULL, 8), (17, NULL, 18)",
        "INSERT INTO folders VALUES (5, NULL, 6)",
        "INSERT INTO files VALUES (1, 5), (2, 7), (3, 17)",
    )
    scene.map(shop=USERS + FOLDERS)
    before = scene.snapshot()
    if dialect == "mariadb":
        with pytest.raises(MapError, match="NOT NULL"):
            scene.erase(1)
        assert scene.snapshot() == before
        return
    assert erased(scene, 1) == {
        "-files": [(1, 5), (2, 7)],
        "-folders": [(5, None, 6), (6, None, 8), (7, None, 8), (8, None, 9), (9, 1, 9)],
        "-users": [KARI],
    }


def test_whom_i_invited_stays_and_who_invited_me_too(scene: Scene) -> None:
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80), invited_by INT REFERENCES users (id))",
        "INSERT INTO users VALUES (1, 'ola@x.no', NULL)",
        "INSERT INTO users VALUES (2, 'kari@x.no', 1), (3, 'per@x.no', 1)",
        "INSERT INTO users VALUES (4, 'liv@x.no', 2), (5, 'siv@x.no', 2)",
        "INSERT INTO users VALUES (6, 'jon@x.no', 4)",
    )
    scene.map(
        shop="""
users:
  root: true
  identifiers: {email: email}
  references: [{column: invited_by, to: users, kind: mention}]
  action: delete
"""
    )
    assert erased(scene, 2) == {
        "-users": [(2, "kari@x.no", 1), (4, "liv@x.no", 2), (5, "siv@x.no", 2)],
        "+users": [(4, "liv@x.no", None), (5, "siv@x.no", None)],
    }
    assert erased(scene, 1, 4) == {
        "-users": [(1, "ola@x.no", None), (3, "per@x.no", 1), (4, "liv@x.no", None), (6, "jon@x.no", 4)],
        "+users": [(3, "per@x.no", None), (6, "jon@x.no", None)],
    }
