"""Schemas without foreign keys, where 0 or an empty text stands for nobody: those rows are never a person's."""

from tests.journeys.difference import erased
from tests.journeys.paths import both_paths as both_paths
from tests.journeys.scene import Scene

TABLES = (
    "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80))",
    "CREATE TABLE orders (id INT PRIMARY KEY, user_id INT NOT NULL DEFAULT 0, guest_email VARCHAR(80))",
    "CREATE TABLE items (id INT PRIMARY KEY, order_id INT NOT NULL DEFAULT 0)",
    "CREATE TABLE topics (id INT PRIMARY KEY, opened_by INT NOT NULL DEFAULT 0)",
    "INSERT INTO orders VALUES (0, 1, ''), (1, 1, ''), (2, 2, ''), (3, 3, NULL), (4, 0, ''), (5, 0, NULL), (6, -1, '')",
    "INSERT INTO orders VALUES (7, 0, 'kari@x.no'), (8, 0, ' '), (9, 0, '0'), (10, 0, 'null')",
    "INSERT INTO items VALUES (1, 1), (2, 2), (3, 0), (4, 4), (5, 7), (6, 9), (7, 10)",
    "INSERT INTO topics VALUES (1, 1), (2, 2), (3, 0), (4, -1)",
)
MAP = """
users:
  root: true
  identifiers: {email: email}
  action: delete
orders:
  references:
    - {column: user_id, to: users, none: [0, -1]}
    - {column: guest_email, identifier: email, none: ["0"]}
  action: delete
items:
  references: [{column: order_id, to: orders, none: 0}]
  action: delete
topics:
  references: [{column: opened_by, to: users, kind: mention, set: 0, none: [0, -1]}]
"""


def shop(scene: Scene, *users: str) -> None:
    scene.sql(*TABLES, f"INSERT INTO users VALUES {', '.join(users)}")
    scene.map(shop=MAP)


def test_rows_of_nobody_stay_when_somebody_leaves(scene: Scene) -> None:
    """Kari's order number 0 goes, and the item without an order is not taken for one of that order."""
    shop(scene, "(1, 'kari@x.no')", "(2, 'ola@x.no')")
    assert erased(scene, 1) == {
        "-items": [(1, 1), (5, 7)],
        "-orders": [(0, 1, ""), (1, 1, ""), (7, 0, "kari@x.no")],
        "-topics": [(1, 1)],
        "+topics": [(1, 0)],
        "-users": [(1, "kari@x.no")],
    }


def test_several_at_once_take_no_row_of_nobody_along(scene: Scene) -> None:
    shop(scene, "(1, 'kari@x.no')", "(2, '')", "(3, NULL)")
    assert erased(scene, 1, 2) == {
        "-items": [(1, 1), (2, 2), (5, 7)],
        "-orders": [(0, 1, ""), (1, 1, ""), (2, 2, ""), (7, 0, "kari@x.no")],
        "-topics": [(1, 1), (2, 2)],
        "+topics": [(1, 0), (2, 0)],
        "-users": [(1, "kari@x.no"), (2, "")],
    }


def test_a_person_whose_own_key_means_nobody_takes_no_row_of_nobody_along(scene: Scene) -> None:
    shop(scene, "(0, NULL)", "(-1, NULL)", "(1, 'kari@x.no')")
    assert erased(scene, 0) == {"-users": [(0, None)]}
    assert erased(scene, -1) == {"-users": [(-1, None)]}


def test_a_person_whose_email_means_nobody_takes_no_row_of_nobody_along(scene: Scene) -> None:
    shop(scene, "(21, '')", "(22, NULL)", "(23, '0')", "(1, 'kari@x.no')")
    assert erased(scene, 21) == {"-users": [(21, "")]}
    assert erased(scene, 22) == {"-users": [(22, None)]}
    assert erased(scene, 23) == {"-users": [(23, "0")]}


def test_a_person_called_null_is_somebody(scene: Scene) -> None:
    shop(scene, "(21, 'NULL')", "(22, NULL)", "(1, 'kari@x.no')")
    assert erased(scene, email="null") == {
        "-items": [(7, 10)],
        "-orders": [(10, 0, "null")],
        "-users": [(21, "NULL")],
    }
