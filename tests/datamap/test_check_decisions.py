"""What a human must decide of every table."""

from datetime import date

import pytest

from slett.stores.schema import OnDelete
from tests.datamap.tables import ROOT, USERS, codes, key, table

NOTES = table("notes", "id integer, user_id integer?, at timestamp, changed timestamp?", key("user_id", "users"))
MINE = "references: [{column: user_id, to: users}]"
KEPT = f"{MINE}, action: keep, basis: law, until: {{column: at, add: 5 years}}"


def notes(entry: str, today: date = date(2026, 11, 22)) -> list[str]:
    return codes(ROOT + f"notes: {{{entry}}}", USERS, NOTES, today=today)


def test_a_table_without_an_action_is_undecided() -> None:
    assert notes(MINE) == notes(MINE + ", action: undecided") == ["undecided"]


def test_mentions_and_shared_rows_need_no_action() -> None:
    assert notes("references: [{column: user_id, to: users, kind: mention}]") == []
    assert notes("references: [{column: user_id, to: users, kind: shared}]") == []


def test_a_map_without_a_root_finds_nobody() -> None:
    logs = table("logs", "id integer")
    text = "logs: {action: ignore, reason: technical, owner: ops, review: 2027-01-01}"
    assert codes(text, logs) == ["no-root"]


@pytest.mark.parametrize(
    "action", ["keep, basis: law, until: {column: at, add: 1 year}", "ignore, reason: a, owner: b, review: 2027-01-01"]
)
def test_a_root_is_deleted_or_anonymised(action: str) -> None:
    people = table("people", "id integer, at timestamp")
    assert codes(f"people: {{root: true, action: {action}}}", people) == ["root-action"]


def test_what_is_kept_needs_a_basis() -> None:
    assert notes(KEPT) == []
    assert notes(KEPT.replace("basis: law", "basis: ' '")) == ["keep-without-basis"]


def test_what_is_kept_as_long_as_its_parent_needs_no_basis_of_its_own() -> None:
    """A missing basis of the parent is told there, once."""
    lines = table("lines", "id integer, note_id integer", key("note_id", "notes"))
    child = "lines: {references: [{column: note_id, to: notes}], action: keep, until: {as: notes}}"
    text = ROOT + f"notes: {{{KEPT}}}, " + child
    assert codes(text, USERS, NOTES, lines) == []
    assert codes(text.replace("basis: law", "basis: ''"), USERS, NOTES, lines) == ["keep-without-basis"]


def test_what_is_kept_needs_an_end() -> None:
    assert notes(f"{MINE}, action: keep, basis: law") == ["keep-without-until"]


@pytest.mark.parametrize("name", ["id", "changed"])
def test_the_end_is_counted_from_a_date_that_every_row_has(name: str) -> None:
    assert notes(KEPT.replace("column: at", f"column: {name}")) == ["until-column"]


def test_a_row_is_kept_as_long_as_a_parent_that_it_hangs_on() -> None:
    lines = table("lines", "id integer, note_id integer", key("note_id", "notes"))
    child = "lines: {references: [{column: note_id, to: notes}], action: keep, basis: law, until: {as: %s}}"
    text = ROOT + f"notes: {{{KEPT}}}, " + child
    assert codes(text % "notes", USERS, NOTES, lines) == []
    assert "until-parent" in codes(text % "users", USERS, NOTES, lines)


def test_of_rows_that_follow_an_undecided_parent_only_the_parent_is_to_decide() -> None:
    lines = table("lines", "id integer, note_id integer", key("note_id", "notes"))
    prices = table(
        "prices", "id integer, note_id integer, line_id integer", key("note_id", "notes"), key("line_id", "lines")
    )
    text = ROOT + (
        f"notes: {{{MINE}, action: undecided}}, "
        "lines: {references: [{column: note_id, to: notes}], action: keep, until: {as: notes}}, "
        "prices: {references: [{column: note_id, to: notes}, {column: line_id, to: lines}],"
        " action: keep, until: {as: lines}}"
    )
    assert codes(text, USERS, NOTES, lines, prices) == ["undecided"]


def test_a_parent_that_is_not_kept_cannot_say_how_long() -> None:
    lines = table("lines", "id integer, note_id integer?", key("note_id", "notes"))
    child = "lines: {references: [{column: note_id, to: notes}], action: keep, basis: law, until: {as: notes}}"
    assert codes(ROOT + f"notes: {{{MINE}, action: delete}}, " + child, USERS, NOTES, lines) == ["until-parent"]


def test_two_tables_cannot_be_kept_as_long_as_each_other() -> None:
    one = table("one", "id integer, user_id integer?, two_id integer?")
    two = table("two", "id integer, user_id integer?, one_id integer?")
    text = (
        "one: {references: [{column: two_id, to: two}, {column: user_id, to: users}],"
        " action: keep, basis: law, until: {as: two}}, "
        "two: {references: [{column: one_id, to: one}, {column: user_id, to: users}],"
        " action: keep, basis: law, until: {as: one}}"
    )
    assert codes(ROOT + text, USERS, one, two) == ["until-parent", "until-parent"]


@pytest.mark.parametrize("key_", ["reason", "owner", "review"])
def test_what_is_ignored_needs_a_reason_an_owner_and_a_review(key_: str) -> None:
    entries = {"reason": "technical", "owner": "ops", "review": "2027-01-01"}
    full = ", ".join(f"{name}: {value}" for name, value in entries.items())
    most = ", ".join(f"{name}: {value}" for name, value in entries.items() if name != key_)
    logs = table("logs", "id integer")
    assert codes(ROOT + f"logs: {{action: ignore, {full}}}", USERS, logs) == []
    assert codes(ROOT + f"logs: {{action: ignore, {most}}}", USERS, logs) == ["incomplete-ignore"]


def test_a_review_that_is_due_fails_the_check() -> None:
    logs = table("logs", "id integer")
    text = ROOT + "logs: {action: ignore, reason: a, owner: b, review: 2027-01-01}"
    assert codes(text, USERS, logs, today=date(2026, 12, 31)) == []
    assert codes(text, USERS, logs, today=date(2027, 1, 1)) == ["expired-review"]


def test_only_a_deleted_table_can_be_emptied_first() -> None:
    assert notes(f"{MINE}, action: delete, disable: delete") == []
    assert notes(f"{KEPT}, disable: delete") == ["disable"]
    assert codes("users: {root: true, action: delete, disable: delete}", USERS) == ["disable"]


@pytest.mark.parametrize("on_delete", ["NO ACTION", "CASCADE", "SET NULL"])
def test_what_foreign_keys_refer_to_cannot_go_first(on_delete: OnDelete) -> None:
    """Not even before the same person's rows: the database would refuse, or reach further by itself."""
    text = ROOT + f"notes: {{{MINE}, action: delete, disable: delete}}, "
    marks = table("marks", "id integer, note_id integer?", key("note_id", "notes", on_delete=on_delete))
    mapped = "marks: {references: [{column: note_id, to: notes}], action: delete}"
    assert codes(text + mapped, USERS, NOTES, marks) == ["disable-referenced"]
    assert codes(text + mapped, USERS, NOTES, table("marks", "id integer, note_id integer?")) == []


@pytest.mark.parametrize(
    "entry",
    [
        f"{MINE}, action: delete, identifiers: {{email: user_id}}",
        f"{MINE}, action: delete, anonymise: {{at: null}}",
        f"{MINE}, action: delete, until: {{column: at, add: 1 year}}",
        f"{MINE}, action: delete, basis: law",
        "references: [{column: user_id, to: users, set: 0}], action: delete",
        "references: [{column: user_id, to: users, anonymise: {changed: null}}], action: delete",
        "references: [{column: user_id, to: users, kind: mention}], action: anonymise",
        "references: [{column: user_id, to: users, kind: mention}], disable: {changed: null}",
        f"{MINE}, action: ignore, reason: a, owner: b, review: 2027-01-01",
    ],
)
def test_a_key_that_does_nothing_is_an_error_because_somebody_meant_something(entry: str) -> None:
    assert "no-effect" in notes(entry)


def test_an_identifier_of_which_letter_case_counts_is_warned_of() -> None:
    users = table("users", "id integer, email binary", unique=["email"])
    assert codes(ROOT, users) == ["identifier-binary?"]


def test_two_people_who_could_share_an_identifier_are_warned_of() -> None:
    users = table("users", "id integer, email text")
    assert codes(ROOT, users) == ["identifier-not-unique?"]
