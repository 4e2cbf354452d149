"""A ledger written by an older Slett opens in this one, with everything that was in it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files

import pytest
import sqlalchemy as sa
from alembic.command import upgrade
from alembic.config import Config

from slett.ledger import Keys, open_ledger
from slett.settings import Settings
from tests.ledger.remembered import ALEMBIC, upgraded_by

FILED = "2026-11-01T10:00:00.000000Z"


@pytest.fixture(autouse=True)
def _alembic() -> Iterator[None]:
    with upgraded_by(ALEMBIC):
        yield


def write_first(settings: Settings) -> None:
    """A ledger at revision 0001, with a request, a batch, a kept row and a log."""
    settings.home.mkdir()
    url = sa.make_url(settings.ledger)
    engine = sa.create_engine(url.set(drivername="postgresql+psycopg") if "postgresql" in url.drivername else url)
    subject = Keys(settings.home).subject("torget/users", "42")
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(files("slett.ledger.migrations")))
        config.attributes["connection"] = connection
        upgrade(config, "0001")
        for statement in (
            f"INSERT INTO batches VALUES (1, 'finished', '{FILED}', '{FILED}', 'host:1', NULL, 3)",
            "INSERT INTO requests (reference, kind, state, subject, map_digest, filed_at, due_at, law_due, reason,"
            f" counts, batch) VALUES ('S-7K4M-2Q9X', 'erase', 'fulfilled', '{subject}', '{'d' * 64}', '{FILED}',"
            f" '{FILED}', '2026-12-01', '', '{{\"torget/users\": {{\"delete\": 1}}}}', 1)",
            "INSERT INTO steps VALUES (1, 0, 'torget', 'users', 'delete', 'done', 30, 30, NULL)",
            "INSERT INTO steps VALUES (1, 1, 'torget', 'posts', 'delete', 'done', 4, 4, NULL)",
            f"INSERT INTO batches VALUES (2, 'new', '{FILED}', NULL, '', NULL, 0)",
            f"INSERT INTO tombstones VALUES ('email', '{'a' * 64}', 'S-7K4M-2Q9X', '{FILED}')",
        ):
            connection.exec_driver_sql(statement)
    engine.dispose()


def test_a_ledger_of_the_first_version_opens_with_everything_in_it(settings: Settings) -> None:
    write_first(settings)
    with open_ledger(settings) as ledger, ledger.write() as page:
        request = page.requests.get("S-7K4M-2Q9X")
        assert request
        assert (request.state, request.counts, request.batch) == ("fulfilled", {"torget/users": {"delete": 1}}, 1)
        assert request.filed_at == datetime(2026, 11, 1, 10, tzinfo=UTC)
        assert request.law_due == date(2026, 12, 1)
        new = (request.not_before, request.secret, request.follows, request.followed_by, request.until)
        assert new == (None,) * 5
        assert (request.leaving, request.doubt, request.origin) == ("", "", "")
        batch = page.batches.get(1)
        assert batch
        assert batch.fence == 3
        assert batch.planned == 34
        assert page.pauses.rows_planned(request.filed_at) == 34
        assert page.log.head().size == 0
        (later,) = page.requests.file("close", [request.subject], "d" * 64, timedelta(hours=1))
        assert [each.reference for each in page.requests.find()] == [later.reference, request.reference]


def test_a_migrated_ledger_is_migrated_once(settings: Settings) -> None:
    write_first(settings)
    open_ledger(settings).close()
    with open_ledger(settings) as ledger, ledger.read() as page:
        assert len(page.requests.find()) == 1
