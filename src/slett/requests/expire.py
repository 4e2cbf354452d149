"""Kept rows whose time has come: erased by their keys, on the day that the certificate named."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from slett.execute.scope import unpack
from slett.ledger import Kept
from slett.requests.service import Service
from slett.stores.operations import Delete, KeySet, Link, Rows

PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Expired:
    """Rows of one table that were kept and are now erased."""

    store: str
    table: str
    rows: int


def expire(service: Service) -> list[Expired]:
    """Erase every kept row that is due today; children before parents.

    A row that is gone already is forgotten silently: whoever deleted it did what was due.

    Raises:
        StoreError: a store failed. What was erased is forgotten, the rest is due still.
    """
    order = {f"{step.store}/{step.table}": place for place, step in enumerate(service.plan.steps)}
    totals: dict[tuple[str, str], int] = {}
    while due := _page(service):
        due.sort(key=lambda each: order.get(f"{each.store}/{each.table}", len(order)))
        for (store, table), some in groupby(due, key=lambda each: (each.store, each.table)):
            mine = list(some)
            rows = _erase(service, store, table, mine)
            totals[store, table] = totals.get((store, table), 0) + rows
            with service.ledger.write() as page:
                page.kept.forget([each.number for each in mine])
                page.log.append([{"event": "expired", "store": store, "table": table, "rows": rows}])
    return [Expired(*name, rows) for name, rows in totals.items()]


def _page(service: Service) -> list[Kept]:
    with service.ledger.read() as page:
        return list(page.kept.due(service.today, limit=PAGE))


def _erase(service: Service, store: str, table: str, kept: Iterable[Kept]) -> int:
    live = service.schemas[store].tables[table]
    families = tuple(column.family for each in live.primary_key if (column := live.column(each)))
    keys = KeySet("kept", store, table, live.primary_key, live.primary_key)
    gone = Delete(Rows(table, (Link(live.primary_key, keys.name, live.primary_key),), key=live.primary_key))
    session = service.sessions()
    with session as sessions:
        rows = ((0, *key) for each in kept for key in unpack([each.keys]))
        sessions[store].know(keys, rows, families, people=1)
        with sessions[store].transaction():
            return sessions[store].apply(gone)
