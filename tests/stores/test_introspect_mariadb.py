import pytest

from slett.stores.schema import Check, ForeignKey, Trigger
from tests.conftest import NewDatabase
from tests.stores.schemas import execute, families, schema_of, table_of


def test_a_foreign_key_from_another_database_is_seen(new_database: NewDatabase) -> None:
    ours, theirs = new_database("mariadb"), new_database("mariadb")
    here, there = (url.rpartition("/")[2] for url in (ours, theirs))
    execute(ours, "CREATE TABLE users (id integer PRIMARY KEY)")
    execute(
        theirs,
        f"CREATE TABLE logins (id integer PRIMARY KEY, user_id integer,"
        f" CONSTRAINT f FOREIGN KEY (user_id) REFERENCES {here}.users (id) ON DELETE CASCADE)",
        "CREATE TABLE hits (login_id integer, FOREIGN KEY (login_id) REFERENCES logins (id))",
        "CREATE TABLE unrelated (id integer)",
    )
    schema = schema_of(ours)
    assert set(schema.tables) == {"users", f"{there}.logins", f"{there}.hits"}
    assert schema.tables[f"{there}.logins"].foreign_keys == (
        ForeignKey("f", ("user_id",), "users", ("id",), "CASCADE"),
    )
    assert schema.tables[f"{there}.hits"].foreign_keys[0].table == f"{there}.logins"
    assert schema.tables[f"{there}.logins"].primary_key == ("id",)
    assert {name: table.schema for name, table in schema.tables.items()} == {
        "users": "",
        f"{there}.logins": there,
        f"{there}.hits": there,
    }


def test_a_foreign_key_into_another_database_names_it(new_database: NewDatabase) -> None:
    ours, theirs = new_database("mariadb"), new_database("mariadb")
    there = theirs.rpartition("/")[2]
    execute(theirs, "CREATE TABLE country (id integer PRIMARY KEY)")
    schema = schema_of(ours, f"CREATE TABLE t (c integer, FOREIGN KEY (c) REFERENCES {there}.country (id))")
    assert set(schema.tables) == {"t"}
    assert schema.tables["t"].foreign_keys[0].table == f"{there}.country"


def test_triggers(mariadb_database: str) -> None:
    table = table_of(
        mariadb_database,
        "CREATE TABLE t (id integer)",
        "CREATE TABLE archive (id integer)",
        "CREATE TRIGGER gone AFTER DELETE ON t FOR EACH ROW INSERT INTO archive VALUES (old.id)",
        "CREATE TRIGGER changed BEFORE UPDATE ON t FOR EACH ROW SET new.id = old.id",
        "CREATE TRIGGER came AFTER INSERT ON t FOR EACH ROW INSERT INTO archive VALUES (new.id)",
    )
    assert set(table.triggers) == {
        Trigger("gone", "DELETE"),
        Trigger("changed", "UPDATE"),
        Trigger("came", "INSERT"),
    }


def test_families_of_types(mariadb_database: str) -> None:
    table = table_of(
        mariadb_database,
        """CREATE TABLE t (a tinyint, b bigint unsigned, c decimal(10, 2), d double, e longtext, f char(5),
            h enum('a', 'b'), i uuid, j boolean, k date, l datetime(6), m timestamp, n time, o blob,
            p json, q inet6, r varchar(7), s bit(1), u binary(16), v year, w set('x', 'y'))""",
    )
    assert families(table) == {
        **dict.fromkeys("abv", "integer"),
        **dict.fromkeys("cd", "decimal"),
        **dict.fromkeys("efhr", "text"),
        "i": "uuid",
        **dict.fromkeys("js", "boolean"),
        "k": "date",
        **dict.fromkeys("lm", "timestamp"),
        "n": "time",
        **dict.fromkeys("ou", "binary"),
        "p": "json",
        **dict.fromkeys("qw", "other"),
    }
    assert {c.name: c.length for c in table.columns if c.length} == {"f": 5, "r": 7}
    assert table.checks == (Check("h", "`h` IN ('a','b')"),)


def test_an_automatic_number_is_a_default(mariadb_database: str) -> None:
    table = table_of(
        mariadb_database,
        "CREATE TABLE t (id integer AUTO_INCREMENT PRIMARY KEY, a integer NULL DEFAULT NULL,"
        " b varchar(9) DEFAULT 'NULL', v integer GENERATED ALWAYS AS (a) VIRTUAL)",
    )
    assert [(c.name, c.default, c.generated) for c in table.columns] == [
        ("id", True, False),
        ("a", False, False),
        ("b", True, False),
        ("v", False, True),
    ]


def test_which_tables_have_transactions(mariadb_database: str) -> None:
    schema = schema_of(
        mariadb_database,
        "CREATE TABLE old (id integer PRIMARY KEY) ENGINE = MyISAM",
        "CREATE TABLE safe (id integer PRIMARY KEY) ENGINE = Aria",
        "CREATE TABLE now (id integer PRIMARY KEY)",
        "CREATE TABLE parts (id integer PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 2",
    )
    assert {name: each.transactions for name, each in schema.tables.items()} == {
        "old": False,
        "safe": False,
        "now": True,
        "parts": True,
    }


def test_a_partitioned_table_is_one(mariadb_database: str) -> None:
    schema = schema_of(
        mariadb_database,
        "CREATE TABLE t (id integer PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 4",
    )
    assert list(schema.tables) == ["t"]
    assert schema.tables["t"].indexes == (("id",),)


def test_a_fulltext_index_finds_nothing_by_equality(mariadb_database: str) -> None:
    table = table_of(
        mariadb_database, "CREATE TABLE t (a text, b varchar(300), FULLTEXT (a), UNIQUE (b(40)), KEY (a(10), b))"
    )
    assert table.unique == (("b",),)
    assert set(table.indexes) == {("b",), ("a", "b")}


def as_user(url: str, privileges: str) -> str:
    """The URL for a new user who has these on the database of `url`."""
    name = url.rpartition("/")[2]
    execute(url, f"CREATE USER {name}@'127.0.0.1'", f"GRANT {privileges} ON {name}.* TO {name}@'127.0.0.1'")
    return url.replace("slett@", f"{name}@")


@pytest.mark.parametrize("privileges", ["SELECT", "SELECT, INSERT, UPDATE, DELETE", "ALL PRIVILEGES"])
def test_whoever_may_read_sees_what_a_delete_does(mariadb_database: str, privileges: str) -> None:
    """Though information_schema hides the rule from a user who may only read."""
    execute(
        mariadb_database,
        "CREATE TABLE p (id integer PRIMARY KEY)",
        "CREATE TABLE «%s» (a integer, b integer,"
        " CONSTRAINT «a%key» FOREIGN KEY (a) REFERENCES p (id) ON DELETE SET NULL,"
        " CONSTRAINT other FOREIGN KEY (b) REFERENCES p (id) ON UPDATE CASCADE)",
    )
    table = schema_of(as_user(mariadb_database, privileges)).tables["%s"]
    assert {(key.name, key.on_delete) for key in table.foreign_keys} == {("a%key", "SET NULL"), ("other", "RESTRICT")}


def test_a_user_who_may_delete_sees_the_triggers(mariadb_database: str) -> None:
    execute(
        mariadb_database,
        "CREATE TABLE t (id integer)",
        "CREATE TRIGGER gone AFTER DELETE ON t FOR EACH ROW SET @gone = old.id",
    )
    assert table_of(as_user(mariadb_database, "SELECT, DELETE")).triggers == (Trigger("gone", "DELETE"),)
