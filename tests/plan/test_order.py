"""In which order rows go."""

import pytest

from slett.plan import PlanError
from slett.plan.order import Order, order_changes
from slett.stores.schema import Dialect
from tests.datamap.tables import USERS, key, table
from tests.plan.shop import related, relations

ROOT = "users: {root: true, action: delete}, "


def before(order: Order, child: str, parent: str) -> bool:
    return order.tables.index(f"shop/{child}") < order.tables.index(f"shop/{parent}")


def test_children_go_before_parents_and_the_root_goes_last() -> None:
    found = relations()
    order = order_changes(found)
    assert order.tables[-1] == "shop/users"
    assert sorted(order.tables) == sorted(found.tables)
    for name in found.tables:
        for foreign in found.live(name).foreign_keys:
            if f"shop/{foreign.table}" != name:
                assert before(order, name.partition("/")[2], foreign.table)


def test_a_reference_that_only_the_map_knows_counts_too() -> None:
    found = related(
        ROOT
        + "b: {references: [{column: a_id, to: a}], action: delete}, "
        + "a: {references: [{column: user_id, to: users}], action: delete}",
        USERS,
        table("a", "id integer, user_id integer"),
        table("b", "id integer, a_id integer"),
    )
    assert before(order_changes(found), "b", "a")


def test_a_foreign_key_counts_more_than_a_reference_that_only_the_map_knows() -> None:
    """What was collected is remembered, so a row may outlive the one by which it was found."""
    found = related(
        ROOT
        + "a: {references: [{column: user_id, to: users}, {column: b_id, to: b}], action: delete}, "
        + "b: {references: [{column: a_id, to: a}], action: delete}",
        USERS,
        table("a", "id integer, user_id integer, b_id integer", key("b_id", "b")),
        table("b", "id integer, a_id integer"),
    )
    order = order_changes(found)
    assert before(order, "a", "b")
    assert not order.broken


def circle(null: str, deferrable: bool, dialect: Dialect) -> Order:
    return order_changes(
        related(
            ROOT
            + "a: {references: [{column: user_id, to: users}, {column: b_id, to: b}], action: delete}, "
            + "b: {references: [{column: a_id, to: a}], action: delete}",
            USERS,
            table(
                "a",
                f"id integer, user_id integer, b_id integer{null}",
                key("user_id", "users"),
                key("b_id", "b", deferrable=deferrable),
            ),
            table("b", "id integer, a_id integer", key("a_id", "a", deferrable=deferrable)),
            dialect=dialect,
        )
    )


@pytest.mark.parametrize("dialect", ["postgresql", "mariadb", "sqlite"])
def test_a_circle_is_opened_where_a_column_may_be_null(dialect: Dialect) -> None:
    order = circle("?", False, dialect)
    assert [(name, foreign.columns) for name, foreign in order.broken] == [("shop/a", ("b_id",))]
    assert not order.together
    assert before(order, "b", "a")


@pytest.mark.parametrize(("dialect", "deferrable"), [("postgresql", True), ("sqlite", False)])
def test_a_circle_without_nulls_goes_in_one_transaction_where_checks_can_wait(
    dialect: Dialect, deferrable: bool
) -> None:
    assert circle("", deferrable, dialect).together == {"shop/a": 1, "shop/b": 1}


@pytest.mark.parametrize(("dialect", "deferrable"), [("postgresql", False), ("mariadb", True)])
def test_a_circle_without_nulls_is_refused_where_checks_cannot_wait(dialect: Dialect, deferrable: bool) -> None:
    with pytest.raises(PlanError, match="form a circle"):
        circle("", deferrable, dialect)


def test_rows_that_only_mention_are_in_nobodys_way() -> None:
    found = related(
        ROOT + "a: {references: [{column: user_id, to: users}, {column: above, to: a, kind: mention}], action: delete}",
        USERS,
        table("a", "id integer, user_id integer, above integer?", key("above", "a")),
    )
    assert not order_changes(found).broken


def test_rows_that_stay_for_good_are_in_nobodys_way() -> None:
    """Nothing is deleted, so no circle needs to be opened, and no reference lost."""
    found = related(
        ROOT
        + "a: {references: [{column: user_id, to: users}, {column: above, to: a}], action: anonymise, "
        + "anonymise: {text: null}}",
        USERS,
        table("a", "id integer, user_id integer?, above integer?, text text?", key("above", "a")),
    )
    assert not order_changes(found).broken
