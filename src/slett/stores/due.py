"""The arithmetic of retention: when a kept row's time has come. Pure."""

from calendar import monthrange
from datetime import date, timedelta

from slett.stores.operations import Due


def cutoff(due: Due, today: date) -> date:
    """The day before which a row's date must lie for its time to have come today."""
    if due.year_end:
        return date(today.year - _years(due), 1, 1)
    return add_months(today, -due.months)


def end(due: Due, start: date) -> date:
    """The first day on which a row of that date may go."""
    if due.year_end:
        return date(start.year + _years(due) + 1, 1, 1)
    return add_months(start, due.months) + timedelta(days=1)


def add_months(day: date, months: int) -> date:
    """The same day so many months later or earlier, or that month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _years(due: Due) -> int:
    return -(-due.months // 12)
