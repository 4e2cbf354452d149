"""What happens by itself: due erasures and copies, windows that end, reminders, last mails, and clearing up.

`run_once` does all that is due now. A `Runner` does it again and again, in three threads: neither a mail server nor a
webhook that hangs holds up an erasure. Each piece of work may fail on its own: it is logged without anybody's data, and
tried again, later each time. Several processes may run at once: whoever moves a request, in the ledger, does the work.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from slett.ledger import Held, Page, Request
from slett.requests import hooks, notices
from slett.requests.at_once import DEAD, take_up
from slett.requests.desk import TooLate
from slett.requests.erase import erase_filed, resume
from slett.requests.expire import expire
from slett.requests.export import write_copy
from slett.requests.mails import Kind as Mail
from slett.requests.notices import NoMail, Smtp, Transport
from slett.requests.particulars import Particulars, read_particulars
from slett.requests.progress import move_on, tell
from slett.requests.refuse import Refused
from slett.requests.service import Service, open_service
from slett.requests.subject import SubjectError

CONFIRM_WITHIN = timedelta(hours=1)
A_DAY = timedelta(days=1)
WAKE_SECONDS = 1.0
LONGEST_PAUSE = 60.0  # seconds
ROUNDS = 50  # of mails or webhooks in one run

log = logging.getLogger(__name__)

LAST: dict[tuple[str, str], Mail] = {  # what is mailed when a request ends; whoever ended it otherwise has told
    ("erase", "fulfilled"): "done",
    ("erase", "partially_fulfilled"): "partly",
    ("export", "fulfilled"): "done",
}


@dataclass(frozen=True, slots=True)
class Work:
    """How many things were done."""

    resumed: int = 0  # requests of batches that a dead process left, or that a store had stopped
    taken_up: int = 0  # closes, returns and the like, likewise
    unconfirmed: int = 0  # requests that nobody confirmed within an hour
    windows: int = 0  # closed accounts whose way back ended
    erased: int = 0
    exported: int = 0
    reminded: int = 0
    told: int = 0  # requests that ended: the last mail is queued, the particulars are destroyed
    kept: int = 0  # kept rows whose time had come
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
            log.error("%s: %s; tried again in %.0f s", name, _said(error), pause)
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
    work = _work(service, pauses)
    mails = pauses.attempt("mails", lambda: _post(service, transport))
    return replace(work, mails=mails, webhooks=pauses.attempt("webhooks", lambda: _deliver(service)))


class Runner:
    """The same, until stopped.

    Args:
        service_of: gives today's service.
    """

    def __init__(self, service_of: Callable[[], Service], transport: Transport | None = None) -> None:
        self._service_of = service_of
        self._transport = transport
        self._stopped = threading.Event()
        self._nudged: list[threading.Event] = []
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin."""
        every: dict[str, Callable[[Pauses], object]] = {
            "work": lambda pauses: _work(self._service_of(), pauses),
            "mails": lambda pauses: pauses.attempt("mails", lambda: _post(self._service_of(), self._transport)),
            "webhooks": lambda pauses: pauses.attempt("webhooks", lambda: _deliver(self._service_of())),
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
                log.error("%s: %s", threading.current_thread().name, _said(error))
            nudged.wait(WAKE_SECONDS)


def _work(service: Service, pauses: Pauses) -> Work:
    attempt = pauses.attempt
    return Work(
        resumed=attempt("resuming", lambda: _resume(service)),
        taken_up=attempt("taking up", lambda: take_up(service)),
        unconfirmed=attempt("unconfirmed requests", lambda: _expire_unconfirmed(service)),
        windows=attempt("ways back", lambda: _end_windows(service)),
        erased=attempt("erasures", lambda: _erase(service)),
        exported=attempt("copies", lambda: _export(service)),
        reminded=attempt("reminders", lambda: _remind(service), every=60),
        told=attempt("last mails", lambda: _tell_ended(service)),
        kept=attempt("kept rows", lambda: _expire_kept(service), every=60),
        purged=attempt("clearing up", lambda: _purge(service), every=60),
    )


def _said(error: Exception) -> str:
    """Our own errors hold nobody's data; what others say might."""
    ours = type(error).__module__.startswith("slett.")
    return f"{type(error).__name__}: {error}" if ours else type(error).__name__


@contextmanager
def _as_it_is_now(service: Service) -> Iterator[Service]:
    """The service opened anew: the map and the databases may have changed since."""
    with service.ledger.read() as page:
        today = page.now.date()
    with open_service(service.settings, today) as fresh:
        yield replace(fresh, ledger=service.ledger)


# -- erasures and copies ----------------------------------------------------------------------------


def _resume(service: Service) -> int:
    with service.ledger.read() as page:
        left = [each for each in page.batches.unfinished() if not each.held_until or each.held_until <= page.now]
    if not left:
        return 0
    outcomes = []
    with _as_it_is_now(service) as fresh, suppress(Held):  # another process is at work on one
        outcomes = resume(fresh)
    return len(outcomes)


def _erase(service: Service) -> int:
    with service.ledger.read() as page:
        due = page.requests.due(page.now, "erase", service.settings.batch_people)
        named = [(each, read_particulars(page, each.reference)) for each in due]
    for each in (each for each, who in named if who is None):
        with service.ledger.write() as page:
            move_on(page, each.reference, "scheduled", "refused", reason="whom it means is not known any more")
    filed = [(each, who.subject) for each, who in named if who]
    if not filed:
        return 0
    with _as_it_is_now(service) as fresh:
        return len(erase_filed(fresh, filed))


def _export(service: Service) -> int:
    done = 0
    with service.ledger.read() as page:
        left = page.requests.running(page.now - DEAD, "export")
    for each in left:
        with service.ledger.write() as page:
            move_on(page, each.reference, "running", "scheduled")
    with service.ledger.read() as page:
        due = page.requests.due(page.now, "export")
    failed: Exception | None = None
    for each in due:
        try:
            done += _copy(service, each)
        except Exception as error:  # one person's copy does not hold up the next one's
            failed = error
    if failed:
        raise failed
    return done


def _copy(service: Service, request: Request) -> int:
    reference = request.reference
    with service.ledger.write() as page:
        who = read_particulars(page, reference)
        if who is None or not move_on(page, reference, "scheduled", "running"):
            return 0
    path = service.settings.home / "exports" / f"{reference}.zip"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.unlink(missing_ok=True)  # of a process that died before it could say so
    refused = ""
    tables: dict[str, int] | None = None
    try:
        with _as_it_is_now(service) as fresh:
            tables = write_copy(fresh, who.subject, path)
    except (SubjectError, Refused) as error:
        refused = str(error)
    except BaseException:
        with service.ledger.write() as page:
            move_on(page, reference, "running", "scheduled")
        raise
    with service.ledger.write() as page:
        if refused:
            move_on(page, reference, "running", "scheduled")
            move_on(page, reference, "scheduled", "refused", reason=refused)
        elif tables is None:
            move_on(page, reference, "running", "not_found", reason="nothing was found by what was given, in any store")
        elif move_on(page, reference, "running", "verifying"):
            page.requests.count({reference: {name: {"export": rows} for name, rows in tables.items()}})
            move_on(page, reference, "verifying", "fulfilled")
            page.log.append([{"event": "exported", "request": reference}])
    return 1


# -- what time brings -------------------------------------------------------------------------------


def _expire_unconfirmed(service: Service) -> int:
    with service.ledger.read() as page:
        old = page.requests.unconfirmed(page.now - CONFIRM_WITHIN)
    if not old:
        return 0
    with service.ledger.write() as page:
        return sum(move_on(page, each.reference, "filed", "expired") for each in old)


def _end_windows(service: Service) -> int:
    with service.ledger.read() as page:
        over = page.requests.windows_over(page.now)
    return sum(_end_window(service, each) for each in over)


def _end_window(service: Service, closed: Request) -> int:
    """The way back is over: erase, or leave it at that. One compare-and-swap decides against a return."""
    with suppress(TooLate), service.ledger.write() as page:
        who = read_particulars(page, closed.reference)
        by = closed.reference  # nothing follows any more
        if who and service.settings.portal.after_window == "erase":
            by = _erasure_after(page, service, closed, who)
        if not page.requests.follow(closed.reference, by):
            raise TooLate("returned")  # at the last moment: nothing of this page is written
        page.before.destroy(closed.reference)
        page.particulars.destroy(closed.reference)
        return 1
    return 0


def _erasure_after(page: Page, service: Service, closed: Request, who: Particulars) -> str:
    """The reference of the erasure that follows: the one they asked for themselves meanwhile, or one filed now."""
    others = page.requests.find(subject=closed.subject)
    since = [each for each in others if each.kind == "erase" and each.filed_at >= closed.filed_at]
    own = [each for each in since if each.state == "fulfilled"]
    if found := page.requests.find_open("erase", closed.subject) or (own[0] if own else None):
        return found.reference
    promise = timedelta(hours=service.settings.promise_hours)
    (request,) = page.requests.file(
        "erase", [closed.subject], service.datamap.digest, promise, "verified", follows=closed
    )
    page.particulars.put(request.reference, who.pack())
    request = page.requests.schedule(
        request, secret=closed.secret or "", promise=promise, not_before=page.now, doubt=""
    )
    hooks.record(page, request, "scheduled")
    return request.reference


def _remind(service: Service) -> int:
    """Each reminder goes out within a day of its time, or not at all: the next one says the same."""
    erased = service.settings.portal.after_window == "erase"
    reminded = 0
    for days in service.settings.portal.reminders_days:
        with service.ledger.write() as page:
            upto, after = page.now + days * A_DAY, page.now + (days - 1) * A_DAY
            ending = [(each, each.until) for each in page.requests.windows_ending(after, upto)]
            starting = [(each, each.not_before) for each in page.requests.due(upto, "erase")]
            for request, ends in [*ending, *starting]:
                if ends is None or not after < ends <= upto or ends - days * A_DAY <= request.filed_at:
                    continue
                reminded += _remind_of(page, service, request, {"ends": ends, "erased": erased}, f"reminder {days}")
    return reminded


def _remind_of(page: Page, service: Service, request: Request, values: dict[str, Any], row: str) -> bool:
    page.requests.find_open(request.kind, request.subject)  # nobody else reminds them meanwhile
    who = read_particulars(page, request.reference)
    if who is None or page.notices.was_queued(request.reference, row):
        return False
    tell(page, service, "reminder", request, who, row=row, **values)
    return True


# -- the end ----------------------------------------------------------------------------------------


def _tell_ended(service: Service) -> int:
    """The last mail about each request that is over, exactly once: in the same commit its particulars are destroyed."""
    with service.ledger.read() as page:
        ended = page.particulars.of_ended()
    told = 0
    for reference in ended:
        with service.ledger.write() as page:
            request = page.requests.get(reference)
            if request is None:
                continue
            page.requests.find_open(request.kind, request.subject)  # nobody else tells them meanwhile
            if who := read_particulars(page, reference):
                _tell_end(page, service, request, who)
                page.particulars.destroy(reference)
                told += 1
    return told


def _tell_end(page: Page, service: Service, request: Request, who: Particulars) -> None:
    language = who.language or service.settings.portal.language
    if request.state in ("refused", "not_found") and request.kind in ("erase", "export"):
        tell(page, service, "refused", request, who, found=request.state == "refused")
    elif kind := LAST.get((request.kind, request.state)):
        values = _of_certificate(page, service, request, language)
        if request.kind == "export" and request.finished_at:
            values["until"] = request.finished_at + timedelta(days=service.settings.portal.export_days)
        tell(page, service, kind, request, who, **values)


def _of_certificate(page: Page, service: Service, request: Request, language: str) -> dict[str, Any]:
    """What stays and what is left, by category, as the certificate says."""
    if request.certificate is None:
        return {"kept": [], "left": []}
    body = json.loads(page.log.read([request.certificate])[request.certificate])
    kept: dict[tuple[str, str], str] = {}
    for each in body["kept"]:
        what = (_label(service, each, language), each["basis"])
        kept[what] = max(kept.get(what, ""), each["until"] or "")
    left = dict.fromkeys((_label(service, each, language), each["reason"]) for each in body["left"])
    return {
        "kept": [
            {"label": label, "basis": basis, "until": until if until < date.max.isoformat() else ""}
            for (label, basis), until in kept.items()
        ],
        "left": [{"label": label, "reason": reason} for label, reason in left],
    }


def _label(service: Service, each: dict[str, Any], language: str) -> str:
    mapped = service.relations.tables.get(f"{each['store']}/{each['table']}")
    words = service.datamap.categories.get(mapped.category) if mapped else None
    return words.said_in(language) if words else ""


def _expire_kept(service: Service) -> int:
    with service.ledger.read() as page:
        due = page.kept.due(page.now.date(), limit=1)
        today = page.now.date()
    if not due:
        return 0
    with open_service(service.settings, today, starting=False) as fresh:
        return sum(each.rows for each in expire(replace(fresh, ledger=service.ledger)))


def _purge(service: Service) -> int:
    """What has served: visits, codes, counts, tokens, and copies that nobody can fetch any more."""
    with service.ledger.write() as page:
        gone = sum(each.purge() for each in (page.sessions, page.codes, page.attempts, page.spent))
        oldest = page.now - timedelta(days=service.settings.portal.export_days)
        for path in (service.settings.home / "exports").glob("S-*.zip"):
            request = page.requests.get(path.stem)
            if request is None or (request.finished_at and request.finished_at <= oldest):
                path.unlink(missing_ok=True)
                gone += 1
    return gone


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
