"""A pause stops work before its next transaction, and loses nothing; too much for a day pauses by itself."""

from datetime import timedelta

import pytest

from slett.ledger import Kept
from slett.ledger.pauses import EVERY
from slett.requests.erase import Stage, erase
from slett.requests.expire import expire
from slett.requests.pause import Paused
from slett.requests.service import Service
from tests.journeys.people import PEOPLE, USERS
from tests.journeys.scene import Scene, subjects

CLICKS = "clicks:\n  references: [{column: user_id, to: users}]\n  action: delete\n"
WITHOUT_KARI = {"shop/users": [(2, "ola@x.no"), (3, "liv@x.no")], "shop/clicks": [(3, 2)]}


@pytest.fixture
def shop(scene: Scene) -> Scene:
    scene.sql(
        *PEOPLE,
        "CREATE TABLE clicks (id INT PRIMARY KEY, user_id INT NOT NULL REFERENCES users (id))",
        "INSERT INTO clicks VALUES (1, 1), (2, 1), (3, 2)",
    )
    scene.map(shop=USERS + CLICKS)
    return scene


def pause(scene: Scene, store: str = EVERY) -> None:
    with scene.open() as service, service.ledger.write() as page:
        page.pauses.add(store, "the map looks wrong", "kari")


def unpause(scene: Scene, store: str = EVERY) -> int:
    with scene.open() as service, service.ledger.write() as page:
        return page.pauses.lift(store)


@pytest.mark.parametrize("store", [EVERY, "shop"])
def test_nothing_begins_while_a_store_is_paused(shop: Scene, store: str) -> None:
    pause(shop, store)
    before = shop.snapshot()
    with pytest.raises(Paused, match=r"paused since .* UTC: the map looks wrong; `slett unpause"):
        shop.erase(1)
    with shop.open() as service:
        with service.ledger.read() as page:
            assert page.requests.find() == (), "nobody asked"
        with pytest.raises(Paused):
            expire_something(service)
    assert shop.snapshot() == before
    assert unpause(shop, store) == 1
    assert shop.erase(1)[0].state == "fulfilled"


def expire_something(service: Service) -> None:
    """There is a kept row that is due."""
    with service.ledger.write() as page:
        (request,) = page.requests.file("erase", ["0" * 64], "d" * 64, timedelta(hours=1))
        page.kept.add([Kept(request.reference, "shop", "clicks", service.today, b"[[1]]")])
    expire(service)


def test_a_pause_of_a_store_that_is_not_of_this_map_stops_nothing(shop: Scene) -> None:
    pause(shop, "elsewhere")
    assert shop.erase(1)[0].state == "fulfilled"


def test_work_under_way_stops_before_its_next_transaction_and_goes_on_afterwards(shop: Scene) -> None:
    shop.settings["chunk_rows"] = 1

    def watch(stage: Stage, done: int, _total: int) -> None:
        if stage == "change" and done == 1:
            pause(shop)

    with shop.open() as service, pytest.raises(Paused):
        erase(service, subjects(service, [1]), watch)
    assert len(shop.rows("SELECT id FROM clicks WHERE user_id = 1")) < 2, "it had begun"
    assert shop.rows("SELECT id FROM users WHERE id = 1") == [(1,)], "and stopped"
    with pytest.raises(Paused):
        shop.resume()
    unpause(shop)
    (outcome,) = shop.resume()
    assert outcome.state == "fulfilled"
    assert shop.snapshot() == WITHOUT_KARI


def test_more_than_a_day_may_touch_pauses_everything_before_it_is_touched(shop: Scene) -> None:
    shop.map("ceiling: {per_day: 4}", shop=USERS + CLICKS)
    assert shop.erase(1)[0].rows == 3
    before = shop.snapshot()
    with pytest.raises(Paused, match="2 rows, with 3 of the day before more than the ceiling of 4 a day"):
        shop.erase(2)
    assert shop.snapshot() == before
    with pytest.raises(Paused):
        shop.resume()
    unpause(shop)
    (outcome,) = shop.resume()  # whoever lifts the pause has looked: the day begins anew
    assert outcome.state == "fulfilled"
    assert shop.snapshot() == {"shop/users": [(3, "liv@x.no")], "shop/clicks": []}
