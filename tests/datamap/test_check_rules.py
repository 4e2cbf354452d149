"""Whether the database will take what the map has written into its rows."""

import pytest

from tests.datamap.tables import ROOT, USERS, codes, found, key, table

COLUMNS = (
    "id integer, user_id integer?, at date, code text(40), short text(10)?, free text?, number integer?, born date?, "
    "total text? generated"
)


def rule(column: str, written: str, **more: object) -> list[str]:
    """The codes of a rule on a column of a table whose rows are anonymised."""
    notes = table("notes", COLUMNS, key("user_id", "users"), **more)  # type: ignore[arg-type] # as the table has them
    text = ROOT + "notes: {references: [{column: user_id, to: users}], action: anonymise, anonymise: {%s: %s}}"
    return codes(text % (column, written), USERS, notes)


@pytest.mark.parametrize(
    ("column", "written"),
    [
        ("code", "gone"),
        ("code", "{hash: true}"),
        ("code", '{template: "gone-{id}"}'),
        ("code", "{prefix: 2}"),
        ("free", "null"),
        ("number", "0"),
        ("born", "null"),
        ("born", "1900-01-01"),
        ("born", "{cut: year}"),
        ("born", "{cut: month}"),
        ("at", "{cut: month}"),
    ],
)
def test_a_rule_that_suits_its_column_is_no_problem(column: str, written: str) -> None:
    assert rule(column, written) == []


def test_a_column_that_is_not_null_cannot_become_null() -> None:
    assert rule("code", "null") == rule("code", "{value: null}") == ["not-null"]


def test_a_primary_key_is_not_written() -> None:
    assert rule("id", "0") == ["key-column"]


def test_a_computed_column_is_not_written() -> None:
    assert rule("total", "null") == ["generated-column"]


@pytest.mark.parametrize(
    ("column", "written"),
    [
        ("number", "gone"),
        ("number", "{hash: true}"),
        ("number", "{prefix: 2}"),
        ("number", '{template: "{id}"}'),
        ("born", "gone"),
        ("free", "{cut: year}"),
        ("free", '{template: "gone-{user_id}"}'),
    ],
)
def test_a_rule_of_another_type_is_an_error(column: str, written: str) -> None:
    assert rule(column, written) == ["wrong-type"]


def test_a_template_needs_a_primary_key() -> None:
    assert "wrong-type" in rule("free", '{template: "gone-{id}"}', primary_key="")


@pytest.mark.parametrize("written", ["much too long", "{hash: true}", '{template: "gone-{id}"}'])
def test_a_rule_that_makes_the_value_too_long_is_an_error(written: str) -> None:
    assert rule("short", written) == ["too-long"]


def test_a_key_of_unlimited_text_may_make_a_template_too_long() -> None:
    notes = table("notes", "no text, user_id integer?, code text(40)", key("user_id", "users"), primary_key="no")
    text = (
        "notes: {references: [{column: user_id, to: users}], action: anonymise, anonymise: {code: {template: '{no}'}}}"
    )
    assert codes(ROOT + text, USERS, notes) == ["too-long?"]


@pytest.mark.parametrize("written", ["gone", "{prefix: 2}", '{template: "gone"}'])
def test_a_unique_column_cannot_become_the_same_in_two_rows(written: str) -> None:
    assert rule("code", written, unique=["code"]) == ["not-unique"]
    assert rule("code", written, unique_partly=["code"]) == ["not-unique?"]


@pytest.mark.parametrize("written", ["{hash: true}", '{template: "gone-{id}"}'])
def test_a_hash_and_a_template_with_the_key_stay_unique(written: str) -> None:
    assert rule("code", written, unique=["code"]) == []


def test_a_unique_date_cannot_be_cut() -> None:
    assert rule("born", "{cut: year}", unique=["born"]) == ["not-unique"]


def test_a_key_of_several_columns_may_collide() -> None:
    assert rule("code", "gone", unique=["number code"]) == ["not-unique?"]
    assert rule("code", "gone, number: 0", unique=["number code"]) == ["not-unique", "not-unique"]
    assert rule("code", "gone, number: null", unique=["number code"]) == []
    assert rule("code", "gone", unique=["user_id code"]) == [], "the reference becomes null"


@pytest.mark.parametrize(
    ("text", "written", "expected"),
    [
        ("code IN ('open', 'gone')", "gone", []),
        ("code IN ('open', 'done')", "gone", ["check-constraint"]),
        ("code IN ('open', 'done')", "{hash: true}", ["check-constraint"]),
        ("code IN ('open', 'done')", '{template: "gone-{id}"}', ["check-constraint"]),
        ("code IN ('open', 'done')", "{prefix: 2}", ["check-constraint?"]),
        ("((code)::text = ANY ((ARRAY['open'::character varying, 'done'::character varying])::text[]))", "done", []),
        ("((code)::text = ANY (ARRAY['open'::text, 'done'::text]))", "gone", ["check-constraint"]),
        ("(`code` in (_utf8mb4'open',_utf8mb4'done'))", "gone", ["check-constraint"]),
        ("length(code) > 3", "gone", []),
        ("(length((code)::text) > 10)", "gone", ["check-constraint"]),
        ("char_length(`code`) = 38", "{hash: true}", []),
        ("length(code) <= 8", '{template: "gone-{id}"}', ["check-constraint?"]),
        ("code <> ''", "gone", []),
        ("code <> '' AND length(code) > 10", "gone", ["check-constraint"]),
        ("(code <> '') AND (number > 3)", "gone", []),
        ("code LIKE '%@%'", "gone", ["check-constraint?"]),
        ("code IN ('Gone')", "gone", ["check-constraint?"]),
        ("number > 3", "gone", []),
        ("'code' = free", "gone", []),
    ],
)
def test_a_check_decides_where_its_text_is_certain(text: str, written: str, expected: list[str]) -> None:
    assert rule("code", written, checks=[text]) == expected


@pytest.mark.parametrize(
    ("text", "written", "expected"),
    [
        ("number > 3", "4", []),
        ("number BETWEEN 3 AND 5", "4", ["check-constraint?"]),
        ("number >= 3", "0", ["check-constraint"]),
        ("number > 3 OR free = 'x'", "null", []),
        ("number IS NOT NULL", "null", ["check-constraint"]),
        ("number IS NOT NULL OR free IS NOT NULL", "null", ["check-constraint?"]),
    ],
)
def test_null_violates_a_check_only_where_it_asks_for_null(text: str, written: str, expected: list[str]) -> None:
    assert rule("number", written, checks=[text]) == expected


# -- references that are taken away ----------------------------------------------------------------------------------


def test_a_mention_that_must_become_null_needs_a_column_that_may() -> None:
    notes = table("notes", "id integer, by_id integer", key("by_id", "users"))
    text = ROOT + "notes: {references: [{column: by_id, to: users, kind: mention%s}]}"
    assert codes(text % "", USERS, notes) == ["not-null"]
    assert codes(text % ", set: 0", USERS, notes) == []
    assert codes(text % ", set: nobody", USERS, notes) == ["wrong-type"]


def test_of_a_composite_mention_one_column_that_may_be_null_is_enough() -> None:
    users = table("users", "tenant integer, id integer", primary_key="tenant id")
    notes = table("notes", "id integer, tenant integer, by_id integer?", key("tenant by_id", "users", "tenant id"))
    text = "notes: {references: [{columns: [tenant, by_id], to: users, kind: mention}]}"
    assert codes("users: {root: true, action: delete}, " + text, users, notes) == []


def test_a_mention_of_a_row_that_stays_keeps_its_reference() -> None:
    notes = table("notes", "id integer, by_id integer", key("by_id", "users"))
    text = (
        "users: {root: true, action: anonymise, anonymise: {email: {hash: true}}}, "
        "notes: {references: [{column: by_id, to: users, kind: mention}]}"
    )
    assert codes(text, USERS, notes) == []


def test_a_ghost_collides_where_the_reference_is_unique() -> None:
    notes = table("notes", "id integer, by_id integer", key("by_id", "users"), unique=["by_id"])
    text = ROOT + "notes: {references: [{column: by_id, to: users, kind: mention, set: 0}]}"
    assert codes(text, USERS, notes) == ["not-unique"]


def test_a_shared_row_loses_its_owner() -> None:
    albums = table("albums", "id integer, a integer, b integer?", key("a", "users"), key("b", "users"))
    text = ROOT + "albums: {references: [{column: a, to: users, kind: shared}, {column: b, to: users, kind: shared}]}"
    [problem] = found(text, USERS, albums)
    assert (problem.code, problem.message) == ("not-null", "`a` of `shop/albums` must become null, and is NOT NULL")


def test_a_kept_row_loses_its_reference_to_a_deleted_one() -> None:
    kept = "action: keep, basis: law, until: {column: at, add: 1 year}"
    text = ROOT + f"notes: {{references: [{{column: user_id, to: users}}], {kept}}}"
    assert codes(text, USERS, table("notes", "id integer, user_id integer?, at date", key("user_id", "users"))) == []
    assert codes(text, USERS, table("notes", "id integer, user_id integer, at date", key("user_id", "users"))) == [
        "not-null"
    ]
