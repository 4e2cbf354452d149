import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy

from slett.stores.schema import Dialect
from tests.conftest import NewDatabase
from tests.servers.databases import Databases, engine, wipe


def tables(url: str) -> list[str]:
    with engine(url).connect() as connection:
        return sqlalchemy.inspect(connection).get_table_names()


def create(url: str, *statements: str) -> None:
    with engine(url).begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_a_database_is_new_and_empty(database: str) -> None:
    assert tables(database) == []


def test_a_database_is_gone_after_its_test(dialect: Dialect, new_database: NewDatabase, databases: Databases) -> None:
    kept = new_database(dialect)
    with databases.for_a_while():
        made = new_database(dialect)
        create(made, "CREATE TABLE t (id integer)")
    assert tables(kept) == []
    if dialect == "sqlite":
        assert not Path(made.removeprefix("sqlite:///")).exists()
    else:
        with pytest.raises(sqlalchemy.exc.OperationalError):
            tables(made)


def test_one_test_may_have_several_databases(dialect: Dialect, new_database: NewDatabase) -> None:
    one, other = new_database(dialect), new_database(dialect)
    create(one, "CREATE TABLE t (id integer)")
    assert tables(other) == []


def test_wiping_leaves_an_empty_database_that_can_be_used(database: str) -> None:
    for _ in range(2):
        create(
            database,
            "CREATE TABLE p (id integer PRIMARY KEY, up integer REFERENCES p (id))",
            "CREATE TABLE t (id integer, FOREIGN KEY (id) REFERENCES p (id))",
            "CREATE VIEW v AS SELECT * FROM t",
        )
        wipe(database)
        assert tables(database) == []


@pytest.mark.parametrize(("dialect", "server"), [("postgresql", "PostgreSQL"), ("mariadb", "MariaDB")])
def test_a_server_ends_when_the_tests_are_killed(dialect: Dialect, server: str, new_database: NewDatabase) -> None:
    new_database(dialect)  # skips where the server is missing
    code = f"from tests.servers.{dialect} import {server}; print({server}().create(), flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        address = ("127.0.0.1", int(process.stdout.readline().rpartition(b":")[2].partition(b"/")[0]))
        assert listens(address)
        process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while listens(address):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def listens(address: tuple[str, int]) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(address) == 0


@pytest.mark.parametrize(("ci", "status"), [("false", 0), ("true", 1)])
def test_a_skip_is_counted_with_its_reason_and_fails_where_nothing_may_be_skipped(
    tmp_path: Path, ci: str, status: int
) -> None:
    (tmp_path / "test_skipping.py").write_text(
        "import pytest\n\n@pytest.mark.parametrize('n', [1, 2])\ndef test_it(n):\n    pytest.skip('no such server')\n"
    )
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-c", os.devnull, "--rootdir", tmp_path, tmp_path],
        env={**os.environ, "CI": ci},
        capture_output=True,
        text=True,
    )
    assert run.returncode == status, run.stdout
    assert "skipped 2: no such server" in run.stdout
