"""A sealed close and its return, an erasure that can be undone, and undoing it: against the same without a way back."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from time import perf_counter

from bench.lab import ways
from bench.lab.command import arguments, run
from bench.lab.report import compare, heading, table, times
from bench.lab.server import Server
from bench.lab.shop import HERE, add_people, build, digest
from slett.ledger import Page, Request
from slett.requests.due import resume_left
from slett.requests.erase import erase, erase_filed
from slett.requests.service import Service
from slett.requests.subject import by_key
from slett.requests.undo import undo
from slett.requests.way_back import bring_back, give_to_person, identity_by_code, prepare_sealing, vault_of
from slett.vault import Given

WINDOW = 24  # hours
WARM = 100  # rows of a person before the others
TARGET = 1.5


def parser() -> argparse.ArgumentParser:
    """What can be chosen."""
    found = arguments(__doc__)
    found.add_argument("--rows", type=int, default=1_000_000, help="rows in the shop, of other people")
    found.add_argument("--sizes", type=int, nargs="+", default=(90, 5_000, 100_000), help="rows of the person")
    found.add_argument("--rounds", type=int, default=5, help="people of each size")
    return found


def measure(server: Server, options: argparse.Namespace) -> None:
    """Print how long each takes, and how large vaults are."""
    shop = server.create()
    build(shop, options.rows)
    keys = add_people(shop, [WARM, *(size for size in options.sizes for _ in range(options.rounds))])
    heading("Put away and brought back", server.version)
    whole = digest(shop)
    sealing = server.folder / "sealing.yaml"
    sealing.write_text((HERE / "slett.yaml").read_text().replace("slett: 1\n", "slett: 1\nclosing: seal\n", 1))
    window = {"undo_window_hours": WINDOW}
    home = server.folder / "close"
    with (
        _opened(server, shop, home / "final") as (gone, final),
        _opened(server, shop, home / "undone", vault=window) as (undone, recoverable),
        _opened(server, shop, home / "sealed", map=sealing, vault={"service_key": True}) as (sealed, sealable),
    ):
        ways_there = {"erase": final, "erase, can be undone": recoverable, "close, sealed": sealable}
        doing = {name: _Doing(service, name) for name, service in ways_there.items()}
        for place, key in enumerate(keys):
            for name, one in doing.items():
                if place:
                    server.settle()
                one.leave(key, keep=place > 0)
                if name != "erase":
                    one.come_back(keep=place > 0)
        for number, size in enumerate(options.sizes):
            part = slice(number * options.rounds, (number + 1) * options.rounds)
            print(f"A person with {size:,} rows (target {TARGET}):\n")
            there = {name: one.left[part] for name, one in doing.items()}
            back = {f"return after: {name}": one.returned[part] for name, one in doing.items() if one.returned}
            compare(there | back)
        _sizes(doing)
        _codes(sealable, options.rounds)
        for name, url in (("undoing", undone), ("the return", sealed)):
            assert digest(url) == whole, f"{name} did not bring every row back as it was"
        assert digest(gone)["people"][0] == whole["people"][0] - len(keys)


class _Doing:
    """People who leave one after the other in one way, and come back where they can."""

    def __init__(self, service: Service, name: str) -> None:
        self.left: list[float] = []
        self.returned: list[float] = []
        self.service = service
        self._leave: Callable[[int], Request] = self._close if name.startswith("close") else self._erase
        self._last: Request | None = None
        self.plain = self.kept = 0  # bytes

    def leave(self, key: int, *, keep: bool) -> None:
        needed = perf_counter()
        self._last = self._leave(key)
        needed = perf_counter() - needed
        if keep:
            self.left.append(needed)
            with self.service.ledger.read() as page:
                if vault := vault_of(page, self._last):
                    parts = list(page.vaults.parts(vault.number))
                    self.plain += sum(each.plain for each in parts)
                    self.kept += sum(each.size for each in parts)

    def come_back(self, *, keep: bool) -> None:
        assert self._last
        start = perf_counter()
        if self._last.kind == "close":
            given = bring_back(self.service, self._last, _settled, partly=False)
            assert given.rows
            assert not given.blocked, given.blocked
        else:
            undone = undo(self.service, self._last.reference, "bench")
            assert undone.reference, undone
        if keep:
            self.returned.append(perf_counter() - start)

    def _erase(self, key: int) -> Request:
        (outcome,) = erase(self.service, [by_key(self.service.plan, str(key))])
        assert outcome.state == "fulfilled", outcome
        return self._request(outcome.reference)

    def _close(self, key: int) -> Request:
        service, subject = self.service, by_key(self.service.plan, str(key))
        with service.ledger.write() as page:
            hashes = [subject.hash(service.ledger.keys)]
            promise = timedelta(hours=service.settings.promise_hours)
            (request,) = page.requests.file("close", hashes, service.datamap.digest, promise, "scheduled")
            prepare_sealing(page, service, request)
        if not erase_filed(service, [(request, subject)]):  # so large that it is for whoever works in that lane
            resume_left(service, "large")
        done = self._request(request.reference)
        assert done.state == "fulfilled", done
        return done

    def _request(self, reference: str) -> Request:
        with self.service.ledger.read() as page:
            found = page.requests.get(reference)
        assert found
        return found


def _settled(_page: Page, _given: Given) -> None:
    """Nobody has asked to come back: the ledger is to note nothing."""


@contextmanager
def _opened(server: Server, shop: str, home: Path, **settings: object) -> Iterator[tuple[str, Service]]:
    """A copy of the shop, and a service for it."""
    with server.copy(shop) as url, ways.slett(url, home, **settings) as slett:
        yield url, slett.service


def _sizes(doing: dict[str, _Doing]) -> None:
    rows = [("", "bytes taken, as text", "bytes in the vault", "in the vault per byte taken")]
    for name, one in doing.items():
        if one.plain:
            rows.append((name, f"{one.plain:,}", f"{one.kept:,}", f"{one.kept / one.plain:.2f}"))
    table(rows)


def _codes(service: Service, rounds: int) -> None:
    """What the recovery code adds, once for each account: it is meant to be slow to guess."""
    taken: dict[str, list[float]] = {"wrap for a recovery code": [], "open by it": []}
    with service.ledger.write() as page:
        (request,) = page.requests.file("close", ["0" * 64], service.datamap.digest, timedelta(1), "scheduled")
        identity = prepare_sealing(page, service, request)
    for _ in range(rounds):
        start = perf_counter()
        give = give_to_person(request, identity)
        with service.ledger.write() as page:
            code = give(page)
        taken["wrap for a recovery code"].append(perf_counter() - start)
        start = perf_counter()
        identity_by_code(service, request, code)
        taken["open by it"].append(perf_counter() - start)
    times(taken)


if __name__ == "__main__":
    run(parser(), measure)
