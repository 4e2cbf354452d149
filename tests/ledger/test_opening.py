"""Opening a ledger: the file, the migrations, the secret key, two at once, and what is refused."""

import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Thread

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from slett.ledger import LedgerError, open_ledger
from slett.ledger.database import open_engine
from slett.ledger.migrations import HEAD
from slett.ledger.tables import metadata
from slett.settings import Settings
from slett.stores.schema import Dialect
from tests.conftest import NewDatabase
from tests.ledger.remembered import ALEMBIC, Remembered, upgraded_by
from tests.servers.backup import spelled


@pytest.fixture(autouse=True)
def _alembic() -> Iterator[None]:
    with upgraded_by(ALEMBIC):
        yield


@pytest.fixture
def engine(settings: Settings, home: Path) -> Iterator[sqlalchemy.Engine]:
    home.mkdir()
    engine = open_engine(settings.ledger)
    yield engine
    engine.dispose()


def test_migrations_make_exactly_the_tables_that_the_code_uses(engine: sqlalchemy.Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == HEAD


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_ledger_made_as_remembered_cannot_be_told_from_one_that_alembic_made(
    kind: Dialect, new_database: NewDatabase
) -> None:
    """So the other tests may have theirs from memory."""
    remembered, urls = Remembered(), [new_database(kind) for _ in range(3)]
    for url, upgrade in zip(urls, (ALEMBIC, remembered.upgrade, remembered.upgrade), strict=True):
        with upgraded_by(upgrade):
            open_engine(url).dispose()
    made, first, later = map(spelled, urls)
    assert len(made) > 50
    assert made == first == later


def test_constraints_are_named_alike_by_migrations_and_by_the_code(engine: sqlalchemy.Engine) -> None:
    """Batch mode finds a constraint by its name."""
    inspector = sqlalchemy.inspect(engine)
    for table in metadata.sorted_tables:
        found = {inspector.get_pk_constraint(table.name)["name"]}
        found |= {key["name"] for key in inspector.get_foreign_keys(table.name)}
        found |= {check["name"] for check in inspector.get_check_constraints(table.name)}
        found |= {unique["name"] for unique in inspector.get_unique_constraints(table.name)}
        named = sqlalchemy.MetaData(naming_convention=metadata.naming_convention)
        copied = {str(constraint.name) for constraint in table.to_metadata(named).constraints}
        assert found == copied


def test_a_second_opening_keeps_what_the_first_one_wrote(settings: Settings) -> None:
    with open_ledger(settings) as ledger, ledger.write() as page:
        page.log.append([{"type": "test"}])
    with open_ledger(settings) as ledger, ledger.read() as page:
        assert page.log.head().size == 1


def test_a_ledger_that_is_up_to_date_opens_without_importing_alembic(home: Path) -> None:
    """The command line starts in a blink."""
    script = (
        "import sys; from pathlib import Path; from slett.settings import Settings\n"
        "from slett.ledger import open_ledger\n"
        "open_ledger(Settings(home=Path(sys.argv[1]))).close()\n"
        "print('alembic' in sys.modules)"
    )
    answers = [
        subprocess.run([sys.executable, "-c", script, home], capture_output=True, text=True, check=True).stdout.strip()
        for _ in range(2)
    ]
    assert answers == ["True", "False"]


def test_two_that_open_a_new_ledger_at_once_both_succeed(settings: Settings) -> None:
    together, problems = Barrier(6), []

    def work() -> None:
        together.wait()
        try:
            with open_ledger(settings) as ledger, ledger.write() as page:
                page.log.append([{"type": "test"}])
        except Exception as problem:
            problems.append(problem)

    threads = [Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    with open_ledger(settings) as ledger, ledger.read() as page:
        assert page.log.head().size == 6
        assert page.log.check() is None


def test_only_the_owner_can_read_the_files(home: Path) -> None:
    with open_ledger(Settings(home=home)) as ledger, ledger.write() as page:
        page.log.append([{"type": "test"}])
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()}
    assert modes == dict.fromkeys(("ledger.db", "ledger.db-wal", "ledger.db-shm", "secret.key"), 0o600)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_sqlite_is_told_to_be_durable_and_to_overwrite_what_is_deleted(home: Path) -> None:
    home.mkdir()
    engine = open_engine(f"sqlite:///{home / 'ledger.db'}")
    with engine.connect() as connection:
        names = ("journal_mode", "synchronous", "secure_delete", "foreign_keys", "busy_timeout")
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]
    engine.dispose()
    assert found == ["wal", 2, 1, 1, 30_000]


def test_in_sqlite_only_what_lasts_waits_for_the_disk_and_all_before_it_with_it(home: Path) -> None:
    """Whatever the connection was used for before."""
    with open_ledger(Settings(home=home)) as ledger:
        for lasting in (True, False, False, True, False, True):
            with ledger.write(lasting=lasting) as page:
                waits = page.log._connection.exec_driver_sql("PRAGMA synchronous").scalar()
                page.log.append([{"type": "test"}])
            assert waits == (2 if lasting else 1)
        with ledger.write() as page:
            assert page.log._connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
            assert page.log.head().size == 6


def test_another_secret_key_is_refused(settings: Settings) -> None:
    open_ledger(settings).close()
    path = settings.home / "secret.key"
    path.write_text("00" * 32)
    with pytest.raises(LedgerError, match=r"secret\.key: the ledger was written with another secret key"):
        open_ledger(settings)


def test_a_lost_secret_key_is_missed_and_not_replaced(settings: Settings) -> None:
    open_ledger(settings).close()
    (settings.home / "secret.key").unlink()
    with pytest.raises(LedgerError, match=r"secret\.key: missing; the ledger was written with it: restore it"):
        open_ledger(settings)
    assert not (settings.home / "secret.key").exists()


def test_the_ledger_of_a_newer_slett_is_refused(settings: Settings) -> None:
    open_ledger(settings).close()
    engine = open_engine(settings.ledger)
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("UPDATE alembic_version SET version_num = '9999'"))
        connection.commit()
    engine.dispose()
    with pytest.raises(LedgerError, match=r"schema `9999` is unknown .* upgrade Slett"):
        open_ledger(settings)


@pytest.mark.parametrize(
    "url", ["mysql://anna:hunter2@localhost/ledger", "sqlite://", "sqlite:///:memory:", "oracle://anna:hunter2@x/y"]
)
def test_a_database_of_another_kind_is_refused_without_its_password(home: Path, url: str) -> None:
    with pytest.raises(LedgerError, match="the ledger cannot live in") as refusal:
        open_ledger(Settings(home=home, ledger_url=url))
    assert "hunter2" not in str(refusal.value)


def test_a_url_that_is_none_is_refused_without_repeating_it(home: Path) -> None:
    with pytest.raises(LedgerError, match="the ledger's URL cannot be read; write `sqlite:///path") as refusal:
        open_ledger(Settings(home=home, ledger_url="hunter2"))
    assert "hunter2" not in str(refusal.value)


def test_a_server_that_does_not_answer_is_named_without_its_password(home: Path) -> None:
    url = "postgresql://anna:hunter2@127.0.0.1:1/ledger"
    with pytest.raises(LedgerError, match=r"the ledger `postgresql.*127\.0\.0\.1:1/ledger` does not answer") as refusal:
        open_ledger(Settings(home=home, ledger_url=url))
    assert "hunter2" not in str(refusal.value)


def test_a_file_that_is_no_database_is_refused_and_left_alone(home: Path) -> None:
    home.mkdir()
    path = home / "ledger.db"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(LedgerError, match="file is not a database"):
        open_ledger(Settings(home=home))
    assert path.read_bytes() == b"not a database" * 100
