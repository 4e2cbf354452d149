"""Which language: the account's, else the browser's, else the service's."""

import pytest

from slett.languages import TAGS, choose


@pytest.mark.parametrize(
    ("account", "header", "tag"),
    [
        ("sv", "de, en", "sv"),
        ("nn_NO", "", "nn"),
        ("pt-BR", "fr-CH, fr;q=0.9, en;q=0.8", "fr"),
        ("", "no", "nb"),
        ("", "nb-NO,nb;q=0.9,no;q=0.8,nn;q=0.6,en-US;q=0.5,en;q=0.4", "nb"),
        ("", "nn-NO, nb;q=0.5", "nn"),
        ("", "se-NO", "se"),
        ("", "SE", "se"),
        ("", "en;q=0.3, pl;q=0.7", "pl"),
        ("", "en;q=0, pl;q=0.1", "pl"),
        ("", "xx, yy;q=0.5, ar;q=0.1", "ar"),
        ("", "", "da"),
        ("", "*", "da"),
        ("", "ja", "da"),
        ("", ";q=1,,;;,q=,en;q=oops,en;q=2,en;q=nan,en;q=-1", "da"),
        ("../../etc/passwd", "../nb", "da"),
        ("", "x," * 100_000 + "en", "da"),
    ],
)
def test_the_account_goes_first_then_the_browser(account: str, header: str, tag: str) -> None:
    assert choose(account, header, TAGS, "da") == tag


def test_only_what_the_service_offers_is_chosen() -> None:
    assert choose("sv", "fi, en;q=0.5", ("nb", "en"), "nb") == "en"
