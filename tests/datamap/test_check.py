"""The check as a whole: every mistake at once, in order, and no mistake stops it."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from slett.datamap.check import check_map
from slett.datamap.load import load_text
from slett.stores.schema import Dialect, Schema, Table
from tests.datamap.tables import TODAY, found, key, table

MAP = """
slett: 1
stores:
  shop:
    url: x
    tables:
      users:
        {root: true, identifiers: {email: email}, disable: {active: false}, action: delete, omit: [secret]}
      orders:
        references: [{column: user_id, to: users}, {column: guest, identifier: email}]
        action: keep
        basis: law
        until: {column: placed, add: 5 years}
        columns: [id]
        anonymise: {name: "(deleted)", zip: {prefix: 2}, code: {template: "x{id}"}, born: {cut: year}}
      items:
        {references: [{columns: [order_id], to: orders}], action: keep, basis: law, until: {as: orders}}
      notes:
        references:
          - {column: author_id, to: users, when: {kind: user}}
          - {column: parent_id, to: notes, kind: mention}
          - {column: about_id, to: users, kind: mention, set: 0, anonymise: {about_name: null}}
        action: anonymise
        anonymise: {text: {hash: true}}
      albums:
        references: [{column: id, to: members, match: album_id, kind: shared}]
      members:
        {references: [{column: user_id, to: users}], action: delete, triggers: [touch]}
      events:
        {references: [{column: payload, path: user.id, to: users}], action: delete}
"""
TABLES = (
    table("users", "id integer, email text, active boolean, secret text", unique=["email"], rows=50_000),
    table("orders", "id integer, user_id integer?, guest text?, placed date, name text, zip text, code text(9),"
          " born date", key("user_id", "users"), unique=["code"], checks=["name <> ''"]),
    table("items", "id integer, order_id integer", key("order_id", "orders", on_delete="CASCADE")),
    table("notes", "id integer, author_id integer, kind text, parent_id integer?, about_id integer, about_name text?,"
          " text text(38)", key("parent_id", "notes"), key("about_id", "users")),
    table("albums", "id integer, cover_id integer", key("cover_id", "notes")),
    table("members", "id integer, album_id integer, user_id integer",
          key("album_id", "albums"), key("user_id", "users")),
    table("events", "id integer, payload json", rows=1_000_000),
)  # fmt: skip
DIALECTS: tuple[Dialect, ...] = ("postgresql", "mariadb", "sqlite")
COLUMNS = [(each.name, column.name) for each in TABLES for column in each.columns]


def test_everything_is_reported_at_once_in_the_order_of_the_file() -> None:
    users = table("users", "id integer, email text", unique=["email"])
    notes = table("notes", "id integer, user_id integer", key("user_id", "users", on_delete="CASCADE"))
    text = (
        "users: {root: true, action: delete, omit: [frist]}, "
        "notes: {action: delete}, "
        "nots: {references: [{column: user_id, to: usrs}], action: keep}"
    )
    problems = found(text, users, notes)
    assert [problem.code for problem in problems] == [
        "unknown-column", "cascade", "no-path", "unknown-table", "unknown-table", "keep-without-basis",
        "keep-without-until",
    ]  # fmt: skip
    places = [(problem.place.line, problem.place.column) for problem in problems]
    assert places == sorted(places)


def test_a_store_that_could_not_be_read_is_not_compared() -> None:
    assert check_map(load_text(MAP), {}, TODAY) == []


@given(
    st.sets(st.sampled_from(COLUMNS)),
    st.sets(st.sampled_from([each.name for each in TABLES])),
    st.sampled_from(DIALECTS),
)
def test_no_difference_between_map_and_schema_stops_the_check(
    lost: set[tuple[str, str]], gone: set[str], dialect: Dialect
) -> None:
    tables = {each.name: _without(each, lost) for each in TABLES if each.name not in gone}
    datamap = load_text(MAP)
    problems = check_map(datamap, {"shop": Schema(dialect, tables)}, TODAY)
    assert all(problem.message and problem.hint for problem in problems)
    assert problems == check_map(datamap, {"shop": Schema(dialect, dict(reversed(tables.items())))}, TODAY)


def _without(full: Table, lost: set[tuple[str, str]]) -> Table:
    return replace(full, columns=tuple(column for column in full.columns if (full.name, column.name) not in lost))
