"""What has served its time: requests nobody confirmed, kept rows that are due, old visits and copies."""

from dataclasses import replace
from datetime import datetime, timedelta

from slett.ledger import FINAL, Request
from slett.requests.expire import expire
from slett.requests.progress import move_on
from slett.requests.service import Service, open_service

CONFIRM_WITHIN = timedelta(hours=1)


def expire_unconfirmed(service: Service) -> int:
    """How many requests nobody confirmed in time."""
    with service.ledger.read() as page:
        old = page.requests.unconfirmed(page.now - CONFIRM_WITHIN)
    if not old:
        return 0
    with service.ledger.write() as page:
        return sum(move_on(page, each.reference, "filed", "expired") for each in old)


def expire_kept(service: Service) -> int:
    with service.ledger.read() as page:
        due = page.kept.due(page.now.date(), limit=1)
        today = page.now.date()
    if not due:
        return 0
    with open_service(service.settings, today, starting=False) as fresh:
        return sum(each.rows for each in expire(replace(fresh, ledger=service.ledger)))


def purge(service: Service) -> int:
    """What has served: visits, codes, counts, tokens, and copies that nobody can fetch any more."""
    with service.ledger.write() as page:
        gone = sum(each.purge() for each in (page.sessions, page.codes, page.attempts, page.spent))
        oldest = page.now - timedelta(days=service.settings.portal.export_days)
        folder = service.settings.home / "exports"
        for path in (*folder.glob("S-*.zip"), *folder.glob(".S-*.part")):
            request = page.requests.get(path.name.removeprefix(".").partition(".")[0])
            if not _is_needed(request, path.suffix == ".zip", oldest):
                path.unlink(missing_ok=True)
                gone += 1
    return gone


def _is_needed(request: Request | None, whole: bool, oldest: datetime) -> bool:
    """Whether a copy, or a draft of one, is being made or can be fetched."""
    if request is None:
        return False
    if request.state not in FINAL:
        return True
    return whole and request.state == "fulfilled" and (request.finished_at or oldest) > oldest
