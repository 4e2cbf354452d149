"""Keys of a few people travel to PostgreSQL as arrays, and are a table there."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from slett.stores.known import Listed, Stored
from slett.stores.operations import KeySet
from slett.stores.schema import Family
from tests.conftest import NewDatabase
from tests.stores.conformance import Shop, opened

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])) | st.sampled_from(
    ["NULL", "null", "", '"', "\\", "{}", "a,b", "%s", "%", "$1", "'"]
)
VALUES: dict[Family, st.SearchStrategy[object]] = {
    "integer": st.integers(-(2**63), 2**63 - 1),
    "text": TEXT,
    "uuid": st.uuids(),
}
ROW = st.tuples(st.integers(0, 3), *(st.none() | each for each in VALUES.values()))
KEYS = KeySet("elsewhere", "another", "people", ("a", "b", "c"), tuple(VALUES), ("a",))


@pytest.fixture(scope="module")
def shop(new_database: NewDatabase) -> Iterator[Shop]:
    with opened(new_database("postgresql")) as shop:
        yield shop


@pytest.mark.parametrize("inline_keys", [0, 500], ids=["key tables", "listed"])
@settings(deadline=None)
@given(rows=st.lists(ROW, min_size=1, max_size=8, unique=True))
def test_the_database_sees_the_very_keys_that_were_brought(
    shop: Shop, inline_keys: int, rows: list[tuple[object, ...]]
) -> None:
    """Whatever characters are in them, and null is null."""
    with shop.session(1, 2, inline_keys=inline_keys) as session:
        session.know(KEYS, rows, people=2)
        known = session.known[KEYS.name]
        assert isinstance(known, Listed if inline_keys else Stored)
        found = [tuple(row) for row in session.run(select(*known.table.c)).all()]
        assert sorted(found, key=repr) == sorted(rows, key=repr)
        assert sorted(session.rows_of(KEYS.name), key=repr) == sorted(rows, key=repr)
        assert session.count_of(KEYS.name) == len(rows)
