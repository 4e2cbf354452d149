"""Everything a request needs, opened together: the map, the stores as they are now, the plan, the ledger."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime

from slett.datamap.check import check_map
from slett.datamap.load import load_map
from slett.datamap.model import DataMap
from slett.datamap.problem import MapError
from slett.ledger import Ledger, open_ledger
from slett.plan import Plan, make_plan
from slett.plan.links import Relations, relate
from slett.settings import Settings
from slett.stores.schema import Schema
from slett.stores.sql import Session, Store


@dataclass(frozen=True, slots=True)
class Service:
    """An opened service. `relations` and `plan` fit the schemas as they were read."""

    settings: Settings
    datamap: DataMap
    stores: Mapping[str, Store]
    schemas: Mapping[str, Schema]
    relations: Relations
    plan: Plan
    ledger: Ledger
    today: date

    @contextmanager
    def sessions(self) -> Iterator[dict[str, Session]]:
        """One connection to every store, all of which answer, or none is used."""
        hash_key = self.ledger.keys.subkey("columns")
        with ExitStack() as stack:
            yield {
                name: stack.enter_context(
                    store.session(
                        self.schemas[name], self.today, inline_keys=self.settings.inline_keys, hash_key=hash_key
                    )
                )
                for name, store in self.stores.items()
            }


def open_stores(datamap: DataMap, settings: Settings) -> tuple[dict[str, Store], dict[str, Schema]]:
    """The stores of a map, and what their databases look like now.

    Raises:
        StoreError: one of them does not answer. Nothing was touched in any.
    """
    stores = {each.name: Store(each.name, each.url, settings.lock_seconds) for each in datamap.stores.values()}
    return stores, {name: store.read_schema() for name, store in stores.items()}


@contextmanager
def open_service(settings: Settings, today: date | None = None) -> Iterator[Service]:
    """The service that the settings describe.

    Raises:
        MapError: the map cannot be read, or does not fit the databases.
        StoreError: a database does not answer.
        PlanError: the map cannot be carried out.
        LedgerError: the ledger cannot be opened.
    """
    datamap = load_map(settings.map)
    stores, schemas = open_stores(datamap, settings)
    day = today or datetime.now(UTC).date()
    errors = [problem for problem in check_map(datamap, schemas, day) if problem.severity == "error"]
    if errors:
        raise MapError(errors)
    relations = relate(datamap, schemas)
    plan = make_plan(datamap, schemas)
    with ExitStack() as stack:
        for store in stores.values():
            stack.callback(store.close)
        ledger = stack.enter_context(open_ledger(settings))
        yield Service(settings, datamap, stores, schemas, relations, plan, ledger, day)
