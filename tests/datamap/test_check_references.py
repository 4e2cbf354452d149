"""Whether every reference leads to a person, and to nobody else."""

from dataclasses import replace

import pytest

from slett.datamap.check import check_map
from slett.datamap.load import load_text
from slett.stores.schema import Schema
from tests.datamap.tables import ROOT, TODAY, USERS, codes, found, key, table

NOTES = table("notes", "id integer, user_id integer?", key("user_id", "users"))
LINES = table("lines", "id integer, note_id integer?", key("note_id", "notes"))


def test_a_table_that_says_nothing_of_whose_its_rows_are_has_no_path() -> None:
    logs = table("logs", "id integer")
    assert codes(ROOT + "logs: {action: delete}", USERS, logs) == ["no-path"]


def test_a_reference_to_a_table_that_is_not_mapped_has_no_path() -> None:
    shops = table("shops", "id integer")
    goods = table("goods", "id integer, shop_id integer")
    text = ROOT + "goods: {references: [{column: shop_id, to: shops}], action: delete}"
    assert codes(text, USERS, shops, goods) == ["no-path"]


def test_a_chain_that_passes_a_mention_leads_to_nobodys_own_rows() -> None:
    text = (
        ROOT + "notes: {references: [{column: user_id, to: users, kind: mention}]}, "
        "lines: {references: [{column: note_id, to: notes}], action: delete}"
    )
    assert codes(text, USERS, NOTES, LINES) == ["no-path"]


def test_a_chain_leads_through_shared_rows() -> None:
    text = (
        ROOT + "notes: {references: [{column: user_id, to: users, kind: shared}]}, "
        "lines: {references: [{column: note_id, to: notes}], action: delete}"
    )
    assert codes(text, USERS, NOTES, LINES) == []


def test_two_tables_that_refer_to_each_other_only_have_no_path() -> None:
    one, two = table("one", "id integer, two_id integer?"), table("two", "id integer, one_id integer?")
    text = (
        ROOT + "one: {references: [{column: two_id, to: two}], action: delete}, "
        "two: {references: [{column: one_id, to: one}], action: delete}"
    )
    assert codes(text, USERS, one, two) == ["no-path", "no-path"]


def test_an_identifier_must_be_declared_by_a_root() -> None:
    orders = table("orders", "id integer, guest text")
    text = ROOT + "orders: {references: [{column: guest, identifier: emial}], action: delete}"
    [problem] = found(text, USERS, orders)
    assert (problem.code, problem.hint) == ("unknown-identifier", "did you mean `email`?")


COMPOSITE = (
    table("orders", "shop integer, no integer, user_id integer", key("user_id", "users"), primary_key="shop no"),
    table("items", "id integer, shop integer, order_no integer", key("shop order_no", "orders", "shop no")),
)
ORDERS = ROOT + "orders: {references: [{column: user_id, to: users}], action: delete}, "


@pytest.mark.parametrize(
    "entry",
    [
        "column: order_no, to: orders",
        "columns: [shop, order_no], to: orders, match: no",
        "columns: [shop, order_no], identifier: email",
        "columns: [shop, order_no], to: orders, match: [shop, no], kind: mention, set: [0]",
    ],
)
def test_a_reference_has_as_many_columns_on_both_sides(entry: str) -> None:
    assert "column-count" in codes(ORDERS + f"items: {{references: [{{{entry}}}], action: delete}}", USERS, *COMPOSITE)


def test_a_composite_reference_is_written_whole() -> None:
    text = ORDERS + "items: {references: [{columns: [shop, order_no], to: orders}], action: delete}"
    assert codes(text, USERS, *COMPOSITE) == []


def test_part_of_a_composite_foreign_key_would_match_strangers_rows() -> None:
    text = ORDERS + "items: {references: [{column: order_no, to: orders, match: no}], action: delete}"
    [problem] = found(text, USERS, *COMPOSITE)
    assert (problem.code, problem.hint) == (
        "partial-foreign-key",
        "write `columns: [shop, order_no]` and `match: [shop, no]`",
    )


def test_part_of_a_composite_foreign_key_will_do_where_it_is_unique_over_there() -> None:
    orders = table(
        "orders", "id integer, tenant integer, user_id integer", key("user_id", "users"), unique=["tenant id"]
    )
    items = table(
        "items", "id integer, tenant integer, order_id integer", key("tenant order_id", "orders", "tenant id")
    )
    text = ORDERS + "items: {references: [{column: order_id, to: orders}], action: delete}"
    assert codes(text, USERS, orders, items) == []


def test_a_reference_to_another_column_than_the_foreign_key_would_match_strangers_rows() -> None:
    """Both are numbers, and without `match` the reference means the primary key."""
    users = table("users", "id integer, number integer, email text", unique=["number", "email"])
    notes = table("notes", "id integer, user_number integer", key("user_number", "users", "number"))
    text = ROOT + "notes: {references: [{column: user_number, to: users%s}], action: delete}"
    [problem, *_] = found(text % "", users, notes)
    assert (problem.code, problem.hint) == ("another-column", "write `match: number`")
    assert codes(text % ", match: number", users, notes) == []


def test_of_two_foreign_keys_on_the_same_column_a_reference_may_follow_either() -> None:
    users = table("users", "id integer, number integer, email text", unique=["number", "email"])
    both = (key("user_id", "users"), key("user_id", "users", "number"))
    text = ROOT + "notes: {references: [{column: user_id, to: users, match: number}], action: delete}"
    assert "another-column" not in codes(text, users, table("notes", "id integer, user_id integer", *both))


def test_a_value_that_several_people_can_have_is_warned_of() -> None:
    users = table("users", "id integer, email text, code integer", unique=["email"])
    notes = table("notes", "id integer, code integer")
    text = ROOT + "notes: {references: [{column: code, to: users, match: code}], action: delete}"
    assert codes(text, users, notes) == ["match-not-unique?"]


def test_the_members_in_a_link_table_share_a_row() -> None:
    projects = table("projects", "id integer")
    members = table(
        "members", "user_id integer, project_id integer", key("user_id", "users"), key("project_id", "projects"),
        primary_key="user_id project_id",
    )  # fmt: skip
    text = (
        ROOT + "projects: {references: [{column: id, to: members, match: project_id, kind: shared}]}, "
        "members: {references: [{column: user_id, to: users}], action: delete}"
    )
    assert codes(text, USERS, projects, members) == []


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        ("uuid", ["incomparable"]),
        ("date", ["incomparable"]),
        ("json", ["incomparable"]),
        ("array", ["incomparable"]),
        ("text", ["compared-as-text?"]),
        ("decimal", []),
        ("integer", []),
        ("other", []),
    ],
)
def test_types_that_differ_cannot_be_compared_or_only_as_text(family: str, expected: list[str]) -> None:
    logs = table("logs", f"id integer, who {family}")
    assert codes(ROOT + "logs: {references: [{column: who, to: users}], action: delete}", USERS, logs) == expected


def test_an_identifier_is_compared_with_the_column_of_its_root() -> None:
    logs = table("logs", "id integer, who date")
    assert codes(ROOT + "logs: {references: [{column: who, identifier: email}], action: delete}", USERS, logs) == [
        "incomparable"
    ]


def test_a_path_leads_into_json() -> None:
    logs = table("logs", "id integer, what json, size integer")
    text = ROOT + "logs: {references: [{column: %s, path: user.id, to: users}], action: delete}"
    assert codes(text % "what", USERS, logs) == []
    assert codes(text % "size", USERS, logs) == ["incomparable"]


def test_a_condition_is_of_its_columns_type() -> None:
    files = table("files", "id integer, owner_id integer, kind integer")
    text = ROOT + "files: {references: [{column: owner_id, to: users, when: {kind: %s}}], action: delete}"
    assert codes(text % "3", USERS, files) == []
    assert codes(text % "user", USERS, files) == ["wrong-type"]


def test_a_reference_without_an_index_on_a_large_table_says_what_it_costs() -> None:
    text = ROOT + "notes: {references: [{column: user_id, to: users}], action: delete}"
    large = table("notes", "id integer, user_id integer?", key("user_id", "users"), rows=2_000_000)
    [problem] = found(text, USERS, large)
    assert (problem.code, problem.severity) == ("no-index", "warning")
    assert "2,000,000 rows" in problem.message
    indexed = table(
        "notes", "id integer, user_id integer?", key("user_id", "users"), rows=2_000_000, indexes=["user_id"]
    )
    assert codes(text, USERS, indexed) == []


def test_a_polymorphic_reference_may_be_indexed_with_its_condition() -> None:
    text = ROOT + "files: {references: [{column: owner_id, to: users, when: {kind: user}}], action: delete}"
    files = table("files", "id integer, owner_id integer, kind text", indexes=["kind owner_id"], rows=20_000)
    assert codes(text, USERS, files) == []


def test_a_value_inside_json_is_searched_for_in_all_rows() -> None:
    logs = table("logs", "id integer, what json", rows=20_000)
    text = ROOT + "logs: {references: [{column: what, path: user, to: users}], action: delete}"
    assert codes(text, USERS, logs) == ["no-index?"]


def test_an_identifier_without_an_index_is_searched_for_in_all_rows() -> None:
    users = table("users", "id integer, email text", rows=20_000)
    assert codes(ROOT, users) == ["identifier-not-unique?", "no-index?"]


def test_a_table_without_transactions_is_warned_of_where_its_rows_change() -> None:
    notes = replace(table("notes", "id integer, user_id integer", key("user_id", "users")), transactions=False)
    text = ROOT + "notes: {references: [{column: user_id, to: users}], action: delete}"
    assert codes(text, USERS, notes) == ["no-transactions?"]
    ignored = ROOT + "notes: {action: ignore, reason: nobody's, owner: us, review: 2030-01-01}"
    assert "no-transactions?" not in codes(ignored, USERS, notes)


def test_a_table_without_a_primary_key_is_slow_and_kept_rows_and_roots_need_one() -> None:
    notes = table("notes", "user_id integer?, at date", key("user_id", "users"), primary_key="")
    text = ROOT + "notes: {references: [{column: user_id, to: users}], action: %s}"
    assert codes(text % "delete", USERS, notes) == ["no-primary-key?"]
    assert codes(text % "keep, basis: law, until: {column: at, add: 1 year}", USERS, notes) == ["no-primary-key"]
    assert codes("users: {root: true, action: delete}", table("users", "name date", primary_key="")) == [
        "no-primary-key"
    ]


def test_a_row_is_not_shared_by_rows_of_another_store() -> None:
    datamap = load_text(
        "slett: 1\nstores: {shop: {url: x, tables: {users: {root: true, action: delete}}},"
        " other: {url: x, tables: {albums: {references: [{column: user_id, to: shop/users, kind: shared}]}}}}"
    )
    albums = table("albums", "id integer, user_id integer?")
    schemas = {"shop": Schema("sqlite", {"users": USERS}), "other": Schema("sqlite", {"albums": albums})}
    assert [problem.code for problem in check_map(datamap, schemas, TODAY)] == ["shared-across-stores"]


def test_a_number_that_is_rounded_is_never_compared_with_one_that_is_not() -> None:
    """9,007,199,254,740,993 of a `bigint` would lead to the rows of …992."""
    notes = table("notes", "id integer, user_id decimal")
    number, owner = notes.columns
    rounded = replace(notes, columns=(number, replace(owner, type="double precision")))
    text = ROOT + "notes: {references: [{column: user_id, to: users}], action: delete}"
    assert codes(text, USERS, notes) == []
    assert codes(text, USERS, rounded) == ["incomparable"]
