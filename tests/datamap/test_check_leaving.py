"""What a person meets before they leave: closing, unsubscribing, blocks and categories."""

from datetime import date

import pytest

from slett.datamap.check import check_map
from slett.datamap.load import load_text
from slett.stores.schema import Schema, Trigger
from tests.datamap.tables import ROOT, USERS, codes, found, key, table

NOTES = table("notes", "id integer, user_id integer?, state text(9), at timestamp?", key("user_id", "users"))
MINE = "references: [{column: user_id, to: users}], action: delete"
BLOCK = "text: Settle this, link: /notes"


def notes(entry: str) -> list[str]:
    return codes(ROOT + f"notes: {{{MINE}, {entry}}}", USERS, NOTES)


@pytest.mark.parametrize("word", ["close", "unsubscribe"])
def test_columns_take_what_is_written_into_them(word: str) -> None:
    """The same checks as of `disable` and `anonymise`."""
    assert notes(f"{word}: {{state: hidden, at: null}}") == []
    assert notes(f"{word}: {{state: null}}") == ["not-null"]
    assert notes(f"{word}: {{state: much too long}}") == ["too-long"]
    assert notes(f"{word}: {{at: never}}") == ["wrong-type"]
    assert notes(f"{word}: {{id: 0}}") == ["key-column"]
    assert notes(f"{word}: {{stat: hidden}}") == ["unknown-column"]


@pytest.mark.parametrize("word", ["close", "unsubscribe"])
@pytest.mark.parametrize("rule", ["{hash: true}", "{prefix: 2}", '{template: "x-{id}"}'])
def test_only_constants_are_written_where_the_old_value_is_to_come_back(word: str, rule: str) -> None:
    assert "irreversible" in notes(f"{word}: {{state: {rule}}}")
    assert "irreversible" not in notes(f"disable: {{state: {rule}}}")


@pytest.mark.parametrize("word", ["close", "unsubscribe"])
def test_only_rows_that_nothing_refers_to_are_deleted_before_their_turn(word: str) -> None:
    assert notes(f"{word}: delete") == []
    assert codes(f"users: {{root: true, action: delete, {word}: delete}}", USERS) == ["disable"]
    marks = table("marks", "id integer, note_id integer?", key("note_id", "notes"))
    text = ROOT + f"notes: {{{MINE}, {word}: delete}}, "
    text += "marks: {references: [{column: note_id, to: notes}], action: delete}"
    [problem] = found(text, USERS, NOTES, marks)
    assert (problem.code, problem.hint.split("`")[1]) == ("disable-referenced", f"{word}: {{active: false}}")


def test_rows_that_are_to_be_found_again_need_a_primary_key() -> None:
    keyless = table("notes", "user_id integer, state text", key("user_id", "users"), primary_key="")
    text = ROOT + f"notes: {{{MINE}, close: %s}}"
    assert codes(text % "{state: hidden}", USERS, keyless) == ["no-primary-key"]
    assert codes(text % "delete", USERS, keyless) == ["no-primary-key?"]


def test_a_trigger_that_closing_would_fire_must_have_been_looked_at() -> None:
    watched = table(
        "notes", "id integer, user_id integer, state text", key("user_id", "users"),
        triggers=[Trigger("copies", "UPDATE")],
    )  # fmt: skip
    assert codes(ROOT + f"notes: {{{MINE}}}", USERS, watched) == []
    assert codes(ROOT + f"notes: {{{MINE}, close: {{state: hidden}}}}", USERS, watched) == ["trigger"]


def test_what_is_nobodys_own_is_not_closed_and_blocks_nobody() -> None:
    text = ROOT + "notes: {references: [{column: user_id, to: users, kind: mention}], %s}"
    for entry in ("close: {state: hidden}", "unsubscribe: delete", f"blocks: [{{when: {{state: open}}, {BLOCK}}}]"):
        assert "no-effect" in codes(text % entry, USERS, NOTES)


def test_a_block_names_columns_and_values_that_can_be() -> None:
    assert notes(f"blocks: [{{when: {{state: open, at: null}}, {BLOCK}}}]") == []
    assert notes(f"blocks: [{{when: {{stat: open}}, {BLOCK}}}]") == ["unknown-column"]
    assert notes(f"blocks: [{{when: {{at: never}}, {BLOCK}}}]") == ["wrong-type"]


def test_only_what_is_shared_can_be_held_alone() -> None:
    assert notes(f"blocks: [{{alone: true, {BLOCK}}}]") == ["no-effect"]
    text = ROOT + "notes: {references: [{column: user_id, to: users, kind: shared}], blocks: [{alone: true, %s}]}"
    assert codes(text % BLOCK, USERS, NOTES) == []


def test_a_category_is_one_of_the_maps() -> None:
    assert notes("category: other") == []
    assert notes("category: talk") == ["unknown-category"]


def test_where_there_are_categories_every_table_has_one() -> None:
    head = "slett: 1\ncategories: {talk: Notes}\nstores: {shop: {url: 'sqlite://', tables: {"
    tables = (USERS, NOTES, table("logs", "id integer"))
    logs = "logs: {action: ignore, reason: a, owner: b, review: 2027-01-01}"
    users = "users: {root: true, action: delete%s}, "
    for written, expected in (("", ["no-category"]), (", category: other", []), (", category: talk", [])):
        text = head + users % written + f"notes: {{{MINE}, category: talk}}, " + logs + "}}}"
        schema = Schema("postgresql", {each.name: each for each in tables})
        problems = check_map(load_text(text, environ={}), {"shop": schema}, date(2026, 11, 22))
        assert [problem.code for problem in problems] == expected
        assert {problem.severity for problem in problems} <= {"warning"}
