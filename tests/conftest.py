"""Databases for every test, and the count of what was skipped.

`database`: the URL of a fresh empty database; the test runs on SQLite, PostgreSQL and MariaDB.
`sqlite_database`, `postgresql_database`, `mariadb_database`: the URL of one of that kind.
`dialect`: the name of each of the three in turn.
`new_database(dialect)`: the URL of one more, as often as a test likes.

A database is dropped when its test ends. Under hypothesis take `dialect` and `new_database`, whose scope is
the session, and call `tests.servers.databases.wipe(url)` for each example.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from slett.stores.schema import Dialect
from tests.ledger.remembered import Remembered, upgraded_by
from tests.servers.databases import DIALECTS, Databases
from tests.servers.memory import write_in_memory
from tests.servers.process import ServerMissingError

NewDatabase = Callable[[Dialect], str]


def pytest_configure() -> None:
    write_in_memory()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than cores: much of a test is waiting for a database or a browser."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Real browsers, real faults and real applications take their time."""
    for item in items:
        if item.path.parent.name in ("browser", "faults", "realworld"):
            item.add_marker("slow")


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    databases = Databases(tmp_path_factory.mktemp("databases"))
    yield databases
    databases.stop()


@pytest.fixture(scope="session", autouse=True)
def remembered() -> Iterator[Remembered]:
    """Makes all ledgers, but those of tests that want to see Alembic at work."""
    remembered = Remembered()
    with upgraded_by(remembered.upgrade):
        yield remembered


@pytest.fixture(autouse=True)
def _drop_databases(databases: Databases) -> Iterator[None]:
    """What a fixture of wider scope made before the test stays."""
    with databases.for_a_while():
        yield


@pytest.fixture(scope="session")
def new_database(databases: Databases) -> NewDatabase:
    def new(dialect: Dialect) -> str:
        try:
            return databases.new(dialect)
        except ServerMissingError as missing:
            pytest.skip(str(missing))

    return new


@pytest.fixture(scope="session", params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    name: Dialect = request.param
    return name


@pytest.fixture
def database(dialect: Dialect, new_database: NewDatabase) -> str:
    return new_database(dialect)


@pytest.fixture
def sqlite_database(new_database: NewDatabase) -> str:
    return new_database("sqlite")


@pytest.fixture
def postgresql_database(new_database: NewDatabase) -> str:
    return new_database("postgresql")


@pytest.fixture
def mariadb_database(new_database: NewDatabase) -> str:
    return new_database("mariadb")


def _skipped(config: pytest.Config) -> Counter[str]:
    """How many tests were skipped, by reason."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    reports = reporter.stats.get("skipped", []) if reporter else []
    return Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in reports)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if os.environ.get("CI") == "true" and _skipped(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for reason, number in _skipped(config).most_common():
        terminalreporter.write_line(f"skipped {number}: {reason}", yellow=True)
    if os.environ.get("CI") == "true" and _skipped(config):
        terminalreporter.write_line("CI=true: a skipped test is a failed one", red=True)
