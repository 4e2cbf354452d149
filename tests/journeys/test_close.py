"""An account that is closed and opened again: every row is what it was, but what the map says to delete."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from slett.requests.before import Before
from slett.requests.close import Closed, Otherwise, Reopened, close, look_before, reopen
from slett.requests.refuse import Refused
from slett.stores.schema import Dialect
from slett.stores.sql import Session
from tests.conftest import NewDatabase
from tests.journeys.scene import Rows, Scene, subjects

TYPES: dict[Dialect, dict[str, str]] = {
    "sqlite": {"stamp": "TIMESTAMP", "bytes": "BLOB", "json": "JSON"},
    "postgresql": {"stamp": "TIMESTAMPTZ", "bytes": "BYTEA", "json": "JSONB"},
    "mariadb": {"stamp": "DATETIME(6)", "bytes": "VARBINARY(40)", "json": "JSON"},
}
SHOP = """
users:
  root: true
  identifiers: {email: email}
  disable: {active: false, password: {template: "closed-{id}"}}
  unsubscribe: {mail: false}
  close: {seen: null, hidden_at: "2000-01-01 00:00:00", balance: 0, born: null, picture: null, settings: null, at: null}
  action: delete
sessions:
  references: [{column: user_id, to: users}]
  disable: delete
  action: delete
subscriptions:
  references: [{column: email, identifier: email}]
  unsubscribe: delete
  action: delete
listings:
  references: [{columns: [shop, seller], to: sellers}, {column: user_id, to: users}]
  close: {state: hidden, note: ""}
  action: delete
sellers:
  references: [{column: user_id, to: users}]
  action: delete
photos:
  references: [{columns: [shop, listing], to: listings}]
  close: {public: 0}
  action: delete
stalls:
  references: [{column: one_id, to: users, kind: shared}, {column: other_id, to: users, kind: shared}]
  close: {open: 0}
  action: delete
"""
CRM = """
persons:
  references: [{column: email, to: shop/users, match: email, fold: true}]
  unsubscribe: {mail: 0}
  close: {email_hint: null}
  action: delete
"""
GONE = ("shop/sessions", "shop/subscriptions")


@pytest.fixture(params=[{}, {"inline_keys": 0, "chunk_rows": 3}], ids=["inline", "tables"])
def shop(request: pytest.FixtureRequest, scene: Scene, dialect: Dialect, new_database: NewDatabase) -> Scene:
    """Kari and Ola with everything that closing may write, beside a second store."""
    scene.settings.update(request.param)
    scene.urls["crm"] = new_database("sqlite" if dialect != "sqlite" else "postgresql")
    kinds = TYPES[dialect]
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80), active BOOLEAN NOT NULL, mail BOOLEAN, "
        f"password VARCHAR(40), seen {kinds['stamp']}, hidden_at {kinds['stamp']}, balance DECIMAL(12, 2), born DATE, "
        f"picture {kinds['bytes']}, settings {kinds['json']}, at TIME)",
        "CREATE TABLE sessions (token VARCHAR(40) PRIMARY KEY, user_id INT NOT NULL)",
        "CREATE TABLE subscriptions (id INT PRIMARY KEY, email VARCHAR(80))",
        "CREATE TABLE sellers (shop INT, no INT, user_id INT, PRIMARY KEY (shop, no))",
        "CREATE TABLE listings (shop INT, no INT, seller INT, user_id INT, state VARCHAR(20), note VARCHAR(20), "
        "PRIMARY KEY (shop, no))",
        "CREATE TABLE photos (id INT PRIMARY KEY, shop INT, listing INT, public INT)",
        "CREATE TABLE stalls (id INT PRIMARY KEY, one_id INT, other_id INT, open INT)",
        *(_person(dialect, number, name) for number, name in ((1, "kari"), (2, "ola"))),
        "INSERT INTO users (id, email, active) VALUES (3, NULL, FALSE)" if dialect == "postgresql"
        else "INSERT INTO users (id, email, active) VALUES (3, NULL, 0)",
        "INSERT INTO sessions VALUES ('a', 1), ('b', 1), ('c', 2)",
        "INSERT INTO subscriptions VALUES (1, 'KARI@x.no'), (2, 'ola@x.no'), (3, 'kari@x.no '), (4, NULL), (5, '')",
        "INSERT INTO sellers VALUES (1, 1, 1), (1, 2, 2), (2, 1, 2), (2, 2, 1)",
        "INSERT INTO listings VALUES (1, 1, 1, NULL, 'open', 'fine'), (1, 2, 1, 1, 'hidden', NULL), "
        "(1, 3, 2, 2, 'open', 'x'), (2, 1, 1, NULL, 'sold', ''), (2, 2, 2, NULL, NULL, 'y'), "
        "(3, 1, NULL, 1, 'Hidden', NULL)",
        "INSERT INTO photos VALUES (1, 1, 1, 1), (2, 1, 1, NULL), (3, 1, 3, 1), (4, 2, 2, 0), (5, 2, 2, 7)",
        "INSERT INTO stalls VALUES (1, 1, NULL, 1), (2, 1, 2, 1), (3, 2, NULL, 1)",
    )  # fmt: skip
    scene.sql(
        "CREATE TABLE persons (id INT PRIMARY KEY, email VARCHAR(80), mail INT, email_hint VARCHAR(20))",
        "INSERT INTO persons VALUES (1, 'KARI@x.no', 1, 'k…'), (2, 'ola@x.no', 1, 'o…'), (3, NULL, 1, NULL)",
        store="crm",
    )
    scene.map(shop=SHOP, crm=CRM)
    return scene


def _person(dialect: Dialect, number: int, name: str) -> str:
    stamp = "2026-11-22 14:18:01.25" + ("+02:00" if dialect == "postgresql" else "")
    picture = "'\\x00ff27'" if dialect == "postgresql" else "x'00ff27'"
    return (
        f"INSERT INTO users VALUES ({number}, '{name}@x.no', TRUE, TRUE, 'secret', '{stamp}', NULL, 1234567890.10, "
        f"'1984-05-17', {picture}, '{{\"a\": [1.50, null, \"ø\"]}}', '13:37:05')"
    )


def closed(scene: Scene, key: Any = 1) -> tuple[Before, Closed]:
    with scene.open() as service:
        (subject,) = subjects(service, [key])
        before = look_before(service, subject)
        return before, close(service, subject, before)


def reopened(scene: Scene, before: Before) -> Reopened:
    with scene.open() as service:
        return reopen(service, before)


def without_deleted(snapshot: dict[str, Rows]) -> dict[str, Rows]:
    return {name: rows for name, rows in snapshot.items() if name not in GONE}


def test_closing_does_what_the_map_says_and_nothing_to_others(shop: Scene) -> None:
    others = [
        "SELECT * FROM users WHERE id <> 1",
        "SELECT * FROM listings WHERE (shop, no) IN ((1, 3), (2, 1))",
        "SELECT * FROM photos WHERE id = 3",
        "SELECT * FROM stalls WHERE id <> 1",
    ]
    before = [shop.rows(query) for query in others]
    _, done = closed(shop)
    assert [shop.rows(query) for query in others] == before
    (kari,) = shop.rows("SELECT active, mail, password, seen, balance, born, picture, settings FROM users WHERE id = 1")
    assert tuple(kari) == (False, False, "closed-1", None, 0, None, None, None)
    assert shop.rows("SELECT token FROM sessions") == [("c",)]
    assert shop.rows("SELECT id FROM subscriptions ORDER BY id") == [(2,), (3,), (4,), (5,)]
    assert sorted(shop.rows("SELECT shop, no FROM listings WHERE state = 'hidden' AND note = ''")) == [
        (1, 1), (1, 2), (2, 2), (3, 1),
    ]  # fmt: skip
    assert shop.rows("SELECT id, public FROM photos ORDER BY id") == [(1, 0), (2, 0), (3, 1), (4, 0), (5, 0)]
    assert shop.rows("SELECT id, open FROM stalls ORDER BY id") == [(1, 0), (2, 1), (3, 1)]
    assert shop.rows("SELECT id, mail, email_hint FROM persons ORDER BY id", "crm") == [
        (1, 0, None), (2, 1, "o…"), (3, 1, None),
    ]  # fmt: skip
    assert done.counts["shop/sessions"] == {"disable": 2}
    assert done.counts["shop/users"] == {"disable": 1, "unsubscribe": 1, "close": 1}


def test_opening_again_brings_back_every_row_as_it_was(shop: Scene) -> None:
    """Also through the bytes that are sealed meanwhile; what was deleted stays away."""
    as_it_was = shop.snapshot()
    before, _ = closed(shop)
    assert without_deleted(shop.snapshot()) != without_deleted(as_it_was)
    assert Before.unpack(before.pack()) == before
    result = reopened(shop, Before.unpack(before.pack()))
    assert without_deleted(shop.snapshot()) == without_deleted(as_it_was)
    assert result == Reopened(before.rows, ())
    assert reopened(shop, before) == result
    assert without_deleted(shop.snapshot()) == without_deleted(as_it_was)


def test_closing_twice_is_closing_once(shop: Scene) -> None:
    before, _ = closed(shop)
    once = shop.snapshot()
    with shop.open() as service:
        (subject,) = subjects(service, [1])
        assert close(service, subject, before).rows == 0
        assert look_before(service, subject).rows == 0
    assert shop.snapshot() == once


def test_whoever_is_named_by_email_is_the_same_person(shop: Scene) -> None:
    with shop.open() as service:
        (by_email,) = subjects(service, email="Kari@X.no")
        before = look_before(service, by_email)
        close(service, by_email, before)
    assert shop.rows("SELECT active FROM users ORDER BY id") == [(False,), (True,), (False,)]


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("at", [0, 1, 3, 5])
@pytest.mark.parametrize("after", [False, True], ids=["before the commit", "after the commit"])
def test_a_crash_in_any_transaction_is_repaired_by_doing_it_again(
    shop: Scene, monkeypatch: pytest.MonkeyPatch, at: int, after: bool
) -> None:
    as_it_was = shop.snapshot()
    with shop.open() as service:
        (subject,) = subjects(service, [1])
        before = look_before(service, subject)
        with monkeypatch.context() as patch:
            _kill(patch, at, after=after)
            with _surviving():
                close(service, subject, before)
    shop.sql("INSERT INTO sessions VALUES ('meanwhile', 1)")
    with shop.open() as service:
        (subject,) = subjects(service, [1])
        close(service, subject, before)
        with monkeypatch.context() as patch:
            _kill(patch, at, after=after)
            with _surviving():
                reopen(service, before)
        assert not reopen(service, before).otherwise
    assert shop.rows("SELECT token FROM sessions") == [("c",)]
    assert without_deleted(shop.snapshot()) == without_deleted(as_it_was)


def _kill(patch: pytest.MonkeyPatch, at: int, *, after: bool) -> None:
    """Die in the transaction of that number."""
    whole, begun = Session.transaction, iter(range(100))

    @contextmanager
    def dying(self: Session, **more: bool) -> Iterator[Session]:
        mine = next(begun) == at
        with whole(self, **more) as session:
            yield session
            if mine and not after:
                raise Killed
        if mine:
            raise Killed

    patch.setattr(Session, "transaction", dying)


@contextmanager
def _surviving() -> Iterator[None]:
    with suppress(Killed):
        yield


def test_what_somebody_wrote_meanwhile_is_left_alone_and_named(shop: Scene) -> None:
    before, _ = closed(shop)
    shop.sql(
        "UPDATE listings SET state = 'removed by staff' WHERE shop = 1 AND no = 1",
        "UPDATE users SET born = '1999-09-09', password = 'new' WHERE id = 1",
        "DELETE FROM photos WHERE id = 2",
    )
    result = reopened(shop, before)
    assert result.otherwise == (
        Otherwise("shop", "users", "password", 1),
        Otherwise("shop", "users", "born", 1),
        Otherwise("shop", "listings", "state", 1),
        Otherwise("shop", "photos", "", 1),
    )
    assert shop.rows("SELECT state, note FROM listings WHERE shop = 1 AND no = 1") == [("removed by staff", "fine")]
    ((password, mail),) = shop.rows("SELECT password, mail FROM users WHERE id = 1")
    assert (password, bool(mail)) == ("new", True)
    assert reopened(shop, before).otherwise == result.otherwise


def test_only_rows_that_closing_changes_are_remembered(shop: Scene) -> None:
    before, _ = closed(shop)
    remembered = {each.name: sorted(row[: len(each.key)] for row in each.rows) for each in before.tables}
    assert remembered["shop/photos"] == [(1,), (2,), (5,)]
    assert remembered["shop/stalls"] == [(1,)]
    assert remembered["crm/persons"] == [(1,)]


def test_nobody_is_closed_who_is_not_found_or_could_be_two(shop: Scene) -> None:
    shop.sql("INSERT INTO users (id, email, active) SELECT 4, 'OLA@X.NO', active FROM users WHERE id = 2")
    with shop.open() as service:
        for subject, state in zip(
            subjects(service, [99], email=["nobody@x.no", "ola@x.no"]),
            ("not_found", "not_found", "refused"),
            strict=True,
        ):
            with pytest.raises(Refused) as caught:
                look_before(service, subject)
            assert caught.value.refusal.state == state


def test_more_than_the_ceiling_is_not_closed(shop: Scene) -> None:
    shop.map("ceiling: {rows: 5}", shop=SHOP, crm=CRM)
    with shop.open() as service:
        (subject,) = subjects(service, [1])
        with pytest.raises(Refused, match="ceiling"):
            look_before(service, subject)


def test_an_account_comes_back_although_the_map_says_something_else_by_now(shop: Scene) -> None:
    as_it_was = shop.snapshot()
    before, _ = closed(shop)
    shop.map(shop=SHOP.replace('close: {state: hidden, note: ""}', "close: {state: away}"), crm=CRM)
    assert reopened(shop, before).otherwise == ()
    assert without_deleted(shop.snapshot()) == without_deleted(as_it_was)
