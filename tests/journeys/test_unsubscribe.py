"""One click ends commercial mail, with an account or without."""

import pytest

from slett.requests.refuse import Refused
from slett.requests.unsubscribe import unsubscribe
from tests.journeys.paths import both_paths as both_paths
from tests.journeys.scene import Scene, subjects

MAP = """
users:
  root: true
  identifiers: {email: email}
  disable: {active: 0}
  unsubscribe: {commercial_mail: 0}
  action: delete
newsletters:
  references: [{column: email, identifier: email}]
  unsubscribe: delete
  action: delete
topics:
  references: [{column: user_id, to: users}]
  unsubscribe: {wanted: 0}
  close: {hidden: 1}
  action: delete
"""


@pytest.fixture
def shop(scene: Scene) -> Scene:
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80), active INT, commercial_mail INT)",
        "CREATE TABLE newsletters (id INT PRIMARY KEY, email VARCHAR(80))",
        "CREATE TABLE topics (user_id INT, topic INT, wanted INT, hidden INT, PRIMARY KEY (user_id, topic))",
        "INSERT INTO users VALUES (1, 'kari@x.no', 1, 1), (2, 'ola@x.no', 1, 1), (3, NULL, 1, NULL)",
        "INSERT INTO newsletters VALUES (1, 'Kari@x.no'), (2, 'ola@x.no'), (3, 'reader@x.no'), (4, NULL), (5, '')",
        "INSERT INTO topics VALUES (1, 1, 1, 0), (1, 2, 0, 0), (2, 1, 1, 0)",
    )
    scene.map(shop=MAP)
    return scene


def unsubscribed(scene: Scene, *keys: int, email: str = "") -> int:
    with scene.open() as service:
        (subject,) = subjects(service, keys, [email] if email else [])
        return unsubscribe(service, subject)


def test_it_ends_all_mail_of_one_person_and_nothing_else(shop: Scene) -> None:
    assert unsubscribed(shop, 1) == 3
    assert shop.rows("SELECT * FROM users ORDER BY id") == [
        (1, "kari@x.no", 1, 0), (2, "ola@x.no", 1, 1), (3, None, 1, None),
    ]  # fmt: skip
    assert shop.rows("SELECT id FROM newsletters ORDER BY id") == [(2,), (3,), (4,), (5,)]
    assert shop.rows("SELECT * FROM topics ORDER BY user_id, topic") == [(1, 1, 0, 0), (1, 2, 0, 0), (2, 1, 1, 0)]


def test_a_second_click_changes_nothing(shop: Scene) -> None:
    assert unsubscribed(shop, email="KARI@x.no") == 3
    once = shop.snapshot()
    assert unsubscribed(shop, email="kari@x.no") == 0
    assert shop.snapshot() == once


def test_a_reader_without_an_account_is_known_by_address_alone(shop: Scene) -> None:
    assert unsubscribed(shop, email="Reader@X.no") == 1
    assert shop.rows("SELECT id FROM newsletters ORDER BY id") == [(1,), (2,), (4,), (5,)]


def test_an_address_that_nobody_knows_is_no_error(shop: Scene) -> None:
    """Nor is it told apart from one whose mail has ended."""
    before = shop.snapshot()
    assert unsubscribed(shop, email="nobody@x.no") == unsubscribed(shop, 99) == 0
    assert shop.snapshot() == before


def test_an_address_of_two_people_gets_no_more_mail(shop: Scene) -> None:
    shop.sql("UPDATE users SET email = 'Ola@x.no' WHERE id = 3", "INSERT INTO topics VALUES (3, 1, 1, 0)")
    assert unsubscribed(shop, email="ola@x.no") == 5
    assert shop.rows("SELECT id, commercial_mail FROM users ORDER BY id") == [(1, 1), (2, 0), (3, 0)]


def test_a_wrong_map_ends_the_mail_of_few(shop: Scene) -> None:
    shop.map("ceiling: {rows: 2}", shop=MAP)
    with pytest.raises(Refused, match="ceiling"):
        unsubscribed(shop, 1)
    assert len(shop.rows("SELECT * FROM newsletters")) == 5
