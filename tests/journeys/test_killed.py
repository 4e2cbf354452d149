"""`kill -9` at random instants: resumed, it comes out row by row as if nothing had happened."""

import json
import random
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from slett.certify import verify, write_certificates
from slett.ledger.tables import scope
from slett.requests.erase import erase, resume
from slett.requests.settling import LATE
from slett.stores.schema import Dialect
from tests.conftest import NewDatabase
from tests.journeys.apart import Apart
from tests.journeys.everything import PEOPLE, build
from tests.journeys.scene import Scene, subjects
from tests.servers.databases import wipe

RUNS = {"sqlite": (12, 8), "postgresql": (12, 8), "mariadb": (6, 4)}  # of one person, of two at once
SETTINGS = {"chunk_rows": 2, "inline_keys": 2}


class Killing:
    """The same erasure again and again, each time from the same rows and with the same key."""

    def __init__(self, scene: Scene, apart: Apart, people: list[int]) -> None:
        self.scene = scene
        self.apart = apart
        self.people = people
        scene.settings |= SETTINGS
        build(scene)
        with scene.open():
            self.secret = (scene.folder / ".slett" / "secret.key").read_bytes()
        self.begin()
        self.instants: int = apart.do(scene, people)["instants"]
        self.wanted = scene.snapshot()

    def begin(self) -> None:
        """Put everything back as it was."""
        for url in self.scene.urls.values():
            wipe(url)
        build(self.scene)
        home = self.scene.folder / ".slett"
        shutil.rmtree(home)
        home.mkdir(mode=0o700)
        (home / "secret.key").write_bytes(self.secret)  # hashes are the same with the same key only
        (home / "secret.key").chmod(0o600)

    def run(self, kill_at: int) -> None:
        assert self.apart.do(self.scene, self.people, kill_at) == {"died": -signal.SIGKILL}

    def go_on(self) -> None:
        """What whoever finds the dead process does: resume; and ask again if it had not even been written down."""
        with self.scene.open() as service:
            resume(service, force=True)
            with service.ledger.read() as page:
                filed = bool(page.requests.find())
            if not filed:
                erase(service, subjects(service, self.people))

    def faults(self) -> list[str]:
        """Everything that is not as after an uninterrupted run."""
        now = self.scene.snapshot()
        found = [f"rows of {name}" for name in self.wanted if now[name] != self.wanted[name]]
        with self.scene.open() as service, service.ledger.read() as page:
            requests = page.requests.find()
            if sorted(request.state for request in requests) != ["fulfilled"] * len(self.people):
                found.append(f"states {[request.state for request in requests]}")
            if page.batches.unfinished():
                found.append("an unfinished batch")
            folder = service.settings.home / "certificates"
            files = write_certificates(service.ledger, folder, [request.reference for request in requests])
            if set(files) != {request.reference for request in requests}:
                found.append(f"{len(files)} certificates of {len(requests)} requests")
            public = (service.settings.home / "signing.pub").read_bytes()
            found += [
                f"certificate {name}" for name, file in files.items() if not verify(file.read_bytes(), public).good
            ]
            for kind, values in (
                ("shop/users", [str(number) for number in self.people]),
                ("email", [f"{name}@x.no" for number, name in PEOPLE if number in self.people]),
            ):
                if set(page.tombstones.find(kind, values)) != set(values):
                    found.append(f"tombstones of {kind}")
            kept = [len(json.loads(each.keys)) for request in requests for each in page.kept.of(request.reference)]
            if sum(kept) != 5 * len(self.people):
                found.append(f"{sum(kept)} kept rows are remembered")
            if page.log.check():
                found.append("the log")
        engine = sa.create_engine(f"sqlite:///{self.scene.folder / '.slett' / 'ledger.db'}", poolclass=sa.NullPool)
        with engine.connect() as connection:
            others = sa.select(sa.func.count()).select_from(scope).where(scope.c.name.not_like(f"{LATE}%"))
            if connection.scalar(others):
                found.append("a sealed scope")
        engine.dispose()
        return found


@pytest.fixture
def stores(dialect: Dialect, new_database: NewDatabase, tmp_path: Path) -> Scene:
    return Scene(tmp_path, {"shop": new_database(dialect), "crm": new_database(dialect)})


@pytest.fixture(scope="module")
def apart() -> Iterator[Apart]:
    apart = Apart()
    yield apart
    apart.end()


@pytest.mark.slow
@pytest.mark.parametrize("people", [[1], [1, 2]], ids=["one", "two"])
def test_whatever_kill_9_interrupts_ends_the_same(
    stores: Scene, apart: Apart, dialect: Dialect, people: list[int]
) -> None:
    killing = Killing(stores, apart, people)
    assert killing.faults() == []
    dice = random.Random(f"{dialect} {people}")
    wrong: dict[int, Any] = {}
    for instant in sorted(dice.sample(range(1, killing.instants + 1), RUNS[dialect][len(people) - 1])):
        killing.begin()
        killing.run(instant)
        killing.go_on()
        if faults := killing.faults():
            wrong[instant] = faults
    assert wrong == {}, f"of {killing.instants} instants"


def test_how_many_instants_there_are_does_not_depend_on_how_long_anything_takes(
    new_database: NewDatabase, tmp_path: Path, apart: Apart
) -> None:
    """A thousand signs of life a second are not among them: a random instant is there in every run."""
    scene = Scene(tmp_path, {name: new_database("sqlite") for name in ("shop", "crm")})
    killing = Killing(scene, apart, [1])
    killing.begin()
    assert apart.do(scene, [1], beat=0.001)["instants"] == killing.instants


def test_a_certificate_that_was_not_written_yet_is_written_when_it_is_asked_for(
    stores: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything is committed, and the process dies before the file is there."""
    build(stores)
    with monkeypatch.context() as patched:
        patched.setattr("slett.requests.ending.write_proven", _die)
        with pytest.raises(KeyboardInterrupt):
            stores.erase(1)
    assert stores.resume() == []
    home = stores.folder / ".slett"
    with stores.open() as service, service.ledger.read() as page:
        (request,) = page.requests.find()
        (file,) = write_certificates(service.ledger, home / "certificates", [request.reference]).values()
    assert verify(file.read_bytes(), (home / "signing.pub").read_bytes()).good


def _die(*_: object) -> None:
    raise KeyboardInterrupt
