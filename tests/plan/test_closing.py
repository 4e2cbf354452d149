"""The steps of closing: on the keys of an erasure, in an order of their own."""

from slett.plan import Step, make_plan
from slett.plan.closing import blocking, closing, releasing, unsubscribing
from slett.stores.operations import Delete, Rule, Update, Write
from tests.datamap.tables import key, table
from tests.plan.shop import related

TABLES = (
    table("users", "id integer, email text(80), active boolean, mail boolean, state text(9)"),
    table("sessions", "id integer, user_id integer", key("user_id", "users")),
    table("letters", "id integer, email text(80)"),
    table("stalls", "id integer, one integer?, two integer?", key("one", "users"), key("two", "users")),
    table("notes", "id integer, by integer, to integer?", key("by", "users"), key("to", "users")),
)
TEXT = """
letters: {references: [{column: email, identifier: email}], unsubscribe: delete, action: delete},
users: {root: true, identifiers: {email: email}, close: {state: hidden, mail: false}, unsubscribe: {mail: null},
  disable: {active: false, state: gone}, action: delete},
stalls: {references: [{column: one, to: users, kind: shared}, {column: two, to: users, kind: shared}],
  blocks: [{alone: true, text: x, link: /}, {when: {id: 1}, text: y, link: /}]},
notes: {references: [{column: by, to: users}, {column: to, to: users, kind: mention}], action: delete},
sessions: {references: [{column: user_id, to: users}], disable: delete, action: delete}
"""
RELATIONS = related(TEXT, *TABLES)
KEYSETS = make_plan(RELATIONS).keysets


def shown(steps: tuple[Step, ...]) -> list[tuple[str, str, object]]:
    return [
        (step.what, step.table, {write.column: write.rule.value for write in step.change.writes}
         if isinstance(step.change, Update) else "delete")
        for step in steps
    ]  # fmt: skip


def test_sign_in_ends_before_the_mail_and_the_mail_before_the_rest() -> None:
    """Of a column that is spoken of more than once, only the last is written."""
    assert shown(closing(RELATIONS, KEYSETS)) == [
        ("disable", "users", {"active": False}),
        ("disable", "sessions", "delete"),
        ("unsubscribe", "letters", "delete"),
        ("close", "users", {"state": "hidden", "mail": False}),
    ]


def test_unsubscribing_closes_nothing() -> None:
    assert shown(unsubscribing(RELATIONS, KEYSETS)) == [
        ("unsubscribe", "letters", "delete"),
        ("unsubscribe", "users", {"mail": None}),
    ]


def test_an_erasure_is_not_changed_by_what_closing_does() -> None:
    bare = TEXT.replace("close: {state: hidden, mail: false}, unsubscribe: {mail: null},", "").replace(
        "unsubscribe: delete, ", ""
    )
    assert make_plan(related(bare, *TABLES)).steps == make_plan(RELATIONS).steps


def test_what_is_held_alone_has_no_other_holder() -> None:
    alone, valued = blocking(RELATIONS)
    assert (len(alone.rows.unless), alone.holding) == (2, ())
    assert (valued.rows.unless, valued.holding) == ((), (Write("id", Rule("constant", 1)),))
    assert alone.rows.links == valued.rows.links


def test_what_lets_go_is_counted_where_it_is_not_the_persons_own() -> None:
    first, second, note = releasing(RELATIONS)
    assert first.change.rows.held
    assert second.change.rows.earlier == first.change.rows.links
    assert [link.columns for link in note.change.rows.earlier] == [("by",)]
    assert not any(isinstance(step.change, Delete) for step in (first, second, note))
