"""When a kept row's time has come, counted as bookkeeping laws and calendars do."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slett.stores.due import add_months, cutoff, end
from slett.stores.operations import Due

DAYS = st.dates(date(1990, 1, 1), date(2100, 12, 31))
DUES = st.builds(Due, st.just("placed"), st.integers(1, 240), st.booleans())


@pytest.mark.parametrize(
    ("start", "months", "year_end", "first_day"),
    [
        (date(2021, 11, 22), 60, False, date(2026, 11, 23)),
        (date(2021, 3, 9), 60, True, date(2027, 1, 1)),
        (date(2021, 12, 31), 60, True, date(2027, 1, 1)),
        (date(2022, 1, 1), 60, True, date(2028, 1, 1)),
        (date(2026, 1, 31), 1, False, date(2026, 3, 1)),  # the month's last day, and one more
        (date(2024, 2, 29), 12, False, date(2025, 3, 1)),
        (date(2026, 11, 30), 3, False, date(2027, 3, 1)),
    ],
)
def test_the_first_day_on_which_a_row_may_go(start: date, months: int, year_end: bool, first_day: date) -> None:
    assert end(Due("placed", months, year_end), start) == first_day


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 3, 31), -1, date(2028, 2, 29)),
        (date(2026, 1, 15), -1, date(2025, 12, 15)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
    ],
)
def test_a_month_later_is_the_same_day_or_the_months_last(day: date, months: int, then: date) -> None:
    assert add_months(day, months) == then


@given(DUES, DAYS)
@settings(max_examples=500, deadline=None)
def test_no_row_goes_before_its_end(due: Due, start: date) -> None:
    """What the database is asked on a day never contradicts the day that the certificate names."""
    day = end(due, start)
    assert not start < cutoff(due, day - timedelta(days=1))


@given(DUES, DAYS)
@settings(max_examples=500, deadline=None)
def test_a_row_goes_within_four_days_of_its_end(due: Due, start: date) -> None:
    """Months differ in length; what was promised for the 28th of February is done on the 3rd of March at the latest."""
    day = end(due, start)
    assert start < cutoff(due, day + timedelta(days=3))


@given(DUES, DAYS)
@settings(max_examples=200, deadline=None)
def test_time_only_goes_forward(due: Due, today: date) -> None:
    assert cutoff(due, today) <= cutoff(due, today + timedelta(days=1))
