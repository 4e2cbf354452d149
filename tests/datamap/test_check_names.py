"""Names in the map that the databases do not know."""

import pytest

from tests.datamap.tables import ROOT, USERS, codes, found, key, table

NOTES = table("notes", "id integer, user_id integer, first text?, last text?", key("user_id", "users"))


def test_a_table_that_does_not_exist_is_an_error_and_the_nearest_is_named() -> None:
    [problem] = found(ROOT + "user: {references: [{column: user_id, to: users}], action: delete}", USERS)
    assert (problem.code, problem.hint) == ("unknown-table", "did you mean `users`?")
    assert str(problem.place) == "slett.yaml:2:110"


@pytest.mark.parametrize(
    "entry",
    [
        "references: [{column: usr_id, to: users}]",
        "references: [{column: user_id, to: users, match: idd}]",
        "references: [{column: user_id, to: users, when: {frist: x}}]",
        "references: [{column: user_id, to: users}], omit: [frist]",
        "references: [{column: user_id, to: users}], disable: {frist: null}",
        "references: [{column: user_id, to: users, kind: mention, anonymise: {frist: null}}]",
    ],
)
def test_a_column_that_does_not_exist_is_an_error_wherever_it_is_written(entry: str) -> None:
    assert "unknown-column" in codes(ROOT + f"notes: {{{entry}, action: delete}}", USERS, NOTES)


@pytest.mark.parametrize(
    "entry", ["columns: [frist]", "anonymise: {frist: null}", "until: {column: frist, add: 1 year}"]
)
def test_a_column_that_does_not_exist_is_an_error_in_kept_tables_too(entry: str) -> None:
    text = f"notes: {{references: [{{column: user_id, to: users}}], action: keep, basis: law, {entry}}}"
    assert "unknown-column" in codes(ROOT + text, USERS, NOTES)


def test_two_columns_in_one_text_are_recognised() -> None:
    text = 'notes: {references: [{column: user_id, to: users}], action: delete, omit: ["first, last"]}'
    [problem] = found(ROOT + text, USERS, NOTES)
    assert problem.code == "unknown-column"
    assert problem.hint == "these are 2 columns: write `first`, `last`, each as a name of its own"


def test_an_identifier_names_a_column_of_its_root() -> None:
    assert codes("users: {root: true, action: delete, identifiers: {email: e_mail}}", USERS) == ["unknown-column"]


def test_a_reference_to_a_store_that_is_not_in_the_map_is_an_error() -> None:
    text = (
        ROOT + "notes: {references: [{column: user_id, to: ship/users}, {column: user_id, to: users}], action: delete}"
    )
    [problem] = found(text, USERS, NOTES)
    assert (problem.code, problem.hint) == ("unknown-store", "did you mean `shop`?")


def test_a_reference_to_a_table_that_does_not_exist_is_an_error_once() -> None:
    text = ROOT + "notes: {references: [{column: user_id, to: user}, {column: user_id, to: users}], action: delete}"
    assert codes(text, USERS, NOTES) == ["unknown-table"]
