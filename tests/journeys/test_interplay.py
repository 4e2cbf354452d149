"""What one capability leaves behind is what the next one finds: undo, holds, kept rows, backups."""

import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from slett.ledger import Request
from slett.requests.due import catch_up
from slett.requests.erase import Stage, erase
from slett.requests.expire import expire
from slett.requests.hold import HeldBack, place, release
from slett.requests.particulars import Particulars
from slett.requests.replay import replay
from slett.requests.undo import Undone, undo
from slett.requests.way_back import NoWayBack, end_ways_back
from tests.journeys.people import USERS
from tests.journeys.scene import Scene, subjects

MAP = (
    USERS
    + """
clicks:
  references: [{column: user_id, to: users}]
  action: delete
orders:
  references: [{column: user_id, to: users}]
  action: keep
  until: {column: placed_on, add: 5 years, from: year-end}
  basis: a law
  columns: [id, placed_on]
"""
)


@pytest.fixture
def shop(tmp_path: Path, sqlite_database: str) -> Scene:
    scene = Scene(tmp_path, {"shop": sqlite_database}, {"vault": {"undo_window_hours": 48}})
    scene.sql(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, email VARCHAR(80))",
        "CREATE TABLE clicks (id INTEGER PRIMARY KEY, user_id INT REFERENCES users (id))",
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INT REFERENCES users (id), placed_on DATE NOT NULL)",
        "INSERT INTO users VALUES (1, 'kari@x.no'), (2, 'ola@x.no')",
        "INSERT INTO clicks VALUES (1, 1), (2, 2), (3, 1)",
        "INSERT INTO orders VALUES (1, 1, '2024-01-01'), (2, 2, '2024-01-01')",
    )
    scene.map(shop=MAP)
    return scene


def backup(scene: Scene) -> Callable[[], None]:
    """Back the store up; what is given back restores it."""
    file = Path(scene.urls["shop"].removeprefix("sqlite:///"))
    copy = scene.folder / "backup.db"
    shutil.copy(file, copy)

    def give_back() -> None:
        shutil.copy(copy, file)

    return give_back


def restore(scene: Scene, reference: str, *, partly: bool = False) -> Undone:
    with scene.open() as service:
        return undo(service, reference, "1 kari", partly=partly)


def expire_on(scene: Scene, day: date) -> None:
    before = scene.today
    scene.today = day
    with scene.open() as service:
        expire(service)
    scene.today = before


def hold(scene: Scene, *tables: str, key: int = 1) -> int:
    with scene.open() as service:
        return place(service, subjects(service, [key])[0], "claim", date(2030, 1, 1), tables)


def let_go(scene: Scene, number: int) -> None:
    with scene.open() as service:
        release(service, number)
        catch_up(service)


# -- holds and undo


def test_whoever_was_erased_but_for_what_is_held_and_restored_is_not_erased_at_the_release(shop: Scene) -> None:
    before = shop.snapshot()
    number = hold(shop, "shop/orders")
    (outcome,) = shop.erase(1)
    assert outcome.state == "partially_fulfilled"
    restore(shop, outcome.reference)
    assert shop.snapshot() == before
    let_go(shop, number)
    assert shop.snapshot() == before


@pytest.mark.parametrize("beside", [[], [2]], ids=["alone", "released into a batch"])
def test_what_was_taken_before_a_hold_and_after_it_comes_back_together(shop: Scene, beside: list[int]) -> None:
    before = shop.snapshot()
    shop.settings["chunk_rows"] = 1
    placed: list[int] = []

    def watch(stage: Stage, done: int, _total: int) -> None:
        if stage == "change" and done and not placed:
            placed.append(hold(shop))

    with shop.open() as service, pytest.raises(HeldBack):
        erase(service, subjects(service, [1]), watch)
    shop.resume()
    with shop.open() as service:
        end_ways_back(service)
        release(service, placed[0])
        for subject in subjects(service, beside):
            with service.ledger.write() as page:
                hashed = subject.hash(service.ledger.keys)
                (other,) = page.requests.file("erase", [hashed], "0" * 64, timedelta(hours=1), "verified")
                page.particulars.put(other.reference, Particulars(subject, (), (), "", "").pack())
                page.requests.schedule(
                    other, secret="0" * 64, promise=timedelta(hours=1), not_before=page.now, doubt=""
                )
        catch_up(service)
        with service.ledger.read() as page:
            ended = page.requests.find(kind="erase")
    assert {each.state for each in ended} == {"fulfilled"}
    assert shop.rows("SELECT id FROM users") == ([] if beside else [(2,)])
    for each in ended:
        assert restore(shop, each.reference).blocked == ()
    assert shop.snapshot() == before


@pytest.mark.usefixtures("way")
def test_what_was_taken_of_somebody_in_a_batch_of_several_before_a_hold_comes_back_with_the_rest(shop: Scene) -> None:
    before = shop.snapshot()
    first = stopped_in_a_batch(shop)
    (erased,) = (each for each in requests_of(shop) if each.reference != first)
    assert restore(shop, erased.reference).blocked == ()
    assert shop.rows("SELECT id FROM users") == [(1,)]
    assert restore(shop, first).blocked == ()
    assert shop.snapshot() == before


def test_whoever_is_brought_back_is_told_that_what_was_taken_before_a_hold_is_beyond_recovery(shop: Scene) -> None:
    first = stopped_in_a_batch(shop)
    (erased,) = (each for each in requests_of(shop) if each.reference != first)
    with shop.open() as service, service.ledger.write() as page:
        page.vaults.destroy(1, at_end=False)
    gone = shop.snapshot()
    with pytest.raises(NoWayBack, match="before a hold stopped it"):
        restore(shop, erased.reference)
    assert shop.snapshot() == gone
    assert restore(shop, erased.reference, partly=True).rows > 0
    assert shop.rows("SELECT id FROM users") == [(1,)]


def stopped_in_a_batch(shop: Scene) -> str:
    """Erase both, hold the first when one of her clicks is gone, go on, release: the reference of the other."""
    shop.settings["chunk_rows"] = 1
    placed: list[int] = []

    def watch(stage: Stage, _done: int, _total: int) -> None:
        if stage == "change" and not placed and len(shop.rows("SELECT id FROM clicks WHERE user_id = 1")) == 1:
            placed.append(hold(shop))

    with shop.open() as service, pytest.raises(HeldBack):
        erase(service, subjects(service, [1, 2]), watch)
    shop.resume()
    assert len(shop.rows("SELECT id FROM clicks WHERE user_id = 1")) == 1
    (other,) = (each.reference for each in requests_of(shop) if each.state == "fulfilled")
    let_go(shop, placed[0])
    assert shop.rows("SELECT id FROM users") == []
    return other


def requests_of(shop: Scene) -> list[Request]:
    with shop.open() as service, service.ledger.read() as page:
        return list(page.requests.find(kind="erase"))


# -- undo and again


@pytest.mark.parametrize("others", [(), (2,)])
def test_who_was_restored_in_part_and_erased_again_does_not_come_back_by_the_first_undo(
    shop: Scene, others: tuple[int, ...]
) -> None:
    first, *_ = shop.erase(1, *others)
    shop.sql("INSERT INTO clicks VALUES (1, NULL)")
    found = restore(shop, first.reference, partly=True)
    assert found.blocked
    (second,) = shop.erase(1)
    assert second.state == "fulfilled"
    shop.sql("DELETE FROM clicks WHERE id = 1")
    erased = shop.snapshot()
    with pytest.raises(NoWayBack):
        restore(shop, first.reference, partly=True)
    assert shop.snapshot() == erased


# -- backups


@pytest.mark.parametrize("which", [0, 1])
def test_whoever_was_erased_twice_by_a_replay_and_restored_stays(shop: Scene, which: int) -> None:
    before = shop.snapshot()
    give_back = backup(shop)
    (first,) = shop.erase(1)
    give_back()
    with shop.open() as service:
        (second,) = replay(service).outcomes
    assert second.state == "fulfilled"
    restore(shop, (first, second)[which].reference)
    assert shop.snapshot() == before
    with shop.open() as service:
        assert replay(service).outcomes == ()
    assert shop.snapshot() == before
    expire_on(shop, date(2031, 1, 1))
    assert shop.snapshot() == before


# -- kept rows


def test_a_kept_row_whose_key_is_somebody_elses_by_now_stays(shop: Scene) -> None:
    shop.erase(1)
    shop.sql("DELETE FROM orders WHERE id = 1", "INSERT INTO orders VALUES (1, 2, '2030-05-05')")
    expire_on(shop, date(2031, 1, 1))
    assert shop.rows("SELECT id FROM orders WHERE id = 1") == [(1,)]
