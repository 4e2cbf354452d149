"""A service that stays open for as long as somebody works on it, and is opened again when a store was down."""

from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from threading import Lock

from slett.requests.service import Service, open_service
from slett.settings import Settings


class Standing:
    """The service of these settings, opened when it is first needed; threads share it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._service: Service | None = None
        self._opened = ExitStack()
        self._lock = Lock()

    def service(self) -> Service:
        """The service as it is today.

        Raises:
            MapError, StoreError, PlanError, LedgerError: as `open_service`. The next call tries again.
        """
        today = datetime.now(UTC).date()
        with self._lock:
            if self._service is None:
                # a decision that was to be taken again by now stops what begins; that opens the service anew
                self._service = self._opened.enter_context(open_service(self.settings, starting=False))
            if self._service.today != today:
                self._service = replace(self._service, today=today)
            return self._service

    def close(self) -> None:
        """Close what was opened."""
        with self._lock:
            self._opened.close()
            self._service = None
