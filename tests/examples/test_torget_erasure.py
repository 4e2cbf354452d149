"""From the command line to the last row: an erasure does what the oracle says, and nothing else."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from examples.torget.__main__ import MAP, show, walk
from examples.torget.oracle import wrong
from examples.torget.people import Person
from examples.torget.seed import build_town, store
from examples.torget.town import Town
from slett.cli import main
from slett.stores.schema import Dialect
from tests.conftest import NewDatabase
from tests.servers.databases import engine


class Service:
    """Torget and Konsern on two databases, with a Slett of their own."""

    def __init__(self, town: Town, urls: Mapping[str, str], home: Path) -> None:
        self.town = town
        self.engines = {name: engine(url) for name, url in urls.items()}
        self.environ = {
            "SLETT_MAP": str(MAP),
            "SLETT_HOME": str(home),
            "TORGET_URL": urls["torget"],
            "KONSERN_URL": urls["konsern"],
        }
        store(town, self.engines)

    def slett(self, *words: str) -> Result:
        return CliRunner().invoke(main, words, env=self.environ, catch_exceptions=False)

    def wrong(self, *left: Person) -> list[str]:
        """The first few rows that are not as they must be, now that these people have left."""
        return wrong(self.town, self.engines, *left)[:10]


@pytest.fixture(scope="module")
def town() -> Town:
    return build_town(datetime.now(UTC).date())


@pytest.fixture
def service(town: Town, dialect: Dialect, new_database: NewDatabase, tmp_path: Path) -> Service:
    return Service(town, {"torget": new_database(dialect), "konsern": new_database(dialect)}, tmp_path / "slett")


def test_the_map_is_clean(service: Service) -> None:
    result = service.slett("check")
    assert result.exit_code == 0, result.output


def test_a_plan_changes_nothing(service: Service) -> None:
    result = service.slett("plan", "--email", "kari@nordmann.example")
    assert result.exit_code == 0, result.output
    assert service.wrong() == []


def test_people_leave_one_after_the_other_and_nobody_else_loses_a_thing(service: Service) -> None:
    kari, namesake, neighbour = service.town.people[:3]
    left: list[Person] = []
    for person in (kari, namesake, kari, neighbour):
        result = service.slett("erase", "--email", person.email.upper(), "--yes")
        assert result.exit_code == 0, result.output
        left.append(person)
        assert service.wrong(*left) == []


def test_a_batch_leaves_at_once(service: Service) -> None:
    leaving = service.town.people[::7]
    words = [word for person in leaving for word in ("--email", person.email)]
    result = service.slett("erase", *words, "--yes")
    assert result.exit_code == 0, result.output
    assert service.wrong(*leaving) == []


def test_what_was_erased_verifies_and_is_certified(service: Service, tmp_path: Path) -> None:
    service.slett("erase", "--email", service.town.kari.email, "--yes")
    assert service.slett("verify", "--email", service.town.kari.email).exit_code == 0
    (certificate,) = (tmp_path / "slett" / "certificates").glob("*.json")
    assert service.slett("certificate", "verify", str(certificate)).exit_code == 0
    assert not {"kari", "nordmann"} & set(certificate.read_text("utf-8").casefold().replace("@", " ").split())


def test_stores_of_different_kinds_are_erased_together(town: Town, new_database: NewDatabase, tmp_path: Path) -> None:
    urls = {"torget": new_database("postgresql"), "konsern": new_database("mariadb")}
    service = Service(town, urls, tmp_path / "slett")
    result = service.slett("erase", "--email", town.kari.email, "--yes")
    assert result.exit_code == 0, result.output
    assert service.wrong(town.kari) == []


def test_the_demo_runs_twice(tmp_path: Path) -> None:
    for _ in range(2):
        show(tmp_path / "demo")


def test_kari_leaves_over_http_with_a_code_from_the_mailbox(tmp_path: Path) -> None:
    walk(tmp_path / "demo")
