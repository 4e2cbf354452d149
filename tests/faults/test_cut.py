"""A connection that is cut, or says nothing any more: in the end every row is as if nothing had happened."""

import random
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from slett.requests.erase import resume
from slett.stores.errors import Unavailable
from slett.stores.schema import Dialect
from tests.conftest import NewDatabase
from tests.faults.farm import wait_for
from tests.faults.proxy import Proxy, behind
from tests.journeys.everything import CRM, SHOP, build
from tests.journeys.scene import Scene
from tests.servers.databases import wipe

CUTS = 6


class Line:
    """A shop and a CRM behind proxies, and what they must look like in the end."""

    def __init__(self, folder: Path, urls: dict[str, str]) -> None:
        self.urls = urls
        self.proxies: dict[str, Proxy] = {}
        self.began = datetime.now(UTC)
        self.direct = Scene(folder, urls)
        build(self.direct)
        self.scene = Scene(folder, {}, {"chunk_rows": 2, "inline_keys": 2})
        for name, url in urls.items():
            self.scene.urls[name], self.proxies[name] = behind(url)
        build_map(self.scene)
        self.scene.erase(1, 2)
        self.wanted = self.direct.snapshot()
        self.passed = {name: proxy.passed for name, proxy in self.proxies.items()}

    def begin(self) -> None:
        for url in self.urls.values():
            wipe(url)
        build(self.direct)
        build_map(self.scene)
        for proxy in self.proxies.values():
            proxy.passed = proxy.cut_at = proxy.swallow_at = proxy.hold_at = 0

    def end(self) -> None:
        for proxy in self.proxies.values():
            proxy.close()

    def finish(self) -> None:
        """What was left unfinished comes to its end."""
        for proxy in self.proxies.values():
            proxy.cut_at = proxy.swallow_at = proxy.hold_at = 0
        with self.scene.open() as service:
            resume(service, force=True)
            with service.ledger.read() as page:
                waiting = bool(page.requests.find(state="scheduled") + page.requests.find(state="running"))
                newest = page.requests.find(limit=2)
                filed = [each for each in newest if each.filed_at >= self.began]
        assert not waiting
        if not filed:
            self.scene.erase(1, 2)

    def run(self) -> None:
        self.began = datetime.now(UTC)
        self.scene.erase(1, 2)


def build_map(scene: Scene) -> None:
    scene.map(shop=SHOP, crm=CRM)


@pytest.fixture(params=["postgresql", "mariadb"])
def line(request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path: Path) -> Iterator[Line]:
    dialect: Dialect = request.param
    line = Line(tmp_path, {"shop": new_database(dialect), "crm": new_database(dialect)})
    yield line
    line.end()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a cursor whose connection is cut
def test_wherever_a_connection_is_cut_it_comes_out_the_same(line: Line) -> None:
    dice = random.Random(4)
    for _ in range(CUTS):
        line.begin()
        name = dice.choice(list(line.proxies))
        cut_at = dice.randrange(line.passed[name] // 4, line.passed[name])
        line.proxies[name].passed = 0
        line.proxies[name].cut_at = cut_at
        with suppress(Unavailable):  # the first words after a cut are lost, or the last before it were enough
            line.run()
        line.finish()
        assert line.direct.snapshot() == line.wanted, f"cut at {cut_at} of {name}"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_answer_that_never_arrives_is_waited_for_so_long_and_no_longer(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database may have done it or not: nobody knows, and it does not matter."""
    for module in ("postgresql", "mariadb"):
        monkeypatch.setattr(f"slett.stores.{module}.GRACE_SECONDS", 0.5)
    line.scene.settings["statement_seconds"] = 1.0
    dice = random.Random(5)
    for _ in range(2):
        line.begin()
        line.proxies["shop"].swallow_at = dice.randrange(line.passed["shop"] // 2, line.passed["shop"])
        with pytest.raises(Unavailable):
            line.run()
        line.finish()
        assert line.direct.snapshot() == line.wanted


SESSIONS = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid()",
    "mariadb": "SELECT count(*) FROM information_schema.processlist WHERE db = database() AND id <> connection_id()",
}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_arrives_after_it_was_given_up_changes_nothing(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """A statement stands still on its way, for longer than is waited; it reaches the database when all else is done."""
    for module in ("postgresql", "mariadb"):
        monkeypatch.setattr(f"slett.stores.{module}.GRACE_SECONDS", 0.5)
        monkeypatch.setattr(f"slett.stores.{module}.IDLE_SECONDS", 2)  # then the server gives up what has begun
    line.scene.settings["statement_seconds"] = 1.0
    dice = random.Random(6)
    proxy = line.proxies["shop"]
    alone = SESSIONS[line.urls["shop"].partition(":")[0]]
    for _ in range(2):
        line.begin()
        proxy.hold_at = dice.randrange(line.passed["shop"] // 2, line.passed["shop"])
        with pytest.raises(Unavailable):
            line.run()
        line.finish()
        assert line.direct.snapshot() == line.wanted
        proxy.release()
        wait_for(lambda: line.direct.rows(alone) == [(0,)], 30, "what came late is not through")
        assert line.direct.snapshot() == line.wanted
