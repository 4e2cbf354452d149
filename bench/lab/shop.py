"""The shop in which people are erased: 15 tables, about 77 rows of each person and 13 of others that go or change too.

Rows of a person lie scattered over every table, as they do where rows are written in the order of time; the items of
one order lie together.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import psycopg

HERE = Path(__file__).parent
PRODUCTS = 20_000

EACH = {  # rows per person
    "people": 1,
    "addresses": 2,
    "sessions": 3,
    "carts": 1,
    "cart_items": 3,
    "orders": 5,
    "order_items": 15,
    "payments": 5,
    "shipments": 5,
    "messages": 10,
    "reviews": 3,
    "review_votes": 3,
    "wishlists": 1,
    "wishlist_items": 5,
    "notifications": 15,
}
TABLES = tuple(EACH)

REFERENCES = (  # child, column, parent
    ("addresses", "person_id", "people"),
    ("sessions", "person_id", "people"),
    ("carts", "person_id", "people"),
    ("cart_items", "cart_id", "carts"),
    ("cart_items", "product_id", "products"),
    ("orders", "person_id", "people"),
    ("order_items", "order_id", "orders"),
    ("order_items", "product_id", "products"),
    ("payments", "order_id", "orders"),
    ("shipments", "order_id", "orders"),
    ("messages", "sender_id", "people"),
    ("messages", "recipient_id", "people"),
    ("reviews", "person_id", "people"),
    ("reviews", "product_id", "products"),
    ("review_votes", "person_id", "people"),
    ("review_votes", "review_id", "reviews"),
    ("wishlists", "person_id", "people"),
    ("wishlist_items", "wishlist_id", "wishlists"),
    ("wishlist_items", "product_id", "products"),
    ("notifications", "person_id", "people"),
)
MENTIONS = {("messages", "recipient_id")}  # set to null; every other row goes

_WORDS = (
    "'Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore '"
)
_TIME = "timestamptz '2020-01-01' + i % 60000 * interval '1 hour'"


def build(url: str, rows: int) -> int:
    """Fill an empty database with about so many rows; says how many people they belong to."""
    people = max(1, rows // sum(EACH.values()))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute((HERE / "shop.sql").read_bytes())
        connection.execute(
            f"INSERT INTO products SELECT i, 'Product ' || md5(i::text), i % 1000 FROM generate_series(1, {PRODUCTS}) i"
        )
        _fill(connection, {table: each * people for table, each in EACH.items()}, people)
        _add_keys(connection)
        connection.execute("VACUUM (ANALYZE)")
    return people


def add_people(url: str, sizes: Sequence[int]) -> list[int]:
    """More people, each with so many rows in all; says who."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("SELECT max(id) FROM people").fetchone()
        others = int(row[0]) if row else 0
        for size in sizes:
            _fill(connection, _shares(size), others)
        connection.execute("VACUUM (ANALYZE)")
    return [others + 1 + number for number in range(len(sizes))]


def _shares(rows: int) -> dict[str, int]:
    """So many rows over the tables, as a usual person has them; few rows lie in few tables."""
    counts = {table: round(each * rows / sum(EACH.values())) for table, each in EACH.items()} | {"people": 1}
    if not all(counts.values()):
        counts = dict.fromkeys(TABLES, 0) | {"people": 1, "orders": 1, "order_items": rows // 4}
    counts["notifications"] = 0
    return counts | {"notifications": rows - sum(counts.values())}


def declare_cascade(url: str) -> None:
    """Let the database itself delete what hangs on a person."""
    with psycopg.connect(url) as connection:
        for child, column, parent in REFERENCES:
            effect = "SET NULL" if (child, column) in MENTIONS else "CASCADE"
            connection.execute(f"ALTER TABLE {child} DROP CONSTRAINT {child}_{column}_fkey".encode())
            connection.execute(
                f"ALTER TABLE {child} ADD CONSTRAINT {child}_{column}_fkey FOREIGN KEY ({column})"
                f" REFERENCES {parent} ON DELETE {effect} NOT VALID".encode()  # the rows were checked before
            )


def digest(url: str) -> dict[str, tuple[int, int]]:
    """(number of rows, a sum over their content) of each table: equal for equal rows in any order."""
    found = {}
    with psycopg.connect(url) as connection:
        for table in ("products", *TABLES):
            query = f"SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM {table} t"
            row = connection.execute(query.encode()).fetchone()
            assert row
            found[table] = (int(row[0]), int(row[1]))
    return found


def _fill(connection: psycopg.Connection, counts: Mapping[str, int], others: int) -> None:
    """Add so many rows to each table: of as many people as are added, by and to `others` where it is about others."""
    at = {}
    for table in TABLES:
        row = connection.execute(f"SELECT coalesce(max(id), 0) FROM {table}".encode()).fetchone()
        at[table] = int(row[0]) if row else 0
    new, alone = counts["people"], counts["people"] == 1

    def mine(salt: int) -> str:
        return f"{at['people']} + 1 + (hashint8(i + {salt}0000000000) & 2147483647) % {new}"

    def anybody(salt: int) -> str:
        return f"1 + (hashint8(i + {salt}0000000000) & 2147483647) % {others}"

    def of(parent: str, child: str) -> str:
        return f"{at[parent]} + 1 + (i - 1) * {counts[parent]} / {max(1, counts[child])}"

    def turn(odd: str, even: str) -> str:
        """Of one person alone, half the rows hang by one column and half by the other."""
        return f"CASE i % 2 WHEN 1 THEN {odd} ELSE {even} END" if alone else odd

    product = f"1 + (hashint8(i + 990000000000) & 2147483647) % {PRODUCTS}"
    any_review = f"1 + (hashint8(i + 110000000000) & 2147483647) % greatest(1, {at['reviews'] or counts['reviews']})"
    values = {
        "people": f"""'person' || {at["people"]} + i || '@example.org', 'Person ' || md5(i::text), '+47' || i,
            'argon2id$' || md5(i::text) || md5((i + 1)::text), true, {_TIME}""",
        "addresses": f"{mine(1)}, md5(i::text) || 'gata ' || i % 100, lpad((i % 9999)::text, 4, '0'), 'Oslo'",
        "sessions": f"""{mine(2)}, md5(i::text), '10.0.0.0'::inet + i % 60000,
            'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', {_TIME}""",
        "carts": f"{mine(3)}, {_TIME}",
        "cart_items": f"{of('carts', 'cart_items')}, {product}, 1 + i % 5",
        "orders": f"""{mine(4)}, {_TIME}, i % 5000, 'Person ' || md5(i::text), md5(i::text) || 'gata ' || i % 100,
            lpad((i % 9999)::text, 4, '0')""",
        "order_items": f"{of('orders', 'order_items')}, {product}, 1 + i % 5, i % 1000",
        "payments": f"{of('orders', 'payments')}, i % 5000, 'tok_' || md5(i::text), {_TIME}",
        "shipments": f"{of('orders', 'shipments')}, md5(i::text), {_TIME}",
        "messages": f"""{turn(mine(5), anybody(6))}, {turn(anybody(6), mine(5))},
            repeat({_WORDS}, 1 + (i % 3)::int), {_TIME}""",
        "reviews": f"{mine(7)}, {product}, 1 + i % 5, {_WORDS} || md5(i::text)",
        "review_votes": f"""{turn(any_review, of("reviews", "review_votes")) if alone else any_review},
            {turn(mine(8), anybody(9))}, i % 4 > 0""",
        "wishlists": f"{mine(10)}, 'Wishes ' || i",
        "wishlist_items": f"{of('wishlists', 'wishlist_items')}, {product}",
        "notifications": f"{mine(12)}, {_WORDS} || md5(i::text), i % 3 > 0, {_TIME}",
    }
    for table in TABLES:
        if counts[table]:
            connection.execute(
                f"INSERT INTO {table} SELECT {at[table]} + i, {values[table]}"
                f" FROM generate_series(1::bigint, {counts[table]}) i".encode()
            )


def _add_keys(connection: psycopg.Connection) -> None:
    for table in ("products", *TABLES):
        connection.execute(f"ALTER TABLE {table} ADD PRIMARY KEY (id)".encode())
    connection.execute("CREATE UNIQUE INDEX people_email ON people (email)")
    for child, column, parent in REFERENCES:
        connection.execute(f"CREATE INDEX {child}_{column} ON {child} ({column})".encode())
        constraint = f"ADD CONSTRAINT {child}_{column}_fkey FOREIGN KEY ({column}) REFERENCES {parent}"
        connection.execute(f"ALTER TABLE {child} {constraint}".encode())
