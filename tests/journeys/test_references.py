"""Which rows are a person's: every kind of reference, with a stranger beside it."""

import pytest

from slett.stores.schema import Dialect
from tests.journeys.people import kind
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


def test_a_composite_reference_with_a_part_that_is_null_leads_to_nobody(scene: Scene) -> None:
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80))",
        "CREATE TABLE orders (id INT PRIMARY KEY, shop INT, no INT, user_id INT NOT NULL, UNIQUE (shop, no))",
        "CREATE TABLE items (id INT PRIMARY KEY, shop INT, no INT)",
        "INSERT INTO users VALUES (1, 'kari@x.no'), (2, 'ola@x.no')",
        "INSERT INTO orders VALUES (1, 1, 10, 1), (2, NULL, 10, 1), (3, 1, NULL, 1), (4, NULL, NULL, 1), (5, 2, 10, 2)",
        "INSERT INTO items VALUES (1, 1, 10), (2, NULL, 10), (3, 1, NULL), (4, NULL, NULL), (5, 2, 10), (6, 1, 20)",
    )
    scene.map(
        shop=USERS
        + """
orders:
  references: [{column: user_id, to: users}]
  action: delete
items:
  references: [{columns: [shop, no], to: orders, match: [shop, no]}]
  action: delete
"""
    )
    (outcome,) = scene.erase(1)
    assert (outcome.state, outcome.rows) == ("fulfilled", 6)
    assert scene.rows("SELECT id FROM items ORDER BY id") == [(2,), (3,), (4,), (5,), (6,)]
    assert scene.rows("SELECT id FROM orders ORDER BY id") == [(5,)]


def test_a_composite_mention_lets_go_of_the_part_that_may_be_null(scene: Scene) -> None:
    """The shop of a ticket stays: only its order goes. A ticket of the same order number in another shop is not it."""
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80))",
        "CREATE TABLE orders (shop INT, no INT, user_id INT NOT NULL REFERENCES users (id), PRIMARY KEY (shop, no))",
        "CREATE TABLE tickets (id INT PRIMARY KEY, shop INT NOT NULL, no INT, "
        "FOREIGN KEY (shop, no) REFERENCES orders (shop, no))",
        "INSERT INTO users VALUES (1, 'kari@x.no'), (2, 'ola@x.no')",
        "INSERT INTO orders VALUES (1, 10, 1), (2, 20, 1), (1, 20, 2), (2, 10, 2)",
        "INSERT INTO tickets VALUES (1, 1, 10), (2, 2, 20), (3, 1, 20), (4, 2, 10), (5, 1, NULL)",
    )
    scene.map(
        shop=USERS
        + """
orders:
  references: [{column: user_id, to: users}]
  action: delete
tickets:
  references: [{columns: [shop, no], to: orders, kind: mention}]
"""
    )
    for settings, key, left in (
        ({}, 1, [(1, 1, None), (2, 2, None), (3, 1, 20), (4, 2, 10), (5, 1, None)]),
        ({"inline_keys": 0}, 2, [(1, 1, None), (2, 2, None), (3, 1, None), (4, 2, None), (5, 1, None)]),
    ):
        scene.settings = settings
        (outcome,) = scene.erase(key)
        assert outcome.state == "fulfilled"
        assert scene.rows("SELECT * FROM tickets ORDER BY id") == left


def test_a_person_may_have_a_key_of_several_columns(scene: Scene) -> None:
    scene.sql(
        "CREATE TABLE people (shop INT, no INT, city INT, PRIMARY KEY (shop, no))",
        "CREATE TABLE orders (id INT PRIMARY KEY, shop INT, no INT, "
        "FOREIGN KEY (shop, no) REFERENCES people (shop, no))",
        "INSERT INTO people VALUES (1, 10, 5), (2, 20, 5), (1, 20, 5), (2, 10, 5)",
        "INSERT INTO orders VALUES (1, 1, 10), (2, 2, 20), (3, 1, 20), (4, 2, 10), (5, 1, NULL), (6, NULL, 10)",
    )
    scene.map(
        shop="""
people: {root: true, action: delete}
orders:
  references: [{columns: [shop, no], to: people}]
  action: delete
"""
    )
    outcomes = scene.erase("1,10", "2,20", "3,10")
    assert [(each.state, each.rows) for each in outcomes] == [("fulfilled", 2), ("fulfilled", 2), ("not_found", 0)]
    assert scene.rows("SELECT id FROM orders ORDER BY id") == [(3,), (4,), (5,), (6,)]
    assert scene.rows("SELECT shop, no FROM people ORDER BY 1") == [(1, 20), (2, 10)]


@pytest.mark.parametrize("dialect", ["mariadb"])
@pytest.mark.parametrize("settings", [{}, {"inline_keys": 0}])
def test_an_email_in_an_older_encoding_is_the_same_email(scene: Scene, settings: dict[str, int]) -> None:
    scene.settings.update(settings)
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80)) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        "CREATE TABLE orders (id INT PRIMARY KEY, guest_email VARCHAR(80)) CHARACTER SET latin1",
        "INSERT INTO users VALUES (1, 'Åsé@x.no'), (2, 'ase@x.no')",
        "INSERT INTO orders VALUES (1, 'åsé@x.no'), (2, 'ase@x.no'), (3, 'ÅSÉ@x.no'), (4, 'åse@x.no')",
    )
    scene.map(
        shop=USERS
        + """
orders:
  references: [{column: guest_email, identifier: email}]
  action: delete
"""
    )
    (outcome,) = scene.erase(1)
    assert (outcome.state, outcome.rows) == ("fulfilled", 3)
    assert scene.rows("SELECT id FROM orders ORDER BY id") == [(2,), (4,)]


def test_a_key_of_text_may_hold_what_means_something_in_a_list(scene: Scene) -> None:
    keys = ["{a,b}", '{a,"b"}', "a\\b", "a,b", '"a"', "'a'", "NULL", "{}", "æ ø", "a"]
    written = [key.replace("'", "''") for key in keys]
    if kind(scene) == "mariadb":
        written = [key.replace("\\", "\\\\") for key in written]
    scene.sql(
        "CREATE TABLE users (id VARCHAR(20) PRIMARY KEY)",
        "CREATE TABLE carts (id VARCHAR(20) PRIMARY KEY, user_id VARCHAR(20))",
        "CREATE TABLE items (id INT PRIMARY KEY, cart_id VARCHAR(20))",
        *(f"INSERT INTO users VALUES ('{key}')" for key in written),
        *(f"INSERT INTO carts VALUES ('{key}', '{key}')" for key in written),
        *(f"INSERT INTO items VALUES ({number}, '{key}')" for number, key in enumerate(written)),
    )
    scene.map(
        shop="""
users: {root: true, action: delete}
carts:
  references: [{column: user_id, to: users}]
  action: delete
items:
  references: [{column: cart_id, to: carts}]
  action: delete
"""
    )
    for number, key in enumerate(keys):
        assert scene.erase(key)[0].state == "fulfilled"
        left = scene.snapshot()
        assert sorted(row[0] for row in left["shop/items"]) == list(range(number + 1, len(keys)))
        assert {row[0] for row in left["shop/users"]} == set(keys[number + 1 :])


def fill_by_text(scene: Scene, users: tuple[str, list[str]], orders: tuple[str, list[str]]) -> None:
    """Users by a key of that type, and orders, numbered from 0, that hold one of that other type."""
    scene.sql(
        f"CREATE TABLE users (id {users[0]} PRIMARY KEY)",
        f"CREATE TABLE orders (id int PRIMARY KEY, user_id {orders[0]})",
        *(f"INSERT INTO users VALUES ('{key}')" for key in users[1]),
        *(f"INSERT INTO orders VALUES ({number}, '{key}')" for number, key in enumerate(orders[1])),
    )
    scene.map(
        shop="""
users: {root: true, action: delete}
orders:
  references: [{column: user_id, to: users}]
  action: delete
"""
    )


@pytest.mark.parametrize("settings", [{}, {"inline_keys": 0}])
@pytest.mark.parametrize(
    ("dialect", "people", "rows"),
    [
        ("mariadb", "utf8mb4_bin", "utf8mb4_general_ci"),
        ("mariadb", "utf8mb4_nopad_bin", "utf8mb4_bin"),
        ("sqlite", "BINARY", "NOCASE"),
        ("sqlite", "BINARY", "RTRIM"),
    ],
)
def test_rows_of_others_stay_whose_key_only_the_rows_own_collation_takes_for_the_same(
    scene: Scene, settings: dict[str, int], people: str, rows: str
) -> None:
    keys = ["kari", "KARI", "kári", "kari "]
    users = keys[:3] if people == "utf8mb4_bin" else keys
    scene.settings.update(settings)
    fill_by_text(scene, (f"varchar(40) COLLATE {people}", users), (f"varchar(40) COLLATE {rows}", keys))
    (outcome,) = scene.erase("kari")
    assert (outcome.state, outcome.rows) == ("fulfilled", 2)
    left = scene.snapshot()
    assert {row[0] for row in left["shop/users"]} == set(users[1:])
    assert [row[0] for row in left["shop/orders"]] == [1, 2, 3]


TWO = ["kari", "KARI"]
LEVEL2 = "CREATE COLLATION level2 (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"


@pytest.mark.parametrize("settings", [{}, {"inline_keys": 0}], ids=["inline", "tables"])
@pytest.mark.parametrize(
    ("dialect", "before", "people", "rows", "keys", "written", "gone"),
    [
        ("postgresql", [LEVEL2], "text", "text COLLATE level2", TWO, TWO, ["kari"]),
        ("postgresql", [LEVEL2, "CREATE DOMAIN loose AS text COLLATE level2"], "text", "loose", TWO, TWO, ["kari"]),
        ("postgresql", ["CREATE EXTENSION citext"], "text", "citext", TWO, TWO, ["kari"]),
        ("postgresql", ["CREATE EXTENSION citext"], "citext", "citext", ["kari", "ola"], ["KARI", "Ola"], ["KARI"]),
        ("mariadb", [], "utf8mb4_unicode_ci", "utf8mb4_general_ci", ["s", "ss"], ["s", "S", "ß", "ss"], ["s", "S"]),
        ("mariadb", [], "utf8mb4_general_nopad_ci", "utf8mb4_general_ci", *(["kari", "kari "],) * 2, ["kari"]),
        ("mariadb", [], "utf8mb4_general_ci", "utf8mb4_unicode_ci", ["kari", "ola"], ["Kari", "ola"], ["Kari"]),
        ("mariadb", [], "utf8mb3_general_ci", "utf8mb4_general_ci", ["kari", "ola"], ["Kari", "ola"], ["Kari"]),
        ("mariadb", [], "latin1_swedish_ci", "utf8mb4_unicode_ci", ["kari", "åse"], ["Kari", "Åse"], ["Kari"]),
        ("mariadb", [], "utf8mb4_general_ci", "utf8mb4_general_ci", ["kari", "ola"], ["KARI", "ola"], ["KARI"]),
    ],
)
def test_whoever_takes_more_for_the_same_takes_nobodys_rows(
    scene: Scene,
    dialect: Dialect,
    settings: dict[str, int],
    before: list[str],
    people: str,
    rows: str,
    keys: list[str],
    written: list[str],
    gone: list[str],
) -> None:
    """Of two who differ for their own table each has their own rows, whatever the rows' table takes for the same."""
    types = [each if dialect == "postgresql" else f"varchar(40) COLLATE {each}" for each in (people, rows)]
    scene.settings.update(settings)
    scene.sql(*before)
    fill_by_text(scene, (types[0], keys), (types[1], written))
    (outcome,) = scene.erase(keys[0])
    assert outcome.state == "fulfilled"
    left = scene.snapshot()
    assert {row[0] for row in left["shop/users"]} == set(keys[1:])
    assert {written[row[0]] for row in left["shop/orders"]} == set(written) - set(gone)


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_what_a_database_is_set_to_changes_neither_whose_rows_go_nor_what_is_said(scene: Scene) -> None:
    emails = ["a@x.no", "o\\'x@x.no", "%s%%@x.no", "t\\", "åse@x.no", "€@x.no"]
    written = [each.replace("'", "''").replace("%", "%%") for each in emails]
    scene.sql(
        "CREATE TABLE users (id int PRIMARY KEY, email text)",
        "CREATE TABLE orders (id int PRIMARY KEY, guest_email text)",
        *(f"INSERT INTO users VALUES ({number}, '{each}')" for number, each in enumerate(written)),
        *(f"INSERT INTO orders VALUES ({number}, '{each}')" for number, each in enumerate(written)),
    )
    name = scene.urls["shop"].rpartition("/")[2].partition("?")[0]
    scene.sql(
        *(
            f'ALTER DATABASE "{name}" SET {each}'
            for each in (
                "standard_conforming_strings = off",
                "client_encoding = LATIN1",
                "transform_null_equals = on",
                "quote_all_identifiers = on",
                "bytea_output = escape",
                "DateStyle = 'SQL, DMY'",
                "default_transaction_isolation = serializable",
            )
        )
    )
    scene.map(
        shop=USERS
        + """
orders:
  references: [{column: guest_email, identifier: email}]
  action: delete
"""
    )
    for number, email in enumerate(emails):
        (outcome,) = scene.erase(email=email)
        assert (outcome.state, outcome.rows) == ("fulfilled", 2)
        assert scene.rows("SELECT id FROM orders ORDER BY id") == [(each,) for each in range(number + 1, len(emails))]
