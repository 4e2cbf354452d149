"""What is well and what is not, on one page, with what to do. Nobody is named, and nothing is changed.

Where vaults are kept outside the ledger, something without meaning is put there and deleted again.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from slett.datamap.load import load_map
from slett.datamap.problem import MapError
from slett.execute import Run, Walk
from slett.ledger import Ledger, LedgerError, Page, open_ledger
from slett.ledger.ledger import Clock, machine_time
from slett.plan import PlanError
from slett.requests.service import Service, open_service, open_stores
from slett.requests.way_back import insist_on_a_way_back, sealing
from slett.settings import Settings
from slett.stores.errors import StoreError
from slett.vault import Place, VaultError

APART = timedelta(seconds=60)  # how far two clocks may differ


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    good: bool
    sentence: str
    remedy: str = ""


def examine(settings: Settings, *, clock: Clock = machine_time) -> list[Finding]:
    """Everything that was looked at, in a fixed order. What cannot be looked at is not well, and ends nothing."""
    found: list[Finding] = []
    whole = False
    try:
        if not settings.ledger_url and not (settings.home / "ledger.db").exists():
            raise LedgerError(f"{settings.home}: no ledger is kept there yet")
        with open_ledger(settings, clock=clock) as ledger:
            found.append(Finding("ledger", True, "it answers, at the newest schema, and the secret key is its own"))
            found += _keys(settings, ledger)
            with ledger.read() as page:
                found += _clock(page)
                found += _work(page)
            whole = all(each.good or each.name != "signing key" for each in found)
    except LedgerError as error:
        found.append(
            Finding(
                "ledger",
                False,
                str(error),
                "mend it first; go to the service's folder, or set SLETT_HOME, if it is elsewhere",
            )
        )
    found += _vault(settings)
    found += _stores(settings, grants=whole)
    return found


def _keys(settings: Settings, ledger: Ledger) -> Iterator[Finding]:
    for name in ("secret.key", "signing.key"):
        path = settings.home / name
        with suppress(FileNotFoundError):
            if path.stat().st_mode & 0o077:
                yield Finding(name, False, f"{path}: others can read it", f"chmod 600 {path}")
            else:
                yield Finding(name, True, "readable by its owner only")
    try:
        yield Finding("signing key", True, f"it is {ledger.keys.id}, and `signing.pub` belongs to it")
    except LedgerError as error:
        yield Finding("signing key", False, str(error), "without it no certificate can be signed")


def _clock(page: Page) -> Iterator[Finding]:
    newest, server = page.overview.newest(), page.overview.server_time()
    remedy = "set this machine's clock; deadlines go by it"
    if newest and newest > page.now + APART:
        yield Finding("clock", False, "a request was filed in the future", remedy)
    elif server and abs(server - page.now) > APART:
        apart = abs(server - page.now).total_seconds()
        yield Finding("clock", False, f"it and that of the ledger's server are {apart:,.0f} seconds apart", remedy)
    else:
        yield Finding("clock", True, "no request is younger than now")


def _work(page: Page) -> Iterator[Finding]:
    waiting, now = page.overview.waiting(), page.now
    dead = page.batches.dead()
    lost = [each for each in page.batches.unfinished() if not each.dead_at and (each.held_until or now) <= now]
    lapsed = [each.number for each in page.holds.standing() if each.review < now.date()]
    pauses = page.pauses.standing()
    status, sweep = "see `slett status`", "run `slett sweep` every day, or let `slett serve` run"
    yield _none("law", waiting.lawful, "request is past the day that the law allows", f"{status}; answer them")
    yield _none("promise", waiting.promised, "request is past your own promise", f"{status}: does anything run?")
    if not pauses:
        start = "start `slett serve` or `slett worker`, or run `slett sweep`"
        yield _none("turn", waiting.begun, "request waits although its turn came ten minutes ago", start)
    if (awake := page.jobs.awake()) is not None:
        yield Finding("workers", True, f"within the last minute so many said that they live: {awake}")
    yield _none("dead letters", len(dead), "batch was tried too often", "`slett status` says why; then `slett resume`")
    yield _none("lost work", len(lost), "batch waits for somebody to go on with it", "`slett resume`")
    yield _none("holds", len(lapsed), "hold is past its review", "`slett hold list`; release it, or place it anew")
    yield _none("pauses", len(pauses), "pause stands", "`slett status` says why; `slett unpause` when it may go on")
    yield _none("kept rows", waiting.kept, "parcel of kept rows is past its day", sweep)
    yield _none("late writes", waiting.settling, "batch should have been looked at a day ago", sweep)
    yield _none("mails", waiting.mails, "mail was given up within a week", "check the settings of `mail`")
    yield _none("webhooks", waiting.webhooks, "webhook was given up within a week", "check the settings of `webhook`")


def _none(name: str, count: int, what: str, remedy: str) -> Finding:
    return Finding(name, False, f"{what}: {count}", remedy) if count else Finding(name, True, f"no {what}")


def _vault(settings: Settings) -> Iterator[Finding]:
    if not settings.vault.url:
        return
    try:
        Place(settings.vault.url).probe()
        yield Finding("vault", True, "parts can be put there, read and deleted")
    except VaultError as error:
        yield Finding("vault", False, str(error), "mend it: what cannot be put away is not erased")


def _stores(settings: Settings, *, grants: bool) -> Iterator[Finding]:
    try:
        datamap = load_map(settings.map)
    except MapError as error:
        yield Finding("map", False, f"{settings.map}: {len(error.problems)} to mend", "`slett check` lists them")
        return
    there = True
    for each in datamap.stores.values():
        try:
            with open_stores({each.name: each.url}, settings):
                yield Finding(f"store {each.name}", True, "it answers")
        except StoreError as error:
            there = False
            yield Finding(f"store {each.name}", False, str(error), "mend it: every erasure needs every store")
    if there and grants:
        yield from _service(settings)


def _service(settings: Settings) -> Iterator[Finding]:
    """The map fits, and every store lets us do every step."""
    try:
        with open_service(settings) as service:
            yield Finding("map", True, "it fits the databases, and every decision is made")
            yield from _grants(service)
    except MapError as error:
        wrong = f"{settings.map}: {len(error.problems)} to decide or mend"
        yield Finding("map", False, wrong, "`slett check` lists them; until then nobody is erased")
    except PlanError as error:
        yield Finding("map", False, str(error), "`slett check` says where")


def _grants(service: Service) -> Iterator[Finding]:
    with service.sessions() as sessions:
        walk = Walk(service.plan, sessions, 1)
        for named in service.plan.named:
            walk.name(named.keys, [])
        try:
            walk.collect()
            Run(walk, service.settings.chunk_rows).count()
        except StoreError as error:
            yield Finding("grants", False, str(error), "see the page on operating for what the account needs")
            return
        for store, session in sessions.items():
            try:
                session.rehearse([step.change for step in service.plan.steps if step.store == store])
                yield Finding(f"grants {store}", True, "the account may do every step")
            except StoreError as error:
                yield Finding(f"grants {store}", False, str(error), "see the page on operating for what it needs")
        if not service.settings.vault.undo_window_hours and sealing(service) is None:
            return
        try:
            insist_on_a_way_back(sessions, service.plan.steps)
        except StoreError as error:
            yield Finding("way back", False, str(error), "mend it, or let nothing be put away: the page on the vault")
