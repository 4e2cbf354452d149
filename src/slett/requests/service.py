"""Everything a request needs, opened together: the map, the stores as they are now, the plan, the ledger."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from slett.datamap.check import check_map
from slett.datamap.load import load_map
from slett.datamap.model import DataMap
from slett.datamap.problem import MapError
from slett.execute import Gates, Pace
from slett.ledger import Ledger, open_ledger
from slett.plan import Plan, make_plan
from slett.plan.links import Relations, relate
from slett.settings import Settings, SettingsError
from slett.stores.schema import Schema
from slett.stores.sql import Session, Store
from slett.verify import Expectation, expect

LAPSED = "expired-review"
SCANS = "no-index"


@dataclass(frozen=True, slots=True)
class Service:
    """An opened service. `relations` and `plan` fit the schemas as they were read."""

    settings: Settings
    datamap: DataMap
    stores: Mapping[str, Store]
    schemas: Mapping[str, Schema]
    relations: Relations
    plan: Plan
    expectations: tuple[Expectation, ...]  # what a second look must not find
    ledger: Ledger
    today: date
    rehearsed: set[str] = field(default_factory=set)  # stores that are known to let us do every step
    scans: bool = False  # a pass reads a large table whole, for one person as for thousands
    paces: Mapping[str, Pace] = field(default_factory=dict)  # of the stores: how much is changed at once

    @contextmanager
    def sessions(self) -> Iterator[dict[str, Session]]:
        """One connection to every store, all of which answer, or none is used."""
        with ExitStack() as stack:
            yield {name: stack.enter_context(self.session(name)) for name in self.stores}

    def session(self, store: str) -> AbstractContextManager[Session]:
        """One connection to that store."""
        return self.stores[store].session(
            self.schemas[store],
            self.today,
            inline_keys=self.settings.inline_keys,
            hash_key=self.ledger.keys.subkey("columns"),
        )


@contextmanager
def open_stores(urls: Mapping[str, str], settings: Settings) -> Iterator[tuple[dict[str, Store], dict[str, Schema]]]:
    """The stores at these URLs, and what their databases look like now.

    Raises:
        StoreError: one of them does not answer. Nothing was touched in any.
    """
    with ExitStack() as stack:
        stores = {
            name: Store(name, url, settings.lock_seconds, settings.statement_seconds) for name, url in urls.items()
        }
        for store in stores.values():
            stack.callback(store.close)
        yield stores, {name: store.read_schema() for name, store in stores.items()}


@contextmanager
def open_paces(
    settings: Settings, stores: Mapping[str, Store], schemas: Mapping[str, Schema]
) -> Iterator[dict[str, Pace]]:
    """The pace of each store.

    Raises:
        SettingsError: `pace.replicas` cannot be read, or names a store that the map does not.
    """
    replicas: dict[str, list[Store]] = {name: [] for name in stores}
    with ExitStack() as stack:
        for number, each in enumerate(settings.pace.replicas, 1):
            name, _, url = each.partition("=")
            if name not in stores or not url:
                raise SettingsError(
                    f"setting `pace.replicas`, number {number}: write `STORE=URL`, with a store of the map"
                )
            replica = Store(f"{name}, replica {number}", url, settings.lock_seconds)
            stack.callback(replica.close)
            replicas[name].append(replica)
        gates = Gates(settings.pace.lag_seconds, settings.pace.busy_sessions, settings.pace.rows_a_second)
        yield {
            name: Pace(
                settings.chunk_rows,
                settings.chunk_seconds,
                gates=gates,
                replicas=replicas[name],
                wary=_costly(schemas[name]),
            )
            for name in stores
        }


def _costly(schema: Schema) -> frozenset[str]:
    """The tables of which a row that goes costs much: a trigger fires, or another table is read whole for it."""
    found = {table.name for table in schema.tables.values() if table.triggers}
    for table in schema.tables.values():
        found.update(key.table for key in table.foreign_keys if not table.is_indexed(key.columns))
    return frozenset(found)


def urls_of(datamap: DataMap) -> dict[str, str]:
    """The URLs of a map's stores, by name."""
    return {store.name: store.url for store in datamap.stores.values()}


@contextmanager
def open_service(settings: Settings, today: date | None = None, *, starting: bool = True) -> Iterator[Service]:
    """The service that the settings describe.

    Args:
        starting: something new is begun. What only finishes or looks is not stopped by a decision that was to be
            taken again by now: a kept row must not outlive its time because of it.

    Raises:
        MapError: the map cannot be read, or does not fit the databases.
        StoreError: a database does not answer.
        PlanError: the map cannot be carried out.
        LedgerError: the ledger cannot be opened.
    """
    datamap = load_map(settings.map)
    day = today or datetime.now(UTC).date()
    with open_stores(urls_of(datamap), settings) as (stores, schemas):
        problems = check_map(datamap, schemas, day)
        errors = [each for each in problems if each.severity == "error" and (starting or each.code != LAPSED)]
        if errors:
            raise MapError(errors)
        relations = relate(datamap, schemas)
        plan = make_plan(relations)
        with open_ledger(settings) as ledger, open_paces(settings, stores, schemas) as paces:
            expectations = expect(relations)
            scans = any(each.code == SCANS for each in problems)
            yield Service(
                settings,
                datamap,
                stores,
                schemas,
                relations,
                plan,
                expectations,
                ledger,
                day,
                scans=scans,
                paces=paces,
            )
