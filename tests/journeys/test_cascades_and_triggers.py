"""What a database does by itself when a row goes: further than the plan says, and it is refused."""

from itertools import count

import pytest
from click.testing import CliRunner

from slett.cli import main
from slett.datamap.problem import MapError
from slett.requests.erase import Stage, erase
from slett.stores.schema import Dialect
from tests.journeys.scene import Scene, subjects

USERS = """
users:
  root: true
  identifiers: {email: email}
  action: delete
"""
ARCHIVED = (
    "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80))",
    "CREATE TABLE orders (id INT PRIMARY KEY, user_id INT NOT NULL REFERENCES users (id), total INT)",
    "CREATE TABLE archive (order_id INT, user_id INT, total INT)",
    "INSERT INTO users VALUES (1, 'kari@x.no'), (2, 'ola@x.no')",
    "INSERT INTO orders VALUES (10, 1, 100), (11, 1, 110), (20, 2, 200)",
    "INSERT INTO archive VALUES (19, 2, 190)",
)
COPY = "INSERT INTO archive VALUES (OLD.id, OLD.user_id, OLD.total)"
ORDERS = """
orders:
  references: [{column: user_id, to: users}]
  action: delete
"""


def copying(dialect: Dialect, table: str, copy: str) -> list[str]:
    """A trigger `keeps_copies` that runs this statement for each deleted row; `OLD` is the row."""
    if dialect == "postgresql":
        return [
            f"CREATE FUNCTION copies() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN {copy}; RETURN OLD; END'",
            f"CREATE TRIGGER keeps_copies AFTER DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION copies()",
        ]
    body = f"BEGIN {copy}; END" if dialect == "sqlite" else copy
    return [f"CREATE TRIGGER keeps_copies AFTER DELETE ON {table} FOR EACH ROW {body}"]


def refused(scene: Scene) -> list[str]:
    """The codes of the complaints about the map, which is refused, and nothing has changed."""
    before = scene.snapshot()
    with pytest.raises(MapError) as error:
        scene.erase(1)
    assert scene.snapshot() == before
    return [problem.code for problem in error.value.problems if problem.severity == "error"]


# -- foreign keys -----------------------------------------------------------------------------------


@pytest.mark.parametrize("effect", ["CASCADE", "SET NULL"])
def test_a_foreign_key_that_reaches_into_an_unmapped_table_is_refused(scene: Scene, effect: str) -> None:
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80))",
        f"CREATE TABLE badges (id INT PRIMARY KEY, user_id INT REFERENCES users (id) ON DELETE {effect})",
        "INSERT INTO users VALUES (1, 'kari@x.no'), (2, 'ola@x.no')",
        "INSERT INTO badges VALUES (1, 1), (2, 2)",
    )
    scene.map(shop=USERS)
    assert refused(scene) == ["unmapped-table"]


@pytest.mark.parametrize("effect", ["CASCADE", "SET NULL"])
def test_a_foreign_key_that_the_map_does_not_speak_of_is_refused(scene: Scene, effect: str) -> None:
    """Strangers reply to my comments: what the map says of their authors must not be read as what becomes of those."""
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80))",
        "CREATE TABLE comments (id INT PRIMARY KEY, author_id INT NOT NULL REFERENCES users (id), "
        f"parent_id INT REFERENCES comments (id) ON DELETE {effect})",
        "INSERT INTO users VALUES (1, 'kari@x.no'), (2, 'ola@x.no')",
        "INSERT INTO comments VALUES (1, 1, NULL), (2, 2, 1)",
    )
    scene.map(
        shop=USERS
        + """
comments:
  references: [{column: author_id, to: users}]
  action: delete
"""
    )
    assert refused(scene) == ["cascade"]


def test_a_cascade_into_an_ignored_table_is_refused(scene: Scene) -> None:
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80))",
        "CREATE TABLE badges (id INT PRIMARY KEY, user_id INT REFERENCES users (id) ON DELETE CASCADE)",
        "INSERT INTO users VALUES (1, 'kari@x.no')",
        "INSERT INTO badges VALUES (1, 1)",
    )
    ignored = "\nbadges: {action: ignore, reason: nothing personal, owner: ops, review: 2027-05-01}\n"
    scene.map(shop=USERS + ignored)
    assert refused(scene) == ["cascade"]


def test_a_cascade_that_would_take_kept_rows_is_refused(scene: Scene) -> None:
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80))",
        "CREATE TABLE orders (id INT PRIMARY KEY, user_id INT NOT NULL REFERENCES users (id) ON DELETE CASCADE, "
        "placed_on DATE NOT NULL)",
        "INSERT INTO users VALUES (1, 'kari@x.no')",
        "INSERT INTO orders VALUES (1, 1, '2024-01-01')",
    )
    scene.map(
        shop=USERS
        + """
orders:
  references: [{column: user_id, to: users}]
  action: keep
  until: {column: placed_on, add: 5 years}
  basis: a law
  columns: [id, user_id, placed_on]
"""
    )
    assert refused(scene) == ["kept-reference"]


def test_a_cascade_that_the_plan_covers_takes_nothing_of_a_stranger(scene: Scene) -> None:
    """The replies of strangers are let go of before the comment goes, so nothing is left for the database to take."""
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80))",
        "CREATE TABLE comments (id INT PRIMARY KEY, author_id INT NOT NULL REFERENCES users (id) ON DELETE CASCADE, "
        "parent_id INT REFERENCES comments (id) ON DELETE CASCADE, body VARCHAR(40))",
        "INSERT INTO users VALUES (1, 'kari@x.no'), (2, 'ola@x.no')",
        "INSERT INTO comments VALUES (1, 1, NULL, 'mine'), (2, 2, 1, 'a reply'), (3, 2, 2, 'to a reply'), "
        "(4, 1, 3, 'mine again'), (5, 2, 4, 'below')",
    )
    scene.map(
        shop=USERS
        + """
comments:
  references:
    - {column: author_id, to: users}
    - {column: parent_id, to: comments, kind: mention}
  action: delete
"""
    )
    (outcome,) = scene.erase(1)
    assert outcome.state == "fulfilled"
    assert scene.rows("SELECT id, author_id, parent_id, body FROM comments ORDER BY id") == [
        (2, 2, None, "a reply"),
        (3, 2, 2, "to a reply"),
        (5, 2, None, "below"),
    ]


def test_a_reply_that_comes_in_meanwhile_is_not_taken_by_a_cascade(scene: Scene) -> None:
    """It was not there when the mentions were let go of, and the comment that it replies to goes a moment later."""
    scene.settings["chunk_rows"] = 1
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80))",
        "CREATE TABLE comments (id INT PRIMARY KEY, author_id INT NOT NULL REFERENCES users (id), "
        "parent_id INT REFERENCES comments (id) ON DELETE CASCADE)",
        "INSERT INTO users VALUES (1, 'kari@x.no'), (2, 'ola@x.no')",
        "INSERT INTO comments VALUES (1, 1, NULL), (2, 2, 1), (3, 1, NULL), (4, 2, NULL)",
    )
    scene.map(
        shop=USERS
        + """
comments:
  references:
    - {column: author_id, to: users}
    - {column: parent_id, to: comments, kind: mention}
  action: delete
"""
    )
    numbers, written = count(100), {2, 4}

    def reply(stage: Stage, _done: int, _total: int) -> None:
        if stage == "change":
            for comment in (1, 3):
                scene.sql(f"INSERT INTO comments SELECT {next(numbers)}, 2, id FROM comments WHERE id = {comment}")
            written.update(row[0] for row in scene.rows("SELECT id FROM comments WHERE author_id = 2"))

    with scene.open() as service:
        erase(service, subjects(service, [1]), reply)
    assert len(written) > 2
    assert {row[0] for row in scene.rows("SELECT id FROM comments WHERE author_id = 2")} == written


# -- triggers ---------------------------------------------------------------------------------------


def test_a_trigger_that_copies_deleted_rows_is_found(scene: Scene, dialect: Dialect) -> None:
    scene.sql(
        *ARCHIVED,
        *copying(dialect, "orders", COPY),
    )
    scene.map(shop=USERS + ORDERS)
    assert refused(scene) == ["trigger"]


@pytest.mark.parametrize("archive_first", [True, False])
def test_what_a_trigger_copies_goes_too_once_it_is_mapped(scene: Scene, dialect: Dialect, archive_first: bool) -> None:
    """The copies may be made after the archive was emptied: then the second look finds them, and a sweep takes them."""
    scene.sql(
        *ARCHIVED,
        *copying(dialect, "orders", COPY),
    )
    archive = """
archive:
  references: [{column: user_id, to: users}]
  action: delete
"""
    looked_at = ORDERS + "  triggers: [keeps_copies]\n"
    scene.map(shop=USERS + (archive + looked_at if archive_first else looked_at + archive))
    (outcome,) = scene.erase(1)
    assert outcome.state == "fulfilled"
    assert scene.rows("SELECT * FROM archive") == [(19, 2, 190)]
    assert scene.rows("SELECT * FROM orders") == [(20, 2, 200)]
    assert scene.rows("SELECT * FROM users") == [(2, "ola@x.no")]


@pytest.mark.parametrize("chunk_rows", [1, 5_000])
def test_a_copy_that_holds_the_root_row_is_swept(scene: Scene, dialect: Dialect, chunk_rows: int) -> None:
    """It comes into being when the orders go, and the user cannot go in the same transaction."""
    scene.settings["chunk_rows"] = chunk_rows
    scene.sql(
        *ARCHIVED,
        "CREATE TABLE former (id INT PRIMARY KEY, user_id INT NOT NULL REFERENCES users (id))",
        "INSERT INTO former VALUES (9, 1), (19, 2)",
        *copying(dialect, "orders", "INSERT INTO former VALUES (OLD.id, OLD.user_id)"),
    )
    scene.map(
        shop=USERS
        + """
former:
  references: [{column: user_id, to: users}]
  action: delete
orders:
  references: [{column: user_id, to: users}]
  action: delete
  triggers: [keeps_copies]
"""
    )
    (outcome,) = scene.erase(1)
    assert outcome.state == "fulfilled"
    assert scene.rows("SELECT * FROM former") == [(19, 2)]
    assert scene.rows("SELECT * FROM orders") == [(20, 2, 200)]
    assert scene.rows("SELECT * FROM users") == [(2, "ola@x.no")]


@pytest.fixture
def endless(scene: Scene, dialect: Dialect) -> Scene:
    """Two tables that copy what the other deletes: every look finds the row in one of them."""
    there = "INSERT INTO archive VALUES (OLD.order_id, OLD.user_id, OLD.total)"
    back = copying(dialect, "archive", there.replace("archive", "logs"))
    scene.sql(
        *ARCHIVED,
        "CREATE TABLE logs (order_id INT, user_id INT, total INT)",
        "INSERT INTO logs VALUES (10, 1, 100), (20, 2, 200)",
        *copying(dialect, "logs", there),
        *(each.replace("copies", "returns") for each in back),
    )
    scene.map(
        shop=USERS
        + ORDERS
        + """
archive:
  references: [{column: user_id, to: users}]
  action: delete
  triggers: [keeps_returns]
logs:
  references: [{column: user_id, to: users}]
  action: delete
  triggers: [keeps_copies]
"""
    )
    return scene


def test_copies_that_come_back_for_ever_are_never_called_erased(endless: Scene) -> None:
    (outcome,) = endless.erase(1)
    assert outcome.state == "partially_fulfilled"
    assert {each.table for each in outcome.left} <= {"archive", "logs"}
    assert sum(each.rows for each in outcome.left) == 1
    left = [*endless.rows("SELECT * FROM archive"), *endless.rows("SELECT * FROM logs")]
    assert sorted(left) == [(10, 1, 100), (19, 2, 190), (20, 2, 200)]


def test_what_is_left_shows_in_the_exit_status(endless: Scene) -> None:
    environ = {"SLETT_MAP": str(endless.folder / "slett.yaml"), "SLETT_HOME": str(endless.folder / ".slett")}
    result = CliRunner().invoke(main, ["erase", "1", "--yes"], env=environ, catch_exceptions=False)
    assert result.exit_code == 4, result.output
