"""Filed to certificate: requests a minute with one worker and with two, and what each costs the ledger."""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep

from bench.lab.command import arguments, run
from bench.lab.report import heading, table
from bench.lab.server import Server, connected, running_server
from bench.lab.shop import build
from slett.requests.particulars import Particulars
from slett.requests.service import Service, open_service
from slett.requests.subject import by_key
from slett.settings import Settings

MAP = Path(__file__).parent / "lab" / "slett.yaml"
WAIT = 600.0  # seconds until we say that it does not end
SIZE = "SELECT pg_database_size(current_database())"


def parser() -> argparse.ArgumentParser:
    """What can be chosen."""
    found = arguments(__doc__)
    found.add_argument("--requests", type=int, default=2_000, help="people who leave, for each number of workers")
    found.add_argument("--rows", type=int, default=500_000, help="rows in the shop")
    found.add_argument("--together", type=int, default=50, help="people in a batch, at most")
    found.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="numbers of workers")
    return found


def measure(server: Server, options: argparse.Namespace) -> None:
    """Print requests a minute, and bytes of the ledger."""
    with running_server("postgresql") as ledgers, TemporaryDirectory() as name:
        shop = server.create()
        os.environ["SHOP_URL"] = shop
        people = build(shop, options.rows)
        assert people >= options.requests * len(options.workers), "too few people: more --rows, or fewer --requests"
        heading(f"{options.requests:,} requests, filed to certificate", f"{server.version}, ledger in PostgreSQL")
        rows = [("workers", "requests a minute", "ratio", "bytes of the ledger a request")]
        first = 0.0
        for number, workers in enumerate(options.workers):
            leaving = range(number * options.requests + 1, (number + 1) * options.requests + 1)
            folder = Path(name, str(number))
            rate, size = _race(folder, ledgers.create(), leaving, workers, options.together)
            first = first or rate
            rows.append((str(workers), f"{rate:,.0f}", f"{rate / first:.2f}", f"{size:,.0f}"))
        table(rows)


def _race(folder: Path, ledger: str, leaving: range, workers: int, together: int) -> tuple[float, float]:
    """(requests a minute, bytes a request)."""
    folder.mkdir()
    settings = Settings(map=MAP, home=folder, ledger_url=ledger, batch_people=together, service="Bench")
    with open_service(settings) as service, _workers(settings, workers), connected(ledger) as connection:
        before = int(connection.execute(SIZE)[0][0])
        _file(service, leaving)
        began = perf_counter()
        _until_done(service, len(leaving))
        took = perf_counter() - began
        grown = int(connection.execute(SIZE)[0][0]) - before
    return len(leaving) / took * 60, grown / len(leaving)


def _file(service: Service, numbers: range) -> None:
    """Confirmed wishes, as the portal files them."""
    subjects = [by_key(service.plan, str(number)) for number in numbers]
    promise = timedelta(hours=24)
    with service.ledger.write() as page:
        hashes = [subject.hash(service.ledger.keys) for subject in subjects]
        requests = page.requests.file("erase", hashes, service.datamap.digest, promise, "verified")
        for request, subject in zip(requests, subjects, strict=True):
            page.particulars.put(request.reference, Particulars(subject, (), (), "en", "SECRET").pack())
            page.requests.schedule(request, secret="0" * 64, promise=promise, not_before=page.now, doubt="")


def _until_done(service: Service, requests: int) -> None:
    end = perf_counter() + WAIT
    while True:
        with service.ledger.read() as page:
            if len(page.requests.find(state="fulfilled")) == requests:
                return
        assert perf_counter() < end, "it does not end"
        sleep(0.2)


@contextmanager
def _workers(settings: Settings, number: int) -> Iterator[None]:
    """So many workers, each a process, at work before anything is filed."""
    named = {"map": settings.map, "home": settings.home, "ledger_url": settings.ledger_url}
    named |= {"batch_people": str(settings.batch_people), "service": settings.service, "gather_minutes": "0"}
    environ = os.environ | {f"SLETT_{name.upper()}": str(value) for name, value in named.items()}
    command = [sys.executable, "-u", "-c", "from slett.cli import main; main()", "worker"]
    processes = [subprocess.Popen(command, env=environ, stdout=subprocess.PIPE) for _ in range(number)]
    try:
        for each in processes:
            assert each.stdout
            assert each.stdout.readline().startswith(b"Working")
        yield
    finally:
        for each in processes:
            each.send_signal(signal.SIGTERM)
        for each in processes:
            each.communicate()


if __name__ == "__main__":
    run(parser(), measure)
