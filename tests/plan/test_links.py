"""References of a map, looked up in a schema."""

import pytest

from slett.plan import PlanError
from slett.plan.links import is_through
from tests.datamap.tables import USERS, table
from tests.plan.shop import related, relations

ROOT = "users: {root: true, action: delete, identifiers: {email: email}}, "


def test_a_reference_leads_to_the_primary_key_unless_it_says_otherwise() -> None:
    found = relations()
    (way,) = found.owned["shop/order_items"]
    assert (way.link.columns, way.link.keys, way.link.at) == (("shop", "order_no"), "shop/orders", ("shop", "no"))


def test_a_root_is_found_by_key_and_by_each_identifier() -> None:
    ways = relations().owned["shop/users"]
    assert [way.why for way in ways] == ["named by key", "named by email"]
    assert [way.link.fold for way in ways] == [False, True]


def test_a_key_set_holds_the_key_and_whatever_else_is_compared() -> None:
    keys = relations().key_set("shop/users")
    assert (keys.columns, keys.families, keys.key) == (("id", "email"), ("integer", "text"), ("id",))


def test_sides_of_different_types_are_compared_as_text() -> None:
    found = related(
        ROOT + "notes: {references: [{column: who, to: users}, {column: amount, to: users}], action: delete}",
        USERS,
        table("notes", "id integer, who text(20)?, amount decimal?"),
    )
    assert [way.link.text for way in found.owned["shop/notes"]] == [True, False]


def test_a_value_in_json_is_compared_as_text() -> None:
    (way,) = relations().owned["shop/events"]
    assert (way.link.path, way.link.text) == (("user", "id"), True)


def test_an_identifier_is_always_compared_with_letter_case_folded() -> None:
    by_email = relations().owned["shop/orders"][1]
    assert (by_email.link.keys, by_email.link.fold) == ("identifier email", True)


def test_two_roots_of_one_person_find_each_other() -> None:
    found = related(
        ROOT + "accounts: {root: true, references: [{column: user_id, to: users}], action: delete}",
        USERS,
        table("accounts", "id integer, user_id integer?"),
    )
    back = found.owned["shop/users"][-1]
    assert (back.link.columns, back.link.keys, back.link.at) == (("id",), "shop/accounts", ("user_id",))


def test_a_shared_row_knows_its_other_holders() -> None:
    found = relations()
    by_columns = found.shared["shop/albums"]
    assert [[holder.columns for holder in way.holders] for way in by_columns] == [[("owner_b",)], [("owner_a",)]]
    (by_link,) = found.shared["shop/projects"]
    (holder,) = by_link.holders
    assert (holder.table, holder.match, holder.key) == ("project_members", ("project_id",), ("project_id", "user_id"))
    assert [is_through(found, way) for way in (*by_columns, by_link)] == [False, False, True]


def test_a_table_that_is_ignored_is_not_there() -> None:
    found = related(ROOT + "notes: {action: ignore, reason: r, owner: o, review: 2030-01-01}", USERS)
    assert list(found.tables) == ["shop/users"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("notes: {references: [{column: user_id, to: users}], action: undecided}", "undecided"),
        ("other: {references: [{column: user_id, to: users}], action: delete}", "no table `other`"),
        ("notes: {references: [{column: nobody, to: users}], action: delete}", "no column `nobody`"),
        (
            "notes: {references: [{column: user_id, identifier: phone}], action: delete}",
            "no root has an identifier `phone`",
        ),
        ("notes: {references: [{columns: [id, user_id], to: users}], action: delete}", "2 columns refer to 1"),
    ],
)
def test_what_cannot_be_looked_up_is_an_error(text: str, says: str) -> None:
    with pytest.raises(PlanError, match=says):
        related(ROOT + text, USERS, table("notes", "id integer, user_id integer"))


def test_a_root_without_a_primary_key_is_an_error() -> None:
    with pytest.raises(PlanError, match="no primary key"):
        related("users: {root: true, action: delete}", table("users", "id integer", primary_key=""))
