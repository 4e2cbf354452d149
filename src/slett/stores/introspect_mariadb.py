"""Reading a schema from MariaDB's (and MySQL's) information_schema, which shows what the user may use, and no more."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby, takewhile
from operator import itemgetter
from typing import Any, cast, get_args

import sqlalchemy

from slett.stores.introspect_draft import Draft
from slett.stores.schema import Check, Column, Family, ForeignKey, OnDelete, Schema

_FAMILIES: dict[str, Family] = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "bigint", "year"), "integer"),
    **dict.fromkeys(("decimal", "float", "double"), "decimal"),
    **dict.fromkeys(("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum"), "text"),
    **dict.fromkeys(("datetime", "timestamp"), "timestamp"),
    **dict.fromkeys(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), "binary"),
    "uuid": "uuid",
    "date": "date",
    "time": "time",
    "json": "json",
}

# Joined here and not by the server, which has no index to do it with.
_FOREIGN_KEYS = """
SELECT table_schema, table_name, constraint_name, column_name, referenced_table_schema, referenced_table_name,
       referenced_column_name
FROM information_schema.key_column_usage
WHERE referenced_table_name IS NOT NULL
  AND table_schema NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')
ORDER BY table_schema, table_name, constraint_name, ordinal_position
"""
_ON_DELETE = """
SELECT constraint_schema, table_name, constraint_name, delete_rule FROM information_schema.referential_constraints
"""

_TABLES = """
SELECT table_name, table_rows, engine IN (SELECT engine FROM information_schema.engines WHERE transactions = 'YES')
FROM information_schema.tables
WHERE table_schema = %(database)s AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') ORDER BY table_name
"""
_COLUMNS = """
SELECT table_name, column_name, data_type, column_type, is_nullable = 'YES', character_maximum_length,
       coalesce(column_default, 'NULL') <> 'NULL' OR extra LIKE '%%auto_increment%%',
       coalesce(generation_expression, '') <> '', extra LIKE '%%on update%%', coalesce(collation_name, '')
FROM information_schema.columns WHERE table_schema = %(database)s ORDER BY table_name, ordinal_position
"""
_INDEXES = """
SELECT table_name, index_name, non_unique = 0, index_type IN ('BTREE', 'HASH'), column_name
FROM information_schema.statistics WHERE table_schema = %(database)s ORDER BY table_name, index_name, seq_in_index
"""
_CHECKS = """
SELECT table_name, constraint_name, check_clause FROM information_schema.check_constraints
WHERE constraint_schema = %(database)s ORDER BY table_name, constraint_name
"""
_CHECKS_OF_MYSQL = """
SELECT t.table_name, c.constraint_name, c.check_clause
FROM information_schema.check_constraints c JOIN information_schema.table_constraints t
  ON t.constraint_schema = c.constraint_schema AND t.constraint_name = c.constraint_name
WHERE c.constraint_schema = %(database)s ORDER BY t.table_name, c.constraint_name
"""
_TRIGGERS = """
SELECT event_object_table, trigger_name, event_manipulation
FROM information_schema.triggers
WHERE event_object_schema = %(database)s
ORDER BY event_object_table, trigger_name
"""

_JSON = re.compile(r"json_valid\(`((?:[^`]|``)+)`\)")

_Place = tuple[str, str]  # database, table
_Rows = Callable[..., list[Any]]


@dataclass(frozen=True)
class _Link:
    """A foreign key, wherever on the server it is."""

    source: _Place
    target: _Place
    name: str
    on_delete: OnDelete
    columns: tuple[str, ...]
    match: tuple[str, ...]


def read(connection: sqlalchemy.Connection) -> Schema:
    """Every table of this database, and those of others that refer to one of them, directly or through others."""

    def rows(query: str, **parameters: str) -> list[Any]:
        return [tuple(row) for row in connection.exec_driver_sql(query, parameters)]

    here: str = rows("SELECT coalesce(database(), '')")[0][0]
    links = _read_links(rows)
    wanted = {link.target for link in links if link.target[0] == here}
    while more := {link.source for link in links if link.target in wanted} - wanted:
        wanted |= more

    checks = _CHECKS if getattr(connection.dialect, "is_mariadb", True) else _CHECKS_OF_MYSQL
    drafts: dict[_Place, Draft] = {}
    for database in sorted({here, *(database for database, _ in wanted)}):
        for table, draft in _read_database(rows, database, checks).items():
            if database == here or (database, table) in wanted:
                draft.schema = "" if database == here else database
                drafts[database, table] = draft

    def name_of(place: _Place) -> str:
        return place[1] if place[0] == here else ".".join(place)

    for link in links:
        if link.source in drafts:
            drafts[link.source].add_foreign_key(
                ForeignKey(link.name, link.columns, name_of(link.target), link.match, link.on_delete)
            )
    return Schema("mariadb", {draft.name: draft.table() for draft in drafts.values()})


def _read_links(rows: _Rows) -> list[_Link]:
    rules = {(schema, table, name): rule for schema, table, name, rule in rows(_ON_DELETE)}
    links = []
    for (schema, table, name), group in groupby(rows(_FOREIGN_KEYS), key=itemgetter(0, 1, 2)):
        columns, schemas, tables, match = zip(*(row[3:] for row in group), strict=True)
        rule = rules.get((schema, table, name)) or _written_rule(rows, schema, table, name)
        links.append(_Link((schema, table), (schemas[0], tables[0]), name, rule, columns, match))
    return links


def _written_rule(rows: _Rows, schema: str, table: str, name: str) -> OnDelete:
    """What ON DELETE does, from the text of the table: all that a user who may only read is shown."""
    ((_, text),) = rows(f"SHOW CREATE TABLE {_quote(schema)}.{_quote(table)}".replace("%", "%%"))
    clause = re.search(rf"CONSTRAINT {re.escape(_quote(name))} FOREIGN KEY .*", text)
    rule = re.search(rf" ON DELETE ({'|'.join(get_args(OnDelete))})", clause[0]) if clause else None
    return cast(OnDelete, rule[1]) if rule else "RESTRICT"


def _quote(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _read_database(rows: _Rows, database: str, checks: str) -> dict[str, Draft]:
    """Every table of one database, by its bare name, without the foreign keys."""
    drafts = {
        name: Draft(name, rows=estimate or 0, transactions=transactions != 0)
        for name, estimate, transactions in rows(_TABLES, database=database)
    }

    json = set()
    for table, name, text in rows(checks, database=database):
        if spelling := _JSON.fullmatch(text):  # how MariaDB writes the type JSON
            json.add((table, spelling[1].replace("``", "`")))
        elif table in drafts:
            drafts[table].checks.append(Check(name, text))

    for table, name, base, type_, nullable, length, *so, collation in rows(_COLUMNS, database=database):
        if table in drafts:
            family = "json" if (table, name) in json else _family(base, type_)
            default, generated, stamped = map(bool, so)
            limit = length if base in ("char", "varchar", "tinytext") else None
            column = Column(name, family, type_, bool(nullable), limit, default, generated, stamped, collation)
            drafts[table].columns.append(column)
            if base == "enum":
                drafts[table].checks.append(Check(name, f"{_quote(name)} IN {type_.removeprefix('enum')}"))

    for (table, name, unique, lookup), group in groupby(rows(_INDEXES, database=database), key=itemgetter(0, 1, 2, 3)):
        keys = [row[4] for row in group]
        columns = tuple(takewhile(lambda column: column is not None, keys))
        drafts[table].add_index(
            columns,
            primary=name == "PRIMARY",
            unique=bool(unique) and len(columns) == len(keys),  # MySQL's expressions have no column
            lookup=bool(lookup),
        )

    for table, name, event in rows(_TRIGGERS, database=database):
        if table in drafts:
            drafts[table].add_triggers(
                name, delete=event == "DELETE", insert=event == "INSERT", update=event == "UPDATE"
            )
    return drafts


def _family(base: str, type_: str) -> Family:
    if type_.startswith("tinyint(1)") or type_ == "bit(1)":
        return "boolean"
    return _FAMILIES.get(base, "other")
