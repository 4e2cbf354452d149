"""Every row of a database, before and after: the plainest way to see what an erasure did."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql

Row = Mapping[str, object]
Snapshot = Mapping[str, Mapping[str, Row]]  # table → key → row
_TABLES = """
    SELECT c.oid, c.oid::regclass::text, n.nspname, c.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
    AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 2
"""
_KEY = """
    SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
    WHERE i.indisprimary AND i.indrelid = %s ORDER BY a.attnum
"""


@dataclass(frozen=True)
class Difference:
    """What one snapshot has and another has not."""

    removed: Mapping[str, Mapping[str, Row]]
    added: Mapping[str, Mapping[str, Row]]
    changed: Mapping[str, Mapping[str, Mapping[str, tuple[object, object]]]]  # table → key → column → (before, after)

    def counts(self) -> dict[str, str]:
        """One line a table: `-2` rows went, `+1` came, `~3 email,phone`: three rows changed in these columns."""
        lines: dict[str, str] = {}
        for table in sorted({*self.removed, *self.added, *self.changed}):
            columns = sorted({column for row in self.changed.get(table, {}).values() for column in row})
            parts = [
                f"-{len(self.removed[table])}" if table in self.removed else "",
                f"+{len(self.added[table])}" if table in self.added else "",
                f"~{len(self.changed[table])} {','.join(columns)}" if table in self.changed else "",
            ]
            lines[table] = " ".join(filter(None, parts))
        return lines


def snapshot(url: str) -> Snapshot:
    """Every row of every table, by its primary key (by its whole content where there is none)."""
    with psycopg.connect(url, options="-c TimeZone=UTC") as connection:
        tables = connection.execute(_TABLES).fetchall()
        return {name: _rows(connection, sql.Identifier(schema, table), oid) for oid, name, schema, table in tables}


def _rows(connection: psycopg.Connection, table: sql.Identifier, oid: int) -> dict[str, Row]:
    key = [column for (column,) in connection.execute(_KEY, [oid])]
    seen: Counter[str] = Counter()
    rows: dict[str, Row] = {}
    for (row,) in connection.execute(sql.SQL("SELECT to_jsonb(t) FROM {} AS t").format(table)):
        name = json.dumps([row[column] for column in key] or row, sort_keys=True)
        seen[name] += 1
        rows[name if seen[name] == 1 else f"{name} #{seen[name]}"] = row
    return rows


def difference(before: Snapshot, after: Snapshot) -> Difference:
    """What went, what came and what changed, table by table; tables without a difference are left out."""
    removed: dict[str, dict[str, Row]] = {}
    added: dict[str, dict[str, Row]] = {}
    changed: dict[str, dict[str, dict[str, tuple[object, object]]]] = {}
    for table in {*before, *after}:
        old, new = before.get(table, {}), after.get(table, {})
        if gone := {key: old[key] for key in old.keys() - new.keys()}:
            removed[table] = gone
        if came := {key: new[key] for key in new.keys() - old.keys()}:
            added[table] = came
        both = {key: _changes(old[key], new[key]) for key in old.keys() & new.keys() if old[key] != new[key]}
        if both:
            changed[table] = both
    return Difference(removed, added, changed)


def _changes(old: Row, new: Row) -> dict[str, tuple[object, object]]:
    columns = [*old, *(column for column in new if column not in old)]
    return {c: (old.get(c), new.get(c)) for c in columns if old.get(c) != new.get(c)}


def traces(rows: Snapshot, marks: Iterable[str]) -> Mapping[str, int]:
    """In how many rows each `table.column` holds one of these texts, letter case aside.

    This knows nothing of keys or maps, so it finds what both forgot. Compressed or encrypted values escape it.
    """
    wanted = [mark.casefold() for mark in marks]
    found: Counter[str] = Counter()
    for table, its in rows.items():
        for row in its.values():
            for column, value in row.items():
                text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                text = _bytes_as_text(text).casefold()
                if any(mark in text for mark in wanted):
                    found[f"{table}.{column}"] += 1
    return dict(sorted(found.items()))


def _bytes_as_text(text: str) -> str:
    """A `bytea` comes as hexadecimal digits."""
    if not text.startswith("\\x"):
        return text
    return bytes.fromhex(text[2:]).decode("utf-8", "replace")
