"""A second erasure of the same person: nothing changes, and it says so."""

from collections.abc import Sequence

import pytest
from click.testing import CliRunner

from slett.cli import main
from slett.requests.erase import Outcome
from tests.journeys.scene import Scene

ORDERS = """
orders:
  references: [{column: customer_id, to: users}, {column: guest_email, identifier: email}]
  action: keep
  until: {column: placed_on, add: 5 years, from: year-end}
  basis: a law
  columns: [id, placed_on]
  anonymise: {customer_id: null, guest_email: null}
clicks:
  references: [{column: user_id, to: users}]
  action: delete
"""
DELETED = """
users:
  root: true
  identifiers: {email: email}
  disable: {active: 0}
  action: delete
"""
ANONYMISED = """
users:
  root: true
  identifiers: {email: email}
  disable: {active: 0}
  action: anonymise
  anonymise: {email: {template: "deleted-{id}@invalid"}, name: null}
"""


@pytest.fixture(params=[DELETED, ANONYMISED], ids=["deleted", "anonymised"])
def shop(scene: Scene, request: pytest.FixtureRequest) -> Scene:
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80) UNIQUE, name VARCHAR(40), active INT NOT NULL)",
        "CREATE TABLE orders (id INT PRIMARY KEY, customer_id INT REFERENCES users (id), guest_email VARCHAR(80), "
        "placed_on DATE NOT NULL)",
        "CREATE TABLE clicks (id INT PRIMARY KEY, user_id INT)",
        "INSERT INTO users VALUES (1, 'kari@x.no', 'Kari', 1), (2, 'ola@x.no', 'Ola', 1)",
        "INSERT INTO orders VALUES (1, 1, NULL, '2024-01-01'), (2, 2, 'ola@x.no', '2024-01-01'), "
        "(3, NULL, 'kari@x.no', '2024-01-01'), (4, 1, NULL, '2001-01-01')",
        "INSERT INTO clicks VALUES (1, 1), (2, 2)",
    )
    scene.map(shop=request.param + ORDERS)
    return scene


def says_before(outcomes: Sequence[Outcome]) -> bool:
    return all(one.erased_before and "erased before" in one.reason and not one.rows for one in outcomes)


def test_a_second_erasure_changes_nothing_and_says_so(shop: Scene) -> None:
    (first,) = shop.erase(1)
    assert first.state == "fulfilled"
    before = shop.snapshot()
    assert [row for row in before["shop/users"] if row[0] == 2] == [(2, "ola@x.no", "Ola", 1)]
    (second,) = shop.erase(1)
    assert says_before([second])
    assert first.reference in second.reason
    assert shop.snapshot() == before


@pytest.mark.parametrize("address", ["kari@x.no", "KARI@x.no"])
def test_whoever_is_named_otherwise_the_second_time_was_erased_before(shop: Scene, address: str) -> None:
    shop.erase(1)
    before = shop.snapshot()
    assert says_before(shop.erase(email=address))
    assert shop.snapshot() == before


def test_one_of_a_batch_was_erased_before(shop: Scene) -> None:
    shop.sql("INSERT INTO users VALUES (3, 'per@x.no', 'Per', 1)", "INSERT INTO clicks VALUES (3, 3)")
    shop.erase(1)
    first, second = shop.erase(1, 3)
    assert says_before([first])
    assert second.state == "fulfilled"
    assert shop.rows("SELECT id FROM clicks") == [(2,)]


def test_the_same_person_twice_in_one_batch_is_one_person(shop: Scene) -> None:
    outcomes = shop.erase(1, 1, email="kari@x.no")
    assert {outcome.state for outcome in outcomes} <= {"fulfilled", "not_found"}
    assert "fulfilled" in {outcome.state for outcome in outcomes}
    assert [row for row in shop.snapshot()["shop/users"] if row[0] == 2] == [(2, "ola@x.no", "Ola", 1)]
    assert shop.rows("SELECT id FROM clicks") == [(2,)]


def test_nobody_is_not_success(shop: Scene) -> None:
    before = shop.snapshot()
    (outcome,) = shop.erase(99)
    assert (outcome.state, outcome.erased_before) == ("not_found", False)
    assert shop.snapshot() == before


def test_the_exit_status_tells_erased_before_from_unknown(shop: Scene) -> None:
    environ = {"SLETT_MAP": str(shop.folder / "slett.yaml"), "SLETT_HOME": str(shop.folder / ".slett")}
    statuses = [
        CliRunner().invoke(main, ["erase", key, "--yes"], env=environ, catch_exceptions=False).exit_code
        for key in ("1", "1", "99")
    ]
    assert statuses == [0, 0, 3]


def test_a_person_who_came_back_is_erased_again(shop: Scene) -> None:
    shop.erase(1)
    shop.sql(
        "DELETE FROM users WHERE id = 1",
        "INSERT INTO users VALUES (1, 'kari@x.no', 'Kari', 1)",
        "INSERT INTO clicks VALUES (5, 1)",
    )
    (outcome,) = shop.erase(1)
    assert outcome.state == "fulfilled"
    assert shop.rows("SELECT id FROM clicks") == [(2,)]
