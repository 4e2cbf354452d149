"""Reading a schema from SQLite: its pragmas, and for what those leave out, the text of CREATE TABLE."""

import re
from collections.abc import Callable, Mapping
from itertools import groupby, takewhile
from operator import itemgetter
from typing import Any

import sqlalchemy

from slett.stores.introspect_draft import Draft
from slett.stores.introspect_sqlite_text import names_in, read_constraints, trigger_event
from slett.stores.schema import Check, Column, Family, ForeignKey, Schema

# The declared type is free text: the first word of these that it holds decides.
_FAMILIES: tuple[tuple[str, Family], ...] = (
    ("BOOL", "boolean"),
    ("TINYINT(1)", "boolean"),
    ("UUID", "uuid"),
    ("JSON", "json"),
    ("INTERVAL", "other"),
    ("POINT", "other"),
    ("INT", "integer"),
    ("CHAR", "text"),
    ("CLOB", "text"),
    ("TEXT", "text"),
    ("STRING", "text"),
    ("ENUM", "text"),
    ("BLOB", "binary"),
    ("BINARY", "binary"),
    ("DATETIME", "timestamp"),
    ("TIMESTAMP", "timestamp"),
    ("DATE", "date"),
    ("TIME", "time"),
    ("REAL", "decimal"),
    ("FLOA", "decimal"),
    ("DOUB", "decimal"),
    ("DEC", "decimal"),
    ("NUM", "decimal"),
)
_COUNTED = 100_000  # rows counted one by one at most, where no ANALYZE has left an estimate

_TABLES = """
SELECT t.name, t.type, t.wr, m.sql FROM pragma_table_list t JOIN sqlite_master m ON m.name = t.name AND m.type = 'table'
WHERE t.schema = 'main' AND t.type IN ('table', 'virtual') AND t.name NOT GLOB 'sqlite_*' ORDER BY t.name
"""
_COLUMNS = """
SELECT t.name, c.name, c.type, c."notnull", c.dflt_value IS NOT NULL, c.pk, c.hidden
FROM pragma_table_list t JOIN pragma_table_xinfo(t.name) c
WHERE t.schema = 'main' AND t.type IN ('table', 'virtual') AND c.hidden <> 1 ORDER BY t.name, c.cid
"""
_INDEXES = """
SELECT t.name, i.name, i.origin, i."unique", i.partial, m.sql, c.name
FROM pragma_table_list t JOIN pragma_index_list(t.name) i JOIN pragma_index_xinfo(i.name) c
     LEFT JOIN sqlite_master m ON m.type = 'index' AND m.name = i.name
WHERE t.schema = 'main' AND t.type = 'table' AND c.key ORDER BY t.name, i.name, c.seqno
"""
_FOREIGN_KEYS = """
SELECT t.name, f.id, f."table", f.on_delete, f."from", f."to"
FROM pragma_table_list t JOIN pragma_foreign_key_list(t.name) f
WHERE t.schema = 'main' AND t.type = 'table' ORDER BY t.name, f.id, f.seq
"""
_TRIGGERS = "SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY tbl_name, name"
_LENGTH = re.compile(r"\((\d+)\)")
_JSON = re.compile(r"""json_valid\s*\(\s*["`\[]?(.+?)["`\]]?\s*\)""", re.IGNORECASE)


def read(connection: sqlalchemy.Connection) -> Schema:
    """Every table of the main file; virtual tables too, but not the shadow tables they are made of."""

    def rows(query: str) -> list[Any]:
        return [tuple(row) for row in connection.exec_driver_sql(query)]

    tables = rows(_TABLES)
    drafts = {name: Draft(name) for name, *_ in tables}
    written = {name: read_constraints(sql) for name, type_, _, sql in tables if type_ == "table"}

    for name, constraints in written.items():
        for number, (check, text) in enumerate(constraints.checks, 1):
            drafts[name].checks.append(Check(check or f"{name}_check_{number}", text))
    for name, group in groupby(rows(_COLUMNS), key=itemgetter(0)):
        if name in drafts:
            collations = written[name].collations if name in written else {}
            _add_columns(drafts[name], [row[1:] for row in group], collations)
    for (name, _), group in groupby(rows(_INDEXES), key=itemgetter(0, 1)):
        if name in drafts:
            _add_index(drafts[name], [row[2:] for row in group])
    for name, group in groupby(rows(_FOREIGN_KEYS), key=itemgetter(0)):
        _add_foreign_keys(drafts, drafts[name], [row[1:] for row in group], written[name].foreign_keys)
    for table, name, sql in rows(_TRIGGERS):
        event = trigger_event(sql)
        if table in drafts:
            drafts[table].add_triggers(
                name, delete=event == "DELETE", insert=event == "INSERT", update=event == "UPDATE"
            )

    analysed = rows("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'")
    estimates = dict(rows("SELECT tbl, max(CAST(stat AS INTEGER)) FROM sqlite_stat1 GROUP BY 1") if analysed else ())
    for name, type_, without_rowid, _ in tables:
        if name in estimates:
            drafts[name].rows = estimates[name]
        elif type_ == "table":
            drafts[name].rows = _count(rows, name, bool(without_rowid))
    return Schema("sqlite", {name: draft.table() for name, draft in drafts.items()})


def _add_columns(draft: Draft, found: list[Any], collations: Mapping[str, str]) -> None:
    json = {match[1].lower() for check in draft.checks for match in _JSON.finditer(check.text)}
    draft.primary_key = tuple(row[0] for row in sorted(found, key=itemgetter(4)) if row[4])
    for name, type_, required, default, _, hidden in found:
        rowid = draft.primary_key == (name,) and type_.upper() == "INTEGER"
        if rowid:  # it is the table's own tree, and no index is listed for it
            draft.indexes.append((name,))
        family = _family(type_)
        length = _LENGTH.search(type_) if family == "text" else None
        draft.columns.append(
            Column(
                name,
                "json" if name.lower() in json and family == "text" else family,
                type_,
                nullable=not (required or rowid),
                length=int(length[1]) if length else None,
                default=bool(default) or rowid,
                generated=hidden != 0,
                collation=collations.get(name.lower(), "BINARY"),
            )
        )


def _family(type_: str) -> Family:
    declared = type_.upper().replace(" ", "")
    return next((family for word, family in _FAMILIES if word in declared), "other")


def _add_index(draft: Draft, found: list[Any]) -> None:
    origin, unique, partial, sql, _ = found[0]
    names = [row[4] for row in found]
    columns = tuple(takewhile(lambda name: name is not None, names))
    whole = len(columns) == len(names) and not partial
    draft.add_index(columns, primary=origin == "pk", unique=bool(unique) and whole, lookup=not partial)
    if unique and not whole:
        mentioned = names_in(sql, [column.name for column in draft.columns])
        draft.unique_partly.append(mentioned if None in names else columns)


def _add_foreign_keys(
    drafts: dict[str, Draft], draft: Draft, found: list[Any], written: list[tuple[str, bool]]
) -> None:
    """Those of one table. SQLite numbers them from the last one written to the first."""
    actual = {name.lower(): name for name in drafts}
    for number, group in groupby(found, key=itemgetter(0)):
        parts = list(group)
        table = actual.get(parts[0][1].lower(), parts[0][1])
        columns = tuple(row[3] for row in parts)
        match = tuple(row[4] for row in parts)
        if None in match:
            match = drafts[table].primary_key if table in drafts else ()
        name, deferrable = written[-1 - number]
        draft.add_foreign_key(
            ForeignKey(name or f"{draft.name}_{'_'.join(columns)}_fkey", columns, table, match, parts[0][2], deferrable)
        )


def _count(rows: Callable[[str], list[Any]], name: str, without_rowid: bool) -> int:
    quoted = '"' + name.replace('"', '""') + '"'
    counted = int(rows(f"SELECT count(*) FROM (SELECT 1 FROM {quoted} LIMIT {_COUNTED})")[0][0])  # noqa: S608 - quoted
    if counted < _COUNTED or without_rowid:
        return counted
    span = rows(f"SELECT max(rowid) - min(rowid) + 1 FROM {quoted}")[0][0]  # noqa: S608 - quoted
    return max(counted, int(span))
