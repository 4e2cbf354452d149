"""A stretch of network between Slett and a server, that can be cut in every way a network fails."""

import selectors
import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit


class Proxy:
    """Passes bytes on between a port of its own and a server, until told otherwise.

    `cut_at`: every connection is closed before this many bytes of the client's have been passed on, counted over all.
    `hold_at`: the connection that would pass on more than this many bytes of the clients' stands still until `release`,
    and then goes on with what was sent meanwhile; every other passes.
    `swallow_at`: from then on nothing of what the server answers arrives, and then the connection is closed by nobody.
    """

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.passed = 0  # bytes from clients
        self.cut_at = 0
        self.swallow_at = 0
        self.hold_at = 0
        self._released = threading.Event()
        self.stalled = False  # nothing passes, in either direction
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self._closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def drop(self) -> None:
        """Cut every connection, as when a router restarts."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def release(self) -> None:
        """What was held goes on."""
        self._released.set()

    def close(self) -> None:
        self._closed = True
        self._released.set()
        self._listening.close()
        self.drop()

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._server, timeout=5)
                server.settimeout(None)
            except OSError:
                client.close()
                continue
            with self._lock:
                self._pairs.append((client, server))
            threading.Thread(target=self._pass_on, args=(client, server), daemon=True).start()

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        other = {client: server, server: client}
        with selectors.DefaultSelector() as ready, suppress(OSError):
            for end in other:
                ready.register(end, selectors.EVENT_READ)
            while not self._closed:
                if self.stalled:
                    threading.Event().wait(0.05)
                    continue
                for key, _ in ready.select(timeout=0.2):
                    source: socket.socket = key.fileobj  # type: ignore[assignment]  # only sockets are registered
                    content = source.recv(65_536)
                    if source is client and self.hold_at and self.passed + len(content) > self.hold_at:
                        self.hold_at = 0
                        self._released.clear()
                        self._released.wait()
                    if not content or not self._passes(source is client, len(content)):
                        raise OSError
                    if source is client or not (self.swallow_at and self.passed >= self.swallow_at):
                        other[source].sendall(content)
        client.close()
        server.close()

    def _passes(self, from_client: bool, size: int) -> bool:
        if not from_client:
            return True
        if self.cut_at and self.passed + size > self.cut_at:
            self.cut_at = 0
            return False
        self.passed += size
        return True


def behind(url: str) -> tuple[str, Proxy]:
    """The same database, as it is reached through a new proxy; and the proxy."""
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    proxy = Proxy(parts.hostname, parts.port)
    account = f"{parts.username}@" if parts.username else ""
    return urlunsplit(parts._replace(netloc=f"{account}127.0.0.1:{proxy.port}")), proxy
