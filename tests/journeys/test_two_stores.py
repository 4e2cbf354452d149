"""References by value between databases of different kinds, in both directions, and what counts as the same value."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from slett.stores.schema import Dialect
from tests.conftest import NewDatabase
from tests.journeys.difference import erased
from tests.journeys.scene import Scene, engine_of
from tests.servers.databases import dialect_of

OTHER: dict[str, Dialect] = {"sqlite": "postgresql", "postgresql": "mariadb", "mariadb": "sqlite"}
STRANGE = r"""O'Neil "50%" %s \ \' {x} :id 🙈; --"""


@pytest.fixture(params=[{}, {"inline_keys": 0, "chunk_rows": 3}], ids=["inline", "tables"])
def two(request: pytest.FixtureRequest, scene: Scene, new_database: NewDatabase) -> Scene:
    """The shop on each database in turn, and beside it `crm` on one of another kind."""
    scene.settings.update(request.param)
    scene.urls["crm"] = new_database(OTHER[dialect_of(scene.urls["shop"])])
    return scene


def insert(scene: Scene, table: str, *rows: tuple[object, ...], store: str = "shop") -> None:
    """Insert rows whose values no test wants to escape by itself."""
    engine = engine_of(scene.urls[store])
    marks = ", ".join(f":v{n}" for n in range(len(rows[0])))
    with engine.begin() as connection:
        for row in rows:
            parameters = {f"v{n}": value for n, value in enumerate(row)}
            connection.execute(sa.text(f"INSERT INTO {table} VALUES ({marks})"), parameters)
    engine.dispose()


def test_a_person_is_followed_into_another_database_and_back(two: Scene) -> None:
    """users → crm customers by e-mail → calls there by their key → and from the customers to parcels in the shop."""
    two.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80))",
        "CREATE TABLE parcels (id INT PRIMARY KEY, customer_no INT)",
        "CREATE TABLE parcel_notes (id INT PRIMARY KEY, parcel_id INT REFERENCES parcels (id))",
        "INSERT INTO users VALUES (1, 'Kari@x.no'), (2, 'ola@x.no'), (3, NULL), (4, '')",
        "INSERT INTO parcels VALUES (1, 100), (2, 200), (3, NULL), (4, 100), (5, 1)",
        "INSERT INTO parcel_notes VALUES (1, 1), (2, 2), (3, 4), (4, 5)",
    )
    two.sql(
        "CREATE TABLE customers (no INT PRIMARY KEY, email VARCHAR(80))",
        "CREATE TABLE calls (id INT PRIMARY KEY, customer_no INT REFERENCES customers (no))",
        "CREATE TABLE tickets (id INT PRIMARY KEY, user_id INT, closed_by INT)",
        "INSERT INTO customers VALUES (100, 'KARI@X.no'), (200, 'OLA@x.no'), (300, NULL), (400, ''), (1, 'per@x.no')",
        "INSERT INTO calls VALUES (1, 100), (2, 200), (3, NULL), (4, 1), (5, 400)",
        "INSERT INTO tickets VALUES (1, 1, 2), (2, 2, 1), (3, 100, NULL), (4, NULL, 1)",
        store="crm",
    )
    two.map(
        shop="""
users: {root: true, identifiers: {email: email}, action: delete}
parcels:
  references: [{column: customer_no, to: crm/customers}]
  action: delete
parcel_notes:
  references: [{column: parcel_id, to: parcels}]
  action: delete
""",
        crm="""
customers:
  references: [{column: email, to: shop/users, match: email, fold: true}]
  action: delete
calls:
  references: [{column: customer_no, to: customers}]
  action: delete
tickets:
  references: [{column: user_id, to: shop/users}, {column: closed_by, to: shop/users, kind: mention}]
  action: delete
""",
    )
    assert erased(two, 1) == {
        "-users": [(1, "Kari@x.no")],
        "-parcels": [(1, 100), (4, 100)],
        "-parcel_notes": [(1, 1), (3, 4)],
        "-crm/customers": [(100, "KARI@X.no")],
        "-crm/calls": [(1, 100)],
        "-crm/tickets": [(1, 1, 2), (2, 2, 1), (4, None, 1)],
        "+crm/tickets": [(2, 2, None), (4, None, None)],
    }
    assert erased(two, 2, 3, 4) == {
        "-users": [(2, "ola@x.no"), (3, None), (4, "")],
        "-parcels": [(2, 200)],
        "-parcel_notes": [(2, 2)],
        "-crm/customers": [(200, "OLA@x.no")],
        "-crm/calls": [(2, 200)],
        "-crm/tickets": [(2, 2, None)],
    }


def test_one_map_may_hold_all_kinds_of_databases(
    tmp_path: Path, sqlite_database: str, postgresql_database: str, mariadb_database: str
) -> None:
    """One person is three root rows in three databases, each found from any other."""
    scene = Scene(tmp_path, {"lite": sqlite_database, "post": postgresql_database, "maria": mariadb_database})
    tables = {"lite": "accounts", "post": "customers", "maria": "members"}
    for store, table in tables.items():
        scene.sql(
            f"CREATE TABLE {table} (id INT PRIMARY KEY, other INT)",
            f"CREATE TABLE visits (id INT PRIMARY KEY, their INT NOT NULL REFERENCES {table} (id))",
            f"INSERT INTO {table} VALUES (1, 11), (2, 12), (3, 13), (11, 21), (12, 22), (13, NULL)",
            f"INSERT INTO {table} VALUES (21, NULL), (22, 1)",
            "INSERT INTO visits VALUES (1, 1), (2, 2), (3, 3), (4, 11), (5, 12), (6, 13), (7, 21), (8, 22)",
            store=store,
        )
    visits = "visits: {{references: [{{column: their, to: {}}}], action: delete}}"
    root = "{}: {{root: true, {}action: delete}}\n"
    hangs = "references: [{{column: {}, to: {}}}], "
    scene.map(
        lite=root.format("accounts", "") + visits.format("accounts"),
        post=root.format("customers", hangs.format("other", "lite/accounts")) + visits.format("customers"),
        maria=root.format("members", hangs.format("other", "post/customers")) + visits.format("members"),
    )
    # member 2 is customer 12, who is account 22
    expected = {
        "-maria/members": [(2, 12)],
        "-maria/visits": [(2, 2)],
        "-post/customers": [(12, 22)],
        "-post/visits": [(5, 12)],
        "-lite/accounts": [(22, 1)],
        "-lite/visits": [(8, 22)],
    }
    assert erased(scene, 22, root="lite/accounts") == expected
    changed = erased(scene, 3, 1, root="maria/members")  # customer 13, who is nobody's; customer 11, account 21
    assert changed["-post/customers"] == [(11, 21), (13, None)]
    assert changed["-lite/accounts"] == [(21, None)]
    assert changed["-maria/members"] == [(1, 11), (3, 13)]
    assert changed["-lite/visits"] == [(7, 21)]


KEYS: dict[str, tuple[str, str, str, list[str]]] = {
    "integer": ("INT", "1", "2", ["01", " 1", "1 ", "1a", "10", "1.0", "", "-1"]),
    "uuid": (
        "UUID",
        "6f9619ff-8b86-d011-b42d-00c04fc964ff",
        "00000000-0000-0000-0000-000000000000",
        ["6f9619ff-8b86-d011-b42d-00c04fc964f0", "6f9619ff", ""],
    ),
    "text": ("VARCHAR(80)", STRANGE, "%", ["O'Neil", "", "_", "\\", "\\%", STRANGE.lower(), STRANGE + "x"]),
    "accents": ("VARCHAR(80)", "Åse", "åsa", ["åse", "Ase", "ase", "ASE", "Åse ", " Åse", "A\u030ase"]),
}


def test_a_key_means_the_same_in_both_databases_and_no_other(two: Scene) -> None:
    """Over there it is text. It is found by its exact value: not in other letter case, and not with other accents."""
    shop = crm = ""
    for name, (type_, mine, theirs, others) in KEYS.items():
        two.sql(
            f"CREATE TABLE {name}_users (id {type_} PRIMARY KEY, city INT)",
            f"CREATE TABLE {name}_orders (id INT PRIMARY KEY, user_id {type_} REFERENCES {name}_users (id))",
        )
        two.sql(f"CREATE TABLE {name}_tickets (id INT PRIMARY KEY, user_ref VARCHAR(100))", store="crm")
        key = int if name == "integer" else str
        insert(two, f"{name}_users", (key(mine), 5), (key(theirs), 5))
        insert(two, f"{name}_orders", (1, key(mine)), (2, key(theirs)), (3, None))
        insert(two, f"{name}_tickets", (1, mine), (2, theirs), (3, None), *enumerate(others, 4), store="crm")
        shop += f"""
{name}_users: {{root: true, action: delete}}
{name}_orders: {{references: [{{column: user_id, to: {name}_users}}], action: delete}}"""
        crm += f"""
{name}_tickets: {{references: [{{column: user_ref, to: shop/{name}_users}}], action: delete}}"""
    two.map(shop=shop, crm=crm)
    for name, (_, mine, _, _) in KEYS.items():
        changed = erased(two, mine, root=f"{name}_users")
        assert changed.pop(f"-crm/{name}_tickets") == [(1, mine)]
        assert [row[0] for row in changed.pop(f"-{name}_orders")] == [1]
        assert [str(row[0]) for row in changed.pop(f"-{name}_users")] == [mine]
        assert not changed


def test_a_text_key_leads_to_a_number(two: Scene) -> None:
    two.sql("CREATE TABLE users (id VARCHAR(20) PRIMARY KEY, city INT)")
    two.sql("CREATE TABLE tickets (id INT PRIMARY KEY, user_no INT)", store="crm")
    insert(two, "users", ("1", 5), ("01", 5), ("x", 5), ("1x", 5))
    insert(two, "tickets", (1, 1), (2, 0), (3, None), (4, 10), store="crm")
    two.map(
        shop="users: {root: true, action: delete}",
        crm="tickets: {references: [{column: user_no, to: shop/users}], action: delete}",
    )
    assert erased(two, "01", "x", "1x") == {"-users": [("x", 5), ("01", 5), ("1x", 5)]}
    assert erased(two, "1") == {"-users": [("1", 5)], "-crm/tickets": [(1, 1)]}


def test_letter_case_of_an_email_is_folded_and_nothing_else(two: Scene) -> None:
    """Å is å and É is é, but é is not e, and what a space makes longer is another address."""
    two.sql(
        "CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80))",
        "CREATE TABLE orders (id INT PRIMARY KEY, guest_email VARCHAR(80))",
    )
    two.sql("CREATE TABLE persons (id INT PRIMARY KEY, email VARCHAR(80))", store="crm")
    addresses = (
        "åsé@x.no",
        "ÅSÉ@X.NO",
        "åse@x.no",
        "asé@x.no",
        "åsé@x.no ",
        " åsé@x.no",
        "ÅSE@x.no",
        "åsé@x.n",
        "",
        None,
    )
    insert(two, "users", (1, "ÅsÉ@x.no"), (2, "ase@x.no"))
    insert(two, "orders", *enumerate(addresses, 1))
    insert(two, "persons", *enumerate(addresses, 1), store="crm")
    two.map(
        shop="""
users: {root: true, identifiers: {email: email}, action: delete}
orders:
  references: [{column: guest_email, identifier: email}]
  action: delete
""",
        crm="""
persons:
  references: [{column: email, to: shop/users, match: email, fold: true}]
  action: delete
""",
    )
    assert erased(two, email="åSé@X.no") == {
        "-users": [(1, "ÅsÉ@x.no")],
        "-orders": [(1, "åsé@x.no"), (2, "ÅSÉ@X.NO")],
        "-crm/persons": [(1, "åsé@x.no"), (2, "ÅSÉ@X.NO")],
    }
