"""Tables of every column type that a database has, with the values that break readers; and a dump to compare them by.

A value is the text of a SQL expression. The dump is not made the way Slett reads: PostgreSQL's binary format, MariaDB's
checksum over the stored bytes beside hexadecimal digits, and SQLite's values with their storage classes.
"""

import sqlite3
import struct
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import psycopg
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from slett.stores.schema import Dialect
from tests.servers.databases import dialect_of, engine

Values = SearchStrategy[str]
PIECES = ("", " ", "\\", "\\N", "\\.", "\t", "\n", "\r\n", "'", '"', "''", "%", "%s", ":x", ",", "(", "{", "NULL", "0")
MORE = ("é", "ß", "\u200d", "漢", "🙂", "\x01", "\x1a", "\x7f", "x" * 3000, "),\n(0,1")


def _text(pieces: Sequence[str], most: int = 100_000) -> SearchStrategy[str]:
    return st.lists(st.sampled_from(pieces), max_size=6).map("".join).map(lambda text: text[:most])


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _of(*values: str) -> Values:
    return st.sampled_from(values).map(_quoted)


FLOATS = st.floats(allow_nan=False, allow_infinity=False)
SINGLES = st.floats(allow_nan=False, allow_infinity=False, width=32)
BYTES = st.binary(max_size=300) | st.just(bytes(range(256)))
ANY_TEXT = _text((*PIECES, *MORE)) | st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20
)

POSTGRESQL: dict[str, Values] = {
    "smallint": st.sampled_from(["-32768", "32767", "0"]),
    "bigint": st.sampled_from(["-9223372036854775808", "9223372036854775807", "0"]),
    "numeric": _of("NaN", "Infinity", "-Infinity", "1e-200", "0.000", "-12345678901234567890.5", "9" * 300),
    "numeric(8,3)": _of("-99999.999", "0.100", "NaN"),
    "real": SINGLES.map(lambda each: f"'{each!r}'::real") | _of("NaN", "Infinity", "-0", "1e-45", "3.4028235e38"),
    "double precision": FLOATS.map(lambda each: f"'{each!r}'") | _of("NaN", "-Infinity", "-0", "5e-324", "0.1"),
    "money": _of("-92233720368547758.08", "0.01"),
    "text": ANY_TEXT.map(_quoted),
    "varchar(50)": _text((*PIECES, *MORE), 50).map(_quoted),
    "char(7)": _text(PIECES, 7).map(_quoted),
    '"char"': _of("", "x", "\\"),
    "bytea": BYTES.map(lambda each: f"'\\x{each.hex()}'"),
    "boolean": st.sampled_from(["true", "false"]),
    "date": _of("infinity", "-infinity", "4713-01-01 BC", "5874897-12-31", "2020-02-29"),
    "timestamp": _of("infinity", "4713-01-01 00:00:00 BC", "294276-12-31 23:59:59.999999", "2026-10-25 02:30:00.1"),
    "timestamptz": _of(
        "infinity", "4713-01-01 00:00:00+00 BC", "1883-11-18 12:03:58-04:56:02", "2026-10-25 00:30:00+00"
    ),
    "time": _of("24:00:00", "00:00:00.000001"),
    "timetz": _of("24:00:00-15:59", "04:05:06.789+02"),
    "interval": _of(
        "-1 year 2 mons -3 days 04:05:06.789", "178000000 years", "-178000000 years", "0", "00:00:00.000001"
    ),
    "uuid": _of("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    "json": _of('{"a" :  1,"a":2, "b\\u0041": "\\\\"}', "null", '"\\ud83d\\ude42"', " [1.10, 1e3] "),
    "jsonb": _of('{"a": 1.10, "b": null}', "null", '"\\\\N"', "[]"),
    "text[]": _of(
        "{}", '{NULL,null,"NULL",""}', '{"a\\\\b","c\\"d","{e}","f,g","\\t"}', "{{1,2},{3,4}}", "[0:1]={a,b}"
    ),
    "int4range": _of("empty", "[1,5)", "(,)", "[3,]"),
    "tstzrange": _of('["2026-10-25 00:30:00+00",infinity)', "empty"),
    "int4multirange": _of("{}", "{[1,3),[5,7)}"),
    "inet": _of("::ffff:1.2.3.4/128", "10.0.0.1/8"),
    "macaddr": _of("08:00:2b:01:02:03"),
    "bit(5)": st.sampled_from(["B'00000'", "B'10101'"]),
    "bit varying": st.sampled_from(["B''", "B'1'", f"B'{'10' * 70}'"]),
    "point": _of("(0.1,-1e300)", "(NaN,Infinity)"),
    "polygon": _of("((0,0),(1,0.1),(1e-300,1))"),
    "path": _of("[(0,0),(1,1)]", "((0,0),(1,1))"),
    "tsvector": _of("'a''b':1A 'c\\\\':2", ""),
    "tsquery": _of("'a' & !'b c'"),
    "xml": _of("<a>&lt; é</a>", "text"),
    "pg_lsn": _of("FFFFFFFF/FFFFFFFF"),
    "mood": _of("so-so", "it's \\ bad", "GOOD"),
    "pair": st.sampled_from(["ROW(1, NULL)", "ROW(NULL, '')", "ROW(2, E'a,\"(\\\\')"]).map(
        lambda each: f"{each}::pair"
    ),
    "pair[]": st.just("ARRAY[ROW(1, 'a'), NULL]::pair[]"),
    "positive": st.sampled_from(["1", "2147483647"]),
}
POSTGRESQL_TYPES = (
    "CREATE TYPE mood AS ENUM ('so-so', 'it''s \\ bad', 'GOOD')",
    "CREATE TYPE pair AS (a integer, b text)",
    "CREATE DOMAIN positive AS integer CHECK (value > 0)",
)

LATIN = st.binary(max_size=40).map(bytes.hex)


def _hex(text: str) -> str:
    return f"_utf8mb4 X'{text.encode().hex()}'"


MARIADB: dict[str, Values] = {
    "tinyint": st.sampled_from(["-128", "127"]),
    "bigint": st.sampled_from(["-9223372036854775808", "9223372036854775807"]),
    "bigint unsigned": st.sampled_from(["0", "18446744073709551615"]),
    "int(9) unsigned zerofill": st.sampled_from(["0", "7"]),
    "decimal(65,30)": st.sampled_from(["-" + "9" * 35 + "." + "9" * 30, "0.000000000000000000000000000001", "0"]),
    "decimal(6,2)": st.sampled_from(["-9999.99", "0.10"]),
    "float": SINGLES.map(lambda each: f"{each!r}e0" if "e" not in repr(each) else repr(each)),
    "double": FLOATS.map(lambda each: f"{each!r}e0" if "e" not in repr(each) else repr(each)),
    "float(9,3)": st.sampled_from(["0.1", "-123456.789"]),
    "double(20,4)": st.sampled_from(["0.1", "-1234567890123456.7891"]),
    "bit(1)": st.sampled_from(["b'0'", "b'1'"]),
    "bit(64)": st.sampled_from(["b'0'", "18446744073709551615", "b'1010'"]),
    "char(10)": _text((*PIECES, "é", "🙂"), 10).map(_hex),
    "varchar(60)": _text((*PIECES, *MORE), 60).map(_hex),
    "varchar(40) character set latin1": LATIN.map(lambda each: f"_latin1 X'{each}'"),
    "varchar(40) character set ascii": _text(PIECES, 40).map(_hex),
    "varchar(40) character set utf16": _text((*PIECES, "é", "🙂"), 20).map(_hex),
    "varchar(40) character set cp932": st.sampled_from(["82A0", "815C", "ED40", "FA5C", "5C", "83585C", ""]).map(
        lambda each: f"_cp932 X'{each}'"
    ),
    "text": ANY_TEXT.map(_hex),
    "longtext": ANY_TEXT.map(_hex) | st.just("repeat('\\'\\\\', 200000)"),
    "json": st.sampled_from(['{"a" :  1,"a":2}', "null", '"\\\\N"', '["🙂"]']).map(_hex),
    "binary(5)": st.binary(max_size=5).map(lambda each: f"X'{each.hex()}'"),
    "varbinary(300)": BYTES.map(lambda each: f"X'{each.hex()}'"),
    "blob": BYTES.map(lambda each: f"X'{each.hex()}'"),
    "enum('a','it''s','\\\\','é')": st.sampled_from(["a", "it's", "\\", "é"]).map(_hex),
    "set('x','y z','ü')": st.sampled_from(["", "x", "x,y z,ü"]).map(_hex),
    "date": _of("0000-00-00", "2020-00-15", "9999-12-31", "1000-01-01", "2020-02-31"),
    "datetime(6)": _of("0000-00-00 00:00:00", "9999-12-31 23:59:59.999999", "2026-10-25 02:30:00.1"),
    "datetime": _of("2020-00-00 00:00:00", "1000-01-01 00:00:00"),
    "timestamp(6) null": st.sampled_from(["1792888200.5", "1792891800.5", "0.000001", "2147483647.999999"]).map(
        lambda each: f"from_unixtime({each})"
    )
    | _of("0000-00-00 00:00:00"),
    "time(6)": _of("-838:59:59.999999", "838:59:59.999999", "00:00:00.000001"),
    "year": st.sampled_from(["'0000'", "1901", "2155"]),
    "uuid": _of("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    "inet6": _of("::ffff:1.2.3.4", "fe80::1"),
    "point": st.sampled_from(["ST_GeomFromText('POINT(0.1 -1e300)', 4326)", "ST_GeomFromText('POINT(0 0)')"]),
    "geometry": st.sampled_from(
        ["ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))')", "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2))', 7)"]
    ),
}

ANYTHING = (
    st.sampled_from(["9223372036854775807", "-9223372036854775808", "0", "9e999", "-9e999", "-0.0", "0.1", "1.0"])
    | FLOATS.map(repr)
    | (ANY_TEXT.map(str.encode) | BYTES).map(lambda each: f"CAST(X'{each.hex()}' AS TEXT)")
    | BYTES.map(lambda each: f"X'{each.hex()}'")
    | _of("1", "1.0", " 1", "1e3", "2020-01-01")
)
SQLITE: dict[str, Values] = dict.fromkeys(
    ("INTEGER", "TEXT", "BLOB", "REAL", "NUMERIC", "", "DATE", "BOOLEAN", "VARCHAR(3)", "JSON"), ANYTHING
)
TYPES: dict[Dialect, dict[str, Values]] = {"postgresql": POSTGRESQL, "mariadb": MARIADB, "sqlite": SQLITE}


def dump(url: str, table: str) -> list[Any]:
    """Everything in a table, whatever the order of its rows."""
    match dialect_of(url):
        case "postgresql":
            read = f"COPY (SELECT * FROM {table}) TO STDOUT (FORMAT binary)".encode()
            with psycopg.connect(url) as connection, connection.cursor() as cursor, cursor.copy(read) as copy:
                return sorted(bytes(block).removeprefix(b"PGCOPY\n\xff\r\n\0" + bytes(8)) for block in copy)
        case "mariadb":
            with engine(url).connect() as connection:
                names = [row[0] for row in connection.exec_driver_sql(f"SHOW COLUMNS FROM {table}")]
                hexed = ", ".join(f"hex(concat(`{name}`, ''))" for name in names)
                rows = [tuple(row) for row in connection.exec_driver_sql(f"SELECT {hexed} FROM {table}")]
                checksum = connection.exec_driver_sql(f"CHECKSUM TABLE {table} EXTENDED").one()[1]
                return [checksum, *sorted(rows, key=repr)]
        case "sqlite":
            with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
                connection.text_factory = bytes
                names = [row[1].decode() for row in connection.execute(f"PRAGMA table_info({table})")]
                classes = ", ".join(f'typeof("{name}"), "{name}"' for name in names)
                rows = connection.execute(f"SELECT {classes} FROM {table}").fetchall()
                return sorted(tuple(map(_exact, row)) for row in rows)
    raise AssertionError(url)


def _exact(value: Any) -> str:
    return struct.pack(">d", value).hex() if isinstance(value, float) else repr(value)
