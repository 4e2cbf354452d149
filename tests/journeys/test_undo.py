"""An erasure undone: every row of every store is what it was, or it is said what is not."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from slett.execute.run import Run
from slett.ledger import open_ledger
from slett.requests import way_back
from slett.requests.erase import erase, resume
from slett.requests.expire import expire
from slett.requests.subject import by_key
from slett.requests.undo import Undone, undo
from slett.requests.way_back import NoWayBack, end_ways_back
from slett.stores.schema import Dialect
from slett.vault import VaultError, giving
from tests.conftest import NewDatabase
from tests.journeys.apart import Apart
from tests.journeys.everything import build
from tests.journeys.scene import Scene, engine_of, subjects
from tests.ledger.clock import Clock

UNDO: dict[str, Any] = {"vault": {"undo_window_hours": 24}}


@pytest.fixture(params=[UNDO, UNDO | {"chunk_rows": 2, "inline_keys": 2}], ids=["inline", "tables"])
def stores(request: pytest.FixtureRequest, dialect: Dialect, new_database: NewDatabase, tmp_path: Path) -> Scene:
    """Three people with something of everything in two stores."""
    scene = Scene(tmp_path, {"shop": new_database(dialect), "crm": new_database(dialect)}, dict(request.param))
    build(scene)
    return scene


@pytest.fixture
def shop(scene: Scene) -> Scene:
    scene.settings |= UNDO
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80) NOT NULL UNIQUE)",
        "CREATE TABLE teams (id INT PRIMARY KEY)",
        "CREATE TABLE posts (id INT PRIMARY KEY, user_id INT NOT NULL REFERENCES users (id), "
        "team_id INT REFERENCES teams (id), text VARCHAR(80))",
        "CREATE TABLE replies (id INT PRIMARY KEY, post_id INT REFERENCES posts (id), text VARCHAR(80))",
        "INSERT INTO users VALUES (1, 'kari@x.no'), (2, 'ola@x.no')",
        "INSERT INTO teams VALUES (1), (2)",
        "INSERT INTO posts VALUES (1, 1, 1, 'one'), (2, 1, 2, 'two'), (3, 2, 1, 'three')",
        "INSERT INTO replies VALUES (1, 1, 'to one'), (2, 3, 'to three')",
    )
    scene.map(
        shop="""
users: {root: true, identifiers: {email: email}, action: delete}
posts: {references: [{column: user_id, to: users}], action: delete}
teams: {action: ignore, reason: names nobody, owner: us, review: 2090-01-01}
replies:
  references: [{column: post_id, to: posts, kind: mention, anonymise: {text: (gone)}}]
"""
    )
    return scene


def restore(scene: Scene, reference: str, *, partly: bool = False, who: str = "1 kari") -> Undone:
    with scene.open() as service:
        return undo(service, reference, who, partly=partly)


def test_what_was_erased_comes_back_byte_for_byte(stores: Scene) -> None:
    before = stores.snapshot()
    (outcome,) = stores.erase(1)
    assert outcome.state == "fulfilled"
    assert stores.snapshot() != before
    found = restore(stores, outcome.reference)
    assert (found.blocked, found.reference[:2]) == ((), "S-")
    assert stores.snapshot() == before


LOOSE = (
    "CREATE TABLE users (id INT PRIMARY KEY, kind ENUM('new', 'old') NOT NULL, name VARCHAR(20) CHARACTER SET utf8mb4, "
    "loud VARCHAR(20) CHARACTER SET latin1 AS (upper(name)) PERSISTENT)",
    "CREATE TABLE notes (id INT PRIMARY KEY, user_id INT NOT NULL, kind ENUM('a') DEFAULT 'a')",
    "SET sql_mode = ''",
    "INSERT INTO users (id, kind, name) VALUES (1, 'none of them', 'Kåre ẞ'), (2, 'old', 'Ola')",
    "INSERT INTO notes VALUES (1, 1, 'b'), (2, 1, NULL), (3, 1, 'a'), (4, 2, 'b')",
)


def test_what_only_a_server_that_is_not_strict_takes_comes_back(mariadb_database: str, tmp_path: Path) -> None:
    """A label that is none of its column's is stored as nothing, and a strict server never writes that."""
    scene = Scene(tmp_path, {"shop": mariadb_database}, UNDO)
    scene.sql(*LOOSE)
    scene.map(
        shop="""
users: {root: true, action: delete}
notes: {references: [{column: user_id, to: users}], action: delete}
"""
    )
    before = scene.snapshot()
    (outcome,) = scene.erase(1)
    assert restore(scene, outcome.reference).rows == 4
    assert scene.snapshot() == before


def test_a_label_that_is_no_more_is_not_lost_where_the_server_is_not_strict(
    mariadb_database: str, tmp_path: Path
) -> None:
    scene = Scene(tmp_path, {"shop": mariadb_database}, UNDO)
    scene.sql(*LOOSE)
    scene.map(
        shop="users: {root: true, action: delete}\nnotes: {action: ignore, reason: x, owner: x, review: 2090-01-01}"
    )
    (outcome,) = scene.erase(2)
    scene.sql("SET sql_mode = ''", "ALTER TABLE users MODIFY kind ENUM('new') NOT NULL")
    erased = scene.snapshot()
    assert restore(scene, outcome.reference).blocked
    assert scene.snapshot() == erased


def test_of_several_who_were_erased_together_each_comes_back_alone(stores: Scene) -> None:
    """What refers to somebody who is still gone waits for them, and comes when it is asked for again."""
    before = stores.snapshot()
    first, second = stores.erase(1, 2)
    erased = stores.snapshot()
    assert restore(stores, second.reference).reference == ""
    assert stores.snapshot() == erased
    found = restore(stores, second.reference, partly=True)
    assert {each.table for each in found.blocked} <= {"members", "messages"}
    assert "messages" in {each.table for each in found.blocked}
    assert stores.rows("SELECT id FROM users ORDER BY id") == [(2,), (3,)]
    assert restore(stores, first.reference).blocked == ()
    assert restore(stores, second.reference).blocked == ()
    assert stores.snapshot() == before


@pytest.mark.usefixtures("way")
def test_rows_that_refer_to_each_other_come_back_and_then_their_references(scene: Scene) -> None:
    """Where each of two rows waits for the other, no order is right."""
    scene.settings |= UNDO
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, club_id INT)",
        "CREATE TABLE clubs (id INT PRIMARY KEY, user_id INT, heir_id INT, "
        "FOREIGN KEY (user_id) REFERENCES users (id))",
        "INSERT INTO users VALUES (1, NULL), (2, NULL), (3, NULL)",
        "INSERT INTO clubs VALUES (10, 1, NULL), (11, 1, 10)",
        "UPDATE clubs SET heir_id = 11 WHERE id = 10",
        "UPDATE users SET club_id = 10 WHERE id < 3",
    )
    if not scene.urls["shop"].startswith("sqlite"):  # where a foreign key comes with its table
        scene.sql(
            "ALTER TABLE users ADD FOREIGN KEY (club_id) REFERENCES clubs (id)",
            "ALTER TABLE clubs ADD FOREIGN KEY (heir_id) REFERENCES clubs (id)",
        )
    scene.map(
        shop="""
users: {root: true, references: [{column: club_id, to: clubs, kind: mention}], action: delete}
clubs: {references: [{column: user_id, to: users}, {column: heir_id, to: clubs, kind: mention}], action: delete}
"""
    )
    before = scene.snapshot()
    (outcome,) = scene.erase(1)
    assert scene.snapshot() == {"shop/users": [(2, None), (3, None)], "shop/clubs": []}
    assert restore(scene, outcome.reference).blocked == ()
    assert scene.snapshot() == before


def test_whoever_is_back_can_be_erased_again(stores: Scene) -> None:
    (first,) = stores.erase(1)
    erased = stores.snapshot()
    restore(stores, first.reference)
    (second,) = stores.erase(1)
    assert (second.state, second.erased_before) == ("fulfilled", False)
    assert stores.snapshot() == erased


def test_what_was_kept_by_law_is_an_ordinary_row_again(stores: Scene) -> None:
    """A kept row whose person is back must not be erased when its time comes."""
    (outcome,) = stores.erase(1)
    with stores.open() as service, service.ledger.read() as page:
        assert page.kept.of(outcome.reference)
    restore(stores, outcome.reference)
    before = stores.snapshot()
    with stores.open() as service, service.ledger.read() as page:
        assert page.kept.of(outcome.reference) == ()
        assert page.tombstones.find("shop/users", ["1"]) == {}
    stores.today = date(2090, 1, 1)
    with stores.open() as service:
        assert list(expire(service)) == []
    assert stores.snapshot() == before


def test_a_person_is_undone_once(shop: Scene) -> None:
    (outcome,) = shop.erase(1)
    restore(shop, outcome.reference)
    with pytest.raises(NoWayBack, match="undone already"):
        restore(shop, outcome.reference)


def test_without_a_window_there_is_no_way_back(shop: Scene) -> None:
    shop.settings.pop("vault")
    (outcome,) = shop.erase(1)
    with pytest.raises(NoWayBack, match="undo_window_hours"):
        restore(shop, outcome.reference)


def test_nothing_is_changed_when_something_cannot_come_back(shop: Scene) -> None:
    (outcome,) = shop.erase(1)
    shop.sql("INSERT INTO users VALUES (7, 'kari@x.no')")  # the address is free at once
    after = shop.snapshot()
    found = restore(shop, outcome.reference)
    assert found.reference == ""
    assert ("users", 1) in {(each.table, each.rows) for each in found.blocked}
    assert shop.snapshot() == after


def test_what_cannot_come_back_is_named_and_comes_later(shop: Scene) -> None:
    before = shop.snapshot()
    (outcome,) = shop.erase(1)
    shop.sql("DELETE FROM teams WHERE id = 2")
    found = restore(shop, outcome.reference, partly=True)
    ((blocked),) = found.blocked
    assert (blocked.table, blocked.rows) == ("posts", 1)
    assert "teams" in blocked.why
    assert shop.rows("SELECT id FROM posts ORDER BY id") == [(1,), (3,)]
    assert shop.rows("SELECT * FROM users ORDER BY id") == [(1, "kari@x.no"), (2, "ola@x.no")]
    shop.sql("INSERT INTO teams VALUES (2)")
    with shop.open() as service, service.ledger.read() as page:
        assert page.requests.get(found.reference).state == "partially_fulfilled"  # type: ignore[union-attr] # it is there
    assert shop.rows("SELECT text FROM replies WHERE id = 1") == [("to one",)]
    assert before["shop/users"] == shop.snapshot()["shop/users"]


def test_a_repeated_undo_brings_back_what_waits_and_nothing_that_was_back_and_has_changed(shop: Scene) -> None:
    """The person lives on in between, and so do the others: of a batch, too."""
    _, outcome = shop.erase(2, 1)
    shop.sql("DELETE FROM teams WHERE id = 2")
    restore(shop, outcome.reference, partly=True)
    shop.sql("INSERT INTO teams VALUES (2)", "UPDATE users SET email = 'k@x.no'", "DELETE FROM replies WHERE id = 1")
    shop.sql("DELETE FROM posts WHERE id = 1")
    found = restore(shop, outcome.reference, partly=True)
    assert (found.blocked, found.rows) == ((), 1)
    assert shop.rows("SELECT id FROM posts") == [(2,)]
    assert shop.rows("SELECT * FROM users") == [(1, "k@x.no")]
    with pytest.raises(NoWayBack, match="undone already"):
        restore(shop, outcome.reference)


def test_of_two_who_undo_at_once_the_slower_one_brings_nothing_back_that_was_deleted_since(
    shop: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, outcome = shop.erase(2, 1)
    shop.sql("DELETE FROM teams WHERE id = 2")
    real = way_back.put_back

    def slowly(*arguments: Any, **named: Any) -> Any:
        monkeypatch.undo()
        restore(shop, outcome.reference, partly=True)
        shop.sql("DELETE FROM replies WHERE id = 1", "DELETE FROM posts WHERE id = 1", "INSERT INTO teams VALUES (2)")
        return real(*arguments, **named)

    monkeypatch.setattr(way_back, "put_back", slowly)
    with pytest.raises(NoWayBack, match="meanwhile"):
        restore(shop, outcome.reference, partly=True)
    assert shop.rows("SELECT id FROM posts") == []
    assert restore(shop, outcome.reference).rows == 1
    assert shop.rows("SELECT id FROM posts") == [(2,)]


def test_without_the_root_row_nothing_comes_back_even_partly(shop: Scene) -> None:
    (outcome,) = shop.erase(1)
    shop.sql("INSERT INTO users VALUES (1, 'someone@else.no')")
    after = shop.snapshot()
    assert restore(shop, outcome.reference, partly=True).reference == ""
    assert shop.snapshot() == after


def test_what_somebody_wrote_since_is_theirs(shop: Scene) -> None:
    """The reply of another lost its reference and its text; they wrote a new text meanwhile."""
    (outcome,) = shop.erase(1)
    shop.sql("UPDATE replies SET text = 'mine now' WHERE id = 1")
    found = restore(shop, outcome.reference, partly=True)
    assert {each.table for each in found.blocked} == {"replies"}
    assert shop.rows("SELECT * FROM replies WHERE id = 1") == [(1, 1, "mine now")]


def test_two_people_must_agree_where_the_service_says_so(shop: Scene) -> None:
    shop.settings["vault"] = {"undo_window_hours": 24, "approvals": 2}
    before = shop.snapshot()
    (outcome,) = shop.erase(1)
    after = shop.snapshot()
    for _ in range(2):
        assert restore(shop, outcome.reference, who="1 kari").waiting_for == 1
        assert shop.snapshot() == after
    assert restore(shop, outcome.reference, who="2 ola").waiting_for == 0
    assert shop.snapshot() == before


def test_when_the_window_ends_the_keys_are_destroyed_and_nobody_can_open_it(shop: Scene) -> None:
    (outcome,) = shop.erase(1)
    after = shop.snapshot()
    clock = Clock()
    with shop.open() as service, open_ledger(service.settings, clock=clock) as ledger:
        with service.ledger.read() as page:
            clock.now = page.now
        later = replace(service, ledger=ledger)
        assert end_ways_back(later) == 0
        clock.forward(hours=25)
        assert end_ways_back(later) == 1
        assert end_ways_back(later) == 0
        with pytest.raises(NoWayBack, match="keys are destroyed"):
            undo(later, outcome.reference, "1 kari")
        with ledger.read() as page:
            vault = page.vaults.of_batch(1)
            assert vault
            assert vault.state == "destroyed"
            assert page.vaults.keys(vault.number) == {}
            assert list(page.vaults.parts(vault.number)) == []
    assert shop.snapshot() == after


def test_an_erasure_is_beyond_recovery_within_what_the_law_allows(shop: Scene) -> None:
    shop.settings["vault"] = {"undo_window_hours": 24 * 28}
    (outcome,) = shop.erase(1)
    with shop.open() as service, service.ledger.read() as page:
        vault, request = page.vaults.of_batch(1), page.requests.get(outcome.reference)
        assert vault
        assert vault.until
        assert request
        assert vault.until.date() <= request.law_due
        assert vault.until - page.now > timedelta(days=20)


def test_nobody_reads_in_the_ledger_what_is_in_the_vault(shop: Scene) -> None:
    shop.erase(1)
    files = [each for each in (shop.folder / ".slett").rglob("*") if each.is_file()]
    content = b"".join(each.read_bytes() for each in files)
    assert b"kari@x.no" not in content
    assert b"to one" not in content


# -- large ones ---------------------------------------------------------------------------------------


def test_a_large_vault_is_kept_elsewhere_and_gone_in_the_end(shop: Scene) -> None:
    place = shop.folder / "place"
    shop.settings["vault"] = {"undo_window_hours": 24, "url": f"file://{place}", "ledger_mb": 0}
    before = shop.snapshot()
    (outcome,) = shop.erase(1)
    assert list(place.iterdir())
    assert all(b"kari" not in each.read_bytes() for each in place.iterdir())
    restore(shop, outcome.reference)
    assert shop.snapshot() == before
    with shop.open() as service:
        end_ways_back(service)
    assert list(place.iterdir()) == []


def test_a_part_that_was_changed_elsewhere_brings_nothing_back(shop: Scene) -> None:
    """Whoever can write there could encrypt rows of their own to the vault."""
    place = shop.folder / "place"
    shop.settings["vault"] = {"undo_window_hours": 24, "url": f"file://{place}", "ledger_mb": 0}
    (outcome,) = shop.erase(1)
    after = shop.snapshot()
    file, *_ = sorted(place.iterdir())
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(VaultError, match="changed"):
        restore(shop, outcome.reference)
    assert shop.snapshot() == after


# -- faults -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def apart() -> Iterator[Apart]:
    apart = Apart()
    yield apart
    apart.end()


@pytest.mark.slow
def test_whatever_kill_9_interrupts_can_be_undone(
    dialect: Dialect, new_database: NewDatabase, tmp_path: Path, apart: Apart
) -> None:
    """Killed at random instants, resumed, undone: as if nothing had ever been."""
    settings = UNDO | {"chunk_rows": 2, "inline_keys": 2}
    scene = Scene(tmp_path, {"shop": new_database(dialect), "crm": new_database(dialect)}, settings)
    build(scene)
    before = scene.snapshot()
    instants: int = apart.do(scene, [1])["instants"]
    _undo_last(scene)
    assert scene.snapshot() == before
    dice = random.Random(dialect)
    wrong = []
    for instant in sorted(dice.sample(range(1, instants + 1), 4 if dialect == "mariadb" else 8)):
        apart.do(scene, [1], instant)
        with scene.open() as service:
            resume(service, force=True)
            with service.ledger.read() as page:
                newest = page.requests.find(limit=1)[0]
            if newest.kind == "restore" or newest.followed_by:
                erase(service, subjects(service, [1]))
        _undo_last(scene)
        if scene.snapshot() != before:
            wrong.append(instant)
    assert wrong == []


def _undo_last(scene: Scene) -> None:
    with scene.open() as service:
        with service.ledger.read() as page:
            newest = next(each for each in page.requests.find(limit=5) if each.kind == "erase")
        assert undo(service, newest.reference, "1 kari").blocked == ()


def test_a_store_that_fails_while_giving_back_changes_nothing_and_it_may_be_asked_again(stores: Scene) -> None:
    before = stores.snapshot()
    (outcome,) = stores.erase(1)
    after = stores.snapshot()
    engine = engine_of(stores.urls["crm"])
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE points RENAME TO elsewhere"))
    with pytest.raises(Exception):  # noqa: B017, PT011 - whichever of the map and the store says it first
        restore(stores, outcome.reference)
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE elsewhere RENAME TO points"))
    engine.dispose()
    assert stores.snapshot() == after
    restore(stores, outcome.reference)
    assert stores.snapshot() == before


def write_when_the_first_has_gone(scene: Scene, late: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody runs these statements before the second person is deleted, and `late` is empty then."""
    everybody = scene.rows("SELECT id FROM users ORDER BY id")
    before = Run._may_begin

    def meanwhile(run: Run, store: str) -> None:
        if late and scene.rows("SELECT id FROM users ORDER BY id") == everybody[1:]:
            scene.sql(*late)
            late.clear()
        before(run, store)

    monkeypatch.setattr(Run, "_may_begin", meanwhile)


def test_what_somebody_writes_in_between_comes_back_too_though_the_database_took_it_along(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the step of its table, before the one that deletes its parents: now and then, in the second chunk."""
    scene.settings |= UNDO | {"chunk_rows": 1}
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80) NOT NULL UNIQUE)",
        "CREATE TABLE posts (id INT PRIMARY KEY, user_id INT, text VARCHAR(80), "
        "FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE)",
        "CREATE TABLE likes (id INT PRIMARY KEY, post_id INT, "
        "FOREIGN KEY (post_id) REFERENCES posts (id) ON DELETE CASCADE)",
        "CREATE TABLE pins (id INT PRIMARY KEY, user_id INT, "
        "FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL)",
        "INSERT INTO users VALUES (1, 'kari@x.no'), (2, 'ola@x.no'), (3, 'per@x.no')",
        "INSERT INTO posts VALUES (1, 1, 'one'), (2, 2, 'two'), (3, 3, 'three')",
        "INSERT INTO likes VALUES (1, 1), (2, 2), (3, 3)",
    )
    scene.map(
        shop="""
users: {root: true, identifiers: {email: email}, action: delete}
posts: {references: [{column: user_id, to: users}], action: delete}
likes: {references: [{column: post_id, to: posts}], action: delete}
pins: {references: [{column: user_id, to: users, kind: mention, set: null}]}
"""
    )
    late = [
        "INSERT INTO posts VALUES (8, 2, 'late'), (9, 3, 'theirs')",
        "INSERT INTO likes VALUES (8, 8), (9, 9)",
        "INSERT INTO pins VALUES (8, 2), (9, 3)",
    ]
    write_when_the_first_has_gone(scene, late, monkeypatch)
    with scene.open() as service:
        erased = erase(service, [by_key(service.plan, each) for each in "12"])
        assert not late
        assert scene.rows("SELECT id FROM posts ORDER BY id") == [(3,), (9,)]
        assert scene.rows("SELECT id, user_id FROM pins ORDER BY id") == [(8, None), (9, 3)]
        for each in erased:
            assert undo(service, each.reference, "1 kari").blocked == ()
    assert scene.rows("SELECT id, user_id FROM posts ORDER BY id") == [(1, 1), (2, 2), (3, 3), (8, 2), (9, 3)]
    assert scene.rows("SELECT id, post_id FROM likes ORDER BY id") == [(1, 1), (2, 2), (3, 3), (8, 8), (9, 9)]
    assert scene.rows("SELECT id, user_id FROM pins ORDER BY id") == [(8, 2), (9, 3)]


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"], scope="session")  # InnoDB knows no SET DEFAULT
def test_what_the_database_would_set_to_a_default_is_taken_by_its_own_step(
    dialect: Dialect, new_database: NewDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that comes in before its parents go, of which no DELETE says what it would become."""
    scene = Scene(tmp_path, {"shop": new_database(dialect)}, UNDO | {"chunk_rows": 1})
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80) NOT NULL UNIQUE)",
        "CREATE TABLE pins (id INT PRIMARY KEY, user_id INT DEFAULT 9, "
        "FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET DEFAULT)",
        "INSERT INTO users VALUES (1, 'kari@x.no'), (2, 'ola@x.no'), (9, 'nobody@x.no')",
        "INSERT INTO pins VALUES (1, 1), (2, 2)",
    )
    scene.map(
        shop="""
users: {root: true, identifiers: {email: email}, action: delete}
pins: {references: [{column: user_id, to: users}], action: delete}
"""
    )
    late = ["INSERT INTO pins VALUES (8, 2)"]
    write_when_the_first_has_gone(scene, late, monkeypatch)
    with scene.open() as service:
        erased = erase(service, subjects(service, "12"))
        assert ([each.state for each in erased], late) == (["fulfilled", "fulfilled"], [])
        assert scene.rows("SELECT id FROM pins") == []
        for each in erased:
            assert undo(service, each.reference, "1 kari").blocked == ()
    assert scene.rows("SELECT id, user_id FROM pins ORDER BY id") == [(1, 1), (2, 2), (8, 2)]


def test_what_the_database_would_set_to_null_where_no_key_is_goes_by_its_own_step(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that comes in before its parents go; which of several equal ones it was, nobody could say afterwards."""
    scene.settings |= UNDO | {"chunk_rows": 1}
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80) NOT NULL UNIQUE)",
        "CREATE TABLE notes (user_id INT, body VARCHAR(80), "
        "FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL)",
        "INSERT INTO users VALUES (1, 'kari@x.no'), (2, 'ola@x.no'), (3, 'per@x.no')",
        "INSERT INTO notes VALUES (1, 'one'), (2, 'two'), (3, 'three'), (NULL, 'late')",
    )
    scene.map(
        shop="""
users: {root: true, identifiers: {email: email}, action: delete}
notes: {references: [{column: user_id, to: users}], action: delete}
"""
    )
    late = ["INSERT INTO notes VALUES (2, 'late'), (2, 'late')"]
    write_when_the_first_has_gone(scene, late, monkeypatch)
    with scene.open() as service:
        erased = erase(service, subjects(service, "12"))
        assert ([each.state for each in erased], late) == (["fulfilled", "fulfilled"], [])
        assert sorted(scene.rows("SELECT body FROM notes")) == [("late",), ("three",)]
        for each in erased:
            assert undo(service, each.reference, "1 kari").blocked == ()
    found = scene.rows("SELECT user_id, body FROM notes ORDER BY user_id, body")
    assert sorted(found, key=str) == sorted(
        [(1, "one"), (2, "late"), (2, "late"), (2, "two"), (3, "three"), (None, "late")], key=str
    )


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("dialect", ["postgresql", "mariadb"], scope="session")
def test_a_store_waits_while_another_one_is_worked_on(
    dialect: Dialect, new_database: NewDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Longer than a server lets a transaction be idle."""
    monkeypatch.setattr(import_module(f"slett.stores.{dialect}"), "IDLE_SECONDS", 1)
    scene = Scene(tmp_path, {"shop": new_database(dialect), "crm": new_database(dialect)}, dict(UNDO))
    build(scene)
    before = scene.snapshot()

    def slowly(opened: Any, sessions: Any) -> Any:
        sessions["crm"].run_text("DO sleep(2)" if dialect == "mariadb" else "SELECT pg_sleep(2)")
        return groups(opened, sessions)

    groups = giving._groups
    with scene.open() as service:
        (erased,) = erase(service, subjects(service, "1"))
        monkeypatch.setattr(giving, "_groups", slowly)
        assert undo(service, erased.reference, "1 kari").blocked == ()
    assert scene.snapshot() == before
