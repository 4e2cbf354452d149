"""A hold keeps what it covers, and nothing else, until it is released; then what was kept back goes by itself."""

import json
from datetime import date

import pytest

from slett.requests.due import catch_up
from slett.requests.erase import Outcome, Stage, erase, resume
from slett.requests.hold import HeldBack, HoldError, place, release
from slett.requests.refuse import Refused
from slett.requests.undo import undo
from tests.journeys.people import PEOPLE, USERS
from tests.journeys.scene import Scene, subjects

REST = """
clicks:
  references: [{column: user_id, to: users}]
  action: delete
orders:
  references: [{column: user_id, to: users}]
  action: delete
items:
  references: [{column: order_id, to: orders}]
  action: delete
guests:
  references: [{column: email, identifier: email}]
  action: delete
"""
BASIS = "Criminal Procedure Act § 215 a"
REVIEW = date(2027, 1, 1)


@pytest.fixture
def shop(scene: Scene) -> Scene:
    scene.sql(
        *PEOPLE,
        "CREATE TABLE clicks (id INT PRIMARY KEY, user_id INT NOT NULL REFERENCES users (id))",
        "CREATE TABLE orders (id INT PRIMARY KEY, user_id INT NOT NULL REFERENCES users (id) ON DELETE CASCADE)",
        "CREATE TABLE items (id INT PRIMARY KEY, order_id INT NOT NULL REFERENCES orders (id))",
        "CREATE TABLE guests (id INT PRIMARY KEY, email VARCHAR(80))",
        "INSERT INTO clicks VALUES (1, 1), (2, 2), (3, 1)",
        "INSERT INTO orders VALUES (1, 1), (2, 2)",
        "INSERT INTO items VALUES (1, 1), (2, 2)",
        "INSERT INTO guests VALUES (1, 'kari@x.no'), (2, 'ola@x.no'), (4, 'per@x.no')",
    )
    scene.map(shop=USERS + REST)
    return scene


def hold(scene: Scene, *keys: int, email: str = "", tables: tuple[str, ...] = ()) -> int:
    with scene.open() as service:
        (who,) = subjects(service, keys, email or ())
        return place(service, who, BASIS, REVIEW, tables, "liv")


def let_go(scene: Scene, number: int) -> int:
    """Release, and do what is due; says how many requests went on."""
    with scene.open() as service:
        waiting = release(service, number)
        assert waiting is not None
        catch_up(service)
    return waiting


def states(scene: Scene) -> list[str]:
    with scene.open() as service, service.ledger.read() as page:
        return [request.state for request in reversed(page.requests.find())]


def rows_of(scene: Scene) -> dict[str, list[int]]:
    return {name.partition("/")[2]: [row[0] for row in rows] for name, rows in scene.snapshot().items()}


ALL = {"users": [1, 2, 3], "clicks": [1, 2, 3], "orders": [1, 2], "items": [1, 2], "guests": [1, 2, 4]}
WITHOUT_KARI = {"users": [2, 3], "clicks": [2], "orders": [2], "items": [2], "guests": [2, 4]}


# -- everything -------------------------------------------------------------------------------------


@pytest.mark.parametrize("held_by", ["key", "email"])
@pytest.mark.parametrize("asked_by", ["key", "email"])
def test_a_held_person_waits_however_they_are_named_and_goes_when_released(
    shop: Scene, held_by: str, asked_by: str
) -> None:
    number = hold(shop, 1) if held_by == "key" else hold(shop, email="KARI@x.no")
    before = shop.snapshot()
    (outcome,) = shop.erase(1) if asked_by == "key" else shop.erase(email="kari@X.no")
    assert (outcome.state, outcome.reason) == ("held", f"held: {BASIS}")
    assert shop.snapshot() == before
    assert states(shop) == ["scheduled"]
    with shop.open() as service:
        assert catch_up(service) == 0
        assert resume(service) == []
    assert shop.snapshot() == before
    assert let_go(shop, number) == 1
    assert states(shop) == ["fulfilled"]
    assert rows_of(shop) == WITHOUT_KARI


def test_others_of_the_same_batch_do_not_wait(shop: Scene) -> None:
    hold(shop, 1)
    held, gone = shop.erase(1, 2)
    assert (held.state, gone.state) == ("held", "fulfilled")
    assert rows_of(shop) == {**ALL, "users": [1, 3], "clicks": [1, 3], "orders": [1], "items": [1], "guests": [1, 4]}


def test_a_guest_is_held_by_their_address(shop: Scene) -> None:
    number = hold(shop, email="per@x.no")
    assert shop.erase(email="Per@x.no")[0].state == "held"
    assert rows_of(shop) == ALL
    assert let_go(shop, number) == 1
    assert rows_of(shop) == {**ALL, "guests": [1, 2]}


def test_whoever_has_the_address_of_somebody_held_by_key_is_not_held(shop: Scene) -> None:
    hold(shop, 1)
    shop.sql("UPDATE users SET email = 'k@x.no' WHERE id = 1", "UPDATE users SET email = 'kari@x.no' WHERE id = 3")
    assert shop.erase(3)[0].state == "fulfilled"
    assert shop.erase(1)[0].state == "held"


def test_a_hold_on_nobody_is_refused(shop: Scene) -> None:
    with pytest.raises(Refused, match="nobody was found"):
        hold(shop, 77)
    with pytest.raises(HoldError, match="no table `shop/nothing`"):
        hold(shop, 1, tables=("shop/nothing",))


# -- some tables ------------------------------------------------------------------------------------


def certified(outcome: Outcome) -> dict[str, str]:
    assert outcome.certificate
    body = json.loads(outcome.certificate.read_text("utf-8"))["body"]
    assert body["outcome"] == "partially_fulfilled"
    return {each["table"]: each["reason"] for each in body["left"]}


@pytest.mark.parametrize("beside", [[], [2]], ids=["alone", "in a batch"])
def test_only_the_rows_that_a_hold_covers_stay_and_what_they_hang_on(shop: Scene, beside: list[int]) -> None:
    """The order's customer stays, or the database would take the order along."""
    number = hold(shop, 1, tables=("shop/orders",))
    outcome, *others = shop.erase(1, *beside)
    assert [each.state for each in others] == ["fulfilled"] * len(beside)
    assert outcome.state == "partially_fulfilled"
    assert {each.table for each in outcome.left} == {"orders", "users"}
    assert certified(outcome) == {"orders": f"held: {BASIS}", "users": f"held: {BASIS}"}
    now = rows_of(shop)
    assert {name: [row for row in rows if row not in (2, 3, 4)] for name, rows in now.items()} == {
        "users": [1],
        "clicks": [],
        "orders": [1],
        "items": [],
        "guests": [],
    }
    assert states(shop)[-1] == "scheduled", "what is left waits"
    assert let_go(shop, number) == 1
    assert states(shop)[-1] == "fulfilled"
    assert not {1} & {*rows_of(shop)["users"], *rows_of(shop)["orders"]}


def test_a_hold_on_tables_without_rows_of_the_person_holds_nothing(shop: Scene) -> None:
    hold(shop, 3, tables=("shop/orders",))
    assert shop.erase(3)[0].state == "fulfilled"


def test_a_crash_does_not_forget_what_is_held(shop: Scene) -> None:
    class Crash(Exception):
        """The process dies."""

    def crash(stage: Stage, _done: int, _total: int) -> None:
        if stage == "verify":
            raise Crash

    hold(shop, 1, tables=("shop/orders",))
    with shop.open() as service, pytest.raises(Crash):
        erase(service, subjects(service, [1]), crash)
    (outcome,) = shop.resume()
    assert outcome.state == "partially_fulfilled"
    assert rows_of(shop) == {**ALL, "clicks": [2], "items": [2], "guests": [2, 4]}


# -- while the work is under way --------------------------------------------------------------------


@pytest.mark.parametrize("people", [[1], [1, 2]], ids=["alone", "in a batch"])
def test_a_hold_that_is_placed_meanwhile_stops_the_next_step_and_the_others_go_on(
    shop: Scene, people: list[int]
) -> None:
    shop.settings["chunk_rows"] = 1
    placed: list[int] = []

    def watch(stage: Stage, done: int, _total: int) -> None:
        if stage == "change" and done and not placed:
            placed.append(hold(shop, 1))

    with shop.open() as service, pytest.raises(HeldBack):
        erase(service, subjects(service, people), watch)
    before = rows_of(shop)
    shop.resume()
    after = rows_of(shop)
    assert 1 in after["users"]
    if people == [1]:
        assert after == before
        assert states(shop) == ["scheduled"]
    else:
        assert sorted(states(shop)) == ["fulfilled", "scheduled"]
        assert 2 not in after["users"]
    assert let_go(shop, placed[0]) == 1
    assert set(states(shop)) == {"fulfilled"}
    assert not {1} & set(rows_of(shop)["users"])
    assert not shop.rows("SELECT id FROM clicks WHERE user_id = 1")


def test_whoever_is_erased_and_could_be_brought_back_is_held_after_that(shop: Scene) -> None:
    shop.settings["vault"] = {"undo_window_hours": 24}
    with shop.open() as service:
        (erased,) = erase(service, subjects(service, [1]))
    with pytest.raises(Refused, match=f"`slett restore {erased.reference}` brings them back, and then"):
        hold(shop, 1)
    with shop.open() as service:
        undo(service, erased.reference, "liv")
    assert hold(shop, 1) == 1
