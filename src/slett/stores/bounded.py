"""A connection to PostgreSQL that waits for an answer only so long: a network may swallow one without a word.

The server gives a statement up by itself; this is for when we do not hear of it.
"""

from typing import Any

import psycopg
from psycopg.errors import _WaitTimeout


def connect(seconds: float, *positional: Any, **named: Any) -> "Bounded":
    """A new connection; `seconds` for each answer, 0: for ever."""
    connection = Bounded.connect(*positional, **named)
    connection.seconds = seconds or None
    return connection


class Bounded(psycopg.Connection[Any]):
    """Closed when an answer does not come in time."""

    seconds: float | None = None

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """What the driver waits for."""
        try:
            return super().wait(gen, interval, self.seconds if timeout is None else timeout)
        except _WaitTimeout:
            if timeout is not None:
                raise
            self.pgconn.finish()
            raise psycopg.OperationalError("timeout: no answer came") from None
