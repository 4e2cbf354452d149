"""A web application of the tests, over real HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import ASGIApp

from examples.torget.web.hosting import address_of, serve, take_port


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """The address of an application that is served on loopback for a while."""
    with take_port("127.0.0.1", 0) as taken, serve(app, taken):
        yield address_of(taken)
