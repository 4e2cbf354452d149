"""Small things that statements are made of."""

from hypothesis import given
from hypothesis import strategies as st

from slett.stores.conditions import split_template
from slett.stores.known import Inline, projected, rounded


def test_keys_that_mean_nobody_select_nothing() -> None:
    keys = Inline(("id", "mail"), ("integer", "text"), [(1, ""), (0, "a"), (None, "b"), (2, "c"), (2, "c"), (3, None)])
    assert projected(keys, ("id",), (0,)) == [(1,), (2,), (3,)]
    assert projected(keys, ("id",), ()) == [(1,), (0,), (2,), (3,)]
    assert projected(keys, ("mail",), ()) == [("a",), ("b",), ("c",)]
    assert projected(keys, ("mail", "id"), (0,)) == [("c", 2)]


def test_a_template_is_text_and_columns_in_turn() -> None:
    assert split_template("a-{id}-b") == ["a-", "id", "-b"]
    assert split_template("{shop}{no}") == ["", "shop", "", "no", ""]
    assert split_template("plain") == ["plain"]


@given(st.integers(0, 100_000))
def test_a_statement_has_room_for_all_keys_and_comes_in_few_sizes(count: int) -> None:
    assert count <= rounded(count) <= max(1, 8 * count)
    assert rounded(rounded(count)) == rounded(count)
