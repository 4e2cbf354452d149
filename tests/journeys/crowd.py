"""A crowd: any number of people, each with rows of their own and a note about the next one."""

from tests.journeys.scene import Scene

MAP = """
users:
  root: true
  identifiers: {email: email}
  action: delete
orders:
  references:
    - {column: user_id, to: users}
    - {column: guest_email, identifier: email}
  action: delete
items:
  references: [{column: order_id, to: orders}]
  action: delete
notes:
  references: [{column: by_id, to: users}, {column: about_id, to: users, kind: mention}]
  action: delete
"""


def fill(scene: Scene, users: int) -> None:
    """Users 1, 2, 3 … each with two orders, an order as a guest, an item in each, and a note about the next one."""
    numbers = range(1, users + 1)
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80))",
        "CREATE TABLE orders (id INT PRIMARY KEY, user_id INT, guest_email VARCHAR(80))",
        "CREATE TABLE items (id INT PRIMARY KEY, order_id INT NOT NULL)",
        "CREATE TABLE notes (id INT PRIMARY KEY, by_id INT, about_id INT)",
        "CREATE INDEX orders_user ON orders (user_id)",
        "CREATE INDEX items_order ON items (order_id)",
        "INSERT INTO users VALUES " + ", ".join(f"({n}, 'u{n}@x.no')" for n in numbers),
        "INSERT INTO orders VALUES "
        + ", ".join(f"({3 * n}, {n}, NULL), ({3 * n + 1}, {n}, ''), ({3 * n + 2}, NULL, 'U{n}@x.no')" for n in numbers),
        "INSERT INTO items VALUES " + ", ".join(f"({n}, {n})" for n in range(3, 3 * users + 3)),
        "INSERT INTO notes VALUES " + ", ".join(f"({n}, {n}, {n % users + 1})" for n in numbers),
    )
    scene.map("ceiling: {share: 1}", shop=MAP)


def expect_gone(scene: Scene, users: int, gone: set[int]) -> None:
    """Exactly the rows of these people are gone, and nobody else's note is about one of them any more."""
    left = [n for n in range(1, users + 1) if n not in gone]
    assert scene.rows("SELECT id FROM users ORDER BY id") == [(n,) for n in left]
    orders = [(3 * n + k,) for n in left for k in range(3)]
    assert scene.rows("SELECT id FROM orders ORDER BY id") == orders
    assert scene.rows("SELECT id FROM items ORDER BY id") == orders
    about = {n: n % users + 1 for n in left}
    assert scene.rows("SELECT id, about_id FROM notes ORDER BY id") == [
        (n, None if about[n] in gone else about[n]) for n in left
    ]
