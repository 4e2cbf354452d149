"""CHECK constraints as real databases print them: the check still understands them."""

import pytest

from slett.datamap.check.constraints import allows
from slett.datamap.model import Rule
from tests.stores.schemas import table_of

CASES = [
    ("state IN ('open', 'gone')", Rule("constant", "gone"), True),
    ("state IN ('open', 'it''s done')", Rule("constant", "gone"), False),
    ("state IN ('open', 'done')", Rule("hash"), False),
    ("state = 'open'", Rule("constant", "gone"), False),
    ("state <> ''", Rule("template", "x{id}"), True),
    ("length(state) > 3", Rule("constant", "gone"), True),
    ("length(state) > 30 AND state <> 'x'", Rule("constant", "gone"), False),
    ("state IS NOT NULL", Rule("null"), False),
    ("length(state) > 3 OR number > 3", Rule("null"), True),
    ("state LIKE '%@%'", Rule("constant", "gone"), None),
]


@pytest.mark.parametrize(("text", "rule", "verdict"), CASES)
def test_a_check_is_understood_as_the_database_prints_it(
    database: str, text: str, rule: Rule, verdict: bool | None
) -> None:
    create = f"CREATE TABLE t (id integer PRIMARY KEY, number integer, state varchar(40), CHECK ({text}))"
    [check] = table_of(database, create).checks
    assert allows(check.text, "state", rule) is verdict, check.text
