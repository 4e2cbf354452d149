from datetime import date

import pytest

from slett.ledger.deadlines import add_months, law_due


@pytest.mark.parametrize(
    ("filed", "due"),
    [
        (date(2026, 11, 20), date(2026, 12, 21)),  # the 20th is a Sunday
        (date(2026, 3, 5), date(2026, 4, 6)),  # the 5th is a Sunday
        (date(2026, 1, 31), date(2026, 3, 2)),  # no 31 February; the 28th is a Saturday
        (date(2028, 1, 31), date(2028, 2, 29)),
        (date(2026, 8, 31), date(2026, 9, 30)),
        (date(2026, 12, 15), date(2027, 1, 15)),
        (date(2026, 10, 28), date(2026, 11, 30)),  # a Saturday moves over the whole weekend
    ],
)
def test_the_law_allows_until_the_same_date_of_the_next_month_or_the_working_day_after(filed: date, due: date) -> None:
    assert law_due(filed) == due


def test_an_extended_request_is_due_three_months_after_it_was_filed_not_after_it_was_extended() -> None:
    assert law_due(date(2026, 11, 30), months=3) == date(2027, 3, 1)


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 5, 17), 60, date(2031, 5, 17)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
        (date(2026, 7, 4), 0, date(2026, 7, 4)),
    ],
)
def test_months_are_added_by_the_calendar(day: date, months: int, later: date) -> None:
    assert add_months(day, months) == later
