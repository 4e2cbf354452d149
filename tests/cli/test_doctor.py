"""`slett doctor` finds each thing that is really broken, names it, and says what to do."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from slett.ledger import Kept, open_ledger
from slett.ledger.ledger import machine_time
from slett.requests.doctor import examine
from slett.settings import Settings
from tests.cli.shop import Shop


def bad(shop: Shop) -> dict[str, str]:
    """What is not well: name → sentence."""
    said = shop.slett("doctor", "--json")
    found = {each["name"]: each["sentence"] for each in json.loads(said.out) if not each["good"]}
    assert said.status == (1 if found else 0)
    assert all(each["remedy"] for each in json.loads(said.out) if not each["good"])
    return found


@pytest.fixture
def well(shop: Shop) -> Shop:
    shop.succeed("erase", "2", "--yes")
    return shop


def test_a_service_that_is_well_needs_nobody(any_shop: Shop) -> None:
    any_shop.succeed("erase", "2", "--yes")
    assert bad(any_shop) == {}
    assert "✓ map: it fits" in any_shop.succeed("doctor")


def test_before_the_first_erasure_there_is_no_ledger_and_none_is_made(shop: Shop) -> None:
    assert bad(shop).keys() == {"ledger"}
    assert not Path(".slett").exists()


def _late(_: Shop) -> None:
    with open_ledger(Settings()) as ledger, ledger.write() as page:
        page.requests.file("erase", ["0" * 64], "d" * 64, -timedelta(hours=1))


def _kept(_: Shop) -> None:
    with open_ledger(Settings()) as ledger, ledger.write() as page:
        (each, *_) = page.requests.find()
        page.kept.add([Kept(each.reference, "shop", "orders", page.now.date() - timedelta(days=2), b"[[99]]")])


def _unbegun(_: Shop) -> None:
    then = datetime.now(UTC) - timedelta(minutes=11)
    with open_ledger(Settings(), clock=lambda: then) as ledger, ledger.write() as page:
        (each,) = page.requests.file("erase", ["0" * 64], "d" * 64, timedelta(hours=1), "verified")
        page.requests.schedule(each, secret="", promise=timedelta(hours=1), not_before=then, doubt="")


def _unsettled(_: Shop) -> None:
    then = datetime.now(UTC) - timedelta(days=3)
    with open_ledger(Settings(), clock=lambda: then) as ledger, ledger.write() as page:
        (each,) = page.requests.file("erase", ["0" * 64], "d" * 64, timedelta(days=9), "scheduled")
        batch = page.batches.create([each.reference])
        for start, end in (("scheduled", "running"), ("running", "verifying"), ("verifying", "fulfilled")):
            page.requests.move([each.reference], start, end)
        page.batches.settle(batch.lease, then + timedelta(days=1))


def _left(_: Shop) -> None:
    with open_ledger(Settings()) as ledger, ledger.write() as page:
        (each,) = page.requests.file("erase", ["0" * 64], "d" * 64, timedelta(hours=1), "scheduled")
        page.batches.create([each.reference])


def _dead(_: Shop) -> None:
    with open_ledger(Settings()) as ledger, ledger.write() as page:
        (each,) = page.requests.file("erase", ["0" * 64], "d" * 64, timedelta(hours=1), "scheduled")
        page.batches.fail(page.batches.create([each.reference], "host:1").lease, "no reason", None)


def _another_public_key(_: Shop) -> None:
    path = Path(".slett/signing.pub")
    path.chmod(0o600)
    path.write_text("another")


BROKEN: dict[str, tuple[str, Callable[[Shop], object]]] = {
    "a key that others read": ("secret.key", lambda _: Path(".slett/secret.key").chmod(0o644)),
    "another signing key": ("signing key", _another_public_key),
    "a lost secret": ("ledger", lambda _: Path(".slett/secret.key").unlink()),
    "a late request": ("promise", _late),
    "a request that nobody begins": ("turn", _unbegun),
    "a late look that nobody takes": ("late writes", _unsettled),
    "a place of the vault that takes nothing": (
        "vault",
        lambda _: Path("slett.toml").write_text('vault.url = "file:///proc/nowhere"\n'),
    ),
    "an overdue kept row": ("kept rows", _kept),
    "a batch that nobody holds": ("lost work", _left),
    "a dead letter": ("dead letters", _dead),
    "a pause": ("pauses", lambda shop: shop.succeed("pause", "--reason", "x")),
    "a hold past review": (
        "holds",
        lambda shop: shop.succeed("hold", "add", "1", "--basis", "x", "--until", "2020-01-01"),
    ),
    "a new table": (
        "map",
        lambda shop: shop.sql("CREATE TABLE likes (id integer PRIMARY KEY, user_id integer REFERENCES users (id))"),
    ),
    "a broken map": ("map", lambda _: Path("slett.yaml").write_text("slett: 1\n")),
    "a database that is no more": ("store shop", lambda _: Path("shop.db").write_bytes(b"no database at all" * 99)),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_found_and_nothing_else(well: Shop, what: str) -> None:
    name, break_it = BROKEN[what]
    break_it(well)
    assert bad(well).keys() == {name}


def test_a_missing_grant_is_found(postgresql_database: str, tmp_path: Path) -> None:
    shop = Shop(tmp_path, {"shop": postgresql_database})
    shop.fill()
    shop.succeed("erase", "2", "--yes")
    role = f"doctor_{postgresql_database.rpartition('/')[2]}"
    with psycopg.connect(postgresql_database, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {role} LOGIN")
        admin.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
        path = Path("slett.yaml")
        path.write_text(path.read_text().replace("//slett@", f"//{role}@"))
        try:
            assert bad(shop).keys() == {"grants shop"}
        finally:
            admin.execute(f"DROP OWNED BY {role}")
            admin.execute(f"DROP ROLE {role}")


def test_what_could_not_come_back_is_found_where_it_is_to(postgresql_database: str, tmp_path: Path) -> None:
    shop = Shop(tmp_path, {"shop": postgresql_database})
    shop.fill()
    shop.succeed("erase", "2", "--yes")
    shop.sql("CREATE TABLE old_messages (seen text) INHERITS (messages)")
    assert bad(shop) == {}
    (shop.folder / "slett.toml").write_text("vault.undo_window_hours = 24\n")
    assert bad(shop).keys() == {"way back"}


def test_a_place_for_vaults_is_tried_and_left_empty(well: Shop) -> None:
    place = well.folder / "vault"
    (well.folder / "slett.toml").write_text(f'vault.url = "file://{place}"\n')
    assert bad(well) == {}
    assert list(place.iterdir()) == []


@pytest.mark.usefixtures("well")
def test_a_clock_that_is_not_that_of_the_ledgers_server_is_found(postgresql_database: str) -> None:
    settings = Settings(ledger_url=postgresql_database)
    with open_ledger(settings):
        pass
    late = datetime.now(UTC) - timedelta(minutes=2)
    for clock, good in ((machine_time, True), (lambda: late, False)):
        (found,) = [each for each in examine(settings, clock=clock) if each.name == "clock"]
        assert found.good == good


@pytest.mark.usefixtures("well")
def test_workers_that_live_are_counted(postgresql_database: str) -> None:
    settings = Settings(ledger_url=postgresql_database)
    with open_ledger(settings) as ledger, psycopg.connect(postgresql_database, autocommit=True) as server:
        assert not [each for each in examine(settings) if each.name == "workers"]
        ledger.prepare_jobs()
        server.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now()), (now() - interval '1 hour')")
    (found,) = [each for each in examine(settings) if each.name == "workers"]
    assert found.good
    assert found.sentence.endswith(": 1")
