"""A deep look at Torget: the map knows every place in which Kari is written, and what it does not know is found."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from examples.torget.__main__ import MAP
from examples.torget.seed import build_town, store
from slett.cli import main
from slett.stores.schema import Dialect
from tests.conftest import NewDatabase
from tests.servers.databases import engine

KARI = "kari@nordmann.example"


class Torget:
    """The two databases, as Slett is shown them."""

    def __init__(self, urls: Mapping[str, str], home: Path) -> None:
        self.engines = {name: engine(url) for name, url in urls.items()}
        store(build_town(datetime.now(UTC).date()), self.engines)
        self.environ = {"SLETT_MAP": str(MAP), "SLETT_HOME": str(home)}
        self.environ |= {f"{name.upper()}_URL": url for name, url in urls.items()}

    def slett(self, *words: str) -> tuple[int, Any]:
        done = CliRunner().invoke(main, [*words, "--json"], env=self.environ, catch_exceptions=False)
        return done.exit_code, json.loads(done.stdout)

    def places(self, *words: str) -> tuple[int, dict[str, tuple[int, str]]]:
        """(status, column → rows that would stay and what the map says)."""
        status, found = self.slett("verify", "--deep", "--email", KARI, *words)
        return status, {f"{each['table']}.{each['column']}": (each["left"], each["map"]) for each in found["seen"]}


@pytest.fixture
def torget(dialect: Dialect, new_database: NewDatabase, tmp_path: Path) -> Torget:
    return Torget({"torget": new_database(dialect), "konsern": new_database(dialect)}, tmp_path / "slett")


def test_before_and_after_kari_leaves_the_map_answers_for_all_and_not_for_what_is_planted(torget: Torget) -> None:
    status, places = torget.places()
    assert status == 0
    assert places == dict.fromkeys(
        (
            *("persons.email", "users.email", "users.phone", "contacts.email", "contacts.phone"),
            *("newsletter_subscriptions.email", "orders.guest_email"),
        ),
        (0, "erased"),
    )

    assert torget.slett("erase", "--email", KARI, "--yes")[0] == 0
    assert torget.places() == (0, {})
    status, places = torget.places("--also", "Kari Nordmann")
    assert status == 1, "her namesake stays, and a name does not tell them apart"
    assert places["order_items.seller_name"] == (1, "stays")

    with torget.engines["konsern"].begin() as connection:
        connection.execute(sa.text("CREATE TABLE exports (id integer PRIMARY KEY, made text)"))
        row = json.dumps({"to": [KARI.upper()]})
        connection.execute(sa.text("INSERT INTO exports VALUES (1, :row)"), {"row": row})
    assert torget.places() == (1, {"exports.made": (1, "unknown")})
