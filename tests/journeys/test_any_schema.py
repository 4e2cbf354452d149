"""The law: whatever the schema, what is theirs goes, and nothing of anybody else's changes.

Below it, the smallest case of each fault that the law has found.
"""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.internal.conjecture.providers import HypothesisProvider

from slett.requests.erase import erase
from slett.requests.expire import expire
from slett.requests.service import Service
from slett.requests.subject import Subject, by_identifier, by_key
from slett.requests.undo import undo
from slett.stores.schema import Dialect
from tests.conftest import NewDatabase
from tests.journeys.scene import Scene
from tests.journeys.world import TODAY, World
from tests.journeys.worlds import Case, Erasure, cases
from tests.servers.databases import wipe

EXAMPLES: dict[Dialect, int] = {"sqlite": 100, "postgresql": 25, "mariadb": 25}
SHRINK = [Phase.shrink] if os.environ.get("SLETT_SHRINK") else []  # a smaller case takes minutes to find
Difference = tuple[list[tuple[str, ...]], list[tuple[str, ...]]]


@pytest.mark.parametrize("kind", EXAMPLES)
def test_what_is_theirs_goes_and_nothing_else_changes(
    kind: Dialect, new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every map that is drawn is right: a refusal is a fault of the check."""
    in_any_world(kind, new_database(kind), monkeypatch, EXAMPLES[kind], {}, live)


@pytest.mark.slow
@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("kind", EXAMPLES)
def test_whatever_is_erased_can_be_undone(
    kind: Dialect, new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the schema, and whoever left together: undone one after the other, everything is as it was."""
    open_window = {"vault": {"undo_window_hours": 24}}
    in_any_world(kind, new_database(kind), monkeypatch, EXAMPLES[kind] // 3, open_window, come_back)


def in_any_world(
    kind: Dialect,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    examples: int,
    more: dict[str, Any],
    law_of: Callable[[World, list[Erasure], Scene, Service], None],
) -> None:
    """Hold a law to that many worlds."""
    # Hypothesis draws constants of whatever modules were imported before: the worlds would depend on other tests.
    monkeypatch.setattr(HypothesisProvider, "_maybe_draw_constant", lambda *_, **__: None)

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate, *SHRINK],
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )
    @given(cases())
    def law(case: Case) -> None:
        wipe(url)
        with TemporaryDirectory() as folder:
            numbers = {"inline_keys": case.inline_keys, "chunk_rows": case.chunk_rows, **more}
            scene = Scene(Path(folder), {"shop": url}, numbers, TODAY)
            scene.sql(*case.world.statements(kind))
            scene.map(shop=case.world.map())
            with scene.open() as service:
                law_of(case.world, case.erasures, scene, service)

    law()


def live(world: World, erasures: list[Erasure], scene: Scene, service: Service) -> None:
    """The people leave, each time twice; after each time the database is as the world says."""
    hash_key = service.ledger.keys.subkey("columns")
    assert differences(scene, world) == {}
    for erasure in erasures:
        known = [bool(person.roots or world.taken([person])[0]) for person in erasure.people]
        outcomes = erase(service, subjects(service, erasure))
        world.leave(erasure.people, hash_key)
        assert differences(scene, world) == {}
        for outcome, found in zip(outcomes, known, strict=True):
            assert outcome.state == "fulfilled" or (outcome.state == "not_found" and not found), outcome
        for outcome in erase(service, subjects(service, erasure)):
            assert outcome.state in ("fulfilled", "not_found"), outcome
        assert differences(scene, world) == {}


def come_back(_world: World, erasures: list[Erasure], scene: Scene, service: Service) -> None:
    """The people leave, and come back one after the other; who refers to others, once more when those are back."""
    for erasure in erasures:
        before = scene.snapshot()
        erased = [each for each in erase(service, subjects(service, erasure)) if each.state == "fulfilled"]
        waiting = [each.reference for each in erased]
        while waiting:
            found = {each: undo(service, each, "1 kari", partly=True).blocked for each in waiting}
            left = [each for each in waiting if found[each]]
            assert len(left) < len(waiting), found
            waiting = left
        assert scene.snapshot() == before


def subjects(service: Service, erasure: Erasure) -> list[Subject]:
    return [
        by_identifier(service.plan, *way) if way[0] == "email" else by_key(service.plan, way[1], way[0])
        for way in erasure.named
    ]


def differences(scene: Scene, world: World) -> dict[str, Difference]:
    """Table → (rows that are there and should not be, rows that should be there and are not)."""
    found, rows = {}, scene.snapshot()
    for name, expected in world.contents().items():
        there = Counter(tuple(str(value) for value in row) for row in rows[f"shop/{name}"])
        if there != Counter(expected):
            found[name] = sorted((there - Counter(expected)).elements()), sorted((Counter(expected) - there).elements())
    return found


USERS = """
users:
  root: true
  action: delete
"""


def test_a_row_of_two_owners_still_refers_to_the_one_who_stays(scene: Scene) -> None:
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY)",
        "CREATE TABLE orders (id INT PRIMARY KEY, buyer INT, seller INT, note VARCHAR(20))",
        "INSERT INTO users VALUES (1), (2)",
        "INSERT INTO orders VALUES (1, 1, 2, 'a')",
    )
    scene.map(
        shop=USERS
        + """
orders:
  references: [{column: buyer, to: users}, {column: seller, to: users}]
  action: anonymise
  anonymise: {note: null}
"""
    )
    (outcome,) = scene.erase(1)
    assert outcome.state == "fulfilled"
    assert scene.rows("SELECT * FROM orders") == [(1, None, 2, None)]
    (outcome,) = scene.erase(2)
    assert outcome.state == "fulfilled"
    assert scene.rows("SELECT * FROM orders") == [(1, None, None, None)]


def test_the_empty_text_holds_no_shared_row(scene: Scene) -> None:
    scene.sql(
        "CREATE TABLE users (id VARCHAR(9) PRIMARY KEY)",
        "CREATE TABLE albums (id INT PRIMARY KEY, a VARCHAR(9), b VARCHAR(9))",
        "INSERT INTO users VALUES ('k'), ('o')",
        "INSERT INTO albums VALUES (1, 'k', ''), (2, 'k', 'o'), (3, 'k', NULL)",
    )
    scene.map(
        shop=USERS
        + """
albums:
  references: [{column: a, to: users, kind: shared}, {column: b, to: users, kind: shared}]
  action: delete
"""
    )
    (outcome,) = scene.erase("k")
    assert outcome.state == "fulfilled"
    assert scene.rows("SELECT * FROM albums") == [(2, None, "o")]


def test_a_mention_of_a_kept_row_that_is_due_loses_reference_and_label(scene: Scene) -> None:
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY)",
        "CREATE TABLE orders (id INT PRIMARY KEY, user_id INT, placed DATE NOT NULL)",
        "CREATE TABLE notes (id INT PRIMARY KEY, order_id INT REFERENCES orders (id), label VARCHAR(20))",
        "INSERT INTO users VALUES (1)",
        "INSERT INTO orders VALUES (1, 1, '2015-01-01'), (2, 1, '2026-01-01')",
        "INSERT INTO notes VALUES (1, 1, 'Kari'), (2, 2, 'Kari')",
    )
    scene.map(
        shop=USERS
        + """
orders:
  references: [{column: user_id, to: users}]
  action: keep
  until: {column: placed, add: 5 years}
  basis: a law
notes:
  references: [{column: order_id, to: orders, kind: mention, anonymise: {label: null}}]
"""
    )
    (outcome,) = scene.erase(1)
    assert outcome.state == "fulfilled"
    assert scene.rows("SELECT * FROM notes ORDER BY id") == [(1, None, None), (2, 2, None)]


def test_rows_that_all_stay_need_no_circle_opened(scene: Scene) -> None:
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY)",
        "CREATE TABLE posts (id INT PRIMARY KEY, user_id INT, above INT REFERENCES posts (id), text VARCHAR(20))",
        "INSERT INTO users VALUES (1), (2)",
        "INSERT INTO posts VALUES (1, 1, NULL, 'a'), (2, 1, 1, 'b')",
    )
    scene.map(
        shop=USERS
        + """
posts:
  references: [{column: user_id, to: users}, {column: above, to: posts}]
  action: anonymise
  anonymise: {text: "-"}
"""
    )
    (outcome,) = scene.erase(1)
    assert outcome.state == "fulfilled"
    assert scene.rows("SELECT * FROM posts ORDER BY id") == [(1, None, None, "-"), (2, None, 1, "-")]


def test_a_kept_row_still_refers_to_somebody_elses_row_of_its_table(scene: Scene) -> None:
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY)",
        "CREATE TABLE orders (id INT PRIMARY KEY, user_id INT, first INT REFERENCES orders (id), placed DATE NOT NULL)",
        "INSERT INTO users VALUES (1), (2)",
        "INSERT INTO orders VALUES (1, 1, NULL, '2026-01-01'), (2, 2, 1, '2026-01-01'), (3, 2, 2, '2026-01-01')",
    )
    scene.map(
        shop=USERS
        + """
orders:
  references: [{column: user_id, to: users}, {column: first, to: orders}]
  action: keep
  until: {column: placed, add: 5 years}
  basis: a law
"""
    )
    (outcome,) = scene.erase(2)
    assert outcome.state == "fulfilled"
    assert scene.rows("SELECT id, user_id, first FROM orders ORDER BY id") == [
        (1, 1, None),
        (2, None, 1),
        (3, None, None),
    ]


def test_a_shared_row_that_stays_no_longer_mentions_who_left(scene: Scene) -> None:
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY)",
        "CREATE TABLE albums (id INT PRIMARY KEY, cover_by INT)",
        "CREATE TABLE members (album_id INT, user_id INT, PRIMARY KEY (album_id, user_id))",
        "INSERT INTO users VALUES (1), (2)",
        "INSERT INTO albums VALUES (1, 1)",
        "INSERT INTO members VALUES (1, 1), (1, 2)",
    )
    scene.map(
        shop=USERS
        + """
albums:
  references:
    - {column: id, to: members, match: album_id, kind: shared}
    - {column: cover_by, to: users, kind: mention}
members:
  references: [{column: user_id, to: users}]
  action: delete
"""
    )
    (outcome,) = scene.erase(1)
    assert outcome.state == "fulfilled"
    assert scene.rows("SELECT * FROM albums") == [(1, None)]


def test_what_is_owned_goes_although_others_share_it(scene: Scene) -> None:
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY)",
        "CREATE TABLE albums (id INT PRIMARY KEY, a INT, b INT, made_by INT)",
        "INSERT INTO users VALUES (1), (2)",
        "INSERT INTO albums VALUES (1, 1, 2, 1), (2, 2, 1, 2)",
    )
    scene.map(
        shop=USERS
        + """
albums:
  references:
    - {column: a, to: users, kind: shared}
    - {column: b, to: users, kind: shared}
    - {column: made_by, to: users}
  action: delete
"""
    )
    (outcome,) = scene.erase(1)
    assert outcome.state == "fulfilled"
    assert scene.rows("SELECT * FROM albums") == [(2, 2, None, 2)]


@pytest.mark.parametrize("inline_keys", [0, 500])
def test_who_shares_a_row_is_compared_as_they_would_be_found(scene: Scene, inline_keys: int) -> None:
    """A column of text that refers to numbers, and a null among the keys."""
    scene.settings["inline_keys"] = inline_keys
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, code INT UNIQUE)",
        "CREATE TABLE albums (id INT PRIMARY KEY, a VARCHAR(9), b INT)",
        "INSERT INTO users VALUES (1, NULL), (2, 12), (3, 13)",
        "INSERT INTO albums VALUES (1, '1', 12), (2, '2', 13), (3, '1', 13), (4, '2', 12)",
    )
    scene.map(
        shop=USERS
        + """
albums:
  references:
    - {column: a, to: users, kind: shared}
    - {column: b, to: users, match: code, kind: shared}
"""
    )
    assert [outcome.state for outcome in scene.erase(1, 2)] == ["fulfilled", "fulfilled"]
    assert scene.rows("SELECT * FROM albums ORDER BY id") == [(2, None, 13), (3, None, 13)]


def test_a_second_root_may_be_found_by_what_both_know(scene: Scene) -> None:
    """An account and a newsletter subscription with one address, and no key between them."""
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, mail VARCHAR(40))",
        "CREATE TABLE readers (id INT PRIMARY KEY, mail VARCHAR(40))",
        "INSERT INTO users VALUES (1, 'kari@x.no'), (2, 'ola@x.no')",
        "INSERT INTO readers VALUES (7, 'Kari@x.no'), (8, 'ola@x.no')",
    )
    scene.map(
        shop="""
users: {root: true, identifiers: {email: mail}, action: delete}
readers: {root: true, references: [{column: mail, identifier: email}], action: delete}
"""
    )
    (outcome,) = scene.erase(1)
    assert outcome.state == "fulfilled"
    assert scene.rows("SELECT id FROM users") == [(2,)]
    assert scene.rows("SELECT id FROM readers") == [(8,)]


def test_a_reference_shared_with_somebody_who_stays_for_good_may_stay(scene: Scene) -> None:
    """The last of those who share the row leaves, and the row stays anonymised, as does the root row it refers to."""
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, nick VARCHAR(20))",
        "CREATE TABLE albums (id INT PRIMARY KEY, a INT, b INT, text VARCHAR(20))",
        "INSERT INTO users VALUES (1, 'k'), (2, 'o')",
        "INSERT INTO albums VALUES (1, 1, NULL, 'x'), (2, 1, 2, 'y')",
    )
    scene.map(
        shop="""
users: {root: true, action: anonymise, anonymise: {nick: null}}
albums:
  references: [{column: a, to: users, kind: shared}, {column: b, to: users, kind: shared}]
  action: anonymise
  anonymise: {text: null}
"""
    )
    (outcome,) = scene.erase(1)
    assert outcome.state == "fulfilled"
    assert scene.rows("SELECT * FROM albums ORDER BY id") == [(1, 1, None, None), (2, None, 2, "y")]


def test_a_kept_row_goes_when_its_time_comes_although_somebody_mentions_it(scene: Scene) -> None:
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY)",
        "CREATE TABLE orders (id INT PRIMARY KEY, user_id INT, placed DATE NOT NULL)",
        "CREATE TABLE notes (id INT PRIMARY KEY, order_id INT REFERENCES orders (id))",
        "INSERT INTO users VALUES (1)",
        "INSERT INTO orders VALUES (1, 1, '2026-01-01')",
        "INSERT INTO notes VALUES (1, 1)",
    )
    scene.map(
        shop=USERS
        + """
orders:
  references: [{column: user_id, to: users}]
  action: keep
  until: {column: placed, add: 5 years}
  basis: a law
notes: {references: [{column: order_id, to: orders, kind: mention}]}
"""
    )
    scene.erase(1)
    scene.today = TODAY.replace(year=2032)
    with scene.open() as service:
        expire(service)
    assert scene.rows("SELECT * FROM orders") == []
    assert scene.rows("SELECT * FROM notes") == [(1, None)]


def test_whoever_had_nothing_left_to_anonymise_is_signed_out_all_the_same(scene: Scene) -> None:
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, nick VARCHAR(20), active INT)",
        "INSERT INTO users VALUES (1, NULL, 1), (2, 'o', 1)",
    )
    scene.map(shop="users: {root: true, disable: {active: 0}, action: anonymise, anonymise: {nick: null}}")
    (outcome,) = scene.erase(1)
    assert outcome.state == "fulfilled"
    assert scene.rows("SELECT * FROM users ORDER BY id") == [(1, None, 0), (2, "o", 1)]


def test_whoever_is_gone_may_be_erased_again_although_a_column_of_theirs_was_never_null(scene: Scene) -> None:
    """All that is known of somebody whose row is gone is the key: the key table has nulls beside it."""
    scene.settings["inline_keys"] = 0
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, code INT NOT NULL UNIQUE)",
        "CREATE TABLE orders (id INT PRIMARY KEY, code INT)",
        "INSERT INTO users VALUES (1, 11), (2, 12)",
        "INSERT INTO orders VALUES (1, 11), (2, 12)",
    )
    scene.map(
        shop=USERS
        + """
orders:
  references: [{column: code, to: users, match: code}]
  action: delete
"""
    )
    assert [outcome.state for outcome in scene.erase(1)] == ["fulfilled"]
    assert [outcome.state for outcome in scene.erase(1)] == ["not_found"]
    assert scene.rows("SELECT id FROM orders") == [(2,)]


def test_what_must_be_kept_is_not_taken_along_by_an_expired_row_it_hangs_on(scene: Scene) -> None:
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY)",
        "CREATE TABLE orders (id INT PRIMARY KEY, user_id INT, part_of INT, placed DATE NOT NULL,"
        " FOREIGN KEY (part_of) REFERENCES orders (id) ON DELETE CASCADE)",
        "INSERT INTO users VALUES (1), (2)",
        "INSERT INTO orders VALUES (1, 1, NULL, '2015-12-31'), (2, NULL, 1, '2026-03-09')",
    )
    scene.map(
        shop="""
users: {root: true, action: delete}
orders:
  references: [{column: user_id, to: users}, {column: part_of, to: orders}]
  action: keep
  until: {column: placed, add: 5 years}
  basis: a law
"""
    )
    (outcome,) = scene.erase(1)
    assert outcome.state == "fulfilled"
    assert [row[:3] for row in scene.rows("SELECT * FROM orders")] == [(2, None, None)]


def test_a_mention_of_a_kept_row_may_be_of_another_type_than_its_key(scene: Scene) -> None:
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY)",
        "CREATE TABLE orders (id INT PRIMARY KEY, code INT NOT NULL UNIQUE, user_id INT, placed DATE NOT NULL)",
        "CREATE TABLE notes (id INT PRIMARY KEY, about VARCHAR(20))",
        "INSERT INTO users VALUES (1), (2)",
        "INSERT INTO orders VALUES (1, 7, 1, '2015-12-31'), (2, 8, 1, '2026-03-09')",
        "INSERT INTO notes VALUES (1, '7'), (2, '8'), (3, 'x')",
    )
    scene.map(
        shop="""
users: {root: true, action: delete}
orders:
  references: [{column: user_id, to: users}]
  action: keep
  until: {column: placed, add: 5 years}
  basis: a law
notes: {references: [{column: about, to: orders, match: code, kind: mention}], action: delete}
"""
    )
    (outcome,) = scene.erase(1)
    assert outcome.state == "fulfilled"
    assert scene.rows("SELECT * FROM notes ORDER BY id") == [(1, None), (2, "8"), (3, "x")]
