"""What a plan consists of: which rows, in which phase, and what becomes of them."""

import os
import subprocess
import sys

import pytest

from slett.plan import Plan, PlanError, Step, make_plan
from slett.stores.operations import Delete, Due, Update
from tests.datamap.tables import USERS, key, table
from tests.plan.shop import plan, related

ROOT = "users: {root: true, action: delete, identifiers: {email: email}}, "


def steps(found: Plan, name: str) -> list[Step]:
    return [step for step in found.steps if step.table == name]


def written(step: Step) -> dict[str, object]:
    assert isinstance(step.change, Update)
    return {each.column: None if each.rule.how == "null" else each.rule.value for each in step.change.writes}


def test_sign_in_ends_before_any_row_goes() -> None:
    phases = [step.phase for step in plan().steps]
    assert phases.count("disable") == 2
    assert phases[:2] == ["disable", "disable"]


def test_every_change_is_bound_to_keys() -> None:
    for step in plan().steps:
        rows = step.change.rows
        assert rows.links or rows.among


def test_nothing_is_deleted_by_a_mention() -> None:
    found = plan()
    for step in steps(found, "messages"):
        if step.why.startswith("recipient_id"):
            assert written(step) == {"recipient_id": None, "recipient_name": "(deleted)"}


def test_a_shared_row_loses_who_leaves_while_others_hold_it_and_goes_with_the_last() -> None:
    found = steps(plan(), "albums")
    assert [written(step) for step in found if step.what == "detach"] == [{"owner_a": None}, {"owner_b": None}]
    assert all(step.change.rows.held for step in found if step.what == "detach")
    gone = [step.change.rows for step in found if step.what == "delete"]
    assert gone
    assert all(rows.unless and not rows.held for rows in gone)


def test_a_table_shared_by_a_link_table_is_not_written_while_others_hold_it() -> None:
    mentions = [step for step in steps(plan(), "projects") if step.what == "detach"]
    assert [written(step) for step in mentions] == [{"created_by": None}]


def test_a_kept_row_goes_when_due_and_is_anonymised_when_not() -> None:
    found = steps(plan(), "orders")
    due = Due("placed_at", 60, True)
    assert {(step.what, step.change.rows.due, step.change.rows.is_due) for step in found} == {
        ("expire", due, True),
        ("keep", due, False),
        ("detach", due, False),
    }
    taken = {name for step in found if step.what != "expire" for name in written(step)}
    assert taken == {"ship_name", "ship_zip", "customer_id", "guest_email"}


def test_a_row_kept_as_long_as_its_parent_asks_the_parent_and_stays_with_it() -> None:
    found = steps(plan(), "order_items")
    due = Due("placed_at", 60, True, ((("shop", "order_no"), "orders", ("shop", "no")),))
    assert {step.change.rows.due for step in found} == {due}
    assert not any(isinstance(step.change, Update) for step in found)


def test_kept_rows_are_written_down_with_their_basis() -> None:
    assert {(each.table, each.basis) for each in plan().keepings} == {
        ("orders", "Bokføringsloven § 13"),
        ("order_items", "Bokføringsloven § 13"),
    }


def test_a_leaf_is_never_collected() -> None:
    """Only keys that others hang on are worth a look of their own."""
    found = plan()
    assert "shop/users" in found.keysets
    assert "shop/orders" in found.keysets
    assert not {"shop/sessions", "shop/attachments", "shop/events", "shop/reviews"} & set(found.keysets)


def test_a_table_that_refers_to_itself_is_walked_until_nothing_new_is_found() -> None:
    found = make_plan(
        related(
            ROOT + "posts: {references: [{column: author_id, to: users}, {column: above, to: posts}], action: delete}",
            USERS,
            table("posts", "id integer, author_id integer, above integer?", key("above", "posts")),
        )
    )
    (walked,) = [each for each in found.rounds if each.collects[0].into == "shop/posts"]
    assert walked.repeat


def test_tables_that_do_not_feed_each_other_are_walked_together() -> None:
    """One round trip for all of them; whoever is fed comes after, and a circle goes by itself."""
    tables = ("carts", "orders", "items", "notes", "posts", "prints")
    parents = {"items": "orders", "notes": "items", "prints": "posts"}
    said = [
        f"{each}: {{references: [{{column: above, to: {parents.get(each, 'users')}}}], action: delete}}"
        for each in tables
        if each != "posts"
    ]
    said.append("posts: {references: [{column: author, to: users}, {column: above, to: posts}], action: delete}")
    leaves = [f"l{each}: {{references: [{{column: above, to: {each}}}], action: delete}}" for each in tables]
    live = [table(each, "id integer, above integer?", key("above", parents.get(each, "users"))) for each in tables[:4]]
    live += [table("posts", "id integer, author integer, above integer?", key("above", "posts"))]
    live += [table("prints", "id integer, above integer", key("above", "posts"))]
    live += [table(f"l{each}", "id integer, above integer", key("above", each)) for each in tables]
    found = make_plan(related(ROOT + ", ".join([*said, *leaves]), USERS, *live))
    walked = [{each.into.partition("/")[2] for each in round.collects} for round in found.rounds]
    assert sorted(map(sorted, walked)) == [["carts", "orders"], ["items"], ["notes"], ["posts"], ["prints"], ["users"]]
    before: set[str] = set()
    for names in walked:
        fed = {parents.get(name, "users") for name in names - {"users"}}
        assert fed <= before
        before |= names


def test_a_mention_of_a_row_that_stays_for_good_keeps_its_reference() -> None:
    found = make_plan(
        related(
            "users: {root: true, action: anonymise, anonymise: {email: null}}, "
            "notes: {references: [{column: user_id, to: users, kind: mention, anonymise: {label: null}}]}",
            USERS,
            table("notes", "id integer, user_id integer?, label text?"),
        )
    )
    assert [written(step) for step in steps(found, "notes")] == [{"label": None}]


@pytest.mark.parametrize("said", ["null", "0"])
def test_a_mention_of_a_row_that_stays_lets_go_where_the_map_says_so(said: str) -> None:
    found = make_plan(
        related(
            "users: {root: true, action: anonymise, anonymise: {email: null}}, "
            f"notes: {{references: [{{column: user_id, to: users, kind: mention, set: {said}}}]}}",
            USERS,
            table("notes", "id integer, user_id integer?"),
        )
    )
    assert [written(step) for step in steps(found, "notes")] == [{"user_id": None if said == "null" else 0}]


def test_a_composite_mention_becomes_null_where_it_may() -> None:
    found = make_plan(
        related(
            ROOT
            + "orders: {references: [{column: user_id, to: users}], action: delete}, "
            + "notes: {references: [{columns: [shop, order_no], to: orders, kind: mention}]}",
            USERS,
            table("orders", "shop integer, no integer, user_id integer", primary_key="shop no"),
            table("notes", "id integer, shop integer, order_no integer?"),
        )
    )
    assert [written(step) for step in steps(found, "notes")] == [{"order_no": None}]


def test_a_row_of_two_owners_lets_go_of_each_by_itself() -> None:
    found = make_plan(
        related(
            ROOT
            + "notes: {references: [{column: buyer, to: users}, {column: seller, to: users}], action: anonymise, "
            + "anonymise: {text: null}}, "
            + "lines: {references: [{column: note_id, to: notes}], action: delete}",
            USERS,
            table("notes", "id integer, buyer integer?, seller integer?, text text?"),
            table("lines", "id integer, note_id integer"),
        )
    )
    for step in steps(found, "notes"):
        taken = set(written(step)) & {"buyer", "seller"}
        assert taken <= {link.columns[0] for link in step.change.rows.links}
        assert len(taken) < 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("action: keep, basis: b, until: {as: orders}", "does not hang on"),
        ("action: keep, basis: b", "kept without an end"),
    ],
)
def test_what_is_kept_needs_an_end(text: str, says: str) -> None:
    found = related(
        ROOT
        + "orders: {references: [{column: user_id, to: users}], action: delete}, "
        + f"notes: {{references: [{{column: user_id, to: users}}], {text}}}",
        USERS,
        table("orders", "id integer, user_id integer"),
        table("notes", "id integer, user_id integer?"),
    )
    with pytest.raises(PlanError, match=says):
        make_plan(found)


def test_the_same_inputs_give_the_same_bytes() -> None:
    """Whatever the hash seed of the process: a plan depends on the map and the schema alone."""
    program = "from tests.plan.shop import plan; print(repr(plan()), repr(plan('sqlite')))"
    seen = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4711")
    }
    assert len(seen) == 1


def test_a_plan_holds_deletes_and_updates_alone() -> None:
    assert {type(step.change) for step in plan().steps} == {Delete, Update}
