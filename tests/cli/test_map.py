"""`slett map`: a first map, and the same map later."""

import json
from pathlib import Path

import pytest

from slett.datamap.jsonschema import json_schema
from tests.cli.shop import Shop

HERE = "shop=sqlite:///shop.db"
DECIDED = {
    "messages": "action: delete",
    "orders": """action: keep
        until: {column: placed_at, add: 5 years}
        basis: the law
        anonymise: {ship_name: null}""",
    "users": "action: delete",
}


def decide(text: str, *tables: str) -> str:
    """The map with these decisions taken."""
    for table in tables:
        before, _, entry = text.partition(f"\n      {table}:\n")
        first, _, rest = entry.partition("action: undecided")
        text = f"{before}\n      {table}:\n{first}{DECIDED[table]}\n{rest.partition(chr(10))[2]}"
    return text


@pytest.fixture
def first(shop: Shop) -> Path:
    shop.environ["SHOP_URL"] = "sqlite:///shop.db"
    shop.succeed("map", HERE, "--output", "first.yaml")
    return Path("first.yaml")


@pytest.mark.parametrize(
    ("decided", "waiting"),
    [
        ([], "3 tables wait"),
        (["messages", "orders"], "1 table waits"),
        (["messages", "orders", "users"], "no table waits"),
    ],
)
def test_it_says_how_many_tables_wait_for_a_decision(decided: list[str], waiting: str, first: Path, shop: Shop) -> None:
    first.write_text(decide(first.read_text(), *decided))
    said = shop.succeed("map", HERE, "--into", "first.yaml")
    assert said == (
        f"Wrote first.yaml, and slett.schema.json for editors: {waiting} for your decision.\n"
        "Then run: slett --map first.yaml check\n"
    )


def test_from_the_first_draft_to_an_erasure_no_second_draft_is_needed(first: Path, shop: Shop) -> None:
    said = shop.slett("--map", first, "check")
    assert said.status == 1
    assert said.out.count("[undecided]") == 3
    first.write_text(decide(first.read_text(), *DECIDED))
    shop.succeed("--map", first, "check")
    shop.succeed("--map", first, "erase", "1", "--yes")
    assert shop.rows("SELECT id FROM order_lines ORDER BY id") == [(1,), (3,)]


def test_what_was_decided_stays_and_a_new_table_is_added(first: Path, shop: Shop) -> None:
    first.write_text(decide(first.read_text(), *DECIDED))
    shop.sql("CREATE TABLE carts (id integer PRIMARY KEY, user_id integer NOT NULL REFERENCES users (id))")
    shop.succeed("map", HERE, "--into", first)
    assert "basis: the law" in first.read_text()
    assert "      carts:\n" in first.read_text()
    shop.succeed("--map", first, "check")


def test_a_map_is_never_written_over(first: Path, shop: Shop) -> None:
    first.write_text("precious")
    said = shop.slett("map", HERE, "--output", first)
    assert (said.status, said.out) == (1, "")
    assert said.err == (
        "Error: first.yaml: there already; complete it with --into first.yaml, or choose another name\n"
    )
    assert first.read_text() == "precious"


def test_the_schema_lies_where_the_map_says(shop: Shop) -> None:
    Path("config").mkdir()
    shop.succeed("map", HERE, "--output", "config/slett.yaml")
    assert Path("config/slett.yaml").read_text().startswith("# yaml-language-server: $schema=slett.schema.json\n")
    assert json.loads(Path("config/slett.schema.json").read_text()) == json_schema()


def test_a_map_that_is_printed_leaves_no_file(shop: Shop) -> None:
    assert "  shop:\n    url: ${SHOP_URL}\n" in shop.succeed("map", HERE)
    assert sorted(path.name for path in Path().iterdir()) == ["shop.db", "slett.yaml"]


@pytest.mark.parametrize(
    ("file", "store"), [("shop.db", "shop"), ("2026 my.shop-db.sqlite", "myshop-db"), ("2026.db", "store")]
)
def test_a_store_without_a_name_is_called_after_its_database(file: str, store: str, shop: Shop) -> None:
    Path("shop.db").rename(file)
    assert f"\nstores:\n  {store}:\n" in shop.succeed("map", f"sqlite:///{file}")


def test_two_stores_need_two_names(shop: Shop) -> None:
    said = shop.slett("map", "sqlite:///shop.db", "sqlite:///./shop.db")
    assert said.status == 2
    assert said.err.endswith("Error: two stores would be called shop; give each a name: NAME=URL\n")


@pytest.mark.parametrize("name", ["1shop", "a.b", "my shop"])
def test_a_store_has_a_plain_name(name: str, shop: Shop) -> None:
    assert shop.slett("map", f"{name}=sqlite:///shop.db").status == 2


def test_a_password_does_not_come_into_the_map(postgresql_database: str, tmp_path: Path) -> None:
    shop = Shop(tmp_path, {"shop": postgresql_database})
    shop.fill()
    assert "slett@" in postgresql_database, "the test server trusts everybody, with whatever password"
    said = shop.slett("map", f"shop={postgresql_database.replace('slett@', 'slett:hunter2@')}")
    assert said.status == 0, said.err
    assert "hunter2" not in said.all


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--root", "user"], "there is no table `user`; did you mean `users`?"),
        (["--root", "nothing"], "there is no table `nothing`; check --root"),
        (["--output", "no/such/slett.yaml"], "No such file or directory"),
        (["--into", "shop.db"], "the map is not a text in UTF-8"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(words: list[str], sentence: str, shop: Shop) -> None:
    before = sorted(Path().iterdir())
    said = shop.slett("map", HERE, *words)
    assert (said.status, said.out) == (1, "")
    assert sentence in said.err
    assert sorted(Path().iterdir()) == before


def test_a_database_without_people_has_no_map(shop: Shop) -> None:
    shop.sql("DROP TABLE messages", "DROP TABLE sessions", "DROP TABLE order_lines", "DROP TABLE orders")
    shop.sql("DROP TABLE users")
    said = shop.slett("map", HERE)
    assert said.status == 1
    assert said.err == "Error: no table looks like one row per person; name it with --root TABLE\n"
