"""Reading a schema from PostgreSQL's own catalogue, which every user may read."""

from itertools import takewhile
from typing import Any, get_args

import sqlalchemy

from slett.stores.errors import Denied
from slett.stores.introspect_draft import Draft
from slett.stores.schema import Check, Column, Family, ForeignKey, OnDelete, Schema

_FAMILIES: dict[str, Family] = {
    **dict.fromkeys(("int2", "int4", "int8", "oid"), "integer"),
    **dict.fromkeys(("numeric", "float4", "float8", "money"), "decimal"),
    **dict.fromkeys(("text", "varchar", "bpchar", "citext", "name", "char"), "text"),
    **dict.fromkeys(("timestamp", "timestamptz"), "timestamp"),
    **dict.fromkeys(("time", "timetz"), "time"),
    **dict.fromkeys(("json", "jsonb"), "json"),
    "uuid": "uuid",
    "bool": "boolean",
    "date": "date",
    "bytea": "binary",
}
_ON_DELETE: dict[str, OnDelete] = dict(zip("arcnd", get_args(OnDelete), strict=True))

# Every table that stands for itself, with `part`: itself and its partitions and heirs, at any depth.
_TABLES = """
WITH RECURSIVE tree(root, part) AS (
    SELECT c.oid, c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid)
  UNION
    SELECT tree.root, i.inhrelid FROM tree JOIN pg_inherits i ON i.inhparent = tree.part
)
SELECT tree.root, tree.part, n.nspname = coalesce(current_schema(), 'public'), n.nspname, c.relname,
       CASE WHEN p.relkind = 'r' THEN greatest(p.reltuples, 0)::bigint ELSE 0 END
FROM tree JOIN pg_class c ON c.oid = tree.root JOIN pg_class p ON p.oid = tree.part
     JOIN pg_namespace n ON n.oid = c.relnamespace
"""

_COLUMNS = """
WITH RECURSIVE base(type, base, typmod, required, preset) AS ( -- what a domain is made of
    SELECT oid, oid, -1, false, false FROM pg_type WHERE typtype <> 'd'
  UNION ALL
    SELECT t.oid, base.base, greatest(base.typmod, t.typtypmod), base.required OR t.typnotnull,
           base.preset OR t.typdefault IS NOT NULL
    FROM pg_type t JOIN base ON base.type = t.typbasetype WHERE t.typtype = 'd'
)
SELECT a.attrelid, a.attname, t.typname, t.typtype, t.typcategory, format_type(a.atttypid, a.atttypmod),
       NOT (a.attnotnull OR base.required), greatest(a.atttypmod, base.typmod),
       a.atthasdef OR a.attidentity <> '' OR base.preset, a.attgenerated <> '',
       (SELECT quote_ident(a.attname) || ' IN ('
               || string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) || ')'
        FROM pg_enum e WHERE e.enumtypid = t.oid),
       CASE WHEN t.typname = 'citext' THEN 'citext' WHEN l.collisdeterministic THEN '' ELSE coalesce(l.collname, '') END
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN base ON base.type = a.atttypid JOIN pg_type t ON t.oid = base.base
     LEFT JOIN pg_collation l ON l.oid = a.attcollation
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p')
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY a.attrelid, a.attnum
"""

# `keys` ends before the first expression; `touched` is every column the index depends on.
_INDEXES = """
SELECT i.indrelid, am.amname, i.indisprimary, i.indisunique, i.indpred IS NOT NULL, i.indexprs IS NOT NULL,
       ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, place)
             LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum > 0
             WHERE k.place <= i.indnkeyatts ORDER BY k.place),
       ARRAY(SELECT DISTINCT a.attname::text FROM pg_depend d
             JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
             WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
               AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid > 0)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am am ON am.oid = c.relam
     JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE i.indisvalid AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY i.indrelid, i.indexrelid
"""

_FOREIGN_KEYS = """
SELECT f.conrelid, f.confrelid, f.conname, f.confdeltype, f.condeferrable,
       ARRAY(SELECT a.attname::text FROM unnest(f.conkey) WITH ORDINALITY k(attnum, place)
             JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.attnum ORDER BY k.place),
       ARRAY(SELECT a.attname::text FROM unnest(f.confkey) WITH ORDINALITY k(attnum, place)
             JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.attnum ORDER BY k.place)
FROM pg_constraint f
WHERE f.contype = 'f' AND f.conparentid = 0
ORDER BY f.conrelid, f.conname
"""

# A domain's CHECK says VALUE where a table's names the column.
_CHECKS = """
SELECT conrelid, conname, pg_get_expr(conbin, conrelid) FROM pg_constraint WHERE contype = 'c' AND conrelid <> 0
UNION ALL
SELECT a.attrelid, d.conname, regexp_replace(pg_get_expr(d.conbin, 0), '\\mVALUE\\M', quote_ident(a.attname), 'g')
FROM pg_constraint d JOIN pg_attribute a ON a.atttypid = d.contypid AND a.attnum > 0 AND NOT a.attisdropped
WHERE d.contype = 'c' AND d.contypid <> 0
ORDER BY 1, 2
"""

# Those that fire in an ordinary session; a rule rewrites the statement, which is worse than a trigger.
_TRIGGERS = """
SELECT tgrelid, tgname, tgtype & 8 <> 0, tgtype & 4 <> 0, tgtype & 16 <> 0 FROM pg_trigger
WHERE NOT tgisinternal AND tgenabled IN ('O', 'A') AND tgtype & 28 <> 0
UNION ALL
SELECT ev_class, rulename, ev_type = '4', ev_type = '3', ev_type = '2' FROM pg_rewrite
WHERE ev_type IN ('2', '3', '4') AND ev_enabled IN ('O', 'A')
ORDER BY 1, 2
"""

# Functions and operators that statements of ours would call in place of the system's, since an exact match of types
# goes first (CVE-2018-1058). Whoever owns the schema or the database could change the rows without them.
_PLANTED = """
WITH named(oid, place, name, owner) AS (
    SELECT oid, pronamespace, proname, proowner FROM pg_proc WHERE proname = ANY(CAST(%s AS name[]))
  UNION ALL
    SELECT o.oid, o.oprnamespace, o.oprname, o.oprowner FROM pg_operator o
    WHERE EXISTS (SELECT FROM pg_operator s WHERE s.oprname = o.oprname AND s.oprnamespace = 'pg_catalog'::regnamespace)
)
SELECT n.nspname, named.name
FROM named JOIN pg_namespace n ON n.oid = named.place JOIN pg_roles r ON r.oid = named.owner
WHERE n.nspname = ANY(pg_catalog.current_schemas(false)) AND n.nspname <> 'pg_catalog' AND NOT r.rolsuper
  AND named.owner <> n.nspowner AND r.rolname <> current_user
  AND named.owner <> (SELECT datdba FROM pg_database WHERE datname = pg_catalog.current_database())
  AND NOT EXISTS (SELECT FROM pg_auth_members m JOIN pg_roles me ON me.oid = m.member
                  WHERE m.roleid = named.owner AND me.rolname = current_user)
ORDER BY 1, 2 LIMIT 1
"""
_CALLED = (
    *("array_agg", "convert_to", "count", "date_trunc", "encode", "jsonb_set", "length", "lower", "max", "min"),
    *("row_number", "set_config", "sha256", "string_agg", "substr", "unnest", "current_schema", "current_schemas"),
)


def read(connection: sqlalchemy.Connection) -> Schema:
    """Every table of every schema that is not the system's.

    Raises:
        Denied: somebody else has put a function or an operator in the way of the system's own.
    """
    if found := connection.exec_driver_sql(_PLANTED, (list(_CALLED),)).first():
        raise Denied(
            "",
            f"another account has made `{found[0]}.{found[1]}`, which would stand in for the system's own; "
            f"drop it, and let nobody create things in `{found[0]}` (REVOKE CREATE)",
        )

    def rows(query: str) -> list[Any]:
        return [tuple(row) for row in connection.exec_driver_sql(query)]

    names: dict[int, str] = {}  # of a table, and of each of its parts: the table's name
    drafts: dict[str, Draft] = {}
    whole: set[int] = set()  # the tables that are no parts
    for root, part, here, namespace, name, estimate in rows(_TABLES):
        draft = Draft(name, "" if here else namespace)
        names[part] = draft.name
        drafts.setdefault(draft.name, draft).rows += estimate
        whole.add(root)

    for table, name, base, kind, category, type_, nullable, typmod, default, generated, labels, loose in rows(_COLUMNS):
        if table in whole:
            draft = drafts[names[table]]
            family: Family = "text" if kind == "e" else "array" if category == "A" else _FAMILIES.get(base, "other")
            length = typmod - 4 if base in ("varchar", "bpchar") and typmod > 4 else None
            preset = default and not generated
            draft.columns.append(Column(name, family, type_, nullable, length, preset, generated, collation=loose))
            if labels:
                draft.checks.append(Check(name, labels))

    for table, method, primary, unique, partial, computed, keys, touched in rows(_INDEXES):
        if table in whole:
            columns = tuple(takewhile(lambda name: name is not None, keys))
            drafts[names[table]].add_index(
                columns,
                primary=primary,
                unique=unique and not (partial or computed),
                lookup=method in ("btree", "hash") and not partial,
            )
            if unique and (partial or computed):
                drafts[names[table]].unique_partly.append(tuple(touched if computed else keys))

    for table, target, name, on_delete, deferrable, columns, match in rows(_FOREIGN_KEYS):
        if table in names and target in names:
            drafts[names[table]].add_foreign_key(
                ForeignKey(name, tuple(columns), names[target], tuple(match), _ON_DELETE[on_delete], deferrable)
            )

    for table, name, text in rows(_CHECKS):
        if table in whole:
            drafts[names[table]].checks.append(Check(name, text))

    for table, name, on_delete, on_insert, on_update in rows(_TRIGGERS):
        if table in names:
            drafts[names[table]].add_triggers(name, delete=on_delete, insert=on_insert, update=on_update)

    return Schema("postgresql", {name: draft.table() for name, draft in sorted(drafts.items())})
