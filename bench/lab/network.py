"""A network between a client and the database: each round trip takes so many milliseconds longer.

`python -m bench.lab.network PORT MILLISECONDS` passes on what arrives at a port of its own, which it says first. It is
a process of its own, so that its work is not part of the client's.
"""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from statistics import median
from threading import Thread
from time import perf_counter
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bench.lab.server import connected

if TYPE_CHECKING:  # the process in the middle needs no Slett
    from bench.lab.ways import Opener, Way

_HOST = "127.0.0.1"
_PROBES = 20


def over(opener: "Opener", milliseconds: float) -> "Opener":
    """The same way of erasing, over such a network; over none for 0."""

    @contextmanager
    def opened(url: str) -> Iterator["Way"]:
        with delayed(url, milliseconds) as there, opener(there) as way:
            yield way

    return opened if milliseconds else opener


def round_trip(url: str, milliseconds: float) -> float:
    """Seconds that the smallest statement takes over such a network."""
    with delayed(url, milliseconds) as there, connected(there) as connection:
        needed = []
        for _ in range(_PROBES):
            start = perf_counter()
            connection.execute("SELECT 1")
            needed.append(perf_counter() - start)
    return median(needed)


@contextmanager
def delayed(url: str, milliseconds: float) -> Iterator[str]:
    """The URL of the same database behind such a network."""
    at = urlsplit(url)
    with subprocess.Popen(
        [sys.executable, "-m", "bench.lab.network", str(at.port), str(milliseconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        port = int(process.stdout.readline())
        try:
            yield at._replace(netloc=f"{at.username}@{_HOST}:{port}").geturl()
        finally:
            process.stdin.close()  # that is how it is told to end


def _pass_on(port: int, seconds: float) -> None:
    with socket.create_server((_HOST, 0)) as server:
        print(server.getsockname()[1], flush=True)
        Thread(target=_accept, args=(server, port, seconds), daemon=True).start()
        sys.stdin.read()


def _accept(server: socket.socket, port: int, seconds: float) -> None:
    with suppress(OSError):  # closed: the end
        while True:
            here, _ = server.accept()
            there = socket.create_connection((_HOST, port))
            for source, target in ((here, there), (there, here)):
                target.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                pieces: SimpleQueue[tuple[float, bytes]] = SimpleQueue()
                Thread(target=_read, args=(source, pieces, seconds), daemon=True).start()
                Thread(target=_write, args=(target, pieces), daemon=True).start()


def _read(source: socket.socket, pieces: "SimpleQueue[tuple[float, bytes]]", seconds: float) -> None:
    piece = b" "
    while piece:
        try:
            piece = source.recv(2**16)
        except OSError:
            piece = b""
        pieces.put((perf_counter() + seconds, piece))


def _write(target: socket.socket, pieces: "SimpleQueue[tuple[float, bytes]]") -> None:
    """Send each piece when its time has come; pieces follow each other without waiting for an answer."""
    with suppress(OSError):
        while True:
            due, piece = pieces.get()
            time.sleep(max(0.0, due - perf_counter()))
            if not piece:
                target.shutdown(socket.SHUT_WR)
                return
            target.sendall(piece)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        _pass_on(int(sys.argv[1]), float(sys.argv[2]) / 2_000)
