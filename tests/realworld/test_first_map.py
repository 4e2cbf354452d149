"""How much of a real schema the first draft of a map decides, before a human has said anything."""

from collections import Counter

import pytest

from slett.datamap.check import check_map
from slett.datamap.draft import draft_map
from slett.datamap.load import load_text
from slett.stores.introspect import read_schema
from tests.datamap.tables import TODAY
from tests.realworld.apps import App
from tests.servers.databases import engine


@pytest.mark.parametrize(
    ("which", "root", "decided"),
    [
        ("oscar", "auth_user", {"delete": 15, "keep": 14, "undecided": 15}),
        ("pretix", "pretixbase_customer", {"delete": 2, "keep": 14, "undecided": 28}),
    ],
)
def test_the_first_draft_leaves_so_many_tables_to_a_human_and_nothing_else(
    which: str, root: str, decided: dict[str, int], request: pytest.FixtureRequest
) -> None:
    app: App = request.getfixturevalue(which)
    with engine(app.url).connect() as connection:
        schemas = {which: read_schema(connection)}
    found = load_text(draft_map(schemas, {}, root), environ={f"{which.upper()}_URL": app.url})
    assert Counter(table.action for table in found.tables) == decided
    errors = Counter(problem.code for problem in check_map(found, schemas, TODAY) if problem.severity == "error")
    assert errors == {"undecided": decided["undecided"]}
