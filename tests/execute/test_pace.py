"""How much is changed at once: as much as fits into the time, and less after a collision. No clock runs here."""

from hypothesis import given
from hypothesis import strategies as st

from slett.execute.pace import FIRST, LEAST, Pace


def paced(most: int = 5_000, seconds: float = 0.25) -> Pace:
    return Pace(most, seconds, pause=lambda _: None)


def test_the_first_chunk_is_small() -> None:
    assert paced().size("orders") == FIRST
    assert paced(most=70).size("orders") == 70


def test_quick_chunks_grow_up_to_the_most() -> None:
    pace, seen = paced(), []
    for _ in range(5):
        seen.append(pace.size("orders"))
        pace.took("orders", seen[-1], 0.001)
    assert seen == [1_000, 2_000, 4_000, 5_000, 5_000]


def test_a_chunk_that_took_too_long_makes_the_next_one_smaller() -> None:
    pace = paced()
    pace.took("orders", 1_000, 0.5)
    assert pace.size("orders") == 500


def test_a_last_chunk_of_few_rows_teaches_nothing() -> None:
    pace = paced()
    pace.took("orders", 10, 0.2)
    assert pace.size("orders") == FIRST


def test_each_table_has_its_own_size() -> None:
    pace = paced()
    pace.took("orders", 1_000, 0.5)
    assert pace.size("payments") == FIRST


def test_a_new_table_begins_as_the_slowest_of_the_others_and_never_smaller_than_the_first() -> None:
    pace = Pace(5_000, wary={"people"})
    pace.took("orders", 1_000, 0.05)
    assert pace.size("payments") == 2_000
    pace.took("payments", 2_000, 0.001)
    assert (pace.size("payments"), pace.size("items")) == (4_000, 2_000)
    pace.took("orders", 2_000, 4.0)
    assert (pace.size("orders"), pace.size("items")) == (500, FIRST)


def test_a_table_whose_rows_may_cost_more_begins_small_whatever_the_others_do() -> None:
    pace = Pace(5_000, wary={"people"})
    pace.took("orders", 1_000, 0.001)
    assert pace.size("people") == FIRST
    pace.took("people", 1_000, 0.001)
    assert pace.size("people") == 2_000


@given(st.floats(1e-6, 1e-2), st.integers(1, 20_000))
def test_the_size_comes_to_what_fits_into_the_time(row: float, most: int) -> None:
    """Whatever a row costs: after some chunks they take as long as they may, or are as large or small as can be."""
    pace = paced(most)
    for _ in range(40):
        pace.took("orders", pace.size("orders"), row * pace.size("orders"))
    size = pace.size("orders")
    assert min(LEAST, most) <= size <= most
    assert size in (most, LEAST) or (size + 1) * row >= 0.25 * 0.9
    assert size == min(LEAST, most) or size * row <= 0.25 * 1.01


@given(st.integers(0, 5), st.floats(0, 1), st.integers(1, 5_000))
def test_who_gives_way_waits_longer_each_time_and_comes_back_with_half(tries: int, drawn: float, most: int) -> None:
    waited: list[float] = []
    pace = Pace(most, pause=waited.append, draw=lambda: drawn)
    before = pace.size("orders")
    pace.give_way("orders", tries)
    assert pace.size("orders") == max(min(LEAST, most), before // 2)
    assert 0.05 * 2**tries * 0.5 <= waited[0] <= 0.05 * 2**tries * 1.5
