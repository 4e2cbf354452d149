"""Kari closes her account at Torget and comes back; and what she is told before she decides."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from examples.torget.__main__ import MAP
from examples.torget.schema import KONSERN, TORGET
from examples.torget.seed import build_town, store
from examples.torget.town import Town
from slett.datamap.model import Words
from slett.requests.close import close, look_before, reopen
from slett.requests.outlook import find_blocks, outlook
from slett.requests.service import Service, open_service
from slett.requests.subject import Subject, by_identifier
from slett.requests.unsubscribe import unsubscribe
from slett.settings import Settings
from slett.stores.schema import Dialect
from tests.conftest import NewDatabase
from tests.servers.databases import engine

LANGUAGES = ("nb", "nn", "se", "sv", "da", "fi", "en", "de", "fr", "es", "pl", "ar")
DELETED = {"sessions", "newsletter_subscriptions"}
Engines = dict[str, sa.Engine]


@pytest.fixture(scope="module")
def town() -> Town:
    return build_town(datetime.now(UTC).date())


@pytest.fixture
def engines(town: Town, dialect: Dialect, new_database: NewDatabase) -> Engines:
    engines = {name: engine(new_database(dialect)) for name in ("torget", "konsern")}
    store(town, engines)
    return engines


@pytest.fixture
def service(engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    for name, made in engines.items():
        monkeypatch.setenv(f"{name.upper()}_URL", made.url.render_as_string(hide_password=False))
    with open_service(Settings(map=MAP, home=tmp_path / "slett")) as service:
        yield service


def kari(service: Service, town: Town) -> Subject:
    return by_identifier(service.plan, "email", town.kari.email)


def contents(engines: Engines) -> dict[str, list[tuple[object, ...]]]:
    found = {}
    for metadata in (TORGET, KONSERN):
        with engines[metadata.info["store"]].connect() as connection:
            for table in metadata.sorted_tables:
                found[table.name] = sorted((tuple(row) for row in connection.execute(table.select())), key=repr)
    return found


def test_kari_closes_her_account_and_comes_back(service: Service, engines: Engines, town: Town) -> None:
    before_all = contents(engines)
    before = look_before(service, kari(service, town))
    close(service, kari(service, town), before)
    closed = contents(engines)
    changed = {name for name in closed if closed[name] != before_all[name]}
    assert changed == {*DELETED, "users", "listings", "persons"}
    with engines["torget"].connect() as connection:
        mine = (
            sa.select(sa.text("DISTINCT state")).select_from(TORGET.tables["listings"]).where(sa.text("seller_id = 1"))
        )
        assert connection.execute(mine).scalars().all() == ["hidden"]
        user = TORGET.tables["users"]
        (active, mail) = connection.execute(
            sa.select(user.c.active, user.c.commercial_mail).where(user.c.id == 1)
        ).one()
        assert (active, mail) == (False, False)
    assert reopen(service, before).otherwise == ()
    after = contents(engines)
    assert {name for name in after if after[name] != before_all[name]} == DELETED


def test_unsubscribing_reaches_the_owner_too(service: Service, engines: Engines, town: Town) -> None:
    before = contents(engines)
    assert unsubscribe(service, kari(service, town)) == 4  # the account, one subscription, twice at Konsern
    after = contents(engines)
    assert {name for name in after if after[name] != before[name]} == {"users", "newsletter_subscriptions", "persons"}


def test_kari_is_told_of_everything_and_nothing_stands_in_her_way(service: Service, town: Town) -> None:
    told = outlook(service, kari(service, town), "nb")
    assert [part.label for part in told.parts] == [
        service.datamap.categories[name].said_in("nb")
        for name in ("account", "sales", "wishes", "orders", "talk", "visits", "owner")
    ]
    orders = told.parts[3]
    assert {stay.basis for stay in orders.stays} == {"Bokføringsloven § 13"}
    assert told.blocks == ()
    assert told.stores == ("torget", "konsern")
    assert told.backup_days == 35
    assert [each.name for each in told.recipients] == ["Brebanken", "Fjordfrakt"]


def test_an_unpaid_order_stands_in_its_buyers_way(service: Service, town: Town) -> None:
    unpaid = {
        row.values["customer_id"] or str(row.values["guest_email"]).lower()
        for table, rows in town.rows.items()
        if table.name == "orders"
        for row in rows
        if row.values["paid_at"] is None
    }
    blocked = {
        person
        for person in town.people[:60]
        if any(
            block.link == "/orders"
            for block in find_blocks(service, by_identifier(service.plan, "email", person.email), "en")
        )
    }
    assert blocked == {person for person in town.people[:60] if unpaid & {person.number, person.email.lower()}}
    assert blocked


def test_every_text_of_the_map_is_there_in_every_language(service: Service) -> None:
    datamap = service.datamap
    texts: list[Words] = [*datamap.categories.values(), *(each.what for each in datamap.recipients)]
    texts += [block.text for mapped in datamap.tables for block in mapped.blocks]
    assert {tuple(dict(each.texts)) for each in texts} == {LANGUAGES}
