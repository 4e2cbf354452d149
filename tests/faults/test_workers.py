"""Real workers on real servers, and everything that happens to such."""

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from slett.requests.service import Service
from tests.conftest import NewDatabase
from tests.faults.farm import Farm, build, folder, grown, wait_for
from tests.faults.proxy import Proxy, behind
from tests.journeys.scene import Scene
from tests.servers.postgresql import FAST, PostgreSQL
from tests.servers.process import ServerMissingError

KINDS = ("kill", "freeze", "server", "drop", "stall", "deadlock", "stop")
DURABLE = {"synchronous_commit": "on"}  # what is committed outlives `kill -9`, if not a power cut


@pytest.fixture(scope="module")
def shop_server() -> Iterator[PostgreSQL]:
    yield from _server()


@pytest.fixture(scope="module")
def ledger_server() -> Iterator[PostgreSQL]:
    yield from _server()


def _server() -> Iterator[PostgreSQL]:
    try:
        server = PostgreSQL({**FAST, **DURABLE})
    except ServerMissingError as missing:
        pytest.skip(str(missing))
    yield server
    server.stop()


class World:
    """A shop in PostgreSQL and a CRM in MariaDB, each behind a proxy."""

    def __init__(self, path: Path, shop: str, crm: str, ledger: str, people: int, **settings: object) -> None:
        self.people = people
        self.direct = Scene(folder(path, "direct"), {"shop": shop, "crm": crm})
        build(self.direct, people)
        self.proxies: list[Proxy] = []
        urls = {}
        for name, url in self.direct.urls.items():
            urls[name], proxy = behind(url)
            self.proxies.append(proxy)
        self.farm = Farm(Scene(folder(path, "farm"), urls), self.direct, ledger, **settings)

    def done(self, service: Service, references: list[str]) -> bool:
        with service.ledger.read() as page:
            found = page.requests.some(references)
        return all(each.state == "fulfilled" for each in found.values())


@pytest.fixture
def world(
    tmp_path: Path, shop_server: PostgreSQL, ledger_server: PostgreSQL, new_database: NewDatabase
) -> Iterator[World]:
    world = World(
        tmp_path, shop_server.create(), new_database("mariadb"), ledger_server.create(), 30, lock_seconds=60.0
    )
    yield world
    for proxy in world.proxies:
        proxy.close()


def fence(service: Service) -> int:
    with service.ledger.read() as page:
        return max((each.fence for each in page.batches.unfinished()), default=0)


def running(service: Service, reference: str) -> bool:
    with service.ledger.read() as page:
        found = page.requests.get(reference)
    return bool(found and found.state == "running")


def locked(world: World, number: int) -> "psycopg.Connection[tuple[object, ...]]":
    """Somebody holds that person's row, so whoever erases them waits in the middle of a step."""
    holder = psycopg.connect(world.direct.urls["shop"])
    holder.execute("SELECT 1 FROM users WHERE id = %s FOR UPDATE", (number,))
    return holder


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_of_a_statement_is_taken_over_within_30_seconds(world: World) -> None:
    with grown(world.farm, 1) as farm, world.farm.scene.open() as service:
        (victim,) = farm.workers
        holder = locked(world, 3)
        filed = farm.file(service, [3])
        wait_for(lambda: running(service, filed[3]), 60, "it never began")
        heir = farm.begin_worker()
        wait_for(lambda: "Working." in farm.log.read_text(), 60, "the second never began")
        time.sleep(1)  # so that the step is sent, most likely; the law holds at any moment
        farm.kill(victim)
        wait_for(lambda: fence(service) == 2, 30, "nobody took it over")
        holder.close()
        wait_for(lambda: world.done(service, list(filed.values())), 60, "it never ended")
        assert heir.poll() is None
        assert farm.faults(service, filed, world.people) == []


@pytest.mark.slow
def test_a_worker_that_froze_and_wakes_beside_its_successor_writes_nothing(world: World) -> None:
    with grown(world.farm, 1) as farm, world.farm.scene.open() as service:
        (frozen,) = farm.workers
        holder = locked(world, 6)
        filed = farm.file(service, [6])
        wait_for(lambda: running(service, filed[6]), 60, "it never began")
        frozen.send_signal(signal.SIGSTOP)
        holder.close()  # its statement goes on in the server, in a transaction that nobody commits
        farm.begin_worker()
        wait_for(lambda: world.done(service, list(filed.values())), 90, "nobody took it over")
        with service.ledger.read() as page:
            size = page.log.head().size
        frozen.send_signal(signal.SIGCONT)
        more = farm.file(service, [9])
        wait_for(lambda: world.done(service, list(more.values())), 60, "the thawed one does not work")
        assert frozen.poll() is None
        with service.ledger.read() as page:
            assert page.log.head().size == size + 1
        assert farm.faults(service, {**filed, **more}, world.people) == []


class Trouble(threading.Thread):
    """Faults, at random from a seed, until it is told to end."""

    def __init__(self, dice: random.Random, farm: Farm, world: World, servers: list[PostgreSQL], faults: int) -> None:
        super().__init__(daemon=True)
        self.dice, self.farm, self.world, self.servers = dice, farm, world, servers
        self.kinds: list[str] = []  # each once, in any order, and then again
        while len(self.kinds) < faults:
            self.kinds += dice.sample(KINDS, len(KINDS))
        self.left = faults
        self.log: list[str] = []
        self.failed: BaseException | None = None

    def run(self) -> None:
        try:
            while self.left > 0:
                time.sleep(self.dice.uniform(0.2, 1.5))
                self.one()
                self.left -= 1
        except BaseException as error:
            self.failed = error

    def one(self) -> None:
        dice = self.dice
        what = self.kinds.pop(0)
        self.log.append(what)
        match what:
            case "kill":
                self.farm.kill(dice.choice(self.farm.workers))
                self.farm.begin_worker()
            case "stop":  # as an upgrade does
                worker = dice.choice(self.farm.workers)
                worker.terminate()
                self.farm.begin_worker()
            case "freeze":
                worker = dice.choice(self.farm.workers)
                with suppress(ProcessLookupError):
                    os.kill(worker.pid, signal.SIGSTOP)
                threading.Timer(dice.choice([1.0, 5.0, 25.0]), self._thaw, (worker.pid,)).start()
            case "server":
                server = dice.choice(self.servers)
                server.kill()
                time.sleep(dice.uniform(0, 1))
                server.restart()
            case "drop":
                dice.choice(self.world.proxies).drop()
            case "stall":
                proxy = dice.choice(self.world.proxies)
                proxy.stalled = True
                time.sleep(dice.uniform(0.5, 2))
                proxy.stalled = False
            case "deadlock":
                self._traffic()

    def _thaw(self, pid: int) -> None:
        if any(each.pid == pid and each.poll() is None for each in self.farm.workers):
            os.kill(pid, signal.SIGCONT)

    def _traffic(self) -> None:
        """Somebody else holds rows, in an order of their own, and then others."""
        numbers = self.dice.sample(range(1, self.world.people + 1), 20)
        with suppress(psycopg.Error), psycopg.connect(self.world.direct.urls["shop"]) as connection:
            for table in ("users", "listings"):
                query = f"UPDATE {table} SET id = id WHERE id = ANY(%s)"
                connection.execute(query, (numbers if table == "users" else [each * 10 for each in numbers],))
                time.sleep(0.5)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [int(os.environ.get("FAULT_SEED", "1"))])
def test_a_thousand_requests_on_four_workers_under_every_fault_at_once(
    tmp_path: Path, shop_server: PostgreSQL, ledger_server: PostgreSQL, new_database: NewDatabase, seed: int
) -> None:
    """Nothing lost, nothing twice, every row as the oracle says, every certificate good, one chain.

    FAULT_SEED, FAULTS and FAULT_REQUESTS make other, longer and shorter runs of it.
    """
    requests = int(os.environ.get("FAULT_REQUESTS", "1000"))
    people = requests * 6 // 5
    settings = {"batch_people": max(5, requests // 20), "lock_seconds": 1.0, "statement_seconds": 20.0}
    world = World(tmp_path, shop_server.create(), new_database("mariadb"), ledger_server.create(), people, **settings)
    dice = random.Random(seed)
    leaving = dice.sample(range(1, people + 1), requests)
    with grown(world.farm, 4) as farm, world.farm.scene.open() as service:
        wait_for(lambda: farm.log.read_text().count("Working.") >= 4, 120, "they never began")
        filed: dict[int, str] = {}
        for start in range(0, requests, requests // 4):
            filed |= farm.file(service, leaving[start : start + requests // 4])
        trouble = Trouble(
            dice, farm, world, [shop_server, ledger_server], int(os.environ.get("FAULTS", str(len(KINDS))))
        )
        trouble.start()
        trouble.join(120)
        print(trouble.log)
        assert trouble.failed is None
        references = list(filed.values())
        wait_for(lambda: world.done(service, references), 240, "they never ended")
        assert farm.faults(service, filed, people) == []
    for proxy in world.proxies:
        proxy.close()
