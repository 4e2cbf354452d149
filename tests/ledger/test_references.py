import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slett.ledger import read_reference
from slett.ledger.references import draw_reference


@given(st.binary(min_size=5, max_size=5))
def test_a_reference_is_read_back_however_it_is_typed(drawn: bytes) -> None:
    reference = draw_reference(lambda _: drawn)
    assert re.fullmatch("S-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", reference)
    sloppy = reference.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert read_reference(sloppy) == reference


@pytest.mark.parametrize(
    "text", ["", "S", "S-7K4M-2Q9", "S-7K4M-2Q9XX", "T-7K4M-2Q9X", "S-7K4M-2Q9U", "anna@example.com"]
)
def test_what_is_not_a_reference_is_none(text: str) -> None:
    assert read_reference(text) is None
