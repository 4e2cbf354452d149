"""Whether everything is decided: the tables and columns that the map does not speak of."""

import pytest

from slett.stores.schema import OnDelete
from tests.datamap.tables import ROOT, USERS, codes, found, key, table

MINE = "references: [{column: user_id, to: users}]"
NOTES = table("notes", "id integer, user_id integer?, at date", key("user_id", "users"))
KEPT = f"{MINE}, action: keep, basis: law, until: {{column: at, add: 5 years}}"


@pytest.mark.parametrize(
    ("on_delete", "effect"),
    [("CASCADE", "deletes its rows too"), ("SET NULL", "changes its rows"), ("NO ACTION", "fails on its rows")],
)
def test_a_table_that_refers_to_a_person_must_be_in_the_map(on_delete: OnDelete, effect: str) -> None:
    notes = table("notes", "id integer, user_id integer", key("user_id", "users", on_delete=on_delete))
    [problem] = found(ROOT, USERS, notes)
    assert (problem.code, problem.place.column) == ("unmapped-table", 44)
    assert "`user_id` refers to `users`" in problem.message
    assert effect in problem.message


@pytest.mark.parametrize("entry", [f"{MINE}, action: delete", f"{MINE}, action: anonymise", KEPT])
def test_a_table_that_refers_to_a_persons_rows_must_be_in_the_map(entry: str) -> None:
    lines = table("lines", "id integer, note_id integer", key("note_id", "notes"))
    assert codes(ROOT + f"notes: {{{entry}}}", USERS, NOTES, lines) == ["unmapped-table"]


def test_what_hangs_on_an_unmapped_table_is_named_with_it() -> None:
    lines = table("lines", "id integer, note_id integer", key("note_id", "notes"))
    words = table("words", "id integer, line_id integer", key("line_id", "lines"))
    [problem] = found(ROOT, USERS, NOTES, lines, words)
    assert problem.hint.endswith("; what hangs on it needs a decision too: `lines`, `words`")


def test_a_table_with_a_personal_column_must_be_in_the_map_whatever_it_refers_to() -> None:
    [problem] = found(ROOT, USERS, table("mail_queue", "id integer, to_email text"))
    assert problem.code == "unmapped-table"
    assert "`to_email` looks personal (an e-mail address)" in problem.message


def test_a_table_that_has_nothing_to_do_with_people_need_not_be_in_the_map() -> None:
    products = table("products", "id integer, name text, title text, price decimal")
    notes = table("notes", "id integer, product_id integer", key("product_id", "products"))
    assert codes(ROOT, USERS, products, notes) == []


def test_children_of_somebody_elses_rows_need_no_decision() -> None:
    lines = table("lines", "id integer, note_id integer", key("note_id", "notes"))
    text = ROOT + "notes: {references: [{column: user_id, to: users, kind: mention}]}"
    assert codes(text, USERS, NOTES, lines) == []


@pytest.mark.parametrize("entry", [f"{MINE}, action: anonymise", KEPT])
def test_a_personal_column_of_a_row_that_stays_must_be_decided(entry: str) -> None:
    notes = table("notes", "id integer, user_id integer?, at date, ship_email text?", key("user_id", "users"))
    text = ROOT + f"notes: {{{entry}%s}}"
    assert codes(text % "", USERS, notes) == ["personal-column"]
    assert codes(text % ", anonymise: {ship_email: null}", USERS, notes) == []
    assert codes(text % ", columns: [ship_email]", USERS, notes) == []


def test_a_personal_column_beside_a_mention_must_be_decided() -> None:
    notes = table("notes", "id integer, by integer?, sender_name text", key("by", "users"))
    text = ROOT + "notes: {references: [{column: by, to: users, kind: mention%s}]%s}"
    assert codes(text % ("", ""), USERS, notes) == ["personal-column"]
    assert codes(text % (", anonymise: {sender_name: gone}", ""), USERS, notes) == []
    assert codes(text % ("", ", columns: [sender_name]"), USERS, notes) == []


def test_a_column_that_goes_with_its_reference_is_decided() -> None:
    orders = table("orders", "id integer, guest_email text?, at date")
    entry = KEPT.replace("{column: user_id, to: users}", "{column: guest_email, identifier: email}")
    assert codes(ROOT + f"orders: {{{entry}}}", USERS, orders) == []


def test_an_identifier_of_a_root_that_stays_must_be_decided() -> None:
    users = table("users", "id integer, number integer", unique=["number"])
    text = "users: {root: true, action: anonymise, identifiers: {number: number}}"
    assert codes(text, users) == ["personal-column"]


def test_a_key_that_stays_and_says_whose_the_row_is_must_be_decided() -> None:
    notes = table("notes", "user_id integer, at date", primary_key="user_id")
    assert codes(ROOT + f"notes: {{{KEPT}%s}}" % "", USERS, notes) == ["personal-column"]
    assert codes(ROOT + f"notes: {{{KEPT}%s}}" % ", columns: [user_id]", USERS, notes) == []


def test_every_foreign_key_to_a_root_that_stays_is_decided() -> None:
    notes = table("notes", "id integer, user_id integer, by_id integer", key("user_id", "users"), key("by_id", "users"))
    users = "users: {root: true, action: anonymise, anonymise: {email: {hash: true}}}, "
    assert codes(users + f"notes: {{{MINE}, action: delete}}", USERS, notes) == ["undecided-reference"]
