"""What happens by itself: due erasures and copies, windows that end, reminders, last mails, and clearing up.

`run_once` does all that is due now. A `Runner` does it again and again, in threads: neither a mail server nor a
webhook that hangs holds up an erasure, nor does one person with a million rows hold up the others. Each piece of work
may fail on its own: it is logged without anybody's data, and tried again, later each time. Several processes may run
at once: whoever moves a request, in the ledger, does the work.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from slett.requests import hooks, notices
from slett.requests.at_once import take_up
from slett.requests.clearing import expire_kept, expire_unconfirmed, purge
from slett.requests.due import erase_due, export_due, resume_left
from slett.requests.failing import said
from slett.requests.last_mails import tell_ended
from slett.requests.late import sweep_settled
from slett.requests.notices import NoMail, Smtp, Transport
from slett.requests.service import Service
from slett.requests.way_back import end_ways_back
from slett.requests.windows import end_windows, remind

WAKE_SECONDS = 1.0
LONGEST_PAUSE = 60.0  # seconds
ROUNDS = 50  # of mails or webhooks in one run

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Work:
    """How many things were done."""

    resumed: int = 0  # requests of batches that a dead process left, or that a store had stopped
    taken_up: int = 0  # closes, returns and the like, likewise
    unconfirmed: int = 0  # requests that nobody confirmed within an hour
    windows: int = 0  # closed accounts whose way back ended
    beyond: int = 0  # vaults whose keys were destroyed
    erased: int = 0
    large: int = 0  # of them, people who took longer and were set apart before
    exported: int = 0
    reminded: int = 0
    told: int = 0  # requests that ended: the last mail is queued, the particulars are destroyed
    kept: int = 0  # kept rows whose time had come
    late: int = 0  # rows written after their person was erased
    purged: int = 0
    mails: int = 0
    webhooks: int = 0


@dataclass(slots=True)
class Pauses:
    """When what failed is tried again, and when what is done once a minute was done."""

    until: dict[str, float] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)

    def attempt(self, name: str, action: Callable[[], int], *, every: float = 0.0) -> int:
        """What the action answered, or 0: it failed, or it is not its time."""
        if time.monotonic() < self.until.get(name, 0.0):
            return 0
        try:
            done = action()
        except Exception as error:  # nothing may end the runner
            self.failures[name] = self.failures.get(name, 0) + 1
            pause = min(2.0 ** (self.failures[name] - 1), LONGEST_PAUSE)
            self.until[name] = time.monotonic() + pause
            log.error("%s: %s; tried again in %.0f s", name, said(error), pause)
            return 0
        self.failures.pop(name, None)
        self.until[name] = time.monotonic() + every
        return done


def run_once(service: Service, transport: Transport | None = None) -> Work:
    """Do everything that is due now, mails and webhooks last.

    Args:
        transport: carries the mails; by default the mail server of the settings.
    """
    pauses = Pauses()
    counts: dict[str, int] = {}
    for each in (tend, erase, erase_large, settle, copy):
        counts |= each(service, pauses)
    counts |= tell(service, pauses)
    mails = pauses.attempt("mails", lambda: _post(service, transport))
    return Work(**counts, mails=mails, webhooks=pauses.attempt("webhooks", lambda: _deliver(service)))


class Runner:
    """The same, until stopped.

    Args:
        service_of: gives today's service.
        erases: also erasures; else others do those.
    """

    def __init__(
        self, service_of: Callable[[], Service], transport: Transport | None = None, *, erases: bool = True
    ) -> None:
        self._service_of = service_of
        self._erases = erases
        self._transport = transport
        self._stopped = threading.Event()
        self._nudged: list[threading.Event] = []
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin."""
        of = self._service_of
        every: dict[str, Callable[[Pauses], object]] = {
            "tending": lambda pauses: (tend(of(), pauses), tell(of(), pauses)),
            "copies": lambda pauses: copy(of(), pauses),
            "late writes": lambda pauses: settle(of(), pauses),
            "mails": lambda pauses: pauses.attempt("mails", lambda: _post(of(), self._transport)),
            "webhooks": lambda pauses: pauses.attempt("webhooks", lambda: _deliver(of())),
        }
        if self._erases:
            every |= {
                "erasures": lambda pauses: erase(of(), pauses),
                "large erasures": lambda pauses: erase_large(of(), pauses),
            }
        for name, once in every.items():
            nudged = threading.Event()
            thread = threading.Thread(target=self._loop, args=(once, nudged), name=f"slett {name}", daemon=True)
            self._nudged.append(nudged)
            self._threads.append(thread)
            thread.start()

    def nudge(self) -> None:
        """Something is to be done now: do not sleep on."""
        for each in self._nudged:
            each.set()

    def stop(self, seconds: float = 30.0) -> None:
        """End after what is being done, or at the latest after so long: what is left then is resumed another time."""
        self._stopped.set()
        self.nudge()
        for thread in self._threads:
            thread.join(seconds)

    def _loop(self, once: Callable[[Pauses], object], nudged: threading.Event) -> None:
        pauses = Pauses()
        while not self._stopped.is_set():
            nudged.clear()
            try:
                once(pauses)
            except Exception as error:  # today's service cannot be had
                log.error("%s: %s", threading.current_thread().name, said(error))
            nudged.wait(WAKE_SECONDS)


Counts = dict[str, int]


def erase(service: Service, pauses: Pauses) -> Counts:
    """Whatever is due of people who do not take long."""
    return {
        "resumed": pauses.attempt("resuming", lambda: resume_left(service, "small")),
        "erased": pauses.attempt("erasures", lambda: erase_due(service)),
    }


def erase_large(service: Service, pauses: Pauses) -> Counts:
    """Whatever is due of people who take long."""
    return {"large": pauses.attempt("large erasures", lambda: resume_left(service, "large"))}


def settle(service: Service, pauses: Pauses) -> Counts:
    """The late looks whose time has come; they may take long, and hold up nobody."""
    return {"late": pauses.attempt("late writes", lambda: sweep_settled(service), every=60)}


def copy(service: Service, pauses: Pauses) -> Counts:
    """The copies that are due."""
    return {"exported": pauses.attempt("copies", lambda: export_due(service))}


def tend(service: Service, pauses: Pauses) -> Counts:
    """What time brings."""
    attempt = pauses.attempt
    return {
        "taken_up": attempt("taking up", lambda: take_up(service)),
        "unconfirmed": attempt("unconfirmed requests", lambda: expire_unconfirmed(service)),
        "windows": attempt("ways back", lambda: end_windows(service)),
        "beyond": attempt("vaults", lambda: end_ways_back(service)),
        "reminded": attempt("reminders", lambda: remind(service), every=60),
        "kept": attempt("kept rows", lambda: expire_kept(service), every=60),
        "purged": attempt("clearing up", lambda: purge(service), every=60),
    }


def tell(service: Service, pauses: Pauses) -> Counts:
    """The last mail of everything that has ended."""
    return {"told": pauses.attempt("last mails", lambda: tell_ended(service))}


def _post(service: Service, transport: Transport | None) -> int:
    mail = service.settings.mail
    carrier = transport or (Smtp(mail) if mail.url else NoMail())
    return _in_rounds(lambda: notices.post_waiting(service, carrier))


def _deliver(service: Service) -> int:
    return _in_rounds(lambda: hooks.deliver_waiting(service))


def _in_rounds(once: Callable[[], int]) -> int:
    total = 0
    for _ in range(ROUNDS):
        done = once()
        total += done
        if not done:
            break
    return total
