"""The page that explains the map, and the JSON Schema: true to the code."""

import json
import re
import textwrap
from pathlib import Path
from typing import get_args

import jsonschema
import pytest

from slett.datamap import jsonschema as published
from slett.datamap.check import check_map
from slett.datamap.document import Entry
from slett.datamap.load import load_text
from slett.datamap.problem import Code, MapError
from slett.datamap.source import read_source
from slett.stores.schema import Schema
from tests.datamap.tables import TODAY, key, table

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/data-map.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
VALIDATOR = jsonschema.Draft202012Validator(published.json_schema())
ENVIRON = {"SHOP_URL": "sqlite://", "COMPANY_URL": "sqlite://"}


def whole(example: str) -> str:
    """An example as a map; those of tables alone stand below a store."""
    if example.startswith("slett:"):
        return example
    return "slett: 1\nstores:\n  shop:\n    url: sqlite://\n    tables:\n" + textwrap.indent(example, " " * 6)


def test_every_code_is_explained() -> None:
    assert sorted(re.findall(r"^\| `([a-z-]+)` \| (?:error|warning)", PAGE, re.M)) == sorted(get_args(Code))


def test_every_key_of_the_format_is_explained() -> None:
    keys = {field.alias or name for entry in Entry.__subclasses__() for name, field in entry.model_fields.items()}
    assert [key for key in sorted(keys) if not re.search(rf"[`{{]{key}\b", PAGE)] == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_load_and_editors_accept_them(example: str) -> None:
    load_text(whole(example), environ=ENVIRON)
    assert list(VALIDATOR.iter_errors(read_source(whole(example), "example").values)) == []


def test_the_whole_map_of_the_page_has_no_problems() -> None:
    to_user = key("user_id", "users")
    shop = [
        table(
            "users", "id integer, email text(80), phone text(20)?, password_hash text, active boolean",
            unique=["email", "phone"],
        ),
        table("sessions", "id text, user_id integer", to_user, indexes=["user_id"], rows=90_000),
        table(
            "orders", "id integer, customer_id integer?, guest_email text?, placed_at timestamp, total decimal, "
            "ship_name text?, ship_postcode text?", key("customer_id", "users"),
        ),
        table("order_items", "id integer, order_id integer, price decimal", key("order_id", "orders")),
        table(
            "messages", "id integer, sender_id integer, recipient_id integer?, recipient_name text",
            key("sender_id", "users", on_delete="CASCADE"), key("recipient_id", "users"),
        ),
        table("projects", "id integer, created_by integer?", key("created_by", "users")),
        table(
            "project_members", "user_id integer, project_id integer", to_user, key("project_id", "projects"),
            primary_key="user_id project_id",
        ),
        table("events", "id integer, payload json"),
        table("audit_archive", "id integer, logins integer"),
        table("products", "id integer, name text"),
    ]  # fmt: skip
    company = [table("persons", "id integer, shop_email text, name text")]
    schemas = {
        "shop": Schema("postgresql", {each.name: each for each in shop}),
        "parent_company": Schema("mariadb", {each.name: each for each in company}),
    }
    example = next(example for example in EXAMPLES if "parent_company" in example)
    assert check_map(load_text(example, environ=ENVIRON), schemas, TODAY) == []


def test_the_published_schema_is_the_one_in_the_code() -> None:
    jsonschema.Draft202012Validator.check_schema(published.json_schema())
    file = ROOT / published.FILE
    assert json.loads(file.read_text(encoding="utf-8")) == published.json_schema(), "python -m slett.datamap.jsonschema"


def test_every_key_has_help_for_editors() -> None:
    schema = published.json_schema()
    for entry in [schema, *schema["$defs"].values()]:
        assert all(field.get("description") for field in entry.get("properties", {}).values())


@pytest.mark.parametrize(
    "entry",
    [
        "{action: delte}",
        "{root: yes, action: delete}",
        "{references: [{colum: a, to: users}]}",
        "{references: [{column: a}]}",
        "{references: [{column: a, columns: [a], to: users}]}",
        "{references: [{column: a, to: users, identifier: email}]}",
        "{references: [{column: a, to: users, kind: owns}]}",
        "{action: keep, until: {column: a, add: 30 days}}",
        "{action: keep, until: {as: orders, add: 1 year}}",
        "{action: anonymise, anonymise: {a: {hash: true, prefix: 1}}}",
        "{action: anonymise, anonymise: {a: {cut: day}}}",
        "{action: anonymise, anonymise: {a: {}}}",
        "{action: delete, disable: stop}",
        "{action: delete, columns: a}",
    ],
)
def test_editors_refuse_what_the_loader_refuses(entry: str) -> None:
    values = read_source(f"slett: 1\nstores: {{shop: {{url: x, tables: {{users: {entry}}}}}}}", "example").values
    assert list(VALIDATOR.iter_errors(values))
    with pytest.raises(MapError):
        load_text(f"slett: 1\nstores: {{shop: {{url: x, tables: {{users: {entry}}}}}}}")
