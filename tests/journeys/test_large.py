"""A person with more than a hundred thousand rows: memory stays flat, and each chunk costs the same few statements."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slett.stores.schema import Dialect
from tests.conftest import NewDatabase
from tests.journeys.apart import Apart
from tests.journeys.numbers import numbers
from tests.journeys.scene import Scene

CHUNK = 1_000
FEW, MANY = 50_000, 150_000  # the databases' own caches are full by then
HEAD = "ceiling: {rows: 1000000, share: 1.0}"
USERS = "users: {root: true, action: delete}\n"
POSTS = "posts:\n  references: [{column: user_id, to: users}]\n"
LIKES = "likes:\n  references: [{column: post_id, to: posts}]\n  action: delete\n"
KEPT = """  action: keep
  until: {column: day, add: 5 years}
  basis: a law
  columns: [id, day]
"""
MAPS = {
    "leaf": USERS + POSTS + "  action: delete\n",
    "inner": USERS + POSTS + "  action: delete\n" + LIKES,
    "kept": USERS + POSTS + KEPT,
}
BYTES_PER_ROW = 48  # one key held as a Python object takes eighty at least
PER_CHUNK = 8  # BEGIN, the change, COMMIT, two looks into the ledger before; and every few chunks, keys there and back


@pytest.fixture(scope="module")
def apart() -> Iterator[Apart]:
    apart = Apart()
    yield apart
    apart.end()


@pytest.mark.slow
@pytest.mark.parametrize("kind", MAPS)
@pytest.mark.parametrize("server", ["sqlite", "postgresql"])
def test_memory_stays_flat(new_database: NewDatabase, apart: Apart, server: Dialect, kind: str, tmp_path: Path) -> None:
    few = erase_apart(apart, Scene(tmp_path / "few", {"shop": new_database(server)}), server, kind, FEW)
    many = erase_apart(apart, Scene(tmp_path / "many", {"shop": new_database(server)}), server, kind, MANY)
    grown = 1024 * (many["peak_kilobytes"] - few["peak_kilobytes"])
    assert grown <= BYTES_PER_ROW * (MANY - FEW), (few, many)
    steps = 2 if kind == "inner" else 1
    assert many["statements"] - few["statements"] <= PER_CHUNK * steps * (MANY - FEW) // CHUNK


def erase_apart(apart: Apart, scene: Scene, server: Dialect, kind: str, rows: int) -> dict[str, Any]:
    """Erase somebody with so many rows, in another process; says what it cost."""
    scene.folder.mkdir()
    likes = (
        "CREATE TABLE likes (id INT PRIMARY KEY, post_id INT NOT NULL REFERENCES posts (id))",
        "CREATE INDEX likes_post ON likes (post_id)",
        f"INSERT INTO likes SELECT i, i FROM {numbers(server, rows + 10)}",
    )
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY)",
        "CREATE TABLE posts (id INT PRIMARY KEY, user_id INT REFERENCES users (id), day DATE NOT NULL)",
        "CREATE INDEX posts_user ON posts (user_id)",
        "INSERT INTO users VALUES (1), (2)",
        f"INSERT INTO posts SELECT i, 1, '2024-01-01' FROM {numbers(server, rows)}",
        f"INSERT INTO posts SELECT i + {rows}, 2, '2024-01-01' FROM {numbers(server, 10)}",
        *(likes if kind == "inner" else ()),
        *(["ANALYZE"] if server == "postgresql" else []),
    )
    scene.settings |= {"chunk_rows": CHUNK, "chunk_seconds": 3600}  # statements are counted, on however slow a machine
    scene.map(HEAD, shop=MAPS[kind])
    before = scene.rows("SELECT id, day FROM posts WHERE user_id = 2 ORDER BY id")
    found = apart.do(scene, [1])
    assert found["states"] == ["fulfilled"]
    assert scene.rows("SELECT id, day FROM posts WHERE user_id = 2 ORDER BY id") == before
    assert scene.rows("SELECT count(*) FROM posts WHERE user_id = 1") == [(0,)]
    assert scene.rows("SELECT count(*) FROM posts") == [(10 + (rows if kind == "kept" else 0),)]
    assert scene.rows("SELECT id FROM users") == [(2,)]
    if kind == "inner":
        assert scene.rows("SELECT count(*), min(post_id) FROM likes") == [(10, rows + 1)]
    return found
