"""What is written while an erasure runs: it is swept, or named as left, and whoever came meanwhile is somebody else."""

import json
from collections.abc import Callable, Iterable
from datetime import date
from itertools import count

import pytest

from slett.requests.erase import Outcome, Stage, Watch, erase, resume
from slett.requests.expire import expire
from slett.requests.look import look
from tests.journeys.scene import Scene, subjects

MAP = """
users:
  root: true
  identifiers: {email: email}
  action: delete
clicks:
  references: [{column: user_id, to: users}]
  action: delete
guests:
  references: [{column: email, identifier: email}]
  action: delete
posts:
  references: [{column: user_id, to: users}]
  action: delete
"""
TABLES = (
    "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80))",
    "CREATE TABLE clicks (id INT PRIMARY KEY, user_id INT)",
    "CREATE TABLE guests (id INT PRIMARY KEY, email VARCHAR(80))",
    "CREATE TABLE posts (id INT PRIMARY KEY, user_id INT REFERENCES users (id))",
    "INSERT INTO users VALUES (1, 'kari@x.no'), (2, 'ola@x.no')",
    "INSERT INTO clicks VALUES (1, 1), (2, 2), (3, 1)",
    "INSERT INTO guests VALUES (1, 'Kari@x.no'), (2, 'ola@x.no')",
    "INSERT INTO posts VALUES (1, 1), (2, 2)",
)
OLA = {
    "shop/users": [(2, "ola@x.no")],
    "shop/clicks": [(2, 2)],
    "shop/guests": [(2, "ola@x.no")],
    "shop/posts": [(2, 2)],
}


@pytest.fixture
def shop(scene: Scene) -> Scene:
    scene.sql(*TABLES)
    scene.map(shop=MAP)
    return scene


def at(wanted: Stage, act: Callable[[], object], times: int = 1) -> Watch:
    """A watcher that acts at that stage, so many times."""
    left = count(times, -1)

    def watch(stage: Stage, _done: int, _total: int) -> None:
        if stage == wanted and next(left) > 0:
            act()

    return watch


def erased(scene: Scene, watch: Watch, keys: Iterable[int] = (1,)) -> list[Outcome]:
    with scene.open() as service:
        return erase(service, subjects(service, list(keys)), watch)


# -- swept ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("people", [[1], [1, 3]], ids=["one", "two"])
@pytest.mark.parametrize("stage", ["change", "verify"])
def test_a_row_written_meanwhile_is_swept(shop: Scene, stage: Stage, people: list[int]) -> None:
    """At `verify` the root row is gone already: the second look remembers whose rows it looks for."""
    shop.sql("INSERT INTO users VALUES (3, 'per@x.no')")
    shop.settings["chunk_rows"] = 1
    late = ("INSERT INTO clicks VALUES (10, 1), (20, 2)", "INSERT INTO guests VALUES (10, 'KARI@x.no')")
    outcomes = erased(shop, at(stage, lambda: shop.sql(*late)), people)
    assert {outcome.state for outcome in outcomes} == {"fulfilled"}
    here = shop.snapshot()
    assert [row for row in here.pop("shop/users") if row[0] not in (1, 3)] == OLA["shop/users"]
    assert here == {**{name: rows for name, rows in OLA.items() if name in here}, "shop/clicks": [(2, 2), (20, 2)]}


def test_a_row_that_holds_its_parent_is_swept(shop: Scene) -> None:
    """It was written after its table had been emptied, so that the root row cannot go at first."""
    shop.settings["chunk_rows"] = 1
    late = [10, 11]

    def write() -> None:
        if late and not shop.rows("SELECT id FROM posts WHERE user_id = 1"):
            shop.sql(f"INSERT INTO posts SELECT {late.pop()}, id FROM users WHERE id = 1")

    (outcome,) = erased(shop, at("change", write, 1_000))
    assert not late
    assert outcome.state == "fulfilled"
    assert shop.snapshot() == OLA


def test_whoever_writes_without_end_is_named(shop: Scene) -> None:
    numbers = count(100)
    watch = at("verify", lambda: shop.sql(f"INSERT INTO clicks VALUES ({next(numbers)}, 1)"), 1_000)
    (outcome,) = erased(shop, watch)
    assert outcome.state == "partially_fulfilled"
    assert [(each.store, each.table, each.rows) for each in outcome.left] == [("shop", "clicks", 1)]
    assert outcome.certificate
    body = json.loads(outcome.certificate.read_text("utf-8"))["body"]
    assert body["outcome"] == "partially_fulfilled"
    assert [(each["table"], each["rows"]) for each in body["left"]] == [("clicks", 1)]
    assert next(numbers) - 100 == 3  # as many looks as there are sweeps


def test_what_was_left_is_erased_by_asking_again(shop: Scene) -> None:
    """The root row went, so that nothing but the request itself says whose the rows are."""
    numbers = count(100)
    erased(shop, at("verify", lambda: shop.sql(f"INSERT INTO clicks VALUES ({next(numbers)}, 1)"), 1_000))
    with shop.open() as service:
        (found,) = look(service, subjects(service, [1]))
    assert [(each.table, each.rows) for each in found.left] == [("clicks", 1)]
    (outcome,) = shop.erase(1)
    assert outcome.state == "fulfilled"
    assert shop.snapshot() == OLA


# -- kept -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["", "anonymise: {user_id: null}"], ids=["implied", "written"])
def test_an_order_placed_meanwhile_is_kept_and_goes_when_due(scene: Scene, rule: str) -> None:
    """That a kept row no longer says whose it was is implied, and looked at all the same."""
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80))",
        "CREATE TABLE orders (id INT PRIMARY KEY, user_id INT, placed_on DATE NOT NULL)",
        "INSERT INTO users VALUES (1, 'kari@x.no'), (2, 'ola@x.no')",
        "INSERT INTO orders VALUES (1, 1, '2024-01-01'), (2, 2, '2024-01-01')",
    )
    scene.map(
        shop=f"""
users: {{root: true, action: delete}}
orders:
  references: [{{column: user_id, to: users}}]
  action: keep
  until: {{column: placed_on, add: 5 years, from: year-end}}
  basis: a law
  columns: [id, placed_on]
  {rule}
"""
    )
    late = "INSERT INTO orders VALUES (10, 1, '2025-01-01'), (20, 2, '2025-01-01')"
    (outcome,) = erased(scene, at("verify", lambda: scene.sql(late)))
    assert outcome.state == "fulfilled"
    assert scene.rows("SELECT id, user_id FROM orders ORDER BY id") == [(1, None), (2, 2), (10, None), (20, 2)]
    assert outcome.certificate
    (kept,) = json.loads(outcome.certificate.read_text("utf-8"))["body"]["kept"]
    assert (kept["rows"], kept["until"]) == (2, "2031-01-01")
    scene.today = date(2031, 1, 1)
    with scene.open() as service:
        expire(service)
    assert scene.rows("SELECT id, user_id FROM orders ORDER BY id") == [(2, 2), (20, 2)]


# -- whoever came meanwhile -------------------------------------------------------------------------

NEWCOMER = ("INSERT INTO users VALUES (9, 'kari@x.no')", "INSERT INTO clicks VALUES (90, 9)")
HERS = {**OLA, "shop/users": [(2, "ola@x.no"), (9, "kari@x.no")], "shop/clicks": [(2, 2), (90, 9)]}


class Crash(Exception):
    """The process dies."""


def crash() -> None:
    raise Crash


@pytest.mark.parametrize("name", ["key", "email"])
def test_a_newcomer_with_the_same_address_is_untouched_by_a_sweep(shop: Scene, name: str) -> None:
    late = (*NEWCOMER, "INSERT INTO clicks VALUES (10, 1)")
    with shop.open() as service:
        named = subjects(service, [1]) if name == "key" else subjects(service, email="kari@x.no")
        (outcome,) = erase(service, named, at("verify", lambda: shop.sql(*late)))
    assert outcome.state == "fulfilled"
    assert shop.snapshot() == HERS


@pytest.mark.parametrize("stage", ["change", "verify", "certify"])
@pytest.mark.parametrize("name", ["key", "email"])
def test_a_newcomer_with_the_same_address_is_untouched_by_a_resumption(shop: Scene, name: str, stage: Stage) -> None:
    with shop.open() as service:
        named = subjects(service, [1]) if name == "key" else subjects(service, email="kari@x.no")
        with pytest.raises(Crash):
            erase(service, named, at(stage, crash))
    shop.sql("DELETE FROM clicks WHERE user_id = 1", "DELETE FROM posts WHERE user_id = 1")
    shop.sql("DELETE FROM users WHERE id = 1", *NEWCOMER)
    (outcome,) = shop.resume()
    assert outcome.state == "fulfilled"
    assert shop.snapshot() == HERS


def test_what_a_newcomer_wrote_under_the_same_address_is_untouched_by_a_resumption(shop: Scene) -> None:
    """From the moment somebody else has the address, it says nothing of whose a row is: it is left, and named."""
    with shop.open() as service:
        with pytest.raises(Crash):
            erase(service, subjects(service, [1]), at("verify", crash))
        shop.sql(*NEWCOMER, "INSERT INTO guests VALUES (90, 'kari@x.no')")
        resume(service, force=True)
    assert shop.snapshot() == {**HERS, "shop/guests": [(2, "ola@x.no"), (90, "kari@x.no")]}
