"""New ledgers without the wait for Alembic, which is most of what a test with a ledger would cost.

What Alembic asked of the first empty database of a kind is asked of each later one, statement by statement.
That the two cannot be told apart is tested in `test_opening.py`; there, and in `test_migrations.py`, Alembic runs.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, event

from slett.ledger import database

ALEMBIC = database._upgrade
Upgrade = Callable[[Connection], None]


class Remembered:
    """Upgrades a ledger as Alembic does."""

    def __init__(self) -> None:
        self._asked: dict[str, list[tuple[str, Any]]] = {}

    def upgrade(self, connection: Connection) -> None:
        """Bring the ledger to the newest schema, in the transaction that is open."""
        kind = connection.dialect.name
        if database._version(connection) is not None:
            ALEMBIC(connection)
        elif kind in self._asked:
            for statement, values in self._asked[kind]:
                connection.exec_driver_sql(statement, values or None)
        else:
            self._asked[kind] = _heard(connection)


def _heard(connection: Connection) -> list[tuple[str, Any]]:
    """What Alembic asks, with values; of PostgreSQL many statements are asked at once."""
    asked: list[tuple[str, Any]] = []
    together = connection.dialect.name == "postgresql"

    def hear(_connection: object, _cursor: object, statement: str, values: Any, *_: object) -> None:
        if statement.lstrip().startswith(("SELECT", "PRAGMA")):
            return
        if together and asked and not values and not asked[-1][1]:
            statement = f"{asked.pop()[0]};\n{statement}"
        asked.append((statement, values))

    event.listen(connection, "before_cursor_execute", hear)
    try:
        ALEMBIC(connection)
    finally:
        event.remove(connection, "before_cursor_execute", hear)
    return asked


@contextmanager
def upgraded_by(upgrade: Upgrade) -> Iterator[None]:
    """Every ledger that this process makes for a while."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "_upgrade", upgrade)
        yield
