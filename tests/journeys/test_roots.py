"""One person as several root rows: whichever of them is named, all of them go, and nobody else's."""

import pytest

from slett.requests.erase import erase
from slett.requests.subject import by_identifier, by_key
from tests.journeys.difference import difference, erased
from tests.journeys.paths import both_paths as both_paths
from tests.journeys.people import PEOPLE, USERS
from tests.journeys.scene import Scene

THREE = """
accounts:
  root: true
  identifiers: {email: email}
  action: delete
users:
  root: true
  references: [{column: account_id, to: accounts}]
  action: delete
contacts:
  root: true
  references: [{column: user_id, to: users}]
  action: delete
calls:
  references: [{column: contact_id, to: contacts}]
  action: delete
visits:
  references: [{column: user_id, to: users}]
  action: delete
"""


def three_roots(scene: Scene) -> None:
    scene.sql(
        "CREATE TABLE accounts (id INT PRIMARY KEY, email VARCHAR(80))",
        "CREATE TABLE users (id INT PRIMARY KEY, account_id INT REFERENCES accounts (id))",
        "CREATE TABLE contacts (id INT PRIMARY KEY, user_id INT REFERENCES users (id))",
        "CREATE TABLE calls (id INT PRIMARY KEY, contact_id INT NOT NULL REFERENCES contacts (id))",
        "CREATE TABLE visits (id INT PRIMARY KEY, user_id INT NOT NULL REFERENCES users (id))",
        "INSERT INTO accounts VALUES (1, 'kari@x.no'), (2, 'ola@x.no'), (3, 'liv@x.no'), (4, 'per@x.no')",
        "INSERT INTO users VALUES (11, 1), (12, 2), (13, 3), (14, 4), (1, NULL), (2, NULL)",
        "INSERT INTO contacts VALUES (111, 11), (112, 12), (113, 13), (114, 14), (1, NULL), (12, NULL)",
        "INSERT INTO calls VALUES (1, 111), (2, 112), (3, 113), (4, 114), (5, 1)",
        "INSERT INTO visits VALUES (1, 11), (2, 12), (3, 13), (4, 14), (5, 1)",
    )
    scene.map(shop=THREE)


def test_one_person_is_three_root_rows_and_is_named_by_any_of_them(scene: Scene) -> None:
    three_roots(scene)
    for name, *key in (("kari", 1), ("ola", 12), ("liv", 113)):
        root = {"kari": "accounts", "ola": "users", "liv": "contacts"}[name]
        number = key[0] % 10
        assert erased(scene, *key, root=root) == {
            "-accounts": [(number, f"{name}@x.no")],
            "-calls": [(number, 110 + number)],
            "-contacts": [(110 + number, 10 + number)],
            "-users": [(10 + number, number)],
            "-visits": [(number, 10 + number)],
        }


def test_several_people_are_named_by_different_roots_at_once(scene: Scene) -> None:
    three_roots(scene)
    before = scene.snapshot()
    with scene.open() as service:
        named = [
            by_key(service.plan, "12", "users"),
            by_key(service.plan, "113", "contacts"),
            by_identifier(service.plan, "email", "KARI@x.no"),
        ]
        outcomes = erase(service, named)
    assert [(each.state, each.rows) for each in outcomes] == [("fulfilled", 5)] * 3
    assert difference(before, scene.snapshot())["-users"] == [(11, 1), (12, 2), (13, 3)]
    assert scene.rows("SELECT * FROM contacts ORDER BY id") == [(1, None), (12, None), (114, 14)]
    assert scene.rows("SELECT id FROM calls ORDER BY id") == [(4,), (5,)]
    assert scene.rows("SELECT id FROM visits ORDER BY id") == [(4,), (5,)]


def test_a_user_without_account_is_a_person_too(scene: Scene) -> None:
    three_roots(scene)
    assert erased(scene, 1, root="users") == {"-users": [(1, None)], "-visits": [(5, 1)]}


def test_two_users_of_one_account_are_not_taken_for_one_person(scene: Scene) -> None:
    three_roots(scene)
    scene.sql("INSERT INTO users VALUES (21, 1)")
    before = scene.snapshot()
    for key, root in ((1, "accounts"), (11, "users"), (21, "users"), (111, "contacts")):
        (outcome,) = scene.erase(key, root=root)
        assert (outcome.state, outcome.rows) == ("refused", 0)
    assert scene.snapshot() == before


@pytest.mark.parametrize(("null", "is_root"), [("", ""), ("NOT NULL", "root: true")])
def test_a_contact_that_the_user_points_at_is_theirs(scene: Scene, null: str, is_root: str) -> None:
    """The foreign key stands the other way round than the reference: users.contact_id, to the contact that is mine."""
    scene.sql(
        "CREATE TABLE contacts (id INT PRIMARY KEY, city VARCHAR(20))",
        f"CREATE TABLE users (id INT PRIMARY KEY, contact_id INT {null} UNIQUE REFERENCES contacts (id))",
        "CREATE TABLE calls (id INT PRIMARY KEY, contact_id INT REFERENCES contacts (id))",
        "INSERT INTO contacts VALUES (1, 'Oslo'), (11, 'Oslo'), (12, 'Bergen'), (13, 'Oslo')",
        "INSERT INTO users VALUES (1, 11), (2, 12), (3, 13)",
        "INSERT INTO calls VALUES (1, 11), (2, 12), (3, 13), (4, 1), (5, NULL)",
    )
    scene.map(
        shop=f"""
users:
  root: true
  action: delete
contacts:
  {is_root}
  references: [{{column: id, to: users, match: contact_id}}]
  action: delete
calls:
  references: [{{column: contact_id, to: contacts}}]
  action: delete
"""
    )
    assert erased(scene, 1) == {"-calls": [(1, 11)], "-contacts": [(11, "Oslo")], "-users": [(1, 11)]}
    if is_root:
        assert erased(scene, 12, root="contacts") == {
            "-calls": [(2, 12)],
            "-contacts": [(12, "Bergen")],
            "-users": [(2, 12)],
        }


def test_of_two_roots_one_may_stay_without_the_person(scene: Scene) -> None:
    scene.sql(
        *PEOPLE,
        "CREATE TABLE customers (id INT PRIMARY KEY, user_id INT REFERENCES users (id), phone VARCHAR(20), city INT)",
        "INSERT INTO customers VALUES (11, 1, '111', 5), (12, 2, '222', 5), (13, NULL, '333', 5)",
    )
    scene.map(
        shop=USERS
        + """
customers:
  root: true
  identifiers: {phone: phone}
  references: [{column: user_id, to: users}]
  action: anonymise
  anonymise: {phone: null}
"""
    )
    assert erased(scene, 1) == {
        "-customers": [(11, 1, "111", 5)],
        "+customers": [(11, None, None, 5)],
        "-users": [(1, "kari@x.no")],
    }
    assert erased(scene, 12, root="customers") == {
        "-customers": [(12, 2, "222", 5)],
        "+customers": [(12, None, None, 5)],
        "-users": [(2, "ola@x.no")],
    }


def test_a_contact_is_a_users_only_under_its_type(scene: Scene) -> None:
    """Named by the contact of company 2, nobody may be led to user 2."""
    scene.sql(
        *PEOPLE,
        "CREATE TABLE contacts (id INT PRIMARY KEY, owner_type VARCHAR(20), owner_id INT)",
        "INSERT INTO contacts VALUES (11, 'user', 1), (12, 'company', 2), (13, 'company', 1), (14, 'user', NULL)",
    )
    scene.map(
        shop=USERS
        + """
contacts:
  root: true
  references: [{column: owner_id, to: users, when: {owner_type: user}}]
  action: delete
"""
    )
    assert erased(scene, 12, root="contacts") == {"-contacts": [(12, "company", 2)]}
    assert erased(scene, 1) == {"-contacts": [(11, "user", 1)], "-users": [(1, "kari@x.no")]}
