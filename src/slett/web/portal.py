"""The portal, opened: the service behind it, for as long as the application lives."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from threading import Lock

from starlette.requests import Request

from slett.requests.desk import Desk
from slett.requests.identity import Identity
from slett.requests.service import Service, open_service
from slett.settings import Settings

Identify = Callable[[Request], Identity | None]


class Portal:
    """What every page stands on; threads share it.

    The service is opened by `open`, or by the first page that needs it: a host application need not run our lifespan,
    and a store that was down is asked again.
    """

    def __init__(self, settings: Settings, identify: Identify | None = None, service: Service | None = None) -> None:
        self.settings = settings
        self.identify = identify
        self.desk = Desk(lambda: self.service)
        self._service = service
        self._opened = ExitStack()
        self._lock = Lock()

    @property
    def service(self) -> Service:
        """The service as it is today: kept rows come due while the application runs.

        Raises:
            MapError, StoreError, PlanError, LedgerError: as `open_service`.
        """
        today = datetime.now(UTC).date()
        with self._lock:
            if self._service is None:
                self._service = self._opened.enter_context(open_service(self.settings))
            if self._service.today != today:
                self._service = replace(self._service, today=today)
            return self._service

    def open(self) -> None:
        """Open it now."""
        _ = self.service

    def close(self) -> None:
        """Close what was opened here; a service that was given stays open."""
        with self._lock:
            self._opened.close()
