"""How an entry of the log is spelled: as RFC 8785 says, alone or among many."""

from collections import OrderedDict

import pytest
import rfc8785
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from slett.ledger import LedgerError
from slett.ledger.spelling import EXACT, canonical, canonical_all

ASCII = st.text(st.characters(max_codepoint=127))
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(1 - EXACT, EXACT - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ASCII, inner, max_size=4),
    max_leaves=12,
)
WRONG = [1.0, EXACT, -EXACT, (1,), b"x", {"ø": 1}, {1: 1}, [{"a": [0.5]}]]


class Word(str):
    """A text that could say otherwise."""

    __slots__ = ()


@examples(suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no fault of the log
@given(entry=st.dictionaries(ASCII, PLAIN, max_size=4))
def test_an_entry_is_spelled_as_rfc_8785_says(entry: dict[str, object]) -> None:
    assert canonical(entry) == rfc8785.dumps(entry)  # type: ignore[arg-type]  # checked by rfc8785


@examples(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(PLAIN, min_size=1, max_size=4), st.data())
def test_entries_that_hold_the_same_objects_are_spelled_one_by_one(pool: list[object], data: st.DataObject) -> None:
    """Whatever of them is shared, by two entries, within one, as a name here and a value there."""
    shared = st.sampled_from(pool)
    inner = shared | st.lists(shared, max_size=3) | st.dictionaries(ASCII, shared, max_size=3)
    entries = data.draw(st.lists(st.dictionaries(ASCII, inner, max_size=4), max_size=4))
    entries += [{name: name for name in entry} for entry in entries]
    assert canonical_all(entries) == [rfc8785.dumps(entry) for entry in entries]  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize("value", WRONG)
def test_what_would_be_spelled_otherwise_is_no_entry(value: object) -> None:
    with pytest.raises(LedgerError, match="text, whole numbers, truth values and nulls alone"):
        canonical({"a": value})


@pytest.mark.parametrize("value", [*WRONG, {"a": (1,)}, {Word("a"): 1}, Word("a")])
def test_nor_is_it_among_others_that_are_spelled_before(value: object) -> None:
    with pytest.raises(LedgerError, match="text, whole numbers, truth values and nulls alone"):
        canonical_all([{"a": "ø"}, {"b": 1}, {"a": value}])


def test_a_name_is_not_taken_for_a_text_that_was_spelled_before() -> None:
    name = "ø"
    with pytest.raises(LedgerError):
        canonical_all([{"a": name}, {name: 1}])


def test_a_mapping_of_another_kind_is_spelled_as_it_is_then() -> None:
    moving = OrderedDict(b=1, a=2)
    assert canonical_all([{"x": moving}, {"x": moving}]) == [b'{"x":{"a":2,"b":1}}'] * 2
