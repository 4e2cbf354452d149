"""Deletes that would reach further than the map says, or fail; circles; triggers."""

import pytest

from slett.stores.schema import Dialect, OnDelete, Trigger
from tests.datamap.tables import ROOT, USERS, codes, found, key, table

MINE = "references: [{column: user_id, to: users}]"
POSTS = table("posts", "id integer, user_id integer", key("user_id", "users"))
MY_POSTS = ROOT + f"posts: {{{MINE}, action: delete}}, "
EFFECTS: list[tuple[OnDelete, str]] = [
    ("CASCADE", "cascade"),
    ("SET NULL", "cascade"),
    ("SET DEFAULT", "cascade"),
    ("NO ACTION", "blocked-delete"),
    ("RESTRICT", "blocked-delete"),
]


@pytest.mark.parametrize(("on_delete", "code"), EFFECTS)
def test_a_foreign_key_into_rows_that_the_map_does_not_handle_is_an_error(on_delete: OnDelete, code: str) -> None:
    comments = table(
        "comments", "id integer, post_id integer?, user_id integer",
        key("post_id", "posts", on_delete=on_delete), key("user_id", "users"),
    )  # fmt: skip
    text = MY_POSTS + "comments: {references: [{column: user_id, to: users}%s], action: delete}"
    assert codes(text % "", USERS, POSTS, comments) == [code]
    assert codes(text % ", {column: post_id, to: posts}", USERS, POSTS, comments) == []
    assert codes(text % ", {column: post_id, to: posts, kind: mention}", USERS, POSTS, comments) == []


@pytest.mark.parametrize(("on_delete", "code"), EFFECTS)
def test_a_foreign_key_into_an_ignored_table_is_an_error(on_delete: OnDelete, code: str) -> None:
    logs = table("logs", "id integer, post_id integer?", key("post_id", "posts", on_delete=on_delete))
    text = MY_POSTS + "logs: {action: ignore, reason: a, owner: b, review: 2027-01-01}"
    assert codes(text, USERS, POSTS, logs) == [code]


def test_a_foreign_key_through_which_a_row_is_found_is_handled_where_only_one_row_can_refer_to_it() -> None:
    contacts = table("contacts", "id integer, city text")
    text = (
        "users: {root: true, action: delete}, "
        "contacts: {references: [{column: id, to: users, match: contact_id%s}], action: delete}"
    )
    columns, pointer = "id integer, contact_id integer", key("contact_id", "contacts")
    assert codes(text % "", table("users", columns, pointer, unique=["contact_id"]), contacts) == []
    assert "blocked-delete" in codes(text % "", table("users", columns, pointer), contacts)
    assert "blocked-delete" in codes(
        text % ", when: {city: Oslo}", table("users", columns, pointer, unique=["contact_id"]), contacts
    )


def test_the_hint_to_a_foreign_key_says_which_column_it_leads_to() -> None:
    """Without `match` the reference would mean the primary key, and find the rows of whoever has that number."""
    posts = table("posts", "id integer, user_id integer, number integer", key("user_id", "users"), unique=["number"])
    notes = table(
        "notes", "id integer, user_id integer, post_number integer",
        key("user_id", "users"), key("post_number", "posts", "number"),
    )  # fmt: skip
    text = MY_POSTS + "notes: {references: [{column: user_id, to: users}%s], action: delete}"
    [problem] = found(text % "", USERS, posts, notes)
    written = "{column: post_number, to: posts, match: number}"
    assert f"add `{written}`" in problem.hint
    assert codes(text % f", {written}", USERS, posts, notes) == []


def test_strangers_replies_to_my_comment_must_be_decided() -> None:
    comments = table(
        "comments", "id integer, user_id integer, parent_id integer?",
        key("user_id", "users"), key("parent_id", "comments", on_delete="CASCADE"),
    )  # fmt: skip
    text = ROOT + "comments: {references: [{column: user_id, to: users}%s], action: delete}"
    [problem] = found(text % "", USERS, comments)
    assert problem.code == "cascade"
    assert "leads to itself" in problem.message
    assert codes(text % ", {column: parent_id, to: comments, kind: mention}", USERS, comments) == []
    assert codes(text % ", {column: parent_id, to: comments}", USERS, comments) == []


def test_a_reference_with_a_condition_leaves_other_rows_to_the_database() -> None:
    notes = table("notes", "id integer, user_id integer, kind text", key("user_id", "users", on_delete="CASCADE"))
    text = ROOT + "notes: {references: [{column: user_id, to: users, when: {kind: mine}}], action: delete}"
    assert codes(text, USERS, notes) == ["cascade?"]


def test_an_anonymised_parent_is_not_deleted() -> None:
    text = (
        "users: {root: true, action: anonymise, anonymise: {email: {hash: true}}}, "
        f"posts: {{{MINE}, action: anonymise}}, "
        "comments: {references: [{column: user_id, to: users}], action: delete}"
    )
    comments = table(
        "comments", "id integer, post_id integer, user_id integer", key("post_id", "posts"), key("user_id", "users")
    )
    assert codes(text, USERS, POSTS, comments) == []


KEPT = "action: keep, basis: law, until: {column: at, add: 5 years}"
ORDERS = table("orders", "id integer, user_id integer?, at date", key("user_id", "users"))


def test_a_kept_row_that_still_refers_to_a_deleted_one_is_an_error() -> None:
    text = ROOT + f"orders: {{{MINE}, {KEPT}%s}}"
    assert codes(text % "", USERS, ORDERS) == []
    assert codes(text % ", anonymise: {user_id: null}", USERS, ORDERS) == []
    assert codes(text % ", columns: [id, user_id]", USERS, ORDERS) == ["kept-reference"]


def test_a_kept_row_whose_key_is_its_parent_is_an_error() -> None:
    notes = table("notes", "user_id integer, at date", key("user_id", "users"), primary_key="user_id")
    assert codes(ROOT + f"notes: {{{MINE}, {KEPT}}}", USERS, notes) == ["kept-reference"]


def test_a_kept_row_ends_with_its_kept_parent_or_lets_it_go() -> None:
    items = table("items", "id integer, order_id integer, at date", key("order_id", "orders"))
    child = "items: {references: [{column: order_id, to: orders}], action: keep, basis: law, until: %s, "
    text = ROOT + f"orders: {{{MINE}, {KEPT}}}, " + child + "columns: [order_id]}"
    assert codes(text % "{as: orders}", USERS, ORDERS, items) == []
    [problem] = found(text % "{column: at, add: 5 years}", USERS, ORDERS, items)
    assert (problem.code, problem.hint) == ("kept-reference", "write `until: {as: orders}`")


LINES = table("lines", "id integer, order_id integer", key("order_id", "orders"))
PRICES = table(
    "prices", "id integer, order_id integer, line_id integer", key("order_id", "orders"), key("line_id", "lines")
)
DIAMOND = (
    ROOT
    + f"orders: {{{MINE}, {KEPT}}}, "
    + "lines: {references: [{column: order_id, to: orders}], action: keep, until: %s}, "
    + "prices: {references: [{column: order_id, to: orders}, {column: line_id, to: lines}], action: keep, until: %s}"
)


@pytest.mark.parametrize("parent", ["orders", "lines"])
def test_a_row_may_have_several_kept_parents_that_end_with_the_same_row(parent: str) -> None:
    assert codes(DIAMOND % ("{as: orders}", f"{{as: {parent}}}"), USERS, ORDERS, LINES, PRICES) == []


def test_a_row_cannot_refer_to_kept_ones_that_end_on_days_of_their_own() -> None:
    lines = table("lines", "id integer, order_id integer?, at date", key("order_id", "orders"))
    text = DIAMOND % ("{column: at, add: 9 years}, basis: law", "{as: orders}")
    assert codes(text, USERS, ORDERS, lines, PRICES) == ["not-null"]


# -- circles ---------------------------------------------------------------------------------------------------------


def circle(dialect: Dialect, column: str = "integer", deferrable: bool = False) -> list[str]:
    one = table(
        "one", "id integer, user_id integer, two_id integer",
        key("user_id", "users"), key("two_id", "two", deferrable=deferrable),
    )  # fmt: skip
    two = table("two", f"id integer, one_id {column}", key("one_id", "one", deferrable=deferrable))
    text = ROOT + (
        "one: {references: [{column: user_id, to: users}, {column: two_id, to: two}], action: delete}, "
        "two: {references: [{column: one_id, to: one}], action: delete}"
    )
    return codes(text, USERS, one, two, dialect=dialect)


def test_a_circle_of_not_null_columns_cannot_be_opened() -> None:
    assert circle("mariadb") == circle("mariadb", deferrable=True) == circle("postgresql") == ["cycle"]


def test_a_circle_opens_at_a_column_that_may_be_null() -> None:
    assert circle("mariadb", "integer?") == circle("postgresql", "integer?") == []


def test_a_circle_is_checked_at_the_end_where_the_database_can() -> None:
    assert circle("postgresql", deferrable=True) == circle("sqlite") == []


# -- triggers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["action: delete", KEPT])
def test_a_trigger_on_deleted_rows_must_have_been_looked_at(action: str) -> None:
    orders = table("orders", "id integer, user_id integer?, at date", triggers=[Trigger("archive", "DELETE")])
    text = ROOT + f"orders: {{{MINE}, {action}%s}}"
    [problem] = found(text % "", USERS, orders)
    assert problem.code == "trigger"
    assert problem.hint.endswith("then write `triggers: [archive]`")
    assert codes(text % ", triggers: [archive]", USERS, orders) == []


@pytest.mark.parametrize(
    "entry",
    [
        f"{MINE}, action: anonymise",
        f"{MINE}, {KEPT}",
        f"{MINE}, action: delete, disable: {{at: null}}",
        "references: [{column: user_id, to: users, kind: mention}]",
    ],
)
def test_a_trigger_on_changed_rows_must_have_been_looked_at(entry: str) -> None:
    orders = table("orders", "id integer, user_id integer?, at date", triggers=[Trigger("touch", "UPDATE")])
    assert "trigger" in codes(ROOT + f"orders: {{{entry}}}", USERS, orders)


def test_a_trigger_that_never_fires_is_no_problem() -> None:
    orders = table("orders", "id integer, user_id integer?", triggers=[Trigger("touch", "UPDATE")])
    assert codes(ROOT + f"orders: {{{MINE}, action: delete}}", USERS, orders) == []


def test_a_trigger_that_does_not_exist_is_an_error() -> None:
    assert codes(ROOT + f"posts: {{{MINE}, action: delete, triggers: [old]}}", USERS, POSTS) == ["unknown-trigger"]
