"""Workers in processes of their own, servers that can be killed and come back, and people whose end is known.

The oracle is arithmetic: a person's number says what is theirs, so it says what must be left when some have gone.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from slett.certify import verify, write_certificates
from slett.requests.particulars import Particulars
from slett.requests.service import Service
from slett.requests.subject import by_key
from tests.journeys.scene import Scene

SHOP = """
users:
  root: true
  identifiers: {email: email}
  disable: {active: 0}
  action: delete
listings:
  references: [{column: user_id, to: users}]
  action: delete
messages:
  references:
    - {column: sender_id, to: users}
    - {column: recipient_id, to: users, kind: mention}
  action: delete
orders:
  references: [{column: user_id, to: users}]
  action: keep
  until: {column: placed_on, add: 5 years, from: year-end}
  basis: a law
  columns: [id, placed_on]
  anonymise: {user_id: null, ship_name: null}
"""
CRM = """
contacts:
  references: [{column: email, to: shop/users, match: email, fold: true}]
  action: delete
notes:
  references: [{column: contact_id, to: contacts}]
  action: delete
"""
TABLES = (
    "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80) NOT NULL UNIQUE, active INT NOT NULL)",
    "CREATE TABLE listings (id INT PRIMARY KEY, user_id INT NOT NULL REFERENCES users (id))",
    "CREATE TABLE messages (id INT PRIMARY KEY, sender_id INT NOT NULL REFERENCES users (id), "
    "recipient_id INT REFERENCES users (id))",
    "CREATE TABLE orders (id INT PRIMARY KEY, user_id INT REFERENCES users (id), ship_name VARCHAR(40), "
    "placed_on DATE NOT NULL)",
    "CREATE INDEX listings_user ON listings (user_id)",
    "CREATE INDEX messages_sender ON messages (sender_id)",
    "CREATE INDEX messages_recipient ON messages (recipient_id)",
    "CREATE INDEX orders_user ON orders (user_id)",
)
CRM_TABLES = (
    "CREATE TABLE contacts (id INT PRIMARY KEY, email VARCHAR(80) NOT NULL)",
    "CREATE TABLE notes (id INT PRIMARY KEY, contact_id INT NOT NULL REFERENCES contacts (id))",
    "CREATE INDEX contacts_email ON contacts (email)",
)


def values(rows: list[tuple[Any, ...]]) -> str:
    return ", ".join("(" + ", ".join("NULL" if each is None else repr(each) for each in row) + ")" for row in rows)


def contents(people: int, gone: Collection[int] = ()) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, when these have gone."""
    gone = set(gone)
    stay = [n for n in range(1, people + 1) if n not in gone]

    def after(n: int) -> int:
        return n % people + 1

    return {
        "shop/users": [(n, f"p{n}@example.org", 1) for n in stay],
        "shop/listings": [(n * 10 + k, n) for n in stay for k in range(n % 4)],
        "shop/messages": [(n, n, None if after(n) in gone else after(n)) for n in stay],
        "shop/orders": [
            (n, None if n in gone else n, None if n in gone else f"ship {n}", "2025-03-01")
            for n in range(1, people + 1)
            if n % 3 == 0
        ],
        "crm/contacts": [(n, f"P{n}@Example.org") for n in stay],
        "crm/notes": [(n * 10 + k, n) for n in stay for k in range(2)],
    }


def build(scene: Scene, people: int) -> None:
    rows = contents(people)
    for store, tables in (("shop", TABLES), ("crm", CRM_TABLES)):
        mine = [f"INSERT INTO {name.split('/')[1]} VALUES {values(rows[name])}" for name in rows if store in name]
        scene.sql(*[each for each in tables if "TABLE" in each], *mine, store=store)
        scene.sql(*[each for each in tables if "INDEX" in each], store=store)


class Farm:
    """A service in a folder, with a `slett.toml`, and workers on it."""

    def __init__(self, scene: Scene, direct: Scene, ledger_url: str, **settings: object) -> None:
        self.scene = scene  # as the workers reach the stores
        self.direct = direct  # as the test does
        self.scene.settings |= {"ledger_url": ledger_url, **settings}
        scene.map(shop=SHOP, crm=CRM)
        lines = [f"{name} = {json.dumps(value)}" for name, value in self.scene.settings.items()]
        home = scene.folder / ".slett"
        (scene.folder / "slett.toml").write_text("\n".join([f'home = "{home}"', *lines]) + "\n")
        self.log = scene.folder / "workers.log"
        self.workers: list[subprocess.Popen[bytes]] = []

    def begin_worker(self) -> "subprocess.Popen[bytes]":
        """One more worker."""
        with self.log.open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, "-c", "from slett.cli import main; main()", "worker"],
                cwd=self.scene.folder,
                env={**os.environ, "PYTHONWARNINGS": "ignore"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.workers.append(worker)
        return worker

    def kill(self, worker: "subprocess.Popen[bytes]") -> None:
        """As `kill -9` does."""
        worker.kill()
        worker.wait()
        self.workers.remove(worker)

    def end(self) -> None:
        for worker in self.workers:
            with suppress(ProcessLookupError):
                worker.send_signal(signal.SIGCONT)
            worker.kill()
            worker.wait()

    def file(self, service: Service, numbers: Collection[int]) -> dict[int, str]:
        """Confirmed wishes of these people: the reference of each."""
        subjects = [by_key(service.plan, str(number)) for number in numbers]
        promise = timedelta(hours=24)
        with service.ledger.write() as page:
            hashes = [subject.hash(service.ledger.keys) for subject in subjects]
            requests = page.requests.file("erase", hashes, service.datamap.digest, promise, "verified")
            for request, subject in zip(requests, subjects, strict=True):
                page.particulars.put(request.reference, Particulars(subject, (), (), "en", "SECRET").pack())
                page.requests.schedule(request, secret="0" * 64, promise=promise, not_before=page.now, doubt="")
        return dict(zip(numbers, (request.reference for request in requests), strict=True))

    def faults(self, service: Service, filed: dict[int, str], people: int) -> list[str]:
        """Everything that is not as it must be."""
        found = []
        wanted, now = contents(people, filed), self.direct.snapshot()
        for name, rows in wanted.items():
            there = sorted((tuple(map(str, row)) for row in now[name]), key=repr)
            if there != sorted((tuple(map(str, row)) for row in rows), key=repr):
                found.append(f"rows of {name}: {len(there)}, wanted {len(rows)}")
        with service.ledger.read() as page:
            requests = page.requests.some(filed.values())
            if wrong := {each.state for each in requests.values()} - {"fulfilled"}:
                found.append(f"states {wrong}")
            told = {reference: page.deliveries.of(reference) for reference in filed.values()}
            states = {tuple(each.body["data"]["state"] for each in events) for events in told.values()}
            if states != {("running", "verifying", "fulfilled")}:
                found.append(f"told of {states}")
            if page.batches.unfinished():
                found.append("an unfinished batch")
            if broken := page.log.check():
                found.append(f"the log: {broken}")
            if page.log.head().size < len(filed):
                found.append("too few entries in the log")
            entries = [page.log.read([place])[place] for place in range(page.log.head().size)]
        certified = [json.loads(entry).get("request") for entry in entries]
        if sorted(each for each in certified if each) != sorted(filed.values()):
            found.append("not one certificate each")
        files = write_certificates(service.ledger, self.scene.folder / "certificates", list(filed.values()))
        public = (service.settings.home / "signing.pub").read_bytes()
        bad = [name for name, file in files.items() if not verify(file.read_bytes(), public).good]
        return found + [f"certificate of {name}" for name in bad]


def wait_for(holds: Callable[[], object], seconds: float, why: str) -> None:
    end = time.monotonic() + seconds
    while True:
        with suppress(Exception):  # the ledger may be down just now
            if holds():
                return
        assert time.monotonic() < end, why
        time.sleep(0.1)


@contextmanager
def grown(farm: Farm, workers: int) -> Iterator[Farm]:
    """So many workers, until the end."""
    for _ in range(workers):
        farm.begin_worker()
    try:
        yield farm
    finally:
        farm.end()
        print(farm.log.read_text()[-4_000:] if farm.log.exists() else "")


def folder(path: Path, name: str) -> Path:
    made = path / name
    made.mkdir()
    return made
