"""What is written after an erasure has ended goes when the settle window has passed, and nobody else loses anything."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from slett.ledger import Ledger, open_ledger
from slett.ledger.tables import scope
from slett.requests import late as late_looks
from slett.requests.erase import erase, resume
from slett.requests.hold import place
from slett.requests.late import ANOTHER_MAP, DOUBTFUL, HELD, TAKEN, Late, look_late
from slett.requests.pause import A_DAY, Paused
from slett.requests.runner import run_once
from slett.requests.service import Service
from slett.requests.subject import by_key
from slett.requests.undo import undo
from slett.requests.way_back import NoWayBack
from tests.journeys.scene import Scene, subjects
from tests.ledger.clock import Clock

MAP = """
users:
  root: true
  identifiers: {email: email}
  action: delete
clicks:
  references: [{column: user_id, to: users}]
  action: delete
orders:
  references: [{column: user_id, to: users}]
  action: keep
  until: {column: placed_on, add: 5 years, from: year-end}
  basis: a law
  columns: [id, placed_on]
items:
  references: [{column: order_id, to: orders}]
  action: delete
notes:
  references: [{column: about, to: users, kind: mention}]
guests:
  references: [{column: email, identifier: email}]
  action: delete
"""
TABLES = (
    "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80))",
    "CREATE TABLE clicks (id INT PRIMARY KEY, user_id INT)",
    "CREATE TABLE orders (id INT PRIMARY KEY, user_id INT, placed_on DATE NOT NULL)",
    "CREATE TABLE items (id INT PRIMARY KEY, order_id INT)",
    "CREATE TABLE notes (id INT PRIMARY KEY, about INT)",
    "CREATE TABLE guests (id INT PRIMARY KEY, email VARCHAR(80))",
    "INSERT INTO users VALUES (1, 'kari@x.no'), (2, 'ola@x.no'), (3, 'per@x.no')",
    "INSERT INTO clicks VALUES (1, 1), (2, 2), (3, 3)",
    "INSERT INTO orders VALUES (1, 1, '2024-01-01'), (2, 2, '2024-01-01')",
    "INSERT INTO items VALUES (1, 1), (2, 2)",
    "INSERT INTO notes VALUES (1, 1), (2, 2)",
    "INSERT INTO guests VALUES (1, 'kari@x.no'), (2, 'ola@x.no')",
)
LATE = (
    "INSERT INTO clicks VALUES (10, 1), (11, 1), (20, 2)",
    "INSERT INTO orders VALUES (10, 1, '2025-01-01'), (11, 1, '2015-01-01'), (20, 2, '2025-01-01')",
    "INSERT INTO items VALUES (10, 10), (11, 11), (20, 20)",
    "INSERT INTO notes VALUES (10, 1), (20, 2)",
)
STEPS = {
    "shop/clicks": {"delete": 2},
    "shop/items": {"delete": 2},
    "shop/notes": {"detach": 1},
    "shop/orders": {"expire": 1, "keep": 1},
}


class Crash(BaseException):
    """The process dies."""


@dataclass
class Mortal(Clock):
    """A clock whose reader dies when it has told the time so often."""

    left: int = -1

    def __call__(self) -> Any:
        if self.left == 0:
            raise Crash
        self.left -= 1
        return self.now


@dataclass
class Shop:
    scene: Scene
    clock: Mortal

    @contextmanager
    def open(self) -> Iterator[Service]:
        with self.scene.open() as service, open_ledger(service.settings, clock=self.clock) as ledger:
            yield replace(service, ledger=ledger)

    def erase(self, *keys: int) -> list[str]:
        with self.open() as service:
            outcomes = erase(service, subjects(service, keys))
        assert {each.state for each in outcomes} <= {"fulfilled", "partially_fulfilled"}
        return [each.reference for each in outcomes]

    def later(self, hours: float = 25) -> list[Late]:
        self.clock.forward(hours=hours)
        with self.open() as service:
            return look_late(service)

    def sealed(self) -> int:
        with self.open() as service:
            engine = sa.create_engine(f"sqlite:///{service.settings.home / 'ledger.db'}", poolclass=sa.NullPool)
            with engine.connect() as connection:
                count = connection.scalar(sa.select(sa.func.count()).select_from(scope))
            engine.dispose()
        return count or 0

    def log(self) -> list[dict[str, Any]]:
        with self.open() as service:
            return [each for each in entries(service.ledger) if str(each.get("event", "")).startswith("late writes")]


def entries(ledger: Ledger) -> list[dict[str, Any]]:
    with ledger.read() as page:
        return [json.loads(page.log.read([place])[place]) for place in range(page.log.head().size)]


@pytest.fixture
def shop(scene: Scene) -> Shop:
    scene.sql(*TABLES)
    scene.map(shop=MAP)
    return Shop(scene, Mortal())


# -- what goes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [[1], [1, 3]], ids=["one", "two"])
def test_what_an_old_worker_wrote_is_as_if_it_had_been_there_in_time(shop: Shop, keys: list[int]) -> None:
    """The oracle is an erasure of the same rows, written before it."""
    shop.scene.sql(*LATE)
    shop.scene.settings["settle_hours"] = 0
    shop.scene.erase(*keys)
    shop.scene.settings.clear()
    wanted = shop.scene.snapshot()
    shop.scene.sql(*(f"DROP TABLE {name}" for name in ("users", "clicks", "orders", "items", "notes", "guests")))
    shop.scene.sql(*TABLES)
    shop.erase(*keys)
    shop.scene.sql(*LATE)
    (late,) = shop.later()
    assert shop.scene.snapshot() == wanted
    assert (late.erased, late.left, late.rows) == (STEPS, {}, 7)
    assert shop.log() == [{"event": "late writes erased", "tables": STEPS}]
    assert shop.sealed() == 0


def test_a_late_row_that_is_kept_goes_on_its_day(shop: Shop) -> None:
    (reference,) = shop.erase(1)
    shop.scene.sql(*LATE)
    shop.later()
    with shop.open() as service, service.ledger.read() as page:
        kept = {(str(each.due), each.keys) for each in page.kept.of(reference)}
    assert kept == {("2030-01-01", b"[[1]]"), ("2031-01-01", b"[[10]]")}


def test_not_before_its_time_and_not_twice(shop: Shop) -> None:
    shop.erase(1)
    shop.scene.sql(*LATE)
    before = shop.scene.snapshot()
    assert shop.later(hours=23) == []
    assert shop.scene.snapshot() == before
    assert len(shop.later(hours=2)) == 1
    shop.scene.sql("INSERT INTO clicks VALUES (12, 1)")
    before = shop.scene.snapshot()
    assert shop.later() == []
    assert shop.scene.snapshot() == before


def test_it_happens_by_itself(shop: Shop) -> None:
    """A window of which nothing is left when the process looks: the runner goes by the clock of the ledger."""
    shop.erase(1)
    shop.scene.sql(*LATE)
    shop.clock.forward(hours=25)
    with shop.open() as service:
        assert run_once(service).late == 7
        assert run_once(service).late == 0
    assert shop.scene.rows("SELECT id FROM clicks ORDER BY id") == [(2,), (3,), (20,)]


def test_what_goes_late_counts_for_the_ceiling_of_a_day(shop: Shop) -> None:
    """However many late looks there are: each is of a batch that began on another day."""
    for key in (1, 2, 3):
        shop.erase(key)
    shop.scene.map("ceiling: {per_day: 9}", shop=MAP)
    shop.scene.sql(*(f"INSERT INTO clicks VALUES ({n}, {1 + n % 3})" for n in range(100, 112)))
    with pytest.raises(Paused, match="4 rows, with 8 of the day before more than the ceiling of 9 a day"):
        shop.later()
    assert len(shop.scene.rows("SELECT id FROM clicks")) == 4
    shop.clock.forward(minutes=1)
    with shop.open() as service, service.ledger.write() as page:
        assert page.pauses.rows_planned(page.now - A_DAY) == 8
        page.pauses.lift("")
        assert page.pauses.rows_planned(page.now - A_DAY) == 0
    assert sum(late.rows for late in shop.later(hours=1)) == 4


def test_a_look_that_died_is_counted_once(shop: Shop) -> None:
    shop.erase(1)
    shop.scene.map("ceiling: {per_day: 9}", shop=MAP)
    shop.scene.sql(*LATE)  # 7 rows are hers
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(late_looks, "_change", lambda *_: (_ for _ in ()).throw(Crash()))
        with pytest.raises(Crash):
            shop.later()
    (late,) = shop.later(hours=1)
    assert late.rows == 7


@pytest.mark.slow
def test_killed_anywhere_and_run_again_it_comes_to_the_same_end(shop: Shop) -> None:
    shop.scene.settings["chunk_rows"] = 1
    shop.erase(1)
    shop.scene.sql(*LATE)
    ends, at, died = [], 0, True
    begun = shop.scene.snapshot()
    home = shop.scene.folder / ".slett" / "ledger.db"
    ledger = home.read_bytes()
    while died:
        home.write_bytes(ledger)
        for name, rows in begun.items():
            shop.scene.sql(f"DELETE FROM {name.partition('/')[2]}")
            for row in rows:
                values = ", ".join("NULL" if each is None else f"'{each}'" for each in row)
                shop.scene.sql(f"INSERT INTO {name.partition('/')[2]} VALUES ({values})")
        shop.clock = Mortal()
        shop.clock.forward(hours=25)
        with shop.open() as service:
            shop.clock.left = at
            try:
                look_late(service)
                died = False
            except Crash:
                pass
            shop.clock.left = -1
        shop.later(hours=1)
        ends.append((shop.scene.snapshot(), shop.sealed(), shop.log()))
        at += 3
    assert len(ends) > 5
    assert [each for each in ends if each != ends[-1]] == []
    assert ends[-1][1:] == (0, [{"event": "late writes erased", "tables": STEPS}])


def test_two_do_not_do_it_at_once_and_nobody_can_resume_it(shop: Shop) -> None:
    shop.erase(1)
    shop.scene.sql(*LATE)
    shop.clock.forward(hours=25)
    with shop.open() as service:
        with service.ledger.write() as page:
            assert (page.batches.unfinished(), len(page.batches.settled())) == ((), 1)
            lease = page.batches.take_settled(1, "another:1")
        assert lease
        assert (look_late(service), resume(service)) == ([], [])
        with service.ledger.write() as page:
            page.batches.release(lease)
    assert len(shop.later(hours=1)) == 1


# -- what does not ----------------------------------------------------------------------------------


def test_a_namesake_loses_nothing(shop: Shop) -> None:
    shop.erase(1)
    shop.scene.sql(
        "INSERT INTO users VALUES (9, 'kari@x.no')",
        "INSERT INTO clicks VALUES (90, 9)",
        "INSERT INTO guests VALUES (90, 'kari@x.no')",
    )
    before = shop.scene.snapshot()
    assert [(late.erased, late.left) for late in shop.later()] == [({}, {})]
    assert shop.scene.snapshot() == before


def test_who_came_anew_as_a_guest_loses_nothing_and_is_named(shop: Shop) -> None:
    """Late or new: nobody can tell of a row that nothing but an address names."""
    (reference,) = shop.erase(1)
    shop.scene.sql("INSERT INTO guests VALUES (90, 'kari@x.no')", "INSERT INTO clicks VALUES (90, 1)")
    (late,) = shop.later()
    assert (late.erased, late.left) == ({"shop/clicks": {"delete": 1}}, {reference: DOUBTFUL})
    assert shop.scene.rows("SELECT id FROM guests ORDER BY id") == [(2,), (90,)]
    assert shop.log()[1] == {"event": "late writes left", "request": reference, "reason": DOUBTFUL}


@pytest.mark.parametrize("address", ["siri@x.no", "kari@x.no"], ids=["a stranger", "the same person anew"])
@pytest.mark.parametrize("keys", [[1], [1, 3]], ids=["one", "two"])
def test_whoever_was_given_the_same_key_loses_nothing(shop: Shop, keys: list[int], address: str) -> None:
    """A database hands out keys of deleted rows again, and perhaps to whoever left."""
    references = shop.erase(*keys)
    shop.scene.sql(f"INSERT INTO users VALUES (1, '{address}')", *LATE, "INSERT INTO clicks VALUES (30, 3)")
    before = shop.scene.snapshot()
    (late,) = shop.later()
    assert late.left == {references[0]: TAKEN}
    if 3 in keys:
        before["shop/clicks"].remove((30, 3))
    assert shop.scene.snapshot() == before
    assert shop.sealed() == 0


def test_whoever_is_given_the_key_while_it_is_swept_loses_nothing_more(shop: Shop) -> None:
    """It is asked again before each transaction: what comes between is left."""
    shop.scene.settings["chunk_rows"] = 1
    (reference,) = shop.erase(1)
    shop.scene.sql(*LATE)
    shop.clock.forward(hours=25)
    told = 0

    class Watched(Mortal):
        def __call__(self) -> Any:
            nonlocal told
            gone = not shop.scene.rows("SELECT id FROM clicks WHERE id IN (10, 11)")
            if gone and not told:
                told += 1
                shop.scene.sql(
                    "INSERT INTO users VALUES (1, 'siri@x.no')", "INSERT INTO orders VALUES (30, 1, '2026-01-01')"
                )
            return self.now

    shop.clock = Watched(shop.clock.now)
    with shop.open() as service, pytest.raises(Exception, match="came to have their key"):
        look_late(service)
    (late,) = shop.later(hours=1)
    assert late.left == {reference: TAKEN}
    assert (30, 1) in shop.scene.rows("SELECT id, user_id FROM orders")
    assert shop.sealed() == 0


@pytest.mark.parametrize("keys", [[1], [1, 3]], ids=["one", "two"])
def test_who_was_restored_is_untouched(shop: Shop, keys: list[int]) -> None:
    shop.scene.settings["vault"] = {"undo_window_hours": 48}
    before = shop.scene.snapshot()
    references = shop.erase(*keys)
    with shop.open() as service:
        for each in references:
            undo(service, each, "1 kari")
    assert shop.scene.snapshot() == before
    assert [(late.erased, late.left) for late in shop.later()] == [({}, {})]
    assert shop.scene.snapshot() == before
    assert shop.sealed() == 0


def test_nobody_is_restored_while_their_late_rows_are_erased(shop: Shop) -> None:
    shop.scene.settings["vault"] = {"undo_window_hours": 48}
    (reference,) = shop.erase(1)
    shop.clock.forward(hours=25)
    with shop.open() as service:
        with service.ledger.write() as page:
            assert page.batches.take_settled(1, "another:1")
        with pytest.raises(NoWayBack, match="ask again in a minute"):
            undo(service, reference, "1 kari")
        shop.clock.forward(minutes=1)
        undo(service, reference, "1 kari")
    assert (1, "kari@x.no") in shop.scene.rows("SELECT id, email FROM users")


def test_nobody_is_swept_while_they_are_restored(shop: Shop) -> None:
    shop.scene.settings["vault"] = {"undo_window_hours": 48}
    shop.erase(1)
    shop.scene.sql(*LATE)
    before = shop.scene.snapshot()
    with shop.open() as service, service.ledger.write() as page:
        vault = page.vaults.of_batch(1)
        assert vault
        assert page.vaults.begin_return(vault.number)
    assert shop.later() == []
    assert shop.scene.snapshot() == before


def test_who_is_held_is_untouched_and_named(shop: Shop) -> None:
    references = shop.erase(1, 3)
    shop.scene.sql(*LATE, "INSERT INTO clicks VALUES (30, 3)")
    with shop.open() as service:
        place(service, by_key(service.plan, "1"), "a case", date(2090, 1, 1))
    before = shop.scene.snapshot()
    (late,) = shop.later()
    assert (late.erased, late.left) == ({"shop/clicks": {"delete": 1}}, {references[0]: HELD})
    before["shop/clicks"].remove((30, 3))
    assert shop.scene.snapshot() == before


def test_too_much_for_one_person_is_left_and_named(shop: Shop) -> None:
    shop.scene.map("ceiling: {rows: 6}", shop=MAP)
    (reference,) = shop.erase(1)
    shop.scene.sql(*LATE)
    before = shop.scene.snapshot()
    (late,) = shop.later()
    assert "more than the ceiling of 6" in late.left[reference]
    assert shop.scene.snapshot() == before


def test_what_no_map_explains_any_more_is_left(shop: Shop) -> None:
    (reference,) = shop.erase(1)
    shop.scene.sql(*LATE, "CREATE TABLE members (id INT PRIMARY KEY)")
    shop.scene.map(shop=MAP + "members: {root: true, action: delete}\n")
    before = shop.scene.snapshot()
    assert [late.left for late in shop.later()] == [{reference: ANOTHER_MAP}]
    assert shop.scene.snapshot() == before


def test_without_a_window_nothing_stays_sealed(shop: Shop) -> None:
    shop.scene.settings["settle_hours"] = 0
    shop.erase(1)
    assert (shop.sealed(), shop.later()) == (0, [])


def test_only_root_keys_and_identifiers_stay_sealed(shop: Shop) -> None:
    shop.erase(1)
    with shop.open() as service, service.ledger.read() as page:
        parts = [b"".join(page.scope.read(1, name)) for name in page.scope.names(1)]
    assert sorted(parts[1:]) == [b'[[0,"kari@x.no"]]', b"[[0,1]]"]


# -- roots that stay --------------------------------------------------------------------------------


@pytest.fixture
def forum(scene: Scene) -> Shop:
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80), seen INT)",
        "CREATE TABLE clicks (id INT PRIMARY KEY, user_id INT)",
        "INSERT INTO users VALUES (1, 'kari@x.no', 1), (2, 'ola@x.no', 2)",
    )
    scene.map(
        shop="""
users:
  root: true
  identifiers: {email: email}
  action: anonymise
  anonymise: {email: null, seen: null}
clicks:
  references: [{column: user_id, to: users}]
  action: delete
"""
    )
    return Shop(scene, Mortal())


@pytest.mark.parametrize("late", ["email = 'kari@x.no', seen = 9", "seen = 9", "seen = seen"])
def test_a_root_row_that_stays_is_anonymised_again(forum: Shop, late: str) -> None:
    """An old worker writes the whole row back, or one column of it."""
    forum.erase(1)
    wanted = forum.scene.snapshot()
    forum.scene.sql(f"UPDATE users SET {late} WHERE id = 1", "INSERT INTO clicks VALUES (10, 1)")
    (found,) = forum.later()
    assert found.left == {}
    assert forum.scene.snapshot() == wanted


def test_whoever_has_the_key_of_a_root_row_that_should_have_stayed_loses_nothing(forum: Shop) -> None:
    (reference,) = forum.erase(1)
    forum.scene.sql("DELETE FROM users WHERE id = 1", "INSERT INTO users VALUES (1, 'siri@x.no', 5)")
    forum.scene.sql("INSERT INTO clicks VALUES (10, 1)")
    before = forum.scene.snapshot()
    (found,) = forum.later()
    assert (found.erased, found.left) == ({}, {reference: TAKEN})
    assert forum.scene.snapshot() == before
