"""Names as words."""

import pytest

from slett.datamap.draft.words import is_key, stem, words


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("customer_useraddresses", "customer user address"),
        ("UserAddress", "user address"),
        ("HTTPSession", "http session"),
        ("order_orderlinediscount", "order orderlinediscount"),
        ("WISH_LISTS", "wishlist"),
        ("e_mail", "email"),
        ("Übersichten", "ubersichten"),
        ("ønskelister", "onskeliste"),
        ("Bestellungen", "bestellung"),
        ("people", "person"),
        ("catalog", "catalog"),
        ("status", "status"),
        ("2fa", "2fa"),
        ("", ""),
    ],
)
def test_a_name_is_taken_apart(name: str, expected: str) -> None:
    assert " ".join(words(name)) == expected


@pytest.mark.parametrize(
    ("column", "meant", "refers"),
    [
        ("user_id", "user", True),
        ("UserID", "user", True),
        ("userid", "user", True),
        ("fk_user", "user", True),
        ("created_by", "created by", False),
        ("user", "user", False),
        ("id", "", True),
        ("paid", "paid", False),
    ],
)
def test_a_column_that_refers_says_to_whom(column: str, meant: str, refers: bool) -> None:
    assert (" ".join(stem(column)), is_key(column)) == (meant, refers)
