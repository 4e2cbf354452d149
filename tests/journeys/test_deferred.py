"""Constraints that are checked when the transaction ends: a DELETE succeeds, and its COMMIT fails.

Every schema that Django makes has them. Where a database checks at once, the same must come out.
"""

import json

import pytest

from slett.requests.erase import Outcome, erase
from slett.stores.schema import Dialect
from tests.journeys.scene import Scene, subjects

DEFERRED = {"postgresql": " DEFERRABLE INITIALLY DEFERRED", "sqlite": " DEFERRABLE INITIALLY DEFERRED", "mariadb": ""}
MAP = """
users:
  root: true
  identifiers: {email: email}
  action: delete
orders:
  references: [{column: user_id, to: users}]
  action: delete
"""
BADGES = """
badges:
  references: [{column: user_id, to: users}]
  action: delete
"""


@pytest.fixture
def shop(scene: Scene, dialect: Dialect) -> Scene:
    deferred = DEFERRED[dialect]
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80))",
        f"CREATE TABLE orders (id INT PRIMARY KEY, user_id INT NOT NULL REFERENCES users (id){deferred})",
        "INSERT INTO users VALUES (1, 'kari@x.no'), (2, 'ola@x.no')",
        "INSERT INTO orders VALUES (10, 1), (11, 1), (20, 2)",
    )
    scene.map(shop=MAP)
    return scene


def add_badges(scene: Scene, dialect: Dialect) -> None:
    scene.sql(
        f"CREATE TABLE badges (id INT PRIMARY KEY, user_id INT NOT NULL, CONSTRAINT whose_badge "
        f"FOREIGN KEY (user_id) REFERENCES users (id){DEFERRED[dialect]})",
        "INSERT INTO badges VALUES (1, 1), (2, 2)",
    )


def erased_beside_badges(scene: Scene, dialect: Dialect, *keys: int) -> list[Outcome]:
    """The table of badges appears when the map has been checked."""
    with scene.open() as service:
        add_badges(scene, dialect)
        return erase(service, subjects(service, keys))


def test_a_person_goes_from_a_deferred_schema(shop: Scene) -> None:
    (outcome,) = shop.erase(1)
    assert outcome.state == "fulfilled"
    assert shop.snapshot() == {"shop/users": [(2, "ola@x.no")], "shop/orders": [(20, 2)]}


@pytest.mark.parametrize("chunk_rows", [1, 5_000])
def test_a_commit_that_fails_is_found_before_anything_is_reported(
    shop: Scene, dialect: Dialect, chunk_rows: int
) -> None:
    shop.settings["chunk_rows"] = chunk_rows
    (outcome,) = erased_beside_badges(shop, dialect, 1)
    assert outcome.state == "partially_fulfilled"
    assert ("users", 1) in [(each.table, each.rows) for each in outcome.left]
    assert "whose_badge" in outcome.reason or dialect == "sqlite"  # it has no name for what was violated
    assert "constraint" in outcome.reason
    assert outcome.certificate
    body = json.loads(outcome.certificate.read_text("utf-8"))["body"]
    assert body["outcome"] == "partially_fulfilled"
    assert outcome.reason in [each["reason"] for each in body["left"]]
    assert shop.rows("SELECT * FROM users ORDER BY id") == [(1, "kari@x.no"), (2, "ola@x.no")]
    assert shop.rows("SELECT * FROM badges ORDER BY id") == [(1, 1), (2, 2)]


@pytest.mark.parametrize("chunk_rows", [1, 5_000])
def test_what_a_constraint_stopped_is_finished_by_asking_again(shop: Scene, dialect: Dialect, chunk_rows: int) -> None:
    shop.settings["chunk_rows"] = chunk_rows
    erased_beside_badges(shop, dialect, 1)
    shop.map(shop=MAP + BADGES)
    (outcome,) = shop.erase(1)
    assert outcome.state == "fulfilled"
    assert shop.snapshot() == {"shop/users": [(2, "ola@x.no")], "shop/orders": [(20, 2)], "shop/badges": [(2, 2)]}


def test_a_constraint_in_the_way_of_one_person_is_no_success_of_the_other(shop: Scene, dialect: Dialect) -> None:
    """The two share their transactions, so that nobody is called erased who is not."""
    shop.sql("INSERT INTO users VALUES (3, 'per@x.no')", "INSERT INTO orders VALUES (30, 3)")
    outcomes = erased_beside_badges(shop, dialect, 1, 3)
    here = {row[0] for row in shop.rows("SELECT id FROM users")}
    for key, outcome in zip((1, 3), outcomes, strict=True):
        assert (outcome.state == "fulfilled") == (key not in here)
    assert shop.rows("SELECT * FROM badges ORDER BY id") == [(1, 1), (2, 2)]


def test_a_circle_of_deferred_keys_goes_in_one_transaction(scene: Scene, dialect: Dialect) -> None:
    """None of the two can go first, and no column may be null: only at the end of the transaction is it right."""
    if dialect == "mariadb":
        return  # it cannot hold such rows: it checks at once, and the map is refused
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, profile_id INT NOT NULL, email VARCHAR(80))",
        f"CREATE TABLE profiles (id INT PRIMARY KEY, user_id INT NOT NULL REFERENCES users (id){DEFERRED[dialect]})",
    )
    if dialect == "postgresql":
        scene.sql(f"ALTER TABLE users ADD FOREIGN KEY (profile_id) REFERENCES profiles (id){DEFERRED[dialect]}")
    else:
        scene.sql(
            "DROP TABLE users",
            "CREATE TABLE users (id INT PRIMARY KEY, "
            f"profile_id INT NOT NULL REFERENCES profiles (id){DEFERRED[dialect]}, email VARCHAR(80))",
        )
    scene.sql(
        "INSERT INTO users VALUES (1, 10, 'kari@x.no'), (2, 20, 'ola@x.no')",
        "INSERT INTO profiles VALUES (10, 1), (20, 2)",
    )
    scene.map(
        shop="""
users:
  root: true
  identifiers: {email: email}
  references: [{column: profile_id, to: profiles}]
  action: delete
profiles:
  references: [{column: user_id, to: users}]
  action: delete
"""
    )
    (outcome,) = scene.erase(1)
    assert outcome.state == "fulfilled"
    assert scene.snapshot() == {"shop/users": [(2, 20, "ola@x.no")], "shop/profiles": [(20, 2)]}
