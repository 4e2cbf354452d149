"""What every database's schema is read as. What only one has: `test_introspect_<dialect>.py`."""

from unittest import mock

import pytest
import sqlalchemy

from slett.stores.introspect import read_schema
from slett.stores.schema import Dialect, Schema
from tests.conftest import NewDatabase
from tests.servers.databases import dialect_of, engine
from tests.stores.schemas import execute, schema_of, table_of


def test_an_empty_database_has_no_tables(database: str) -> None:
    assert schema_of(database) == Schema(dialect_of(database), {})


def test_a_view_is_not_a_table(database: str) -> None:
    schema = schema_of(database, "CREATE TABLE t (id integer)", "CREATE VIEW v AS SELECT * FROM t")
    assert list(schema.tables) == ["t"]


def test_columns_keep_their_order_and_say_what_they_may_hold(database: str) -> None:
    table = table_of(
        database,
        "CREATE TABLE t (id integer PRIMARY KEY, name varchar(40) NOT NULL, note text, age integer DEFAULT 3)",
    )
    assert [(c.name, c.family, c.nullable, c.length) for c in table.columns] == [
        ("id", "integer", False, None),
        ("name", "text", False, 40),
        ("note", "text", True, None),
        ("age", "integer", True, None),
    ]
    assert [c.name for c in table.columns if c.default and c.name != "id"] == ["age"]


def test_the_columns_of_a_primary_key_come_in_the_order_of_the_key(database: str) -> None:
    table = table_of(database, "CREATE TABLE t (a integer NOT NULL, b integer NOT NULL, c integer, PRIMARY KEY (b, a))")
    assert table.primary_key == ("b", "a")
    assert table.indexes == (("b", "a"),)
    assert table.unique == ()


def test_a_table_without_a_primary_key_has_none(database: str) -> None:
    table = table_of(database, "CREATE TABLE t (a integer)")
    assert table.primary_key == ()
    assert table.indexes == ()


def test_unique_constraints_and_unique_indexes_are_the_same(database: str) -> None:
    table = table_of(
        database,
        "CREATE TABLE t (id integer PRIMARY KEY, a integer, b integer, c integer, UNIQUE (b, a))",
        "CREATE UNIQUE INDEX by_c ON t (c)",
    )
    assert set(table.unique) == {("b", "a"), ("c",)}
    assert set(table.indexes) == {("id",), ("b", "a"), ("c",)}
    assert table.unique_partly == ()


def test_the_columns_of_an_index_come_in_its_order(database: str) -> None:
    table = table_of(database, "CREATE TABLE t (a integer, b integer, c integer)", "CREATE INDEX i ON t (c, a DESC)")
    assert table.indexes == (("c", "a"),)
    assert table.unique == ()


def test_foreign_keys_say_what_a_delete_does(database: str) -> None:
    table = table_of(
        database,
        "CREATE TABLE p (id integer PRIMARY KEY)",
        """CREATE TABLE t (a integer, b integer, c integer, d integer,
            CONSTRAINT fa FOREIGN KEY (a) REFERENCES p (id) ON DELETE CASCADE,
            CONSTRAINT fb FOREIGN KEY (b) REFERENCES p (id) ON DELETE SET NULL,
            CONSTRAINT fc FOREIGN KEY (c) REFERENCES p (id) ON DELETE RESTRICT,
            CONSTRAINT fd FOREIGN KEY (d) REFERENCES p (id) ON DELETE NO ACTION)""",
    )
    assert {(key.name, key.columns, key.table, key.match, key.on_delete) for key in table.foreign_keys} == {
        ("fa", ("a",), "p", ("id",), "CASCADE"),
        ("fb", ("b",), "p", ("id",), "SET NULL"),
        ("fc", ("c",), "p", ("id",), "RESTRICT"),
        ("fd", ("d",), "p", ("id",), "NO ACTION"),
    }


def test_a_composite_foreign_key_pairs_its_columns(database: str) -> None:
    table = table_of(
        database,
        "CREATE TABLE p (x integer NOT NULL, y integer NOT NULL, PRIMARY KEY (x, y))",
        "CREATE TABLE t (c integer, b integer, a integer, CONSTRAINT f FOREIGN KEY (c, a) REFERENCES p (x, y))",
    )
    (key,) = table.foreign_keys
    assert (key.columns, key.match) == (("c", "a"), ("x", "y"))


def test_a_table_may_refer_to_itself(database: str) -> None:
    table = table_of(
        database,
        "CREATE TABLE t (id integer PRIMARY KEY, parent integer, FOREIGN KEY (parent) REFERENCES t (id))",
    )
    assert [(key.table, key.columns) for key in table.foreign_keys] == [("t", ("parent",))]


def test_two_foreign_keys_from_one_column_are_two(database: str) -> None:
    table = table_of(
        database,
        "CREATE TABLE p (id integer PRIMARY KEY)",
        "CREATE TABLE q (id integer PRIMARY KEY)",
        "CREATE TABLE t (a integer, FOREIGN KEY (a) REFERENCES p (id), FOREIGN KEY (a) REFERENCES q (id))",
    )
    assert {key.table for key in table.foreign_keys} == {"p", "q"}


def test_names_may_be_anything(database: str) -> None:
    schema = schema_of(
        database,
        "CREATE TABLE «order» («select» integer PRIMARY KEY, «E-mail» varchar(20) UNIQUE)",
        "CREATE TABLE «my-Table x» (id integer PRIMARY KEY, «the user» integer,"
        " FOREIGN KEY («the user») REFERENCES «order» («select») ON DELETE CASCADE)",
        "CREATE INDEX «an index» ON «my-Table x» («the user»)",
    )
    assert set(schema.tables) == {"order", "my-Table x"}
    assert schema.tables["order"].unique == (("E-mail",),)
    (key,) = schema.tables["my-Table x"].foreign_keys
    assert (key.columns, key.table, key.match) == (("the user",), "order", ("select",))
    assert schema.tables["my-Table x"].is_indexed(("the user",))


def test_generated_columns_are_told_apart_from_defaults(database: str) -> None:
    table = table_of(
        database,
        "CREATE TABLE t (a integer DEFAULT 1, b integer GENERATED ALWAYS AS (a + 1) STORED, c integer)",
    )
    assert [(c.name, c.generated, c.default) for c in table.columns] == [
        ("a", False, True),
        ("b", True, False),
        ("c", False, False),
    ]


def test_check_constraints_are_read(database: str) -> None:
    table = table_of(database, "CREATE TABLE t (age integer, CONSTRAINT grown CHECK (age > 17))")
    (check,) = table.checks
    assert check.name == "grown"
    assert "age" in check.text
    assert "> 17" in check.text
    assert "CHECK" not in check.text


def test_a_table_never_analysed_or_empty_has_an_estimate_that_is_no_error(database: str) -> None:
    assert table_of(database, "CREATE TABLE t (id integer PRIMARY KEY)").rows == 0


def test_the_estimate_of_rows_is_near_once_the_database_has_looked(database: str) -> None:
    analyze = {"mariadb": "ANALYZE TABLE t"}.get(dialect_of(database), "ANALYZE")
    execute(database, "CREATE TABLE t (id integer PRIMARY KEY)")
    execute(database, "INSERT INTO t VALUES " + ", ".join(f"({number})" for number in range(500)))
    assert 400 <= table_of(database, analyze).rows <= 600


def test_the_number_of_queries_does_not_grow_with_the_tables(dialect: Dialect, new_database: NewDatabase) -> None:
    """Except on SQLite, which has no other way to count rows, and no network either."""
    assert queries_to_read(new_database(dialect), 1) == queries_to_read(new_database(dialect), 60) <= 8


def queries_to_read(url: str, tables: int) -> int:
    """How many queries it takes to read that many tables; counting rows apart."""
    execute(url, *(f"CREATE TABLE t{number} (id integer PRIMARY KEY)" for number in range(tables)))
    statements: list[str] = []
    with engine(url).connect() as connection:
        sqlalchemy.event.listen(connection, "before_cursor_execute", lambda *args: statements.append(args[2]))
        assert len(read_schema(connection).tables) == tables
    return sum("count(*)" not in statement for statement in statements)


def test_another_kind_of_database_is_refused_by_name() -> None:
    connection = mock.Mock(sqlalchemy.Connection, dialect=mock.Mock())
    connection.dialect.name = "oracle"
    with pytest.raises(ValueError, match="oracle"):
        read_schema(connection)
