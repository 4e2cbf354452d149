"""The persons of a large step, in slices: everybody is in one of them, and in one only."""

from hypothesis import given
from hypothesis import strategies as st

from slett.execute.crowd import Crowd
from slett.stores.statements import Slice

ROWS = st.dictionaries(st.integers(0, 60), st.integers(1, 9), max_size=30)


def inside(part: Slice, rows: dict[int, int]) -> list[int]:
    """Whom a slice holds, as a database would say."""
    return [number for number in rows if part.after < number <= part.upto]


@given(ROWS, st.lists(st.tuples(st.integers(1, 20), st.booleans()), max_size=60))
def test_everybody_is_done_once_whatever_is_put_back(rows: dict[int, int], takes: list[tuple[int, bool]]) -> None:
    crowd, done = Crowd(rows), list[int]()
    assert crowd.rows == sum(rows.values())
    moves = iter(takes)
    while crowd:
        size, back = next(moves, (7, False))
        part, many = crowd.take(size)
        people = inside(part, rows)
        assert many == sum(rows[number] for number in people)
        assert many <= size or len(people) == 1
        if back:
            crowd.put_back(part)
        else:
            done += people
    assert sorted(done) == sorted(rows)


@given(ROWS, st.integers(1, 20))
def test_two_that_are_taken_one_after_the_other_have_nobody_in_common(rows: dict[int, int], size: int) -> None:
    """And may be put back in the other order."""
    crowd = Crowd(rows)
    if not crowd:
        return
    taken = [crowd.take(size)[0]] + ([crowd.take(size)[0]] if crowd else [])
    people = [set(inside(part, rows)) for part in taken]
    assert not set.intersection(*people) or len(people) == 1
    for part in taken:
        crowd.put_back(part)
    again = set[int]()
    while crowd:
        again |= set(inside(crowd.take(size)[0], rows))
    assert again == set(rows)
