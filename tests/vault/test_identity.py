"""Who can open a vault, and who cannot."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slett.ledger import Keys
from slett.ledger.references import ALPHABET
from slett.vault import (
    VaultError,
    WrongCode,
    draw_code,
    make_identity,
    read_code,
    unwrap_for_person,
    unwrap_for_service,
    wrap_for_person,
    wrap_for_service,
)

CODE = draw_code()


def test_the_person_opens_with_their_code_however_they_type_it() -> None:
    made = make_identity()
    wrapped = wrap_for_person(made.identity, CODE)
    for typed in (CODE, CODE.lower(), CODE.replace("-", " "), f"  {CODE.replace('0', 'o').replace('1', 'l')} "):
        assert str(unwrap_for_person(wrapped, typed)) == str(made.identity)


def test_nobody_opens_it_with_another_code_or_none() -> None:
    wrapped = wrap_for_person(make_identity().identity, CODE)
    for typed in (draw_code(), "", CODE[:-1], "AGE-SECRET-KEY-1"):
        with pytest.raises(WrongCode):
            unwrap_for_person(wrapped, typed)


def test_what_is_kept_of_the_identity_is_not_the_identity() -> None:
    made = make_identity()
    wrapped = wrap_for_person(made.identity, CODE)
    for secret in (str(made.identity).encode(), CODE.encode(), CODE.replace("-", "").encode()):
        assert secret not in wrapped.blob + wrapped.salt


def test_the_service_opens_only_with_the_secret_key_of_then(tmp_path_factory: pytest.TempPathFactory) -> None:
    ours, theirs = (Keys(tmp_path_factory.mktemp("keys")) for _ in range(2))
    made = make_identity()
    wrapped = wrap_for_service(ours, made.identity)
    assert str(unwrap_for_service(ours, wrapped)) == str(made.identity)
    with pytest.raises(VaultError, match="another secret key"):
        unwrap_for_service(theirs, wrapped)


def test_what_is_wrapped_for_the_person_is_no_use_to_the_service(tmp_path_factory: pytest.TempPathFactory) -> None:
    keys = Keys(tmp_path_factory.mktemp("keys"))
    with pytest.raises(VaultError):
        unwrap_for_service(keys, wrap_for_person(make_identity().identity, CODE))


@given(st.integers(0, 24), st.sampled_from(ALPHABET))
def test_a_mistyped_code_is_hardly_ever_taken_for_one(place: int, other: str) -> None:
    plain = CODE.replace("-", "")
    typed = plain[:place] + other + plain[place + 1 :]
    if other != plain[place] and place == 24:
        assert read_code(typed) is None
    elif other == plain[place]:
        assert read_code(typed) == plain


def test_most_slips_of_the_finger_are_found_at_once() -> None:
    plain = CODE.replace("-", "")
    slips = [
        plain[:place] + other + plain[place + 1 :] for place in range(24) for other in ALPHABET if other != plain[place]
    ]
    assert sum(read_code(each) is None for each in slips) > 0.9 * len(slips)


def test_codes_are_drawn_anew() -> None:
    assert len({draw_code() for _ in range(200)}) == 200
