"""Which rows are a person's: every kind of reference, with a stranger beside it."""

from tests.journeys.scene import Scene

USERS = """
users:
  root: true
  identifiers: {email: email}
  action: delete
"""


def test_a_composite_reference_matches_no_row_of_a_stranger(scene: Scene) -> None:
    """Compared column by column, (1, 20) and (2, 10) would match (1, 10) and (2, 20)."""
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80))",
        "CREATE TABLE orders (shop INT, no INT, user_id INT NOT NULL REFERENCES users (id), PRIMARY KEY (shop, no))",
        "CREATE TABLE items (id INT PRIMARY KEY, shop INT NOT NULL, no INT NOT NULL, "
        "FOREIGN KEY (shop, no) REFERENCES orders (shop, no))",
        "INSERT INTO users VALUES (1, 'kari@x.no'), (2, 'ola@x.no')",
        "INSERT INTO orders VALUES (1, 10, 1), (2, 20, 1), (1, 20, 2), (2, 10, 2)",
        "INSERT INTO items VALUES (1, 1, 10), (2, 2, 20), (3, 1, 20), (4, 2, 10)",
    )
    scene.map(
        shop=USERS
        + """
orders:
  references: [{column: user_id, to: users}]
  action: delete
items:
  references: [{columns: [shop, no], to: orders}]
  action: delete
"""
    )
    (outcome,) = scene.erase(1)
    assert outcome.state == "fulfilled"
    assert scene.rows("SELECT id FROM items ORDER BY id") == [(3,), (4,)]
    assert scene.rows("SELECT shop, no FROM orders ORDER BY 1, 2") == [(1, 20), (2, 10)]
    assert scene.rows("SELECT id FROM users") == [(2,)]


def test_two_people_at_once_leave_the_third_alone(scene: Scene) -> None:
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80))",
        "CREATE TABLE orders (id INT PRIMARY KEY, user_id INT NOT NULL REFERENCES users (id))",
        "CREATE TABLE items (id INT PRIMARY KEY, order_id INT NOT NULL REFERENCES orders (id))",
        "INSERT INTO users VALUES (1, 'kari@x.no'), (2, 'ola@x.no'), (3, 'per@x.no')",
        "INSERT INTO orders VALUES (1, 1), (2, 2), (3, 3)",
        "INSERT INTO items VALUES (1, 1), (2, 2), (3, 3), (4, 1)",
    )
    scene.map(
        shop=USERS
        + """
orders:
  references: [{column: user_id, to: users}]
  action: delete
items:
  references: [{column: order_id, to: orders}]
  action: delete
"""
    )
    outcomes = scene.erase(1, email="OLA@x.no")
    assert [outcome.state for outcome in outcomes] == ["fulfilled", "fulfilled"]
    assert [outcome.rows for outcome in outcomes] == [4, 3]
    assert scene.rows("SELECT id FROM items") == [(3,)]


def test_a_person_is_found_by_e_mail_in_other_letter_case(scene: Scene) -> None:
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80))",
        "CREATE TABLE orders (id INT PRIMARY KEY, guest_email VARCHAR(80))",
        "INSERT INTO users VALUES (1, 'Kari@X.no'), (2, 'kari@x.nor')",
        "INSERT INTO orders VALUES (1, 'KARI@x.no'), (2, 'xkari@x.no'), (3, NULL), (4, '')",
    )
    scene.map(
        shop=USERS
        + """
orders:
  references: [{column: guest_email, identifier: email}]
  action: delete
"""
    )
    (outcome,) = scene.erase(email="kari@x.NO")
    assert outcome.state == "fulfilled"
    assert scene.rows("SELECT id FROM orders ORDER BY id") == [(2,), (3,), (4,)]
    assert scene.rows("SELECT id FROM users") == [(2,)]


def test_a_guest_is_only_an_e_mail_address_on_an_order(scene: Scene) -> None:
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80))",
        "CREATE TABLE orders (id INT PRIMARY KEY, guest_email VARCHAR(80))",
        "INSERT INTO users VALUES (1, 'kari@x.no')",
        "INSERT INTO orders VALUES (1, 'guest@x.no'), (2, 'kari@x.no')",
    )
    scene.map(
        shop=USERS
        + """
orders:
  references: [{column: guest_email, identifier: email}]
  action: delete
"""
    )
    (outcome,) = scene.erase(email="guest@x.no")
    assert (outcome.state, outcome.rows) == ("fulfilled", 1)
    assert scene.rows("SELECT id FROM orders") == [(2,)]
    assert scene.rows("SELECT id FROM users") == [(1,)]
