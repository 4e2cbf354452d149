"""`slett verify --deep`, on each of the three databases."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from slett.stores.schema import Dialect
from tests.cli.shop import MAP, PERSONAL, Shop
from tests.journeys.scene import engine_of

WRITTEN = ("CREATE TABLE audit (id integer PRIMARY KEY, line varchar(200))",)
IGNORED = MAP + "audit: {action: ignore, reason: 'Counts only.', owner: ops, review: 2090-01-01}\n"


def deep(shop: Shop, *words: str, status: int) -> Any:
    """The JSON that the command prints: no text of anybody is in it."""
    said = shop.slett("verify", "--deep", *words, "--json")
    assert (said.status, said.err) == (status, "")
    assert not any(mark in said.out.lower() for mark in PERSONAL)
    return json.loads(said.out)


def seen(found: Any) -> dict[str, tuple[int, int, str, bool]]:
    """Column → rows, those that would stay, what the map says, whether it answers for them."""
    keys = ("rows", "left", "map", "accounted")
    return {f"{each['table']}.{each['column']}": tuple(each[key] for key in keys) for each in found["seen"]}


def write(shop: Shop, statement: str, **values: str) -> None:
    with engine_of(shop.urls["shop"]).begin() as connection:
        connection.execute(sa.text(statement), values)


def test_before_an_erasure_what_the_map_knows_is_accounted_for(any_shop: Shop) -> None:
    before = any_shop.snapshot()
    found = deep(any_shop, "1", "--also", "Kari Nordmann", status=0)
    assert seen(found) == {
        "users.email": (1, 0, "erased", True),
        "users.phone": (1, 0, "erased", True),
        "users.name": (1, 0, "erased", True),
        "orders.ship_name": (2, 0, "erased", True),
    }
    assert (found["needles"], found["unread"], found["clean"]) == (3, [], True)
    assert any_shop.snapshot() == before


def test_after_an_erasure_nothing_is_found_unless_the_map_did_not_know_it(any_shop: Shop) -> None:
    any_shop.sql(*WRITTEN)
    any_shop.succeed("erase", "1", "--yes")
    assert deep(any_shop, "--email", "kari.nordmann@example.org", status=0)["seen"] == []
    write(any_shop, "INSERT INTO audit VALUES (1, :line)", line="Sent to <KARI.NORDMANN@example.org>.")
    found = deep(any_shop, "--email", "kari.nordmann@example.org", status=1)
    assert seen(found) == {"audit.line": (1, 1, "unknown", False)}


def test_an_ignored_table_is_searched_and_its_reason_said(any_shop: Shop) -> None:
    any_shop.sql(*WRITTEN)
    any_shop.map(shop=IGNORED)
    write(any_shop, "INSERT INTO audit VALUES (1, :line), (2, '')", line="GET /u?m=kari.nordmann%40example.org")
    found = deep(any_shop, "1", status=1)
    (audit,) = (each for each in found["seen"] if each["table"] == "audit")
    assert (audit["map"], audit["because"], audit["rows"], audit["people"]) == ("ignored", "Counts only.", 1, 1)


def test_a_row_of_somebody_else_in_a_mapped_table_is_told_from_their_own(any_shop: Shop) -> None:
    for key in (1, 2):
        write(any_shop, f"UPDATE messages SET body = :body WHERE id = {key}", body="Ring 900 00 001!")
    assert seen(deep(any_shop, "1", status=1))["messages.body"] == (2, 1, "erased", False)
    both = deep(any_shop, "1", "2", status=0)
    assert seen(both)["messages.body"] == (2, 0, "erased", True)
    assert {each["column"]: each["people"] for each in both["seen"]} == {"email": 2, "phone": 2, "body": 1}


def test_what_stays_on_a_basis_is_accounted_for_by_the_map(any_shop: Shop) -> None:
    any_shop.map(shop=MAP.replace("columns: [id, placed_at, total]\n  anonymise: {ship_name: null}",
                                  "columns: [id, placed_at, total, ship_name]"))  # fmt: skip
    found = deep(any_shop, "1", "--also", "Kari Nordmann", status=0)
    assert seen(found)["orders.ship_name"] == (2, 1, "stays", True)


def test_whoever_has_nothing_to_be_searched_by_is_not_declared_clean(any_shop: Shop) -> None:
    said = any_shop.slett("verify", "--deep", "99")
    assert (said.status, said.out) == (1, "")
    assert "nothing is known by which to search" in said.err
    found = deep(any_shop, "1", "99", status=1)
    assert (found["unknown_people"], found["clean"]) == (1, False)


@pytest.mark.parametrize("words", [["--also", "Kari", "1"], ["--deep", "--also", "Kari", "1", "2"]])
def test_a_text_of_one_person_needs_one_person_and_a_deep_look(words: list[str], shop: Shop) -> None:
    assert shop.slett("verify", *words).status == 2


def test_rows_that_nothing_tells_apart_are_said_to_be_so(any_shop: Shop, dialect: Dialect) -> None:
    """PostgreSQL and SQLite know rows by where they lie."""
    any_shop.sql("CREATE TABLE clicks (user_id integer, line varchar(80))")
    any_shop.map(shop=MAP + "clicks:\n  references: [{column: user_id, to: users}]\n  action: delete\n")
    any_shop.sql("INSERT INTO clicks VALUES (1, '+4790000001'), (1, '-'), (2, '900 00 001')")
    told = seen(deep(any_shop, "1", status=1))["clicks.line"]
    assert told == (2, 2 if dialect == "mariadb" else 1, "erased", False)


# -- what cannot be read --------------------------------------------------------------------------------

MAPPED = ("users", "sessions", "orders", "order_lines", "messages", "products")


@pytest.fixture
def blind(dialect: Dialect, any_shop: Shop) -> Iterator[Shop]:
    """The shop by an account that may not read `audit`, and on PostgreSQL not every row of `hidden`."""
    address = sa.make_url(any_shop.urls["shop"])
    name = f"blind_{address.database}"
    any_shop.sql(*WRITTEN)
    if dialect == "postgresql":
        who, gone = name, [f"DROP OWNED BY {name}", f"DROP ROLE {name}"]
        any_shop.sql(
            "CREATE TABLE hidden (line text)",
            "INSERT INTO hidden VALUES ('Kari')",
            "ALTER TABLE hidden ENABLE ROW LEVEL SECURITY",
            "CREATE POLICY none ON hidden USING (false)",
            f"CREATE ROLE {name} LOGIN",
            f"GRANT SELECT ON {', '.join((*MAPPED, 'hidden'))} TO {name}",
        )
    else:
        who = f"{name}@'127.0.0.1'"
        gone = [f"DROP USER {who}"]
        rights = [f"GRANT SELECT ON {address.database}.{table} TO {who}" for table in MAPPED]
        any_shop.sql(f"CREATE USER {who}", *rights, f"GRANT INSERT ON {address.database}.audit TO {who}")
    owner = dict(any_shop.urls)
    any_shop.urls["shop"] = address.set(username=name, password=None).render_as_string(hide_password=False)
    any_shop.map(shop=MAP)
    yield any_shop
    any_shop.urls = owner
    any_shop.sql(*gone)


@pytest.mark.parametrize("dialect", ["postgresql", "mariadb"], scope="session")
def test_a_table_that_may_not_be_read_is_named_and_not_passed_over(blind: Shop, dialect: Dialect) -> None:
    found = deep(blind, "1", status=1)
    tables = ["audit", "hidden"] if dialect == "postgresql" else ["audit"]
    assert sorted(each["table"] for each in found["unread"]) == tables
    why = {each["table"]: each["why"] for each in found["unread"]}
    assert "may not do this" in why.pop("audit")
    assert all("give it BYPASSRLS" in each for each in why.values())
    assert found["tables"] == 6
    assert "not searched: shop/audit" in blind.slett("verify", "--deep", "1").out
