"""A backup brings the erased back: `replay` makes every store what it was before the disaster, row by row."""

import random
import shutil
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from slett.requests.expire import expire
from slett.requests.replay import Doubt, Replayed, look_back, replay
from slett.stores.schema import Dialect
from tests.conftest import NewDatabase
from tests.journeys.apart import Apart
from tests.journeys.everything import build
from tests.journeys.people import PEOPLE, USERS
from tests.journeys.scene import Scene
from tests.servers.backup import back_up, restore
from tests.servers.process import ServerMissingError

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)  # before every erasure of these tests
GUESTS = """
guests:
  references: [{column: email, identifier: email}]
  action: delete
clicks:
  references: [{column: user_id, to: users}]
  action: delete
"""


@pytest.fixture
def shop(scene: Scene) -> Scene:
    """Kari, Ola and Liv, what they clicked on, and what guests wrote."""
    scene.sql(
        *PEOPLE,
        "CREATE TABLE guests (id INT PRIMARY KEY, email VARCHAR(80))",
        "CREATE TABLE clicks (id INT PRIMARY KEY, user_id INT)",
        "INSERT INTO guests VALUES (1, 'Kari@x.no'), (2, 'ola@x.no'), (4, 'per@x.no')",
        "INSERT INTO clicks VALUES (1, 1), (2, 2), (3, 3)",
    )
    scene.map(shop=USERS + GUESTS)
    return scene


def backups(scene: Scene) -> Callable[..., None]:
    """Back up every store now; what is given back restores those that are named, or all."""
    files = {store: scene.folder / f"{store}.backup" for store in scene.urls}
    try:
        for store, file in files.items():
            back_up(scene.urls[store], file)
    except ServerMissingError as missing:
        pytest.skip(str(missing))

    def give_back(*stores: str) -> None:
        for store in stores or files:
            restore(scene.urls[store], files[store])

    return give_back


def replayed(scene: Scene, since: datetime | None = None, *, doubtful: bool = False) -> Replayed:
    with scene.open() as service:
        return replay(service, since, doubtful=doubtful)


def states(done: Replayed) -> list[str]:
    return [outcome.state for outcome in done.outcomes]


# -- the law ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("people", [[2], [1, 3]], ids=["one", "two"])
def test_after_a_restore_and_a_replay_every_row_is_as_before_the_disaster(
    scene: Scene, new_database: NewDatabase, dialect: Dialect, people: list[int]
) -> None:
    """Through the programs with which operators back up and restore, over two stores and everything that a map says."""
    scene.urls["crm"] = new_database(dialect)
    build(scene)
    give_back = backups(scene)
    scene.erase(*people)
    wanted = scene.snapshot()
    give_back()
    assert scene.snapshot() != wanted
    done = replayed(scene, LONG_AGO)
    assert scene.snapshot() == wanted
    assert (states(done), done.doubts, done.people) == (["fulfilled"] * len(people), (), len(people))
    assert replayed(scene, LONG_AGO) == Replayed(0, 0, 0, ())
    assert scene.snapshot() == wanted
    with scene.open() as service, service.ledger.read() as page:
        again = [each for each in page.requests.find() if each.origin]
        assert [each.origin for each in again] == ["replay"] * len(people)
        assert all(each.certificate is not None for each in again)


@pytest.fixture(scope="module")
def apart() -> Iterator[Apart]:
    process = Apart()
    yield process
    process.end()


@pytest.mark.slow
def test_a_replay_that_is_killed_and_started_again_ends_the_same(
    tmp_path: Path, new_database: NewDatabase, apart: Apart
) -> None:
    scene = Scene(
        tmp_path, {"shop": new_database("sqlite"), "crm": new_database("sqlite")}, {"chunk_rows": 2, "inline_keys": 2}
    )
    build(scene)
    give_back = backups(scene)
    scene.erase(1, 3)
    wanted = scene.snapshot()
    home, saved = scene.folder / ".slett", scene.folder / "saved"
    shutil.copytree(home, saved)

    def disaster() -> None:
        give_back()
        shutil.rmtree(home)
        shutil.copytree(saved, home)

    disaster()
    instants: int = apart.do(scene, [], replay=True)["instants"]
    assert scene.snapshot() == wanted
    for kill_at in random.Random(7).sample(range(1, instants), 12):
        disaster()
        assert apart.do(scene, [], kill_at, replay=True) == {"died": -signal.SIGKILL}
        with scene.open() as service:
            replay(service, LONG_AGO, force=True)
        assert scene.snapshot() == wanted, kill_at


# -- whose row it is --------------------------------------------------------------------------------


def test_a_namesake_with_the_address_of_an_erased_person_is_untouched(shop: Scene) -> None:
    shop.erase(1)
    shop.sql("INSERT INTO users VALUES (9, 'kari@x.no')", "INSERT INTO guests VALUES (9, 'kari@x.no')")
    shop.sql("INSERT INTO clicks VALUES (9, 9)")
    before = shop.snapshot()
    assert replayed(shop, LONG_AGO) == Replayed(0, 0, 0, ())
    assert replayed(shop, LONG_AGO, doubtful=True) == Replayed(0, 0, 0, ())
    assert shop.snapshot() == before


def test_a_key_that_was_given_out_again_is_named_and_left_until_the_operator_says_so(shop: Scene) -> None:
    shop.erase(1)
    shop.sql("INSERT INTO users VALUES (1, 'eva@x.no')", "INSERT INTO clicks VALUES (10, 1)")
    before = shop.snapshot()
    done = replayed(shop)
    assert (done.people, done.doubts) == (0, (Doubt("shop/users", 1),))
    assert shop.snapshot() == before
    done = replayed(shop, doubtful=True)
    assert (states(done), done.doubts) == (["fulfilled"], ())
    assert shop.rows("SELECT id FROM users ORDER BY id") == [(2,), (3,)]
    assert shop.rows("SELECT id FROM clicks ORDER BY id") == [(2,), (3,)]


def test_one_of_the_erasures_of_an_address_is_enough_whoever_had_it_later(shop: Scene) -> None:
    """Kari left, somebody else took her address and left too: the backup still knows that the first row was hers."""
    give_back = backups(shop)
    shop.erase(1)
    shop.sql("INSERT INTO users VALUES (9, 'kari@x.no')")
    shop.erase(9)
    wanted = shop.snapshot()
    give_back()
    assert states(replayed(shop)) == ["fulfilled"]
    assert shop.snapshot() == wanted


def test_whoever_was_erased_before_the_backup_cannot_have_come_back_with_it(shop: Scene) -> None:
    shop.erase(1)
    shop.sql("INSERT INTO guests VALUES (9, 'kari@x.no')")
    before = shop.snapshot()
    with shop.open() as service, service.ledger.read() as page:
        now = page.now
    assert replayed(shop, now) == Replayed(0, 0, 0, ())
    assert shop.snapshot() == before


def test_an_anonymised_root_that_is_as_its_erasure_left_it_is_nobody_who_came_back(scene: Scene) -> None:
    scene.sql(
        *PEOPLE, "CREATE TABLE clicks (id INT PRIMARY KEY, user_id INT)", "INSERT INTO clicks VALUES (1, 1), (2, 2)"
    )
    root = "users:\n  root: true\n  identifiers: {email: email}\n  action: anonymise\n  anonymise: {email: null}\n"
    scene.map(shop=root + "clicks:\n  references: [{column: user_id, to: users}]\n  action: delete\n")
    give_back = backups(scene)
    scene.erase(1)
    wanted = scene.snapshot()
    assert replayed(scene) == Replayed(0, 0, 0, ())
    give_back()
    assert states(replayed(scene)) == ["fulfilled"]
    assert scene.snapshot() == wanted
    scene.sql("INSERT INTO clicks VALUES (1, 1)")  # a table that was restored by itself
    assert states(replayed(scene)) == ["fulfilled"]
    assert scene.snapshot() == wanted


# -- without a root row -----------------------------------------------------------------------------


def test_a_guest_comes_back_and_goes_again(shop: Scene) -> None:
    give_back = backups(shop)
    shop.erase(email="per@x.no")
    wanted = shop.snapshot()
    give_back()
    assert states(replayed(shop, LONG_AGO)) == ["fulfilled"]
    assert shop.snapshot() == wanted


def test_without_the_moment_of_the_backup_a_guest_is_doubtful(shop: Scene) -> None:
    """An order under an erased address may be old, or of somebody who came as a guest after that."""
    shop.erase(email="per@x.no")
    shop.sql("INSERT INTO guests VALUES (9, 'per@x.no')")
    before = shop.snapshot()
    assert replayed(shop).doubts == (Doubt("email", 1),)
    assert shop.snapshot() == before
    assert states(replayed(shop, doubtful=True)) == ["fulfilled"]
    assert shop.rows("SELECT id FROM guests WHERE email = 'per@x.no'") == []


def test_rows_of_a_store_that_was_restored_alone_go_by_the_key_of_who_is_gone(
    scene: Scene, new_database: NewDatabase, dialect: Dialect
) -> None:
    scene.urls["media"] = new_database(dialect)
    scene.sql(*PEOPLE)
    scene.sql(
        "CREATE TABLE photos (id INT PRIMARY KEY, user_id INT)",
        "INSERT INTO photos VALUES (1, 1), (2, 2), (3, NULL)",
        store="media",
    )
    photos = "photos:\n  references: [{column: user_id, to: shop/users}]\n  action: delete\n"
    scene.map(shop=USERS, media=photos)
    give_back = backups(scene)
    scene.erase(1)
    wanted = scene.snapshot()
    give_back("media")
    assert scene.snapshot() != wanted
    assert states(replayed(scene)) == ["fulfilled"]
    assert scene.snapshot() == wanted


# -- kept rows --------------------------------------------------------------------------------------

ORDERS = """
orders:
  references: [{column: user_id, to: users}]
  action: keep
  until: {column: placed_on, add: 5 years, from: year-end}
  basis: a law
  columns: [id, placed_on]
"""
PLACED = (
    "CREATE TABLE orders (id INT PRIMARY KEY, user_id INT, placed_on DATE NOT NULL)",
    "INSERT INTO orders VALUES (1, 1, '2024-01-01'), (2, 2, '2024-01-01')",
)


@pytest.fixture
def kept(scene: Scene) -> Scene:
    scene.sql(*PEOPLE, *PLACED)
    scene.map(shop=USERS + ORDERS)
    scene.erase(1)
    return scene


def swept(scene: Scene) -> int:
    with scene.open() as service:
        return sum(each.rows for each in expire(service))


def test_a_kept_row_that_came_back_after_its_day_is_due_again(kept: Scene) -> None:
    give_back = backups(kept)
    kept.today = date(2031, 1, 1)
    assert swept(kept) == 1
    wanted = kept.snapshot()
    give_back()
    with kept.open() as service:
        assert look_back(service).due_again == 1
    assert replayed(kept).due_again == 1
    assert replayed(kept).due_again == 1, "said as long as it is there"
    assert swept(kept) == 1
    assert kept.snapshot() == wanted


def test_a_key_of_an_expired_row_that_was_given_out_again_condemns_nobody(kept: Scene) -> None:
    kept.today = date(2031, 1, 1)
    assert swept(kept) == 1
    kept.sql("INSERT INTO orders VALUES (1, 3, '2001-01-01')")
    before = kept.snapshot()
    assert replayed(kept) == Replayed(0, 0, 0, ())
    assert swept(kept) == 0
    assert kept.snapshot() == before


def test_a_kept_row_that_did_not_come_back_is_forgotten_before_its_key_is_given_out_again(scene: Scene) -> None:
    """It was placed after the backup was made."""
    scene.sql(*PEOPLE, PLACED[0])
    scene.map(shop=USERS + ORDERS)
    give_back = backups(scene)
    scene.sql("INSERT INTO orders VALUES (1, 1, '2024-01-01')")
    scene.erase(1)
    give_back()
    replayed(scene)
    scene.sql("INSERT INTO orders VALUES (1, 2, '2026-01-01')")
    scene.today = date(2031, 1, 1)
    assert swept(scene) == 0
    assert scene.rows("SELECT user_id FROM orders") == [(2,)]


def test_looking_changes_nothing_and_writes_nothing(shop: Scene) -> None:
    give_back = backups(shop)
    shop.erase(1)
    give_back()
    before = shop.snapshot()
    with shop.open() as service:
        with service.ledger.read() as page:
            requests, head = page.requests.find(), page.log.head()
        found = look_back(service)
        with service.ledger.read() as page:
            assert (page.requests.find(), page.log.head()) == (requests, head)
    assert (found.people, found.rows, found.doubts) == (1, 3, ())
    assert shop.snapshot() == before


def test_many_who_came_back_are_erased_in_batches(scene: Scene) -> None:
    scene.sql("CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80))")
    people = ", ".join(f"({number}, 'p{number}@x.no')" for number in range(1, 61))
    scene.sql(f"INSERT INTO users VALUES {people}")
    scene.map(shop=USERS)
    give_back = backups(scene)
    scene.erase(*range(1, 51))
    wanted = scene.snapshot()
    give_back()
    scene.settings["batch_people"] = 7
    assert replayed(scene).people == 50
    assert scene.snapshot() == wanted
