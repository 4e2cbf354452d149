from slett.stores.schema import Check, ForeignKey, Trigger
from tests.stores.schemas import families, schema_of, table_of


def test_a_foreign_key_without_columns_means_the_primary_key(sqlite_database: str) -> None:
    table = table_of(
        sqlite_database,
        "CREATE TABLE Parent (x integer, y integer, PRIMARY KEY (y, x))",
        "CREATE TABLE t (a integer, b integer, FOREIGN KEY (a, b) REFERENCES parent)",
    )
    assert table.foreign_keys == (ForeignKey("t_a_b_fkey", ("a", "b"), "Parent", ("y", "x")),)


def test_a_foreign_key_to_a_table_that_is_not_there_is_kept(sqlite_database: str) -> None:
    table = table_of(sqlite_database, "CREATE TABLE t (a integer REFERENCES ghosts, b integer REFERENCES t (A))")
    assert [(key.table, key.match) for key in table.foreign_keys] == [("t", ("A",)), ("ghosts", ())]


def test_names_and_deferral_of_foreign_keys_come_from_the_text(sqlite_database: str) -> None:
    table = table_of(
        sqlite_database,
        """CREATE TABLE t ( -- REFERENCES nothing DEFERRABLE
            id integer PRIMARY KEY,
            a integer CONSTRAINT fa REFERENCES t (id) DEFERRABLE INITIALLY DEFERRED,
            «references» text DEFAULT 'x REFERENCES y (z) DEFERRABLE',
            b integer REFERENCES t ON DELETE SET NULL NOT DEFERRABLE,
            c integer CHECK (c IN (1, 2)),
            CONSTRAINT fc FOREIGN KEY (c) REFERENCES t (id) ON DELETE CASCADE)""",
    )
    assert set(table.foreign_keys) == {
        ForeignKey("fa", ("a",), "t", ("id",), deferrable=True),
        ForeignKey("t_b_fkey", ("b",), "t", ("id",), "SET NULL"),
        ForeignKey("fc", ("c",), "t", ("id",), "CASCADE"),
    }
    assert table.checks == (Check("t_check_1", "c IN (1, 2)"),)


def test_types_are_free_text(sqlite_database: str) -> None:
    table = table_of(
        sqlite_database,
        """CREATE TABLE t (a INT, b UNSIGNED BIG INT, c DECIMAL(10, 2), d DOUBLE PRECISION, e CLOB, f CHAR(5),
            g character varying (9), i UUID, j bool, k DATE, l datetime, n TIME, o BLOB, p JSON, q, r TINYINT(1),
            s text CHECK ((JSON_VALID(«s») OR s IS NULL)), u VARCHAR)""",
    )
    assert families(table) == {
        **dict.fromkeys("ab", "integer"),
        **dict.fromkeys("cd", "decimal"),
        **dict.fromkeys("efgu", "text"),
        "i": "uuid",
        **dict.fromkeys("jr", "boolean"),
        "k": "date",
        "l": "timestamp",
        "n": "time",
        "o": "binary",
        **dict.fromkeys("ps", "json"),
        "q": "other",
    }
    assert {c.name: c.length for c in table.columns if c.length} == {"f": 5, "g": 9}


def test_an_integer_primary_key_is_never_null_and_numbers_itself(sqlite_database: str) -> None:
    table = table_of(sqlite_database, "CREATE TABLE t (id INTEGER PRIMARY KEY, a INT)")
    (column, _) = table.columns
    assert (column.nullable, column.default, table.indexes) == (False, True, (("id",),))


def test_any_other_primary_key_may_be_null(sqlite_database: str) -> None:
    table = table_of(sqlite_database, "CREATE TABLE t (id TEXT PRIMARY KEY)")
    assert table.columns[0].nullable
    assert (table.primary_key, table.indexes, table.unique) == (("id",), (("id",),), ())


def test_a_table_without_rowid_has_its_key(sqlite_database: str) -> None:
    table = table_of(
        sqlite_database,
        "CREATE TABLE t (a TEXT, b INT, PRIMARY KEY (b, a)) WITHOUT ROWID",
        "INSERT INTO t VALUES ('x', 1), ('y', 1)",
    )
    assert (table.primary_key, table.indexes, table.rows) == (("b", "a"), (("b", "a"),), 2)
    assert not any(column.nullable for column in table.columns)


def test_rows_are_counted_where_nobody_analysed(sqlite_database: str) -> None:
    table = table_of(
        sqlite_database,
        "CREATE TABLE t (id integer PRIMARY KEY)",
        "INSERT INTO t VALUES (7), (8), (9000000000000)",
    )
    assert table.rows == 3


def test_large_tables_are_estimated_by_their_row_numbers(sqlite_database: str) -> None:
    table = table_of(
        sqlite_database,
        "CREATE TABLE t (id integer PRIMARY KEY)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 120000) INSERT INTO t SELECT i FROM n",
    )
    assert table.rows == 120_000


def test_triggers(sqlite_database: str) -> None:
    table = table_of(
        sqlite_database,
        "CREATE TABLE t (id integer)",
        "CREATE TRIGGER «delete» AFTER UPDATE OF id ON t BEGIN SELECT 1; END",
        "CREATE TRIGGER gone /* INSERT */ BEFORE DELETE ON t BEGIN INSERT INTO t VALUES (1); END",
        "CREATE TRIGGER came AFTER INSERT ON t BEGIN DELETE FROM t; END",
    )
    assert set(table.triggers) == {
        Trigger("delete", "UPDATE"),
        Trigger("gone", "DELETE"),
        Trigger("came", "INSERT"),
    }


def test_partial_and_computed_unique_indexes_are_listed_apart(sqlite_database: str) -> None:
    table = table_of(
        sqlite_database,
        "CREATE TABLE t (email text, org integer, active boolean)",
        "CREATE UNIQUE INDEX a ON t (org, lower(email))",
        "CREATE UNIQUE INDEX b ON t (org) WHERE active",
        "CREATE INDEX c ON t (active) WHERE active",
    )
    assert table.unique == ()
    assert {frozenset(columns) for columns in table.unique_partly} == {
        frozenset({"email", "org"}),
        frozenset({"org"}),
    }
    assert table.indexes == (("org",),)


def test_a_search_table_is_one_table(sqlite_database: str) -> None:
    schema = schema_of(sqlite_database, "CREATE VIRTUAL TABLE search USING fts5(body)")
    assert list(schema.tables) == ["search"]
    assert [column.name for column in schema.tables["search"].columns] == ["body"]
