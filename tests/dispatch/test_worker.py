"""Workers on a ledger in PostgreSQL, and what is particular to them."""

import psycopg
import pytest

from slett.ledger import LedgerError
from slett.requests.service import Service
from slett.requests.worker import Worker
from slett.settings import Settings
from tests.dispatch.conformance import *  # noqa: F403 - every test of the suite
from tests.dispatch.conformance import Make, file


@pytest.fixture
def ledger_url(postgresql_database: str) -> str:
    return postgresql_database


@pytest.fixture
def make() -> Make:
    def make(service: Service) -> Worker:
        return Worker(service.settings)

    return make


def test_a_request_and_its_job_are_committed_together(service: Service, ledger_url: str) -> None:
    def jobs() -> list[dict[str, object]]:
        with psycopg.connect(ledger_url) as connection:
            return [args for (args,) in connection.execute("SELECT args FROM procrastinate_jobs ORDER BY id")]

    service.ledger.prepare_jobs()
    service.ledger.prepare_jobs()
    reference = file(service, 1)
    with pytest.raises(ZeroDivisionError):
        file(service, 2, stumble=True)
    assert jobs() == [{"request": reference}], "and that is all a job knows"


def test_workers_need_a_ledger_that_machines_share(settings: Settings) -> None:
    with pytest.raises(LedgerError, match="workers need a ledger in PostgreSQL"):
        Worker(settings).start()


@pytest.fixture
def settings(service: Service) -> Settings:
    return service.settings.model_copy(update={"ledger_url": ""})
