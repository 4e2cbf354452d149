"""A web server in a thread of this process."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import uvicorn
from starlette.types import ASGIApp


def take_port(host: str, port: int) -> socket.socket:
    """A socket that listens there, so that the address is known before the application is made.

    Args:
        port: 0 for any that is free.

    Raises:
        OSError: somebody else has it.
    """
    return socket.create_server((host, port), backlog=128)


def address_of(taken: socket.socket) -> str:
    """The URL of what is served there."""
    host, port = taken.getsockname()[:2]
    return f"http://{host}:{port}"


@contextmanager
def serve(app: ASGIApp, taken: socket.socket) -> Iterator[None]:
    """Serve it until the block ends.

    Raises:
        RuntimeError: the application did not start. It has logged why.
    """
    server = _Server(uvicorn.Config(app, log_level="warning", access_log=False, ws="none", timeout_graceful_shutdown=3))
    thread = Thread(target=server.run, kwargs={"sockets": [taken]}, name="web server")
    thread.start()
    try:
        server.has_started.wait()
        if server.should_exit:
            raise RuntimeError("the web server did not start; it has logged why")
        yield
    finally:
        server.should_exit = True
        thread.join()


class _Server(uvicorn.Server):
    """One that says when it has started, or has given up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.has_started = Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.has_started.set()
