from uuid import uuid4

import pytest

from slett.stores.errors import Denied
from slett.stores.schema import Check, ForeignKey, Trigger
from tests.stores.schemas import execute, families, schema_of, table_of


def test_other_schemas_are_named_and_the_systems_are_not_there(postgresql_database: str) -> None:
    schema = schema_of(
        postgresql_database,
        "CREATE TABLE users (id integer PRIMARY KEY)",
        "CREATE SCHEMA «Audit»",
        "CREATE TABLE «Audit».log (user_id integer REFERENCES users ON DELETE CASCADE)",
        "CREATE TEMPORARY TABLE passing (id integer)",
    )
    assert set(schema.tables) == {"users", "Audit.log"}
    assert (schema.tables["Audit.log"].schema, schema.tables["Audit.log"].plain_name) == ("Audit", "log")
    assert schema.tables["users"].schema == ""
    assert schema.tables["Audit.log"].foreign_keys == (
        ForeignKey("log_user_id_fkey", ("user_id",), "users", ("id",), "CASCADE"),
    )


def test_two_tables_of_one_name_in_two_schemas_are_kept_apart(postgresql_database: str) -> None:
    schema = schema_of(
        postgresql_database,
        "CREATE TABLE t (a integer PRIMARY KEY)",
        "CREATE SCHEMA s",
        "CREATE TABLE s.t (b integer UNIQUE)",
    )
    assert schema.tables["t"].primary_key == ("a",)
    assert (schema.tables["s.t"].primary_key, schema.tables["s.t"].unique) == ((), (("b",),))


def test_partitions_are_part_of_their_parent(postgresql_database: str) -> None:
    schema = schema_of(
        postgresql_database,
        "CREATE TABLE users (id integer PRIMARY KEY)",
        "CREATE TABLE t (id integer, user_id integer REFERENCES users ON DELETE CASCADE, PRIMARY KEY (id))"
        " PARTITION BY RANGE (id)",
        "CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (0) TO (100)",
        "CREATE TABLE t_2 PARTITION OF t FOR VALUES FROM (100) TO (200) PARTITION BY RANGE (id)",
        "CREATE TABLE t_2_1 PARTITION OF t_2 FOR VALUES FROM (100) TO (200)",
        "INSERT INTO t (id) SELECT generate_series(0, 199)",
        "ANALYZE t, t_1, t_2_1",
    )
    assert set(schema.tables) == {"users", "t"}
    table = schema.tables["t"]
    assert table.primary_key == ("id",)
    assert table.rows == 200
    assert table.foreign_keys == (ForeignKey("t_user_id_fkey", ("user_id",), "users", ("id",), "CASCADE"),)


def test_what_only_a_partition_refers_to_is_told_of_its_parent(postgresql_database: str) -> None:
    table = table_of(
        postgresql_database,
        "CREATE TABLE users (id integer PRIMARY KEY)",
        "CREATE TABLE t (id integer, user_id integer) PARTITION BY RANGE (id)",
        "CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (0) TO (100)",
        "ALTER TABLE t_1 ADD CONSTRAINT f FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE",
    )
    assert table.foreign_keys == (ForeignKey("f", ("user_id",), "users", ("id",), "CASCADE"),)


def test_heirs_are_part_of_what_they_inherit_from(postgresql_database: str) -> None:
    schema = schema_of(
        postgresql_database,
        "CREATE TABLE users (id integer PRIMARY KEY)",
        "CREATE TABLE t (id integer PRIMARY KEY, user_id integer REFERENCES users)",
        "CREATE TABLE t_2025 (UNIQUE (user_id), FOREIGN KEY (user_id) REFERENCES users) INHERITS (t)",
    )
    assert set(schema.tables) == {"users", "t"}
    assert len(schema.tables["t"].foreign_keys) == 1
    assert schema.tables["t"].unique == ()


def test_a_foreign_key_to_a_partitioned_table_is_one(postgresql_database: str) -> None:
    schema = schema_of(
        postgresql_database,
        "CREATE TABLE p (id integer PRIMARY KEY) PARTITION BY RANGE (id)",
        "CREATE TABLE p_1 PARTITION OF p FOR VALUES FROM (0) TO (100)",
        "CREATE TABLE t (p_id integer REFERENCES p ON DELETE CASCADE)",
    )
    assert [key.table for key in schema.tables["t"].foreign_keys] == ["p"]


def test_deferrable_and_not_valid_foreign_keys_count(postgresql_database: str) -> None:
    table = table_of(
        postgresql_database,
        "CREATE TABLE p (id integer PRIMARY KEY)",
        "CREATE TABLE t (a integer REFERENCES p DEFERRABLE INITIALLY DEFERRED, b integer DEFAULT 1)",
        "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (b) REFERENCES p ON DELETE SET DEFAULT NOT VALID",
    )
    assert table.foreign_keys == (
        ForeignKey("f", ("b",), "p", ("id",), "SET DEFAULT"),
        ForeignKey("t_a_fkey", ("a",), "p", ("id",), "NO ACTION", deferrable=True),
    )


def test_columns_are_found_by_name_after_one_was_dropped(postgresql_database: str) -> None:
    table = table_of(
        postgresql_database,
        "CREATE TABLE p (x integer, id integer PRIMARY KEY)",
        "ALTER TABLE p DROP COLUMN x",
        "CREATE TABLE t (gone integer, a integer REFERENCES p)",
        "ALTER TABLE t DROP COLUMN gone",
        "CREATE INDEX ON t (a)",
    )
    assert [c.name for c in table.columns] == ["a"]
    assert table.indexes == (("a",),)
    assert table.foreign_keys[0].match == ("id",)


def test_triggers_and_rules(postgresql_database: str) -> None:
    table = table_of(
        postgresql_database,
        "CREATE TABLE p (id integer PRIMARY KEY)",
        "CREATE TABLE t (id integer PRIMARY KEY, p_id integer REFERENCES p ON DELETE CASCADE)",
        "CREATE TABLE archive (id integer)",
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
        "CREATE TRIGGER rows_gone AFTER DELETE ON t FOR EACH ROW EXECUTE FUNCTION f()",
        "CREATE TRIGGER at_all BEFORE INSERT OR UPDATE OR DELETE ON t FOR EACH STATEMENT EXECUTE FUNCTION f()",
        "CREATE TRIGGER newcomers AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
        "CREATE TRIGGER asleep AFTER DELETE ON t FOR EACH ROW EXECUTE FUNCTION f()",
        "ALTER TABLE t DISABLE TRIGGER asleep",
        "CREATE RULE kept AS ON DELETE TO t DO ALSO INSERT INTO archive VALUES (old.id)",
    )
    assert set(table.triggers) == {
        Trigger("rows_gone", "DELETE"),
        Trigger("at_all", "DELETE"),
        Trigger("at_all", "INSERT"),
        Trigger("at_all", "UPDATE"),
        Trigger("newcomers", "INSERT"),
        Trigger("kept", "DELETE"),
    }


def test_a_trigger_of_a_partition_is_told_of_its_parent_once(postgresql_database: str) -> None:
    table = table_of(
        postgresql_database,
        "CREATE TABLE t (id integer) PARTITION BY RANGE (id)",
        "CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (0) TO (100)",
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
        "CREATE TRIGGER every AFTER DELETE ON t FOR EACH ROW EXECUTE FUNCTION f()",
        "CREATE TRIGGER one AFTER DELETE ON t_1 FOR EACH ROW EXECUTE FUNCTION f()",
    )
    assert sorted(trigger.name for trigger in table.triggers) == ["every", "one"]


def test_partial_and_computed_unique_indexes_are_listed_apart(postgresql_database: str) -> None:
    table = table_of(
        postgresql_database,
        "CREATE TABLE t (email text, org integer, name text, active boolean)",
        "CREATE UNIQUE INDEX ON t (lower(email))",
        "CREATE UNIQUE INDEX ON t (org) WHERE active",
        "CREATE UNIQUE INDEX ON t (org, upper(name))",
    )
    assert table.unique == ()
    assert {frozenset(columns) for columns in table.unique_partly} == {
        frozenset({"email"}),
        frozenset({"org"}),
        frozenset({"org", "name"}),
    }


def test_only_what_finds_rows_by_equality_is_an_index(postgresql_database: str) -> None:
    table = table_of(
        postgresql_database,
        "CREATE TABLE t (a integer, b integer, tags text[], c integer, d integer)",
        "CREATE INDEX ON t (a) INCLUDE (d)",
        "CREATE INDEX ON t (b, lower(c::text), d)",
        "CREATE INDEX ON t (c) WHERE a > 3",
        "CREATE INDEX ON t USING gin (tags)",
        "CREATE INDEX ON t USING brin (d)",
        "CREATE INDEX ON t USING hash (d)",
    )
    assert set(table.indexes) == {("a",), ("b",), ("d",)}


def test_families_of_types(postgresql_database: str) -> None:
    table = table_of(
        postgresql_database,
        "CREATE TYPE mood AS ENUM ('glad', 'it''s fine')",
        "CREATE DOMAIN email AS varchar(80) NOT NULL CHECK (VALUE LIKE '%@%')",
        """CREATE TABLE t (a smallint, b bigserial, c numeric(10, 2), d real, e text, f char(5), g varchar,
            h mood, i uuid, j boolean, k date, l timestamp, m timestamptz, n time, o bytea, p json, q jsonb,
            r text[], s inet, u interval, v email, w email[], x varchar(7))""",
    )
    assert families(table) == {
        **dict.fromkeys("ab", "integer"),
        **dict.fromkeys("cd", "decimal"),
        **dict.fromkeys("efghvx", "text"),
        "i": "uuid",
        "j": "boolean",
        "k": "date",
        **dict.fromkeys("lm", "timestamp"),
        "n": "time",
        "o": "binary",
        **dict.fromkeys("pq", "json"),
        **dict.fromkeys("rw", "array"),
        **dict.fromkeys("su", "other"),
    }
    assert {c.name: c.length for c in table.columns if c.length} == {"f": 5, "v": 80, "x": 7}
    assert [c.name for c in table.columns if not c.nullable] == ["b", "v"]
    assert [c.type for c in table.columns if c.name in "hrvx"] == [
        "mood",
        "text[]",
        "email",
        "character varying(7)",
    ]
    assert table.checks == (
        Check("h", "h IN ('glad', 'it''s fine')"),
        Check("email_check", "((v)::text ~~ '%@%'::text)"),
    )


def test_citext_is_text_where_the_extension_is(postgresql_database: str) -> None:
    execute(
        postgresql_database,
        # The extension is a package of its own on some systems; a domain of that name reads the same.
        "DO $$ BEGIN CREATE EXTENSION citext; EXCEPTION WHEN OTHERS THEN CREATE DOMAIN citext AS text; END $$",
    )
    assert families(table_of(postgresql_database, "CREATE TABLE t (email citext)")) == {"email": "text"}


def test_identity_and_serial_columns_have_a_default(postgresql_database: str) -> None:
    table = table_of(
        postgresql_database,
        "CREATE TABLE t (a serial, b integer GENERATED ALWAYS AS IDENTITY, c integer)",
    )
    assert [(c.name, c.default, c.generated) for c in table.columns] == [
        ("a", True, False),
        ("b", True, False),
        ("c", False, False),
    ]


@pytest.mark.parametrize(
    ("planted", "name"),
    [
        ("CREATE FUNCTION lower(varchar) RETURNS text LANGUAGE sql AS $$ SELECT 'somebody' $$", "lower"),
        ("CREATE OPERATOR = (leftarg = varchar, rightarg = varchar, function = alike)", "="),
    ],
)
def test_what_a_stranger_plants_among_the_systems_functions_stops_everything(
    postgresql_database: str, planted: str, name: str
) -> None:
    """An `=` that is always true took away everybody's rows, and the second look found nothing left."""
    stranger = f"stranger_{uuid4().hex}"
    execute(
        postgresql_database,
        "CREATE TABLE users (id integer PRIMARY KEY, email varchar(80))",
        "CREATE FUNCTION alike(varchar, varchar) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$",
        planted,  # by whom the database belongs to
        f"CREATE ROLE {stranger}",
    )
    assert set(schema_of(postgresql_database).tables) == {"users"}
    try:
        kind = "FUNCTION lower(varchar)" if name == "lower" else "OPERATOR = (varchar, varchar)"
        execute(
            postgresql_database, f"GRANT CREATE ON SCHEMA public TO {stranger}", f"ALTER {kind} OWNER TO {stranger}"
        )
        with pytest.raises(Denied, match=f"has made `public.{name}`"):
            schema_of(postgresql_database)
    finally:
        execute(postgresql_database, f"DROP OWNED BY {stranger}", f"DROP ROLE {stranger}")
    assert set(schema_of(postgresql_database).tables) == {"users"}
