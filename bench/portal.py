"""The portal: how long a page takes with 10,000 open requests in the ledger, and 200 people who file at once."""

import argparse
import http.client
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from threading import Barrier
from time import perf_counter
from typing import Self
from urllib.parse import urlencode

from starlette.requests import Request

from bench.lab.command import arguments, run
from bench.lab.report import heading, table
from bench.lab.server import Server
from bench.lab.shop import build
from slett.ledger import open_ledger
from slett.requests.identity import Identity
from slett.requests.subject import Subject
from slett.settings import Portal, Settings

MAP = Path(__file__).parent / "lab" / "slett.yaml"
PAGES = ("/", "/what?wish=erase", "/confirm", "/filed", "/guide", "/without-account", "/status")
BUDGET = 50  # milliseconds at the median


def parser() -> argparse.ArgumentParser:
    """What can be chosen."""
    found = arguments(__doc__)
    found.add_argument("--open", type=int, default=10_000, help="requests that wait in the ledger")
    found.add_argument("--people", type=int, default=200, help="people who file at the same moment")
    found.add_argument("--rows", type=int, default=200_000, help="rows in the shop")
    found.add_argument("--rounds", type=int, default=100, help="times that each page is asked for")
    return found


def measure(server: Server, options: argparse.Namespace) -> None:
    """Print how long pages take, and people who file."""
    with TemporaryDirectory() as name:
        shop, folder = server.create(), Path(name)
        people = build(shop, options.rows)
        assert people > options.people, "one person more than those who file looks at the pages"
        _fill_ledger(folder, options.open)
        heading(f"The portal with {options.open:,} open requests", f"{server.version}, ledger in SQLite")
        with _portal(folder, shop) as port:
            _pages(port, people, options.rounds)
            _enumerate(port, people, options.rounds)
            _rush(port, list(range(1, options.people + 1)))
        _count(folder, options.people)


def _fill_ledger(folder: Path, waiting: int) -> None:
    """That many requests of other people wait in the ledger."""
    with open_ledger(_settings(folder)) as ledger, ledger.write() as page:
        hashes = [ledger.keys.subject("somebody", str(number)) for number in range(waiting)]
        page.requests.file("erase", hashes, "0" * 64, timedelta(hours=24))


def _settings(folder: Path) -> Settings:
    return Settings(map=MAP, home=folder, service="Bench", portal=Portal(language="en", wait_hours=24, proxies=1))


def _serve(folder: Path) -> None:
    """The portal as a process of its own. Who is there, a header says: the service's sign-in is not measured."""
    import uvicorn

    from slett.web import create_app

    def identify(request: Request) -> Identity:
        subject = Subject("shop/people", (int(request.headers["x-person"]),))
        return Identity(subject, signed_in_at=datetime.now(UTC), how="host")

    server = uvicorn.Server(uvicorn.Config(create_app(_settings(folder), identify), port=0, log_level="warning"))
    startup = server.startup

    async def say(sockets: object = None) -> None:
        await startup(sockets)  # type: ignore[arg-type]  # passed on as it came
        print(server.servers[0].sockets[0].getsockname()[1], flush=True)

    server.startup = say  # type: ignore[method-assign]  # the port is known from here on
    with suppress(KeyboardInterrupt):  # that is how it is told to end
        server.run()


@contextmanager
def _portal(folder: Path, shop: str) -> Iterator[int]:
    """The port of a portal in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", "bench.portal", "serve", str(folder)],
        env=os.environ | {"SHOP_URL": shop},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        try:
            yield int(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGINT)


class Browser:
    """One person's browser: keeps its cookies, and its connection."""

    def __init__(self, port: int, key: int, network: str = "192.0.2.1") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._origin = f"http://127.0.0.1:{port}"
        self._key = str(key)
        self._network = network
        self._cookies: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def get(self, path: str) -> tuple[int, str]:
        return self._ask("GET", path, None)

    def post(self, path: str, **form: str) -> tuple[int, str]:
        return self._ask("POST", path, urlencode(form))

    def _ask(self, method: str, path: str, body: str | None) -> tuple[int, str]:
        headers = {
            "X-Person": self._key,
            "X-Forwarded-For": self._network,
            "Origin": self._origin,
            "Sec-Fetch-Site": "same-origin",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items()),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        text = answer.read().decode()
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer.status, text


def _pages(port: int, key: int, rounds: int) -> None:
    rows, worst = [("page", "median", "p95")], 0.0
    with Browser(port, key) as browser:
        browser.get("/")
        browser.post("/choose", wish="erase")
        assert browser.post("/what", wish="erase")[0] == 303
        for path in PAGES:
            if path == "/filed":
                _confirm(browser)
            taken = []
            for _ in range(rounds):
                start = perf_counter()
                status, _ = browser.get(path)
                taken.append(1_000 * (perf_counter() - start))
                assert status == 200, (path, status)
            worst = max(worst, median(taken))
            rows.append((path, f"{median(taken):.1f} ms", f"{quantiles(taken, n=20)[-1]:.1f} ms"))
    table(rows)
    print(f"Slowest median: {worst:.1f} ms, of a budget of {BUDGET} ms: ratio {worst / BUDGET:.2f}\n")


def _confirm(browser: Browser) -> None:
    _, page = browser.get("/confirm")
    phrase = re.search(r'name="phrase"', page)
    assert phrase, "the phrase is asked for"
    status, _ = browser.post("/confirm", phrase="agree")
    assert status == 303, status


def _enumerate(port: int, key: int, rounds: int) -> None:
    """Whether the time tells that an address is known."""
    taken: dict[str, list[float]] = {"known": [], "unknown": []}
    for number in range(1, rounds + 1):
        for kind, address in (("known", f"person{number}@example.org"), ("unknown", f"nobody{number}@example.org")):
            with Browser(port, key, network=f"10.{kind == 'known':d}.{number // 250}.{number % 250}") as browser:
                start = perf_counter()
                status, _ = browser.post("/without-account", email=address)
                taken[kind].append(1_000 * (perf_counter() - start))
                assert status == 303, status
    known, unknown = median(taken["known"]), median(taken["unknown"])
    print(
        f"A code for a known address: {known:.1f} ms, for an unknown one: {unknown:.1f} ms; {known / unknown:.2f} x\n"
    )


def _rush(port: int, keys: list[int]) -> None:
    """Everybody chooses and confirms at the same moment."""
    together = Barrier(len(keys))

    def file(key: int) -> float:
        with Browser(port, key) as browser:
            browser.get("/")
            browser.post("/choose", wish="erase")
            together.wait()
            start = perf_counter()
            assert browser.post("/what", wish="erase")[0] == 303
            _confirm(browser)
            return perf_counter() - start

    start = perf_counter()
    with ThreadPoolExecutor(len(keys)) as pool:
        needed = list(pool.map(file, keys))
    print(f"{len(keys)} people at once: all filed and confirmed after {perf_counter() - start:.1f} s,")
    print(f"one of them at the median after {median(needed):.1f} s, the slowest after {max(needed):.1f} s;")


def _count(folder: Path, people: int) -> None:
    with open_ledger(_settings(folder)) as ledger, ledger.read() as page:
        confirmed = page.requests.find(state="scheduled")
    subjects = {request.subject for request in confirmed}
    print(f"in the ledger are {len(confirmed)} confirmed requests of {len(subjects)} people")
    assert len(confirmed) == len(subjects) == people + 1, "one each, and the one who looked at the pages"


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        _serve(Path(sys.argv[2]))
    else:
        run(parser(), measure)
