"""The second look believes nobody: whatever the work leaves out, it finds, and names."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from slett.execute.run import Done, Run
from slett.stores.operations import Change
from slett.stores.sql import Session
from tests.journeys.scene import Scene

TABLES = (
    "CREATE TABLE users (id INT PRIMARY KEY, mail VARCHAR(40))",
    "CREATE TABLE sessions (id INT PRIMARY KEY, user_id INT)",
    "CREATE TABLE orders (id INT PRIMARY KEY, user_id INT, mail VARCHAR(40), note VARCHAR(40), placed DATE NOT NULL)",
    "CREATE TABLE old_orders (id INT PRIMARY KEY, user_id INT, placed DATE NOT NULL)",
    "CREATE TABLE lines (id INT PRIMARY KEY, order_id INT, shop INT, label VARCHAR(40))",
    "CREATE TABLE messages (id INT PRIMARY KEY, recipient_id INT, label VARCHAR(40))",
    "CREATE TABLE letters (id INT PRIMARY KEY, mail VARCHAR(40))",
    "CREATE TABLE albums (id INT PRIMARY KEY, a INT, b INT)",
    "CREATE TABLE projects (id INT PRIMARY KEY)",
    "CREATE TABLE members (project_id INT, user_id INT, PRIMARY KEY (project_id, user_id))",
    "CREATE TABLE reviews (id INT PRIMARY KEY, user_id INT, nick VARCHAR(40))",
    "INSERT INTO users VALUES (1, 'kari@x.no'), (2, 'ola@x.no')",
    "INSERT INTO sessions VALUES (1, 1), (2, 2)",
    "INSERT INTO orders VALUES (1, 1, NULL, 'n', '2026-01-01'), (2, NULL, 'KARI@x.no', 'n', '2026-01-01')",
    "INSERT INTO old_orders VALUES (1, 1, '2011-01-01'), (2, 2, '2011-01-01')",
    "INSERT INTO lines VALUES (1, 1, 1, 'l'), (2, 2, 1, 'l'), (3, 3, 1, 'l')",
    "INSERT INTO messages VALUES (1, 1, 'Kari'), (2, 2, 'Ola')",
    "INSERT INTO letters VALUES (1, 'Kari@X.no'), (2, 'ola@x.no')",
    "INSERT INTO albums VALUES (1, 1, NULL), (2, 1, 2), (3, 2, 2)",
    "INSERT INTO projects VALUES (1), (2)",
    "INSERT INTO members VALUES (1, 1), (2, 1), (2, 2)",
    "INSERT INTO reviews VALUES (1, 1, 'k'), (2, 2, 'o')",
)
MAP = """
users: {root: true, identifiers: {email: mail}, action: delete}
sessions: {references: [{column: user_id, to: users}], action: delete}
orders:
  references: [{column: user_id, to: users}, {column: mail, identifier: email}]
  action: keep
  until: {column: placed, add: 5 years}
  basis: a law
  anonymise: {note: null}
old_orders:
  references: [{column: user_id, to: users}]
  action: keep
  until: {column: placed, add: 5 years}
  basis: a law
lines: {references: [{column: order_id, to: orders}], action: anonymise, anonymise: {label: "-"}}
messages: {references: [{column: recipient_id, to: users, kind: mention, anonymise: {label: null}}]}
letters: {references: [{column: mail, identifier: email, kind: mention}]}
albums: {references: [{column: a, to: users, kind: shared}, {column: b, to: users, kind: shared}]}
projects: {references: [{column: id, to: members, match: project_id, kind: shared}]}
members: {references: [{column: user_id, to: users}], action: delete}
reviews: {references: [{column: user_id, to: users}], action: anonymise, anonymise: {nick: {hash: true}}}
"""
WRITTEN = {
    "users": 1,
    "sessions": 1,
    "orders": 2,
    "old_orders": 1,
    "lines": 2,
    "messages": 1,
    "letters": 1,
    "albums": 2,
    "projects": 1,
    "members": 2,
    "reviews": 1,
}


@pytest.fixture
def shop(sqlite_database: str, tmp_path: Path) -> Scene:
    scene = Scene(tmp_path, {"shop": sqlite_database})
    scene.sql(*TABLES)
    scene.map(shop=MAP)
    return scene


def leave_out(table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the work pass by one table, and say that all is done."""
    for name in ("apply_all", "apply_whole"):
        apply = getattr(Session, name)

        def lazy(self: Session, changes: Sequence[Change], apply: Any = apply) -> list[int]:
            done = iter(apply(self, [change for change in changes if change.rows.table != table]))
            return [0 if change.rows.table == table else next(done) for change in changes]

        monkeypatch.setattr(Session, name, lazy)


def test_nothing_is_left_when_all_was_done(shop: Scene) -> None:
    (outcome,) = shop.erase(1)
    assert (outcome.state, outcome.left) == ("fulfilled", ())


@pytest.mark.parametrize("table", WRITTEN)
@pytest.mark.parametrize("inline_keys", [0, 500], ids=["key tables", "inline"])
def test_what_the_work_leaves_out_is_found_and_named(
    shop: Scene, table: str, inline_keys: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.settings["inline_keys"] = inline_keys
    leave_out(table, monkeypatch)
    (outcome,) = shop.erase(1)
    assert outcome.state == "partially_fulfilled"
    assert {left.table for left in outcome.left} == {table}
    assert max(left.rows for left in outcome.left) <= WRITTEN[table] <= sum(left.rows for left in outcome.left)


def test_a_row_that_comes_while_the_work_is_done_is_found_too(shop: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The root row is gone, and so is every key in it: only what was sealed before the work still finds the row."""
    shop.settings["sweeps"] = 1
    apply = Run.apply

    def late(self: Run, counts: Sequence[int]) -> Iterator[list[Done]]:
        yield from apply(self, counts)
        shop.sql("INSERT INTO sessions VALUES (9, 1)", "INSERT INTO letters VALUES (9, 'kari@x.no')")

    monkeypatch.setattr(Run, "apply", late)
    (outcome,) = shop.erase(1)
    assert outcome.state == "partially_fulfilled"
    assert sorted((left.table, left.rows) for left in outcome.left) == [("letters", 1), ("sessions", 1)]


def test_a_reference_that_should_be_gone_from_a_row_that_stays_is_found(
    shop: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rules of the row were carried out, and still it says whose it was."""
    apply = Run.apply

    def forgetful(self: Run, counts: Sequence[int]) -> Iterator[list[Done]]:
        yield from apply(self, counts)
        shop.sql("UPDATE reviews SET user_id = 1 WHERE id = 1")

    monkeypatch.setattr(Run, "apply", forgetful)
    (outcome,) = shop.erase(1)
    assert [left.table for left in outcome.left] == ["reviews"]


def test_rows_of_somebody_else_are_never_counted_as_left(shop: Scene) -> None:
    before = shop.rows("SELECT * FROM sessions WHERE user_id = 2")
    (outcome,) = shop.erase(1)
    assert outcome.left == ()
    assert shop.rows("SELECT * FROM sessions") == before
