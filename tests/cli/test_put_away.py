"""`slett erase --now`: whoever is put away is erased at once; what is asked first, and how it ends."""

import json
from pathlib import Path

import pytest

from slett.requests.desk import Desk
from slett.requests.identity import Identity
from slett.requests.sessions import begin, find
from slett.requests.subject import by_key
from tests.cli.shop import Shop


@pytest.fixture
def sealed(tmp_path: Path) -> Shop:
    """A shop in which person 1 has closed their account."""
    shop = Shop(tmp_path, {"shop": f"sqlite:///{tmp_path / 'shop.db'}"})
    shop.fill()
    map_file = shop.folder / "slett.yaml"
    map_file.write_text(map_file.read_text().replace("slett: 1", "slett: 1\nclosing: seal", 1))
    shop.environ["SLETT_VAULT_SERVICE_KEY"] = "true"
    with shop.open() as service:
        desk = Desk(lambda: service)
        with service.ledger.read() as page:
            now = page.now
        session = find(service, begin(service, Identity(by_key(service.plan, "1"), signed_in_at=now)))
        assert session
        request = desk.choose(session, "close")
        desk.confirm(session, request, code="", phrase_ok=True)
    return shop


def keys(shop: Shop) -> int:
    with shop.open() as service, service.ledger.read() as page:
        return len(page.vaults.keys(1))


def test_without_it_an_operator_is_told_what_to_do(sealed: Shop) -> None:
    said = sealed.slett("erase", "1", "--yes")
    assert (said.status, "or at once by `slett erase --now`" in said.out) == (3, True)
    assert keys(sealed) == 1


def test_it_is_asked_first_and_no_means_no(sealed: Shop) -> None:
    said = sealed.slett("erase", "1", "--now", stdin="n\n")
    assert (said.status, "Erase 1 person for good? There is no way back" in said.err) == (1, True)
    assert keys(sealed) == 1


def test_whoever_is_put_away_and_whoever_is_not_go_in_the_order_in_which_they_were_named(sealed: Shop) -> None:
    said = sealed.slett("erase", "2", "1", "--now", "--yes", "--json")
    outcomes = json.loads(said.out)
    assert [each["state"] for each in outcomes] == ["fulfilled", "fulfilled"]
    assert keys(sealed) == 0
    with sealed.open() as service, service.ledger.read() as page:
        assert [bool(page.requests.get(each["reference"]).follows) for each in outcomes] == [False, True]
    again = sealed.slett("erase", "1", "--now", "--yes")
    assert (again.status, "erased before" in again.out) == (0, True)


def test_where_two_must_agree_the_first_is_told_to_find_another(sealed: Shop) -> None:
    sealed.environ["SLETT_VAULT_APPROVALS"] = "2"
    said = sealed.slett("erase", "1", "--now", "--yes")
    assert (said.status, "another person must run the same command" in said.out) == (4, True)
    assert keys(sealed) == 1
