"""What a person is told before they decide: as many rows as the erasure then touches, and what stands in their way."""

import json
from datetime import date

import pytest

from slett.requests.erase import erase
from slett.requests.outlook import Blocked, Outlook, Part, Stay, Told, find_blocks, outlook
from slett.requests.refuse import Refused
from tests.conftest import NewDatabase
from tests.journeys.everything import CRM, build
from tests.journeys.everything import SHOP as EVERYTHING
from tests.journeys.scene import Scene, subjects
from tests.servers.databases import dialect_of

HEAD = """
categories:
  account: {nb: Konto, en: Account}
  orders: {en: Orders, nb: Kjøp}
  talk: {de: Nachrichten, sv: Meddelanden}
  together: Shared things
recipients:
  - {name: Bank AS, what: {en: takes payments, nb: tar imot betaling}, country: Norway}
  - {name: Post, what: carries parcels}
backups: {days: 35}
"""
CATEGORIES = {
    "users": "account", "profiles": "account", "sessions": "account", "orders": "orders", "items": "orders",
    "comments": "talk", "messages": "talk", "projects": "together", "members": "together", "stalls": "together",
}  # fmt: skip
SHOP = "\n".join(
    f"{line}\n  category: {CATEGORIES[line[:-1]]}" if line[:-1] in CATEGORIES else line
    for line in EVERYTHING.splitlines()
)


@pytest.fixture(params=[{}, {"inline_keys": 0}], ids=["inline", "tables"])
def shop(request: pytest.FixtureRequest, scene: Scene, new_database: NewDatabase) -> Scene:
    scene.settings.update(request.param)
    scene.urls["crm"] = new_database("sqlite" if dialect_of(scene.urls["shop"]) != "sqlite" else "mariadb")
    build(scene)
    scene.map(HEAD, shop=SHOP, crm=CRM)
    return scene


def told(scene: Scene, *keys: int, email: str = "", language: str = "nb") -> Outlook:
    with scene.open() as service:
        (subject,) = subjects(service, keys, [email] if email else [])
        return outlook(service, subject, language)


def test_a_person_is_told_of_everything_by_category(shop: Scene) -> None:
    seen = told(shop, 1)
    assert seen.parts == (
        Part("account", "Konto", goes=3, anonymised=1),
        Part("orders", "Kjøp", goes=2, stays=(Stay(5, "a law", date(2031, 1, 1)),)),
        Part("talk", "Nachrichten", goes=5, released=4),
        Part("together", "Shared things", goes=6, released=2),
        Part("other", "", goes=14, anonymised=2),
    )
    assert seen.recipients == (Told("Bank AS", "tar imot betaling", "Norway"), Told("Post", "carries parcels", ""))
    assert seen.backup_days == 35
    assert seen.stores == ("shop", "crm")


@pytest.mark.parametrize("key", [1, 2, 3])
def test_as_many_rows_are_told_of_as_then_are_touched(shop: Scene, key: int) -> None:
    """By category, as the certificate counts them; and as many rows of others are changed."""
    seen, before = told(shop, key), shop.snapshot()
    with shop.open() as service:
        (outcome,) = erase(service, subjects(service, [key]))
    body = json.loads((shop.folder / ".slett" / "certificates" / f"{outcome.reference}.json").read_text())["body"]
    done: dict[str, dict[str, int]] = {}
    for each in body["tables"]:
        of = done.setdefault(CATEGORIES.get(each["table"], "other"), {})
        for action, rows in each["actions"].items():
            goes = action in ("delete", "expire") or (action == "disable" and each["table"] == "sessions")
            name = "delete" if goes else action
            of[name] = of.get(name, 0) + rows
    kept: dict[str, list[tuple[int, str]]] = {}
    for each in body["kept"]:
        kept.setdefault(CATEGORIES.get(each["table"], "other"), []).append((each["rows"], each["until"]))
    assert len(seen.parts) == 5
    for part in seen.parts:
        assert part.goes == done[part.category].get("delete", 0)
        assert part.anonymised == done[part.category].get("anonymise", 0)
        stays = kept.get(part.category, [])
        assert sum(stay.rows for stay in part.stays) == sum(rows for rows, _ in stays)
        assert [str(stay.until) for stay in part.stays] == sorted(until for _, until in stays)[-1:]
    after = shop.snapshot()
    changed = {
        category: sum(
            len(set(after[f"shop/{table}"]) - set(before[f"shop/{table}"]))
            for table, mine in CATEGORIES.items()
            if mine == category
        )
        for category in ("talk", "together")
    }
    assert {part.category: part.released for part in seen.parts if part.released} == changed


def test_whoever_has_no_account_is_told_of_their_guest_orders(shop: Scene) -> None:
    shop.sql("INSERT INTO orders VALUES (900, NULL, 'Guest@x.no', 'guest', '2025-05-05')")
    seen = told(shop, email="guest@X.no", language="en-GB")
    assert seen.parts == (Part("orders", "Orders", stays=(Stay(1, "a law", date(2031, 1, 1)),)),)


def test_of_nobody_there_is_nothing_to_tell(shop: Scene) -> None:
    assert told(shop, email="nobody@x.no").rows == 0
    assert told(shop, 99).parts == ()


def test_several_people_are_not_told_of_each_other(scene: Scene) -> None:
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80))",
        "INSERT INTO users VALUES (1, 'a@x.no'), (2, 'A@x.no')",
    )
    scene.map(shop="users: {root: true, identifiers: {email: email}, action: delete}")
    with pytest.raises(Refused):
        told(scene, email="a@x.no")


# -- what stands in the way ----------------------------------------------------------------------------------------

BLOCKING = """
users:
  root: true
  identifiers: {email: email}
  action: delete
  blocks: [{when: {staff: true}, text: Hand over your work first, link: /staff}]
orders:
  references: [{column: user_id, to: users}, {column: guest_email, identifier: email}]
  action: delete
  blocks:
    - when: {paid_at: null, state: sent}
      text: {en: Pay for your order first, nb: Betal bestillingen først}
      link: https://shop.example/orders
stalls:
  references: [{column: one_id, to: users, kind: shared}, {column: other_id, to: users, kind: shared}]
  blocks: [{alone: true, when: {open: 1}, text: Hand your stall over, link: "/stalls?mine=1"}]
teams:
  references: [{column: id, to: members, match: team_id, kind: shared}]
  blocks: [{alone: true, text: Your team has nobody else, link: /teams}]
members: {references: [{column: user_id, to: users}], action: delete}
"""


@pytest.fixture(params=[{}, {"inline_keys": 0}], ids=["inline", "tables"])
def blocked(request: pytest.FixtureRequest, scene: Scene) -> Scene:
    scene.settings.update(request.param)
    scene.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80), staff BOOLEAN)",
        "CREATE TABLE orders (id INT PRIMARY KEY, user_id INT, guest_email VARCHAR(80), paid_at DATE, state TEXT)",
        "CREATE TABLE stalls (id INT PRIMARY KEY, one_id INT, other_id INT, open INT)",
        "CREATE TABLE teams (id INT PRIMARY KEY, title VARCHAR(9))",
        "CREATE TABLE members (team_id INT, user_id INT, PRIMARY KEY (team_id, user_id))",
        "INSERT INTO users VALUES (1, 'kari@x.no', FALSE), (2, 'ola@x.no', TRUE), (3, 'liv@x.no', NULL)",
        "INSERT INTO orders VALUES (1, 1, NULL, NULL, 'sent'), (2, 1, NULL, '2026-01-01', 'sent'), "
        "(3, 1, 'kari@x.no', NULL, 'sent'), (4, 1, NULL, NULL, 'new'), (5, NULL, 'LIV@x.no', NULL, 'sent'), "
        "(6, NULL, 'guest@x.no', NULL, 'sent'), (7, NULL, NULL, NULL, 'sent')",
        "INSERT INTO stalls VALUES (1, 1, 2, 1), (2, NULL, 1, 1), (3, 3, NULL, 0), (4, 2, NULL, 1), (5, NULL, NULL, 1)",
        "INSERT INTO teams VALUES (1, 'a'), (2, 'b'), (3, 'c')",
        "INSERT INTO members VALUES (1, 1), (1, 2), (2, 2), (3, 3), (3, 1)",
    )
    scene.map(shop=BLOCKING)
    return scene


def blocks(scene: Scene, *keys: int, email: str = "", language: str = "en") -> list[tuple[str, int]]:
    with scene.open() as service:
        (subject,) = subjects(service, keys, [email] if email else [])
        found = find_blocks(service, subject, language)
        assert outlook(service, subject, language).blocks == found
    return [(each.text.split()[0], each.rows) for each in found]


def test_an_unpaid_order_and_a_stall_of_ones_own_stand_in_the_way(blocked: Scene) -> None:
    assert blocks(blocked, 1) == [("Pay", 2), ("Hand", 1)]
    assert blocks(blocked, email="KARI@x.no", language="nb") == [("Betal", 2), ("Hand", 1)]


def test_what_others_hold_too_or_holds_other_values_stands_in_nobodys_way(blocked: Scene) -> None:
    assert blocks(blocked, 3) == [("Pay", 1)]
    assert blocks(blocked, 2) == [("Hand", 1), ("Hand", 1), ("Your", 1)]


def test_a_guest_has_to_pay_as_well(blocked: Scene) -> None:
    assert blocks(blocked, email="Guest@x.no") == [("Pay", 1)]
    assert blocks(blocked, email="nobody@x.no") == blocks(blocked, 99) == []


def test_a_block_says_where_it_is_settled(blocked: Scene) -> None:
    blocked.sql("UPDATE stalls SET one_id = 3 WHERE id = 2")
    with blocked.open() as service:
        (subject,) = subjects(service, [1])
        found = find_blocks(service, subject, "nb-NO")
    assert found == (Blocked("Betal bestillingen først", "https://shop.example/orders", 2),)
