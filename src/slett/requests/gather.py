"""When what is due begins: at once, or together with others, where each pass must read a large table whole."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from slett.ledger import Request
from slett.requests.service import Service


def is_time(service: Service, due: Sequence[Request], now: datetime) -> bool:
    """Whether these requests, whose turn has come, begin now.

    They wait for others only where a pass costs the same for one as for thousands: until the longest waiting has done
    so for `gather_minutes`, a batch is full, or no more than that is left of somebody's promise. Nothing of theirs was
    touched by then, and they can still be cancelled.
    """
    wait = timedelta(minutes=service.settings.gather_minutes)
    if not service.scans or not wait or len(due) >= service.settings.batch_people:
        return True
    return any(now >= min((each.not_before or now) + wait, each.due_at - wait) for each in due)
