"""Laws of every draft, whatever the schema: it loads, and the check finds nothing in it but what a human decides."""

from dataclasses import replace
from typing import Literal

import jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st

from slett.datamap.check import check_map
from slett.datamap.draft import draft_map
from slett.datamap.jsonschema import json_schema
from slett.datamap.load import load_text
from slett.datamap.model import DataMap
from slett.datamap.source import read_source
from slett.stores.schema import Check, Column, Dialect, Family, ForeignKey, OnDelete, Schema, Table, Trigger
from tests.datamap.tables import TODAY

WRITTEN = jsonschema.Draft202012Validator(json_schema())
HUMAN = {"undecided", "trigger"}  # a trigger is somebody's to look at

NAMES = (
    *("orders", "order_items", "carts", "cart_items", "sessions", "addresses", "topics", "posts", "projects"),
    *("project_members", "messages", "notifications", "audit_log", "products", "invoices", "devices", "Blog-Posts"),
    *("user_profiles", "newsletter", "things", "audit.trail", "select"),
)
COLUMNS = (
    *("user_id", "owner_id", "created_by", "author_id", "recipient_id", "sender_id", "thing_id", "parent_id", "email"),
    *("first_name", "order_id", "cart_id", "item_type", "item_id", "body", "created_at", "token", "is_active", "a b"),
)
FAMILIES: dict[str, Family] = {
    **dict.fromkeys(("email", "first_name", "item_type", "body", "token", "a b"), "text"),
    "created_at": "timestamp",
    "is_active": "boolean",
}
ON_DELETE: tuple[OnDelete, ...] = ("NO ACTION", "CASCADE", "SET NULL", "RESTRICT")
DIALECTS: tuple[Dialect, ...] = ("postgresql", "mariadb", "sqlite")


@st.composite
def tables(draw: st.DrawFn, name: str, others: list[str]) -> Table:
    """A table with the key `id`, or with one of `id` and a tenant, that refers to others at will."""
    columns = [
        Column("id", "integer", "integer", nullable=False),
        Column("tenant", "integer", "integer", nullable=False),
    ]
    for called in draw(st.lists(st.sampled_from(COLUMNS), unique=True, max_size=7)):
        family = FAMILIES.get(called, "integer")
        flags = draw(st.tuples(st.booleans(), st.booleans(), st.integers(0, 9)))
        columns.append(Column(called, family, family, flags[0], default=flags[1], generated=flags[2] == 9))
    keys = []
    for column in columns[2:]:
        if column.family == "integer" and draw(st.integers(0, 3)):
            whole = draw(st.integers(0, 4)) == 0
            mine, theirs = (("tenant", column.name), ("tenant", "id")) if whole else ((column.name,), ("id",))
            other = draw(st.sampled_from(others))
            keys.append(
                ForeignKey(
                    f"{column.name}_fk", mine, other, theirs, draw(st.sampled_from(ON_DELETE)), draw(st.booleans())
                )
            )
    linking = tuple(column.name for column in columns[2:] if column.family == "integer" and not column.nullable)[:2]
    by_link = len(linking) == 2 and draw(st.booleans())
    unique = [("id",), ("tenant", "id")] if by_link else [("tenant", "id")]
    events: list[Literal["DELETE", "UPDATE"]] = draw(st.lists(st.sampled_from(["DELETE", "UPDATE"]), max_size=1))
    checked = [column.name for column in columns[2:] if not draw(st.integers(0, 9))]
    return Table(
        name,
        tuple(columns),
        primary_key=linking if by_link else ("id",),
        unique=tuple(unique + [(column.name,) for column in columns[2:] if not draw(st.integers(0, 5))]),
        foreign_keys=tuple(keys),
        checks=tuple(Check(f"{column}_check", f"{column} IS NOT NULL") for column in checked),
        triggers=tuple(Trigger("copies", event) for event in events),
    )


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    names = ["users", *draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=8))]
    return Schema(draw(st.sampled_from(DIALECTS)), {name: draw(tables(name, names)) for name in names})


def loaded(text: str) -> DataMap:
    return load_text(text, environ={"SHOP_URL": "sqlite://"})


def errors(found: DataMap, schema: Schema) -> set[str]:
    problems = check_map(found, {"shop": schema}, TODAY)
    return {str(problem) for problem in problems if problem.severity == "error" and problem.code not in HUMAN}


@given(schemas())
@settings(max_examples=150, deadline=None)
def test_a_draft_loads_and_leaves_only_decisions_to_a_human(schema: Schema) -> None:
    text = draft_map({"shop": schema}, {}, "users")
    assert errors(loaded(text), schema) == set()
    WRITTEN.validate(read_source(text, "slett.yaml").values)


@given(schemas())
@settings(max_examples=50, deadline=None)
def test_the_same_schema_gives_the_same_text_in_whatever_order_it_is_read(schema: Schema) -> None:
    backwards = replace(schema, tables=dict(reversed([*schema.tables.items()])))
    assert draft_map({"shop": schema}, {}, "users") == draft_map({"shop": backwards}, {}, "users")


@given(schemas(), st.data())
@settings(max_examples=100, deadline=None)
def test_what_was_decided_stays_and_a_further_draft_changes_nothing(schema: Schema, data: st.DataObject) -> None:
    """What was to be kept with a parent that somebody deletes was never decided."""
    first = loaded(draft_map({"shop": schema}, {}, "users"))
    shop = first.stores["shop"]
    open_ = [name for name, each in shop.tables.items() if each.action == "undecided" and not each.root]
    decided = data.draw(st.sets(st.sampled_from(open_))) if open_ else set()
    changed = {name: replace(each, action="delete") if name in decided else each for name, each in shop.tables.items()}
    known = replace(first, stores={"shop": replace(shop, tables=changed)})
    text = draft_map({"shop": schema}, {}, known=known)
    found = loaded(text).stores["shop"].tables
    settled = [
        each
        for each in known.tables
        if each.action == "delete"
        or (each.action == "keep" and (source := known.source(each)) and source.name not in decided)
    ]
    assert [found[each.name].action for each in settled] == [each.action for each in settled]
    assert all(len(found[name].references) >= len(each.references) for name, each in changed.items())
    again = draft_map({"shop": schema}, {}, known=loaded(text))
    assert draft_map({"shop": schema}, {}, known=loaded(again)) == again
