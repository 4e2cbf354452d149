"""More people, and more rows of one person, than fit in a statement or in one chunk."""

from collections import Counter

import pytest

from tests.journeys.crowd import expect_gone, fill
from tests.journeys.difference import erased
from tests.journeys.scene import Scene


@pytest.mark.parametrize("people", [1, 3])
def test_more_keys_than_fit_in_a_statement(scene: Scene, people: int) -> None:
    """One person's keys move to a key table when they become too many, in the midst of the walk."""
    numbers = range(1, 1201)
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY)",
        "CREATE TABLE orders (id INT PRIMARY KEY, user_id INT)",
        "CREATE TABLE items (id INT PRIMARY KEY, order_id INT)",
        "CREATE TABLE returns (id INT PRIMARY KEY, item_id INT)",
        "CREATE INDEX items_order ON items (order_id)",
        "CREATE INDEX returns_item ON returns (item_id)",
        "INSERT INTO users VALUES (0), (1), (2), (3)",
        "INSERT INTO orders VALUES " + ", ".join(f"({n}, {n % 4})" for n in numbers),
        "INSERT INTO items VALUES " + ", ".join(f"({n}, {n // 3})" for n in numbers),
        "INSERT INTO returns VALUES " + ", ".join(f"({n}, {n})" for n in numbers),
    )
    scene.settings = {"inline_keys": 100, "chunk_rows": 70}
    scene.map(
        "ceiling: {share: 1}",
        shop="""
users: {root: true, action: delete}
orders:
  references: [{column: user_id, to: users}]
  action: delete
items:
  references: [{column: order_id, to: orders}]
  action: delete
returns:
  references: [{column: item_id, to: items}]
  action: delete
""",
    )
    changed = erased(scene, *range(1, people + 1))
    mine = {n for n in numbers if 1 <= n % 4 <= people}
    assert changed["-orders"] == [(n, n % 4) for n in sorted(mine)]
    assert changed["-items"] == [(n, n // 3) for n in numbers if n // 3 in mine]
    assert changed["-returns"] == [(n, n) for n in numbers if n // 3 in mine]


def test_twelve_hundred_people_at_once(scene: Scene) -> None:
    """More than fit in a statement, with unknown and refused ones among them."""
    users = 1300
    fill(scene, users)
    scene.sql("UPDATE users SET email = 'u600@x.no' WHERE id = 1250")
    outcomes = scene.erase(*range(1, 1201), 5000, 5001)
    assert Counter(each.state for each in outcomes) == {"fulfilled": 1199, "refused": 1, "not_found": 2}
    assert outcomes[599].state == "refused"
    expect_gone(scene, users, set(range(1, 1201)) - {600})
