"""An upgrade between two halves of a request: what an older Slett journaled, this one brings to its end."""

import sqlite3
from pathlib import Path

from slett.certify import verify, write_certificates
from slett.requests.erase import resume
from tests.journeys.everything import CRM, SHOP, build
from tests.journeys.scene import Scene

OLDER = Path(__file__).with_name("older")  # killed between two steps, at revision 0002 of the ledger


def restore(name: str, file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.executescript((OLDER / f"{name}.sql").read_text())
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()


def test_a_batch_that_an_older_version_journaled_is_finished_by_this_one(tmp_path: Path) -> None:
    untouched = tmp_path / "untouched"
    untouched.mkdir()
    wanted = Scene(untouched, {name: f"sqlite:///{untouched / name}.db" for name in ("shop", "crm")})
    build(wanted)
    home = wanted.folder / ".slett"
    home.mkdir(mode=0o700)
    (home / "secret.key").write_bytes((OLDER / "secret.key").read_bytes())  # hashes are the same with the same key
    (home / "secret.key").chmod(0o600)
    wanted.erase(1, 2)

    scene = Scene(tmp_path, {name: f"sqlite:///{tmp_path / name}.db" for name in ("shop", "crm")})
    for name in scene.urls:
        restore(name, tmp_path / f"{name}.db")
    home = tmp_path / ".slett"
    home.mkdir(mode=0o700)
    restore("ledger", home / "ledger.db")
    (home / "secret.key").write_bytes((OLDER / "secret.key").read_bytes())
    (home / "secret.key").chmod(0o600)
    scene.map(shop=SHOP, crm=CRM)
    assert scene.snapshot() != wanted.snapshot()
    with scene.open() as service:
        outcomes = resume(service, force=True)
        files = write_certificates(service.ledger, tmp_path, [each.reference for each in outcomes])
        public = (home / "signing.pub").read_bytes()
    assert [each.state for each in outcomes] == ["fulfilled", "fulfilled"]
    assert all(verify(file.read_bytes(), public).good for file in files.values())
    assert scene.snapshot() == wanted.snapshot()
