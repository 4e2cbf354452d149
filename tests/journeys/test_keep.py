"""Rows that a law wants kept: they lose their person now, and go by themselves on the day that was named."""

import json
from collections.abc import Sequence
from datetime import date
from functools import partialmethod
from typing import Any

import pytest

from slett.datamap.problem import MapError
from slett.ledger.kept import KeptRows
from slett.requests.erase import Outcome
from slett.requests.expire import Expired, expire
from slett.stores.schema import Dialect
from tests.journeys.scene import Scene

MAP = """
users:
  root: true
  identifiers: {email: email}
  action: delete
orders:
  references: [{column: customer_id, to: users}]
  action: keep
  until: {column: placed_on, add: 5 years, from: year-end}
  basis: Bokføringsloven § 13
  columns: [id, placed_on]
  anonymise: {customer_id: null, ship_name: (deleted)}
items:
  references: [{column: order_id, to: orders}]
  action: keep
  until: {as: orders}
  basis: Bokføringsloven § 13
  columns: [id, order_id]
  anonymise: {note: null}
"""
TABLES = (
    "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80) UNIQUE)",
    "CREATE TABLE orders (id INT PRIMARY KEY, customer_id INT REFERENCES users (id), "
    "ship_name VARCHAR(40), placed_on DATE NOT NULL)",
    "CREATE TABLE items (id INT PRIMARY KEY, order_id INT NOT NULL REFERENCES orders (id), note VARCHAR(40))",
    "INSERT INTO users VALUES (1, 'kari@x.no'), (2, 'ola@x.no')",
    "INSERT INTO orders VALUES (90, 2, 'Ola', '2024-03-01'), (91, 2, 'Ola', '2001-01-01')",
    "INSERT INTO items VALUES (90, 90, 'to Ola'), (91, 91, 'to Ola')",
)
OLAS_ORDERS = [(90, 2, "Ola", "2024-03-01"), (91, 2, "Ola", "2001-01-01")]
OLAS_ITEMS = [(90, 90, "to Ola"), (91, 91, "to Ola")]


@pytest.fixture
def shop(scene: Scene) -> Scene:
    scene.sql(*TABLES)
    scene.map(shop=MAP)
    return scene


def orders(scene: Scene) -> list[tuple[Any, ...]]:
    """Every order, its date as text."""
    found = scene.rows("SELECT id, customer_id, ship_name, placed_on FROM orders ORDER BY id")
    return [(*row[:3], str(row[3])) for row in found]


def items(scene: Scene) -> list[tuple[Any, ...]]:
    return scene.rows("SELECT id, order_id, note FROM items ORDER BY id")


def expire_on(scene: Scene, day: date) -> Sequence[Expired]:
    scene.today = day
    with scene.open() as service:
        return expire(service)


def kept(outcome: Outcome) -> list[dict[str, Any]]:
    """What the certificate says is kept."""
    assert outcome.certificate
    found: list[dict[str, Any]] = json.loads(outcome.certificate.read_text("utf-8"))["body"]["kept"]
    return found


def test_a_kept_order_outlives_its_customer_without_saying_who_it_was(shop: Scene) -> None:
    shop.sql("INSERT INTO orders VALUES (1, 1, 'Kari', '2024-03-01')", "INSERT INTO items VALUES (1, 1, 'to Kari')")
    (outcome,) = shop.erase(1)
    assert outcome.state == "fulfilled"
    assert orders(shop) == [(1, None, "(deleted)", "2024-03-01"), *OLAS_ORDERS]
    assert items(shop) == [(1, 1, None), *OLAS_ITEMS]
    assert shop.rows("SELECT id FROM users") == [(2,)]


def test_the_certificate_names_basis_and_last_day_of_what_is_kept(shop: Scene) -> None:
    shop.sql(
        "INSERT INTO orders VALUES (1, 1, 'Kari', '2024-03-01'), (2, 1, 'Kari', '2022-03-01')",
        "INSERT INTO items VALUES (1, 1, NULL), (2, 1, NULL), (3, 2, NULL)",
    )
    (outcome,) = shop.erase(1)
    named = {"store": "shop", "basis": "Bokføringsloven § 13", "until": "2030-01-01"}
    assert kept(outcome) == [{**named, "table": "orders", "rows": 2}, {**named, "table": "items", "rows": 3}]


def test_a_kept_row_goes_on_its_day_and_not_a_day_before(shop: Scene) -> None:
    shop.sql("INSERT INTO orders VALUES (1, 1, 'Kari', '2024-03-01')", "INSERT INTO items VALUES (1, 1, 'to Kari')")
    shop.erase(1)
    assert expire_on(shop, date(2029, 12, 31)) == []
    assert items(shop) == [(1, 1, None), *OLAS_ITEMS]
    assert expire_on(shop, date(2030, 1, 1)) == [Expired("shop", "items", 1), Expired("shop", "orders", 1)]
    assert orders(shop) == OLAS_ORDERS
    assert items(shop) == OLAS_ITEMS
    assert expire_on(shop, date(2030, 1, 2)) == []


def test_kept_rows_go_each_on_a_day_of_its_own(shop: Scene) -> None:
    shop.sql(
        "INSERT INTO orders VALUES (1, 1, 'Kari', '2024-03-01'), (2, 1, 'Kari', '2022-03-01')",
        "INSERT INTO items VALUES (1, 1, NULL), (2, 2, NULL)",
    )
    shop.erase(1)
    assert expire_on(shop, date(2028, 1, 1)) == [Expired("shop", "items", 1), Expired("shop", "orders", 1)]
    assert orders(shop) == [(1, None, "(deleted)", "2024-03-01"), *OLAS_ORDERS]
    assert items(shop) == [(1, 1, None), *OLAS_ITEMS]
    assert expire_on(shop, date(2030, 1, 1)) == [Expired("shop", "items", 1), Expired("shop", "orders", 1)]
    assert orders(shop) == OLAS_ORDERS


def test_what_is_due_already_goes_at_once(shop: Scene) -> None:
    """The stranger's order is as old, and nobody asked for it to go."""
    shop.sql(
        "INSERT INTO orders VALUES (1, 1, 'Kari', '2001-01-01'), (2, 1, 'Kari', '2024-03-01')",
        "INSERT INTO items VALUES (1, 1, 'to Kari'), (2, 2, 'to Kari')",
    )
    (outcome,) = shop.erase(1)
    assert outcome.state == "fulfilled"
    assert orders(shop) == [(2, None, "(deleted)", "2024-03-01"), *OLAS_ORDERS]
    assert items(shop) == [(2, 2, None), *OLAS_ITEMS]
    assert [(each["table"], each["rows"]) for each in kept(outcome)] == [("orders", 1), ("items", 1)]


def test_a_year_ends_at_midnight(shop: Scene) -> None:
    """Five years after the end of 2020 is the end of 2025, and 2026 is not over for an order of New Year's Day."""
    shop.sql("INSERT INTO orders VALUES (1, 1, 'Kari', '2020-12-31'), (2, 1, 'Kari', '2021-01-01')")
    (outcome,) = shop.erase(1)
    assert orders(shop) == [(2, None, "(deleted)", "2021-01-01"), *OLAS_ORDERS]
    assert kept(outcome)[0]["until"] == "2027-01-01"


def test_months_are_counted_to_the_day(shop: Scene) -> None:
    """A row of today five years ago has stayed five years only when the day is over."""
    shop.map(shop=MAP.replace("add: 5 years, from: year-end", "add: 60 months"))
    shop.sql("INSERT INTO orders VALUES (1, 1, 'Kari', '2021-11-21'), (2, 1, 'Kari', '2021-11-22')")
    (outcome,) = shop.erase(1)
    assert orders(shop) == [(2, None, "(deleted)", "2021-11-22"), *OLAS_ORDERS]
    assert kept(outcome)[0]["until"] == "2026-11-23"
    assert expire_on(shop, date(2026, 11, 23)) == [Expired("shop", "orders", 1)]
    assert orders(shop) == OLAS_ORDERS


def test_a_date_that_may_be_missing_decides_about_nothing(shop: Scene) -> None:
    """A row without a date would be kept for ever, so the map is refused."""
    shop.sql(
        "CREATE TABLE loose (id INT PRIMARY KEY, user_id INT REFERENCES users (id), day DATE)",
        "INSERT INTO loose VALUES (1, 1, NULL)",
    )
    loose = """
loose:
  references: [{column: user_id, to: users}]
  action: keep
  until: {column: day, add: 5 years}
  basis: Bokføringsloven § 13
  columns: [id, day]
"""
    shop.map(shop=MAP + loose)
    before = shop.snapshot()
    with pytest.raises(MapError) as refused:
        shop.erase(1)
    assert [problem.code for problem in refused.value.problems] == ["until-column"]
    assert shop.snapshot() == before


def test_a_row_kept_like_its_parent_stays_without_one_and_is_counted_from_today(shop: Scene) -> None:
    shop.sql(
        "CREATE TABLE payments (id INT PRIMARY KEY, payer_id INT REFERENCES users (id), "
        "order_id INT REFERENCES orders (id))",
        "INSERT INTO orders VALUES (1, 1, 'Kari', '2001-01-01'), (2, 1, 'Kari', '2024-03-01')",
        "INSERT INTO payments VALUES (1, 1, 1), (2, 1, 2), (3, 1, NULL), (4, 2, NULL), (5, 2, 90)",
    )
    payments = """
payments:
  references: [{column: payer_id, to: users}, {column: order_id, to: orders}]
  action: keep
  until: {as: orders}
  basis: Bokføringsloven § 13
  columns: [id, order_id]
"""
    shop.map(shop=MAP + payments)
    (outcome,) = shop.erase(1)
    assert outcome.state == "fulfilled"
    left = "SELECT id, payer_id, order_id FROM payments ORDER BY id"
    assert shop.rows(left) == [(2, None, 2), (3, None, None), (4, 2, None), (5, 2, 90)]
    assert {one["table"]: one["until"] for one in kept(outcome)} == {"payments": "2032-01-01", "orders": "2030-01-01"}
    expire_on(shop, date(2030, 1, 1))
    assert shop.rows(left) == [(3, None, None), (4, 2, None), (5, 2, 90)]
    expire_on(shop, date(2032, 1, 1))
    assert shop.rows(left) == [(4, 2, None), (5, 2, 90)]


def test_a_kept_row_that_somebody_else_deleted_is_forgotten_silently(shop: Scene) -> None:
    shop.sql("INSERT INTO orders VALUES (1, 1, 'Kari', '2024-03-01')")
    shop.erase(1)
    shop.sql("DELETE FROM orders WHERE id = 1")
    assert expire_on(shop, date(2030, 1, 1)) == []
    assert orders(shop) == OLAS_ORDERS
    with shop.open() as service, service.ledger.read() as page:
        assert page.kept.due(date(2099, 1, 1)) == ()


def test_children_go_before_their_parents_however_many_are_due(shop: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is due comes in pages, and a page of parents may come before one of their children."""
    page = partialmethod(KeptRows.due, limit=1)
    monkeypatch.setattr(KeptRows, "due", page)
    shop.sql("INSERT INTO orders VALUES (1, 1, 'Kari', '2024-03-01')", "INSERT INTO items VALUES (1, 1, 'to Kari')")
    shop.erase(1)
    expire_on(shop, date(2030, 1, 1))
    assert orders(shop) == OLAS_ORDERS
    assert items(shop) == OLAS_ITEMS


def test_kept_rows_of_two_people_who_leave_together_are_kept_apart(shop: Scene) -> None:
    shop.sql(
        "INSERT INTO users VALUES (3, 'per@x.no')",
        "INSERT INTO orders VALUES (1, 1, 'Kari', '2024-03-01'), (3, 3, 'Per', '2025-03-01')",
        "INSERT INTO items VALUES (1, 1, NULL), (3, 3, NULL)",
    )
    outcomes = shop.erase(1, 3)
    assert [kept(outcome)[0]["until"] for outcome in outcomes] == ["2030-01-01", "2031-01-01"]
    assert [kept(outcome)[0]["rows"] for outcome in outcomes] == [1, 1]
    expire_on(shop, date(2030, 1, 1))
    assert orders(shop) == [(3, None, "(deleted)", "2025-03-01"), *OLAS_ORDERS]


KEYS = {
    "uuid": ("'7d444840-9dc0-11d1-b245-5ffdce74fad2'", "'7d444840-9dc0-11d1-b245-5ffdce74fad3'"),
    "decimal": ("12.50", "12.51"),
    "date": ("'2020-02-29'", "'2020-03-01'"),
    "timestamp": ("'2020-02-29 12:30:00.250000'", "'2020-02-29 12:30:00.250001'"),
    "text": ("'æ ''quoted'' 100%'", "'another'"),
    "binary": ("00ff27", "00ff28"),
    "bigint": ("9007199254740993", "9007199254740992"),
}
TYPES = {
    "postgresql": {"decimal": "NUMERIC(10, 2)", "text": "VARCHAR(40)", "binary": "BYTEA"},
    "mariadb": {
        "decimal": "DECIMAL(10, 2)",
        "timestamp": "DATETIME(6)",
        "text": "VARCHAR(40)",
        "binary": "VARBINARY(16)",
    },
    "sqlite": {"decimal": "NUMERIC(10, 2)", "text": "VARCHAR(40)", "binary": "BLOB"},
}


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("inline", [500, 0], ids=["inline", "stored"])
def test_a_kept_row_is_found_again_by_a_key_of_any_type(scene: Scene, dialect: Dialect, kind: str, inline: int) -> None:
    """The child is found by the parent's key too, in the second look as well, where it comes from the ledger."""
    column = TYPES[dialect].get(kind, kind)
    mine, others = KEYS[kind]
    if kind == "binary":
        mine, others = (f"'\\x{each}'" if dialect == "postgresql" else f"X'{each}'" for each in (mine, others))
    scene.settings["inline_keys"] = inline
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY)",
        f"CREATE TABLE papers (id {column} PRIMARY KEY, user_id INT REFERENCES users (id), day DATE NOT NULL)",
        f"CREATE TABLE pages (id INT PRIMARY KEY, paper_id {column} REFERENCES papers (id))",
        "INSERT INTO users VALUES (1), (2)",
        *(
            statement.replace("%", "%%") if dialect != "sqlite" else statement
            for statement in (
                f"INSERT INTO papers VALUES ({mine}, 1, '2024-01-01'), ({others}, 2, '2024-01-01')",
                f"INSERT INTO pages VALUES (1, {mine}), (2, {others})",
            )
        ),
    )
    scene.map(
        shop="""
users: {root: true, action: delete}
papers:
  references: [{column: user_id, to: users}]
  action: keep
  until: {column: day, add: 5 years}
  basis: a law
  columns: [id, day]
pages:
  references: [{column: paper_id, to: papers}]
  action: keep
  until: {as: papers}
  basis: a law
  columns: [id, paper_id]
"""
    )
    olas = scene.rows("SELECT * FROM pages WHERE id = 2")
    (outcome,) = scene.erase(1)
    assert outcome.state == "fulfilled"
    assert scene.rows("SELECT count(*) FROM papers WHERE user_id IS NULL") == [(1,)]
    expire_on(scene, date(2029, 2, 1))
    assert scene.rows("SELECT user_id FROM papers") == [(2,)]
    assert scene.rows("SELECT * FROM pages") == olas
