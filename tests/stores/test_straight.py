"""What nothing stands in the way of goes straight back; of all else, nothing does.

`test_giveback` says what becomes of it then. There is the law, too, of what comes back byte for byte on either way;
and whatever goes straight in it must go with care just so.
"""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from slett.stores.operations import Delete
from slett.stores.schema import Dialect
from slett.stores.sql import Store
from slett.stores.straight import Straight, defers
from tests.conftest import NewDatabase
from tests.stores.conformance import TODAY, Shop
from tests.stores.schemas import execute
from tests.stores.test_giveback import FORGET, LET_GO, OWN_NOTES, OWN_PEOPLE, PEOPLE, both, go_straight, put_away

BEFORE_CHANGES = {
    "the key of a parent": ("INSERT INTO people VALUES (1, 'per@x.no', 'Per')",),
    "a unique value": ("INSERT INTO people VALUES (9, 'kari@x.no', 'a namesake')",),
    "the key of a child": ("INSERT INTO note VALUES (3, 2, NULL, 'mine')",),
    "a column that is gone": ("ALTER TABLE note DROP COLUMN body",),
    "a table that is gone": ("DROP TABLE note",),
}


@pytest.fixture
def shop(database: str) -> Iterator[Shop]:
    execute(database, *PEOPLE)
    store = Store("shop", database, 0.5)
    yield Shop(database, store, store.read_schema())
    store.close()


@pytest.mark.parametrize("what", BEFORE_CHANGES)
def test_whatever_is_in_the_way_of_one_row_holds_all_back(shop: Shop, what: str) -> None:
    notes, people = put_away(shop, Delete(OWN_NOTES), 1), put_away(shop, Delete(OWN_PEOPLE), 1)
    assert go_straight(shop.store, people, notes) == [(1, {}), (3, {})]
    execute(shop.url, *BEFORE_CHANGES[what])
    assert go_straight(shop.store, people, notes) is None


def test_a_row_without_its_parent_holds_all_back(shop: Shop) -> None:
    notes, people = put_away(shop, Delete(OWN_NOTES), 1), put_away(shop, Delete(OWN_PEOPLE), 1)
    assert go_straight(shop.store, notes) is None
    assert go_straight(shop.store, people) == [(1, {})]


@pytest.mark.parametrize(
    "what", ["UPDATE people SET name = 'Kari again' WHERE id = 1", "INSERT INTO people VALUES (9, 'kari@x.no', 'she')"]
)
def test_a_value_that_somebody_wrote_or_has_by_now_holds_all_back(shop: Shop, what: str) -> None:
    notes, people = put_away(shop, LET_GO, 1), put_away(shop, FORGET, 1)
    assert go_straight(shop.store, people, notes) == [(1, {}), (3, {})]
    execute(shop.url, what)
    assert go_straight(shop.store, people, notes) is None


def test_what_is_back_already_is_counted_with_care(shop: Shop) -> None:
    """It would be written twice, or not at all."""
    notes, people = put_away(shop, LET_GO, 1), put_away(shop, FORGET, 1)
    execute(shop.url, "UPDATE people SET mail = 'kari@x.no', name = 'Kari' WHERE id = 1")
    assert go_straight(shop.store, people) is None
    gone = put_away(shop, Delete(OWN_NOTES), 2)
    assert go_straight(shop.store, (gone[0], gone[1] * 2)) in (None, [(1, {})])
    assert go_straight(shop.store, notes, gone) == [(3, {}), (1, {})]


@pytest.mark.parametrize("event", ["INSERT", "UPDATE"])
def test_where_triggers_fire_nothing_goes_straight(shop: Shop, dialect: Dialect, event: str) -> None:
    """They would write where nobody looks."""
    put_away(shop, Delete(OWN_NOTES), 2)
    people = put_away(shop, Delete(OWN_PEOPLE), 2) if event == "INSERT" else put_away(shop, FORGET, 2)
    assert go_straight(shop.store, people) == [(1, {})]
    execute(shop.url, *TRIGGERS[dialect](event))
    assert go_straight(shop.store, people) is None


TRIGGERS = {
    "postgresql": lambda event: (
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name = 'x'; RETURN NEW; END $$",
        f"CREATE TRIGGER fires BEFORE {event} ON people FOR EACH ROW EXECUTE FUNCTION f()",
    ),
    "mariadb": lambda event: (f"CREATE TRIGGER fires BEFORE {event} ON people FOR EACH ROW SET NEW.name = 'x'",),
    "sqlite": lambda event: (
        f"CREATE TRIGGER fires AFTER {event} ON people BEGIN UPDATE note SET body = 'x' WHERE id = 4; END",
    ),
}


def test_large_ones_go_straight_too_each_in_the_way_that_suits_the_database(shop: Shop) -> None:
    """Many blocks: in PostgreSQL through a temporary table, elsewhere a statement for each block."""
    long = "x" * 50
    rows = ", ".join(f"({n}, {n % 2 + 1}, NULL, '{long}')" for n in range(10, 18_000))
    execute(shop.url, f"INSERT INTO note VALUES {rows}")
    before = both(shop)
    notes = put_away(shop, Delete(OWN_NOTES), 1, 2)
    assert len(notes[1]) > 1
    with shop.store.session(shop.schema, TODAY) as session, session.transaction(defer=defers(session)):
        way = Straight(session, 1)
        assert way.take(*notes) == 8_996
        way.finish()
    with shop.store.session(shop.schema, TODAY) as session, session.transaction(defer=defers(session)):
        way = Straight(session, 0)
        assert way.take(*notes) == 8_998
        way.finish()
    assert both(shop) == before


def test_sqlite_does_not_wait_until_it_commits_to_find_a_parent_missing(new_database: NewDatabase) -> None:
    """Another store would have committed by then."""
    url = new_database("sqlite")
    execute(url, *(each.replace("(id))", "(id) DEFERRABLE INITIALLY DEFERRED)") for each in PEOPLE))
    store = Store("shop", url)
    shop = Shop(url, store, store.read_schema())
    notes = put_away(shop, Delete(OWN_NOTES), 2)
    assert go_straight(store, notes) is None
    store.close()


def test_names_that_look_like_parameters_come_back_as_well(shop: Shop) -> None:
    for name in ("what?", "50%"):
        execute(shop.url, f"ALTER TABLE people ADD COLUMN «{name}» VARCHAR(9) DEFAULT '%s?'")
    later = replace(shop, schema=shop.store.read_schema())
    people = put_away(later, FORGET, 2)
    with later.store.session(later.schema, TODAY) as session, session.transaction(defer=defers(session)):
        way = Straight(session, None)
        assert way.take(*people) == 1
        way.finish()
    assert shop.rows("SELECT mail, name FROM people WHERE id = 2") == [("ola@x.no", "Ola")]
