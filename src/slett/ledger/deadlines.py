"""When the law wants an answer: Art. 12(3) GDPR, counted as Regulation (EEC, Euratom) 1182/71, Art. 3, counts.

The day of the request does not count. The period ends with the last hour of the same date of the month in
question, or of its last day where that month has no such date. A Saturday or a Sunday moves the end on to the
next working day. Public holidays would move it on as well; they differ by country and are left out, so a date
from here is never later than the true one.
"""

from calendar import monthrange
from datetime import date, timedelta

SATURDAY = 5


def add_months(day: date, months: int) -> date:
    """The same date `months` later, or the last day of that month if it has no such date."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def law_due(filed: date, months: int = 1) -> date:
    """The last day on which a request of that day is answered in time; three months once it was extended."""
    due = add_months(filed, months)
    while due.weekday() >= SATURDAY:
        due += timedelta(days=1)
    return due
