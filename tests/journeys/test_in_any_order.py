"""Erasing, restoring, holding, backups, namesakes and time, in any order: every row is where the oracle says."""

import shutil
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.strategies import integers

from slett.ledger import open_ledger
from slett.requests.erase import erase
from slett.requests.hold import place, release
from slett.requests.replay import replay
from slett.requests.runner import run_once
from slett.requests.subject import by_key
from slett.requests.undo import undo
from slett.requests.way_back import NoWayBack
from tests.journeys.scene import Rows, Scene
from tests.ledger.clock import Clock

PEOPLE = 3
MAP = """
users: {root: true, identifiers: {email: email}, action: delete}
clicks: {references: [{column: user_id, to: users}], action: delete}
orders:
  references: [{column: user_id, to: users}]
  action: keep
  until: {column: placed_on, add: 5 years, from: year-end}
  basis: a law
  columns: [id, placed_on]
"""
Whole = dict[str, Rows]


@dataclass
class World:
    """What must be there."""

    users: dict[int, str] = field(default_factory=dict)
    clicks: dict[int, int] = field(default_factory=dict)  # whose
    orders: dict[int, int | None] = field(default_factory=dict)

    def copy(self) -> "World":
        return World(dict(self.users), dict(self.clicks), dict(self.orders))

    def without(self, who: int) -> "World":
        return World(
            {key: email for key, email in self.users.items() if key != who},
            {key: owner for key, owner in self.clicks.items() if owner != who},
            {key: None if owner == who else owner for key, owner in self.orders.items()},
        )


class AtWork(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.file = Path(self.folder.name) / "shop.db"
        settings_of = {"vault": {"undo_window_hours": 48}, "settle_hours": 24}
        self.scene = Scene(Path(self.folder.name), {"shop": f"sqlite:///{self.file}"}, settings_of)
        self.scene.sql(
            "CREATE TABLE users (id INTEGER PRIMARY KEY, email VARCHAR(80))",
            "CREATE TABLE clicks (id INTEGER PRIMARY KEY, user_id INT)",
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INT, placed_on DATE NOT NULL)",
        )
        self.world = World()
        self.next = 1
        self.clock = Clock()
        self.erased: dict[str, tuple[int, World]] = {}  # reference → who, and what went
        self.holds: dict[int, int] = {}  # who → number
        self.waiting: set[int] = set()  # asked for, and held
        self.backup: World | None = None
        self.scene.map(shop=MAP)
        for _ in range(PEOPLE):
            self.somebody_comes()
        self.opened = self.scene.open()
        service = self.opened.__enter__()
        self.ledger = open_ledger(service.settings, clock=self.clock)
        self.service = replace(service, ledger=self.ledger.__enter__())

    def teardown(self) -> None:
        self.ledger.__exit__(None, None, None)
        self.opened.__exit__(None, None, None)
        self.folder.cleanup()

    @rule()
    def somebody_comes(self) -> None:
        """With the address of somebody who may have left."""
        who, self.next = self.next, self.next + 1
        address = f"p{who % 3}@x.no"
        self.world.users[who] = f"q{who}@x.no" if address in self.world.users.values() else address
        self.scene.sql(f"INSERT INTO users VALUES ({who}, '{self.world.users[who]}')")
        self.write(who)

    def write(self, who: int) -> None:
        self.world.clicks[row := 100 + self.next] = who
        self.world.orders[row] = who
        self.next += 1
        self.scene.sql(
            f"INSERT INTO clicks VALUES ({row}, {who})", f"INSERT INTO orders VALUES ({row}, {who}, '2024-01-01')"
        )

    def _one(self, pick: int) -> int | None:
        there = sorted(self.world.users)
        return there[pick % len(there)] if there else None

    @precondition(lambda self: self.world.users)
    @rule(pick=integers(0, 5))
    def somebody_leaves(self, pick: int) -> None:
        who = self._one(pick)
        assert who
        (outcome,) = erase(self.service, [by_key(self.service.plan, str(who))])
        if who in self.holds:
            assert outcome.state == "held"
            self.waiting.add(who)
            return
        assert outcome.state == "fulfilled"
        self.erased[outcome.reference] = (who, self.world.copy())
        self.world = self.world.without(who)

    @precondition(lambda self: self.erased)
    @rule(pick=integers(0, 5))
    def somebody_is_restored(self, pick: int) -> None:
        reference = sorted(self.erased)[pick % len(self.erased)]
        who, before = self.erased[reference]
        try:
            undo(self.service, reference, "liv")
        except NoWayBack:
            return
        assert who not in self.world.users
        self.world.users[who] = before.users[who]
        self.world.clicks |= {row: owner for row, owner in before.clicks.items() if owner == who}
        self.world.orders |= {row: owner for row, owner in before.orders.items() if owner == who}

    @precondition(lambda self: self.world.users)
    @rule(pick=integers(0, 5))
    def somebody_is_held(self, pick: int) -> None:
        who = self._one(pick)
        if who and who not in self.holds:
            self.holds[who] = place(self.service, by_key(self.service.plan, str(who)), "claim", date(2030, 1, 1))

    @precondition(lambda self: self.holds)
    @rule(pick=integers(0, 5))
    def a_hold_is_released(self, pick: int) -> None:
        who = sorted(self.holds)[pick % len(self.holds)]
        release(self.service, self.holds.pop(who))
        run_once(self.service)
        if who in self.waiting:
            self.waiting.remove(who)
            with self.service.ledger.read() as page:
                mine = by_key(self.service.plan, str(who)).hash(self.service.ledger.keys)
                (newest, *_) = page.requests.find(subject=mine, kind="erase", state="fulfilled")
            self.erased[newest.reference] = (who, self.world.copy())
            self.world = self.world.without(who)

    @rule(pick=integers(0, 5))
    def an_old_worker_writes(self, pick: int) -> None:
        gone = sorted({who for who, _ in self.erased.values()} - set(self.world.users))
        if not gone:
            return
        row, self.next = 100 + self.next, self.next + 1
        who = gone[pick % len(gone)]
        self.scene.sql(f"INSERT INTO clicks VALUES ({row}, {who})")
        self.clock.forward(hours=25)
        run_once(self.service)
        if self.scene.rows(f"SELECT id FROM clicks WHERE id = {row}"):  # its settle window was over
            self.scene.sql(f"DELETE FROM clicks WHERE id = {row}")

    @rule()
    def backed_up(self) -> None:
        shutil.copy(self.file, self.file.with_suffix(".backup"))
        self.backup = self.world.copy()
        self.since_backup = set(self.erased)

    @precondition(lambda self: self.backup is not None and not self.holds)
    @rule()
    def disaster(self) -> None:
        """Whoever was erased is erased again; whoever was not, or was restored, is as in the backup."""
        assert self.backup
        shutil.copy(self.file.with_suffix(".backup"), self.file)
        again = replay(self.service).outcomes
        assert {each.state for each in again} <= {"fulfilled"}
        gone = {who for who, _ in self.erased.values() if who not in self.world.users}
        world = self.backup.copy()
        for who in gone & set(world.users):
            world = world.without(who)
        self.world = world

    @precondition(lambda self: self.world.users and not self.holds)
    @rule(pick=integers(0, 5))
    def an_erasure_is_lost_in_a_disaster(self, pick: int) -> None:
        self.backed_up()
        self.somebody_leaves(pick)
        self.disaster()

    @rule()
    def time_passes(self) -> None:
        self.clock.forward(hours=30)
        run_once(self.service)

    @invariant()
    def every_row_is_where_it_must_be(self) -> None:
        assert dict(self.scene.rows("SELECT id, email FROM users")) == self.world.users
        assert dict(self.scene.rows("SELECT id, user_id FROM clicks")) == self.world.clicks
        assert dict(self.scene.rows("SELECT id, user_id FROM orders")) == self.world.orders


AtWork.TestCase.settings = settings(
    max_examples=15,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
TestAtWork = AtWork.TestCase
