"""Two transactions that wait for each other: the database ends one of them, and Slett's comes again."""

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from slett.requests.erase import Outcome
from slett.stores.schema import Dialect
from tests.conftest import NewDatabase
from tests.faults.farm import wait_for
from tests.journeys.scene import Scene, engine_of

MAP = """
users:
  root: true
  action: delete
listings:
  references: [{column: user_id, to: users}]
  action: delete
"""
WAITING = {
    "postgresql": "SELECT count(*) FROM pg_locks WHERE NOT granted",
    "mariadb": "SELECT CAST(variable_value AS INT) FROM information_schema.global_status "  # INNODB_TRX is cached
    "WHERE variable_name = 'innodb_row_lock_current_waits'",
}
DEADLOCKS = {
    "postgresql": "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()",
    "mariadb": "SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'",
}
LIMIT = 120.0  # seconds for a lock: far longer than a deadlock lasts, so that nothing but its end lets anybody go on


@pytest.fixture(params=["postgresql", "mariadb"])
def scene(request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path: Path) -> Scene:
    dialect: Dialect = request.param
    scene = Scene(tmp_path, {"shop": new_database(dialect)}, {"lock_seconds": LIMIT})
    scene.sql(
        "CREATE TABLE users (id int PRIMARY KEY)",
        "CREATE TABLE listings (id int PRIMARY KEY, user_id int NOT NULL, title varchar(20))",
        "CREATE TABLE others (id int PRIMARY KEY)",
        "CREATE INDEX listings_user ON listings (user_id)",
        "INSERT INTO users VALUES (1), (2)",
        "INSERT INTO listings VALUES (10, 1, 'a'), (11, 1, 'b'), (20, 2, 'c')",
        f"INSERT INTO others VALUES {', '.join(f'({number})' for number in range(500))}",
    )
    if dialect == "postgresql":  # whoever begins to wait looks after so long, and not again
        scene.sql(f"ALTER DATABASE {scene.urls['shop'].rpartition('/')[2]} SET deadlock_timeout = '3s'")
    scene.map(shop=MAP.rstrip() + "\nothers: {action: ignore, reason: nobody, owner: shop, review: 2030-01-01}\n")
    return scene


def prefer(connection: sa.Connection, dialect: str) -> None:
    """Of the two, this transaction is not the one to be ended."""
    if dialect == "postgresql":  # which ends the first to look
        connection.exec_driver_sql("SET deadlock_timeout = '100s'")
    else:  # which ends the one that changed less
        connection.exec_driver_sql("UPDATE others SET id = id + 1000")


def test_who_meets_another_in_a_deadlock_lets_them_go_first_and_comes_again(scene: Scene) -> None:
    """The other's transaction commits without an error, so it was Slett's that the database ended."""
    dialect = scene.urls["shop"].partition(":")[0]
    before = scene.rows(DEADLOCKS[dialect])
    ended: list[Outcome] = []
    erasing = threading.Thread(target=lambda: ended.extend(scene.erase(1)), daemon=True)
    engine = engine_of(scene.urls["shop"])
    with engine.connect() as other:
        prefer(other, dialect)
        other.exec_driver_sql("SELECT id FROM users WHERE id = 1 FOR UPDATE").all()
        erasing.start()
        wait_for(lambda: scene.rows(WAITING[dialect]) != [(0,)], 60, "Slett does not wait for the root row")
        other.exec_driver_sql("UPDATE listings SET title = 'mine' WHERE user_id = 1")
        other.commit()
    wait_for(lambda: scene.rows(DEADLOCKS[dialect]) != before, 60, "there was no deadlock")
    erasing.join(60)
    engine.dispose()
    assert [each.state for each in ended] == ["fulfilled"]
    assert scene.rows("SELECT id FROM users") == [(2,)]
    assert scene.rows("SELECT * FROM listings") == [(20, 2, "c")]
