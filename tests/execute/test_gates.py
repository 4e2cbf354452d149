"""What holds changes back: replicas that are behind, sessions at work, a rate. Bounded by the deadline."""

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from slett.execute.pace import Gates, Pace, Wait
from slett.requests.erase import Stage, erase
from slett.requests.service import Service
from slett.settings import SettingsError
from slett.stores.errors import Denied
from slett.stores.schema import Dialect
from slett.stores.sql import Session, Store
from tests.faults.farm import wait_for
from tests.journeys.numbers import numbers
from tests.journeys.scene import TODAY, Scene, engine_of, subjects
from tests.servers.process import ServerMissingError
from tests.servers.replicated import Replicated, connected, replicated, replicated_mariadb

MAP = """
users: {root: true, action: delete}
clicks: {references: [{column: user_id, to: users}], action: delete}
"""


class Time:
    """A clock that goes only while somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def clock(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def shop(scene: Scene, dialect: Dialect) -> Scene:
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY)",
        "CREATE TABLE clicks (id INT PRIMARY KEY, user_id INT)",
        "INSERT INTO users VALUES (1), (2), (3)",
        f"INSERT INTO clicks SELECT i, 1 FROM {numbers(dialect, 95)}",
        "INSERT INTO clicks VALUES (1000, 2), (1001, 3)",
    )
    scene.map(shop=MAP)
    return scene


def paced(service: Service, pace: Pace) -> Service:
    return replace(service, paces={"shop": pace})


@pytest.mark.parametrize("people", [[1], [1, 3]], ids=["one", "two"])
def test_a_rate_is_kept_and_everybody_goes(shop: Scene, people: list[int]) -> None:
    time, told = Time(), list[Stage]()
    pace = Pace(5_000, gates=Gates(rows_a_second=10), clock=time.clock, pause=time.pause)
    with shop.open() as service:
        erase(paced(service, pace), subjects(service, people), lambda stage, _done, _total: told.append(stage))
    rows = 95 + len(people) + (1 if len(people) > 1 else 0)
    assert rows - 20 <= 10 * sum(time.waits) <= rows
    assert max(time.waits) <= 1
    assert told.count("wait") == 1
    assert shop.rows("SELECT user_id FROM clicks ORDER BY 1") == [(each,) for each in (2, 3) if each not in people]


@pytest.mark.parametrize(
    ("rate", "chunk"), [(0, 5_000), (1_000_000, 5_000), (20_000, 2_000), (1_000, 100), (100, 50), (10, 10)]
)
def test_a_rate_is_spread_over_each_second(rate: int, chunk: int) -> None:
    """Many small transactions and not one large one a second; but none of a handful of rows where it need not be."""
    pace = Pace(5_000, seconds=60, gates=Gates(rows_a_second=rate))
    for _ in range(10):
        pace.took("clicks", pace.size("clicks"), 0.001)
    assert pace.size("clicks") == chunk


class Shut(Pace):
    """A gate that never opens."""

    def wait(self, session: Session) -> Wait | None:  # noqa: ARG002
        return Wait(0.1, "a replica is 99 s behind")


def test_a_closed_gate_holds_until_the_deadline_and_not_longer(
    shop: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is touched while it is closed; the promise goes before the comfort of others. Whoever watches is told."""
    caplog.set_level(logging.INFO)
    held: list[int] = []
    with shop.open() as service:
        later = timedelta()
        clock = service.ledger._clock
        monkeypatch.setattr(service.ledger, "_clock", lambda: clock() + later)

        def pause(_seconds: float) -> None:
            nonlocal later
            held.append(len(shop.rows("SELECT * FROM clicks")))
            later += timedelta(hours=7)

        pace = Shut(5_000, gates=Gates(lag_seconds=5), pause=pause)
        (outcome,) = erase(paced(service, pace), subjects(service, [1]))
    assert outcome.state == "fulfilled"
    assert held == [97] * 4
    assert "`shop`: a replica is 99 s behind" in caplog.text
    assert not [record for record in caplog.records if "users" in record.getMessage()]


def test_a_gate_that_nobody_set_is_not_asked(shop: Scene) -> None:
    with shop.open() as service:
        assert not any(pace.gated for pace in service.paces.values())


def test_a_replica_of_no_store_is_refused(shop: Scene) -> None:
    for wrong in ("shop", "other=sqlite:///x.db"):
        shop.settings = {"pace": {"replicas": [wrong]}}
        with pytest.raises(SettingsError, match=r"pace\.replicas"), shop.open():
            pass


@pytest.fixture
def session(database: str) -> Iterator[Session]:
    store = Store("shop", database, 60)
    with store.session(store.read_schema(), TODAY) as session:
        yield session
    store.close()


@pytest.mark.parametrize("dialect", ["postgresql", "mariadb"], indirect=True)
def test_sessions_at_work_hold_a_chunk_back(session: Session, database: str) -> None:
    """Somebody who holds a lock is idle; whoever waits for it is at work."""
    engine = engine_of(database)
    begun = "SELECT count(*) FROM information_schema.processlist WHERE info LIKE 'UPDATE busy%%'"
    if engine.dialect.name == "postgresql":
        begun = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'UPDATE busy%%'"

    def work() -> None:
        with engine.begin() as other:
            other.exec_driver_sql("UPDATE busy SET id = id + 1")

    with engine.connect() as holder, engine.connect() as watcher:
        holder.exec_driver_sql("CREATE TABLE busy (id INT)")
        holder.exec_driver_sql("INSERT INTO busy VALUES (1)")
        holder.commit()
        base = session.busy()
        gate = Pace(5_000, gates=Gates(busy_sessions=base + 1))
        assert gate.wait(session) is None
        holder.exec_driver_sql("UPDATE busy SET id = 7")
        workers = [threading.Thread(target=work) for _ in range(2)]
        for each in workers:
            each.start()
        while watcher.exec_driver_sql(begun).scalar_one() < 2:
            watcher.rollback()  # the next look is a new one
        wait = gate.wait(session)
        holder.rollback()
        for each in workers:
            each.join()
    assert wait is not None
    assert "other sessions are at work" in wait.why


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_whoever_may_not_see_the_load_is_told_so(database: str) -> None:
    """Without the grant every gate would seem to be open."""
    engine = engine_of(database)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE ROLE slett_blind LOGIN")
    try:
        store = Store("shop", database.replace("//slett@", "//slett_blind@"))
        with store.session(store.read_schema(), TODAY) as session:
            for gates in (Gates(busy_sessions=1), Gates(lag_seconds=1)):
                with pytest.raises(Denied, match="pg_read_all_stats"):
                    Pace(5_000, gates=gates).wait(session)
        store.close()
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP ROLE slett_blind")


@pytest.fixture(scope="module")
def pair() -> Iterator[Replicated]:
    try:
        with replicated() as pair:
            yield pair
    except ServerMissingError as missing:
        pytest.skip(str(missing))


def test_a_standby_that_does_not_replay_holds_a_chunk_back(pair: Replicated) -> None:
    """Seen from the primary, and by asking the standby itself; once it has caught up, the gate is open again."""
    store, replica = Store("shop", pair.primary), Store("shop, replica 1", pair.standby)
    gates = Gates(lag_seconds=0.05)
    with (
        psycopg.connect(pair.primary, autocommit=True) as primary,
        psycopg.connect(pair.standby, autocommit=True) as standby,
        store.session(store.read_schema(), TODAY) as session,
    ):
        primary.execute("CREATE TABLE t (id int)")

        def is_shut(pace: Pace, *, shut: bool) -> Wait | None:
            """Write until the gate is as it should be: PostgreSQL measures by what is written."""
            for number in range(100_000):
                primary.execute("INSERT INTO t VALUES (%s)", (number,))
                wait = pace.wait(session)
                if bool(wait) is shut:
                    return wait
            raise AssertionError

        asked = Pace(5_000, gates=gates, replicas=[replica])
        seen = Pace(5_000, gates=gates)
        is_shut(seen, shut=False)
        standby.execute("SELECT pg_wal_replay_pause()")
        for pace in (seen, asked):
            wait = is_shut(pace, shut=True)
            assert wait is not None
            assert "behind" in wait.why
        standby.execute("SELECT pg_wal_replay_resume()")
        for pace in (seen, asked):
            is_shut(pace, shut=False)
    store.close()
    replica.close()


def test_a_replica_that_does_not_answer_holds_a_chunk_back(pair: Replicated) -> None:
    store, gone = Store("shop", pair.primary), Store("shop, replica 1", "postgresql://slett@127.0.0.1:1/gone")
    with store.session(store.read_schema(), TODAY) as session:
        assert Pace(5_000, gates=Gates(lag_seconds=1e9), replicas=[gone]).wait(session) == Wait(
            1.0, "a replica does not answer"
        )
    store.close()


@pytest.fixture(scope="module")
def mariadb_pair() -> Iterator[Replicated]:
    try:
        with replicated_mariadb() as pair:
            yield pair
    except ServerMissingError as missing:
        pytest.skip(str(missing))


@pytest.fixture
def says(mariadb_pair: Replicated) -> Iterator[Callable[[str], None]]:
    """Waits until the gate of the primary is `open`, or says so."""
    store, replica = Store("shop", mariadb_pair.primary), Store("shop, replica 1", mariadb_pair.standby)
    pace = Pace(5_000, gates=Gates(lag_seconds=0.5), replicas=[replica])
    with store.session(store.read_schema(), TODAY) as session:

        def said() -> str:
            wait = pace.wait(session)
            return wait.why if wait else "open"

        yield lambda why: wait_for(lambda: said().startswith(why), 60, f"the gate never said: {why}")
    store.close()
    replica.close()


def test_a_replica_of_mariadb_that_is_behind_holds_a_chunk_back(
    mariadb_pair: Replicated, says: Callable[[str], None]
) -> None:
    with connected(mariadb_pair.primary) as primary, connected(mariadb_pair.standby) as standby:
        primary.execute("CREATE TABLE t (id int PRIMARY KEY)")
        says("open")
        standby.execute("LOCK TABLES t READ")
        primary.execute("INSERT INTO t VALUES (1)")
        says("a replica is ")  # so many seconds behind
        standby.execute("UNLOCK TABLES")
        says("open")


def test_a_replica_of_mariadb_that_stands_still_holds_a_chunk_back(
    mariadb_pair: Replicated, says: Callable[[str], None]
) -> None:
    with connected(mariadb_pair.standby) as standby:
        says("open")
        standby.execute("STOP SLAVE SQL_THREAD")
        says("replication stands still")
        standby.execute("START SLAVE")
        says("open")


def test_whoever_may_not_see_mariadbs_replica_is_told_so(mariadb_pair: Replicated) -> None:
    with connected(mariadb_pair.standby) as standby:
        standby.execute("CREATE USER blind@'127.0.0.1'")
        standby.execute("GRANT SELECT ON *.* TO blind@'127.0.0.1'")
    store = Store("shop", mariadb_pair.standby.replace("//slett@", "//blind@"))
    with pytest.raises(Denied):
        store.lag()
    store.close()
