"""The deep look finds what is written of a person, wherever and however it is spelled, and nothing else."""

import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unicodedata import normalize
from urllib.parse import quote, quote_plus

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql

from slett.stores import postgresql as server
from slett.stores import texts
from slett.stores.reading import read_texts, row_key, text_columns
from slett.stores.schema import Dialect, Schema
from slett.stores.sql import Store
from slett.verify import Hits, Search, gather
from tests.conftest import NewDatabase
from tests.servers.databases import engine, wipe

KNOWN = (
    (0, "Ann.Æsen@x.example"),
    (1, "+47 910 27 364"),
    (2, "kvåle_99"),
    (3, "Kim O'Neil/Øk"),
    (4, "0049 30 1234567"),
    (5, "ole-b_7@x.example"),
)
NOISE = "bcdæø \\\"'\t\n\r%+/-.,{}[]\u00a0\u2028😀"  # no letter or digit that would make one of them
BEFORE = ("", " ", "<", '"', ":", "\n", "\t", "=", "/", "mailto: ", "\\n", "{")
AFTER = ("", " ", ">", '"', ";", "\n", ",", ". ", "\\r\\n", "}", "&x=")


# -- how a text may be spelled --------------------------------------------------------------------------


def shuffled(text: str, seed: random.Random) -> str:
    return "".join(seed.choice((each.lower(), each.upper())) for each in text)


def as_json(text: str, _: random.Random) -> str:
    return json.dumps(text)[1:-1]


def as_json_twice(text: str, _: random.Random) -> str:
    return json.dumps(json.dumps({"x": text}))


def as_php_json(text: str, _: random.Random) -> str:
    return json.dumps(text)[1:-1].replace("/", "\\/")


def as_url(text: str, _: random.Random) -> str:
    return f"?q={quote(text, safe='')}"


def as_form(text: str, _: random.Random) -> str:
    return f"a=%20&q={quote_plus(text)}"


def decomposed(text: str, seed: random.Random) -> str:
    return normalize("NFD", shuffled(text, seed))


SPELLINGS: tuple[Callable[[str, random.Random], str], ...] = (
    *(lambda text, _: text, shuffled, decomposed, as_json, as_json_twice, as_php_json, as_url, as_form),
)
TELEPHONES = {
    1: ("91027364", "91 02 73 64", "910-27-364", "+4791027364", "004791027364", "4791027364", "(+47) 9102\u00a07364"),
    4: ("0301234567", "+49301234567", "+49 (0)30 1234567", "49301234567"),
}
# Longer words, which are somebody else's or nobody's.
OTHERS = (
    *("jo{}", "jo.{}", "{}v", "{}.uk", "x+{}", "{}-x"),
    *("1{}", "{}1", "{}å", "å{}", "_{}"),
)


@st.composite
def written(draw: st.DrawFn) -> tuple[str, int | None]:
    """(a text, whose number is in it)."""
    around = [draw(st.text(NOISE, max_size=12)) for _ in range(2)]
    kind = draw(st.sampled_from(("noise", "noise", "planted", "telephone", "decoy")))
    seed = draw(st.randoms(use_true_random=False))
    number, text = draw(st.sampled_from(KNOWN))
    if kind == "noise":
        return around[0], None
    if kind == "decoy":
        mails = OTHERS[:6] if "@" in text else OTHERS[6:]
        if number in TELEPHONES:
            text, mails = TELEPHONES[number][0], OTHERS[6:8]
        return f"{around[0]} {draw(st.sampled_from(mails)).format(text)} {around[1]}", None
    if kind == "telephone":
        number = draw(st.sampled_from(tuple(TELEPHONES)))
        text = draw(st.sampled_from(TELEPHONES[number]))
    else:
        text = draw(st.sampled_from(SPELLINGS))(text, seed)
    before, after = draw(st.sampled_from(BEFORE)), draw(st.sampled_from(AFTER))
    return f"{around[0]} {before}{text}{after} {around[1]}", number


COLUMNS = ("plain", "short", "document", "list")
Row = dict[str, tuple[str, int | None]]
rows_of_tables = st.lists(
    st.lists(st.dictionaries(st.sampled_from(COLUMNS), written(), max_size=3), max_size=6), min_size=1, max_size=2
)


def make(url: str, dialect: Dialect, tables: list[list[Row]]) -> dict[str, dict[str, tuple[set[int], set[int]]]]:
    """Write the rows; says what must be found: table → column → (keys of rows, people)."""
    metadata = sa.MetaData()
    lists: Any = postgresql.ARRAY(sa.Text) if dialect == "postgresql" else sa.JSON
    documents: Any = postgresql.JSONB if dialect == "postgresql" else sa.JSON
    expected: dict[str, dict[str, tuple[set[int], set[int]]]] = {}
    database = engine(url)
    with database.begin() as connection:
        for place, rows in enumerate(tables):
            columns = [sa.Column("plain", sa.Text), sa.Column("short", sa.String(400))]
            columns += [sa.Column("document", documents), sa.Column("list", lists)]
            name = f'ta"ble {place}'
            table = sa.Table(name, metadata, sa.Column("id", sa.Integer, primary_key=True), *columns)
            table.create(connection)
            found = expected.setdefault(name, {})
            for key, row in enumerate(rows, 1):
                values: dict[str, Any] = {}
                for column, (text, number) in row.items():
                    deep = {"document": {"a": [1, {"b c": text}], "n": None}, "list": ["", text, "end"]}
                    values[column] = deep.get(column, text)
                    if number is not None:
                        keys, people = found.setdefault(column, (set(), set()))
                        keys.add(key)
                        people.add(number)
                connection.execute(table.insert().values(id=key, **values))
    return expected


def search(url: str, known: Any = KNOWN) -> dict[str, dict[str, Hits]]:
    """What is found: table → column."""
    found: dict[str, dict[str, Hits]] = {}
    with opened(url) as (store, schema):
        wanted = Search(gather(known)[0])
        for table in schema.tables.values():
            columns = text_columns(store, table)
            with read_texts(store, table, columns) as stream:
                found[table.name], _ = wanted.find(stream, len(row_key(store, table)), columns)
    return found


@contextmanager
def opened(url: str) -> Iterator[tuple[Store, Schema]]:
    store = Store("shop", url)
    try:
        yield store, store.read_schema()
    finally:
        store.close()


@pytest.fixture(scope="module")
def anew(dialect: Dialect, new_database: NewDatabase) -> str:
    return new_database(dialect)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables=rows_of_tables, block=st.sampled_from((1, 100, texts.BLOCK)), long=st.sampled_from((-1, server.LONG)))
def test_what_was_planted_is_found_in_its_column_and_nothing_else(
    tables: list[list[Row]], block: int, long: int, anew: str, dialect: Dialect
) -> None:
    wipe(anew)
    expected = make(anew, dialect, tables)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts, "BLOCK", block)
        patch.setattr(server, "LONG", long)  # below 0: row by row
        found = search(anew)
    assert {
        table: {name: ({int(key) for (key,) in each.keys or ()}, each.people) for name, each in columns.items()}
        for table, columns in found.items()
    } == expected
    assert all(each.rows == len(each.keys or ()) for columns in found.values() for each in columns.values())


# -- cases ----------------------------------------------------------------------------------------------


def run(url: str, *statements: str) -> None:
    with engine(url).begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def counts(url: str, known: Any = KNOWN) -> dict[tuple[str, str], int]:
    return {(table, name): each.rows for table, found in search(url, known).items() for name, each in found.items()}


def test_a_row_longer_than_a_block_is_found_to_its_end(database: str) -> None:
    kind = "longtext" if database.startswith("mariadb") else "text"
    run(database, f"CREATE TABLE notes (id int PRIMARY KEY, body {kind})")
    words = "word " * (2 * texts.BLOCK // 5)
    with engine(database).begin() as connection:
        connection.execute(
            sa.text("INSERT INTO notes VALUES (1, :body), (2, :body)"), {"body": f"{words} kvåle_99\r\n{words}KVÅLE_99"}
        )
    assert counts(database) == {("notes", "body"): 2}


def test_a_short_text_is_no_needle_and_is_counted() -> None:
    needles, short = gather([(0, "Ann"), (0, "1234"), (0, "12-34-5"), (0, " "), (1, "annika"), (2, "ANNIKA")])
    assert [each.people for each in needles] == [{1, 2}]
    assert short == 3


def test_a_needle_shows_nothing_of_itself() -> None:
    (needle,), _ = gather([(0, "kari@example.org")])
    assert "kari" not in repr(needle)


def test_what_two_people_share_is_found_for_both(database: str) -> None:
    run(database, "CREATE TABLE calls (note varchar(80))", "INSERT INTO calls VALUES ('rang 910 27 364')")
    found = search(database, [(5, "+4791027364"), (7, "91 02 73 64"), (8, "+47 910 27 365")])
    assert found["calls"]["note"].people == {5, 7}


def test_a_column_without_text_is_not_read(database: str) -> None:
    run(database, "CREATE TABLE numbers (id int PRIMARY KEY, made date)", "CREATE TABLE bare (id int PRIMARY KEY)")
    run(database, "CREATE TABLE blank (id int PRIMARY KEY, body text)", "INSERT INTO blank VALUES (1, NULL), (2, '')")
    assert counts(database) == {}


def test_a_table_of_any_name_is_read(database: str) -> None:
    quote = "`" if database.startswith("mariadb") else '"'

    def name(text: str) -> str:
        return quote + text.replace(quote, quote * 2) + quote

    table, names = "a % of it; --", ("per%cent", "%s", "col:on", 'qu"o`te', "50%%")
    columns = ", ".join(f"{name(each)} varchar(20)" for each in names)
    values = ", ".join(["'kvåle_99'"] * len(names))
    with engine(database).begin() as connection:
        cursor = connection.connection.cursor()  # where a percent sign is one
        cursor.execute(f"CREATE TABLE {name(table)} ({name('%id')} int PRIMARY KEY, {columns})")
        cursor.execute(f"INSERT INTO {name(table)} VALUES (1, {values})")
    assert counts(database) == {(table, each): 1 for each in names}


def test_rows_without_a_key_are_counted(database: str) -> None:
    run(database, "CREATE TABLE log (line text)", "INSERT INTO log VALUES ('kvåle_99 in'), ('kvåle_99 out'), ('-')")
    assert counts(database) == {("log", "line"): 2}


def test_views_partitions_and_heirs_are_not_counted_twice(postgresql_database: str) -> None:
    run(
        postgresql_database,
        "CREATE TABLE log (day date, line text) PARTITION BY RANGE (day)",
        "CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
        "CREATE TABLE log_2 PARTITION OF log DEFAULT",
        "INSERT INTO log VALUES ('2026-02-01', 'kvåle_99'), ('2020-02-01', 'kvåle_99')",
        "CREATE TABLE parent (line text)",
        "CREATE TABLE heir () INHERITS (parent)",
        "INSERT INTO heir VALUES ('kvåle_99')",
        "CREATE VIEW seen AS SELECT * FROM log",
        "CREATE MATERIALIZED VIEW copied AS SELECT * FROM log",
        "CREATE SCHEMA other",
        "CREATE TABLE other.log (line text)",
        "INSERT INTO other.log VALUES ('kvåle_99')",
    )
    assert counts(postgresql_database) == {("log", "line"): 2, ("parent", "line"): 1, ("other.log", "line"): 1}


def test_every_kind_of_text_that_postgresql_has_is_read(postgresql_database: str) -> None:
    run(
        postgresql_database,
        "CREATE DOMAIN mail AS varchar(80)",
        "CREATE TYPE card AS (name text, at mail)",
        "CREATE TYPE known AS ENUM ('kvåle_99', 'other')",
        "CREATE TABLE kinds (a char(20), b mail, c card, d known, e json, f text[][], g xml, h tsvector, i jsonb[],"
        " plain text, made text GENERATED ALWAYS AS (lower(plain)) STORED, n int[], b64 bytea)",
        "INSERT INTO kinds (a, b, c, d, e, f, g, h, i, plain) SELECT w, w,"
        " CAST(CAST(ROW('x', w) AS text) AS card), 'kvåle_99',"
        " json_build_object(w, 1), ARRAY[['', w]], xmlelement(name x, w), to_tsvector('simple', 'the ' || w),"
        " ARRAY[to_jsonb('a \"' || w || '\"'::text)], upper(w) FROM (VALUES ('kvåle_99')) v(w)",
    )
    assert {name for _, name in counts(postgresql_database)} == {*"abcdefgi", "plain"}, "h: cut into lexemes"


def test_other_character_sets_are_read(mariadb_database: str) -> None:
    run(
        mariadb_database,
        "CREATE TABLE old (id binary(16) PRIMARY KEY, body text CHARACTER SET latin1, kind SET('kvåle_99', 'b'))",
        "INSERT INTO old VALUES (x'00112233445566778899aabbccddeeff', 'Kvåle_99', 'kvåle_99,b')",
    )
    assert counts(mariadb_database) == {("old", "body"): 1, ("old", "kind"): 1}


def test_text_in_binary_columns_of_mariadb_is_read_whatever_stands_around_it(mariadb_database: str) -> None:
    run(
        mariadb_database,
        "CREATE TABLE wiki (id int PRIMARY KEY, name varbinary(255), page mediumblob, hash binary(4))",
        "INSERT INTO wiki VALUES (1, 'Kvåle_99', concat(x'00ff1e80', ' kvåle_99', x'0a00fe'), x'deadbeef'),"
        " (2, x'6b76c3', NULL, x'00000000')",
    )
    assert counts(mariadb_database) == {("wiki", "name"): 1, ("wiki", "page"): 1}


def test_a_search_that_stops_in_a_table_stops_nothing_else(database: str) -> None:
    run(database, "CREATE TABLE notes (id int PRIMARY KEY, body varchar(200))")
    with engine(database).begin() as connection:
        rows = [{"id": number, "body": "word " * 40} for number in range(20_000)]
        connection.execute(sa.text("INSERT INTO notes VALUES (:id, :body)"), [*rows, {"id": -1, "body": "kvåle_99"}])
    with opened(database) as (store, schema):
        for _ in range(2):
            with read_texts(store, schema.tables["notes"], ["body"]) as stream:
                assert next(stream.blocks)
        with read_texts(store, schema.tables["notes"], ["body"]) as stream:
            found, _ = Search(gather(KNOWN)[0]).find(stream, 1, ["body"])
    assert found["body"].keys == {("-1",)}


def test_text_in_any_column_of_sqlite_is_read_even_if_it_is_none(sqlite_database: str) -> None:
    run(
        sqlite_database,
        "CREATE TABLE loose (id INTEGER PRIMARY KEY, n INTEGER, b BLOB, t TEXT)",
        "INSERT INTO loose VALUES (1, 'kvåle_99', CAST('kvåle_99' AS BLOB), CAST(x'ff206b76c3a56c655f393900' AS TEXT))",
        "CREATE VIRTUAL TABLE found USING fts5(body)",
        "INSERT INTO found VALUES ('kvåle_99')",
    )
    assert counts(sqlite_database) == {
        **{("loose", name): 1 for name in "nbt"},
        ("found", "body"): 1,
    }
