"""Jobs that wake workers, in a PostgreSQL ledger: tables of procrastinate beside our own.

What is to be done is decided by requests and batches. A job only wakes somebody who looks there; it commits with the
change that it tells of, and its argument is the reference of a request or the number of a batch, nothing else. A job
that is lost or comes twice does no harm: workers look by themselves every few seconds, too.

The tables are made by the first worker (`prepare`); before that nobody is woken, and nothing is imported.
"""

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from slett.ledger.tables import properties

if TYPE_CHECKING:
    from procrastinate import App

TASK = "slett.erase"
MADE_BY = "jobs"  # the property that says which version made the tables
QUEUES = {"small": "slett", "large": "slett-large"}

_THERE = text("SELECT to_regclass('procrastinate_jobs') IS NOT NULL")
_AWAKE = text("SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - interval '1 minute'")


class Jobs:
    """The jobs, inside one transaction.

    Args:
        known: databases of which it is known that the tables are there.
    """

    def __init__(self, connection: Connection, known: set[str]) -> None:
        self._connection = connection
        self._known = known

    def for_request(self, reference: str, at: datetime | None) -> None:
        """Wake somebody then, or now, for what is due."""
        self._defer("small", at, request=reference)

    def for_batch(self, number: int, lane: str, at: datetime | None = None) -> None:
        """Wake somebody of that lane then, or now, for a batch."""
        self._defer(lane, at, batch=number)

    def awake(self) -> int | None:
        """How many workers have said within a minute that they live; None where nobody has ever started one."""
        return int(self._connection.execute(_AWAKE).scalar_one()) if self._there() else None

    def _defer(self, lane: str, at: datetime | None, **argument: Any) -> None:
        if not self._there():
            return
        driver = self._connection.connection.driver_connection
        job = _deferring().configure_task(TASK, queue=QUEUES[lane], schedule_at=at, connection=driver)
        job.defer(**argument)

    def _there(self) -> bool:
        if self._connection.dialect.name != "postgresql":
            return False
        place = str(self._connection.engine.url)
        if place not in self._known and self._connection.execute(_THERE).scalar():
            self._known.add(place)
        return place in self._known


@cache
def _deferring() -> "App":
    """What writes jobs on a connection that it is given."""
    from procrastinate import App, SyncPsycopgConnector  # slow to import, and not needed without workers

    return App(connector=SyncPsycopgConnector())


def prepare(connection: Connection) -> None:
    """Make the tables, or bring those of an older version up to this one. Nobody else may do so at the same time."""
    import procrastinate
    from procrastinate.schema import SchemaManager

    driver: Any = connection.connection.driver_connection
    made_by = connection.execute(properties.select().where(properties.c.name == MADE_BY)).first()
    if made_by is None:
        driver.execute(SchemaManager.get_schema())
        connection.execute(properties.insert(), {"name": MADE_BY, "value": procrastinate.__version__})
        return
    for file in sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql")):
        if _version(made_by.value) < _version(file.name.partition("_")[0]) <= _version(procrastinate.__version__):
            driver.execute(file.read_text(encoding="utf-8"))
    if _version(made_by.value) < _version(procrastinate.__version__):
        changed = properties.update().where(properties.c.name == MADE_BY)
        connection.execute(changed, {"value": procrastinate.__version__})


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:3] if part.isdigit())
