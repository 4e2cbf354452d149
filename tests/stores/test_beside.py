"""Slices go beside each other only where neither can ever wait for the other."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from slett.stores.operations import Change, Delete, Holder, Link, Rule, Update, Write
from tests.stores.conformance import NAMED, OWN_LOG, OWN_ORDERS, OWN_USERS, Shop, opened
from tests.stores.schemas import execute

NULL = Rule("null")
ORDERS_GO, USERS_GO = Delete(OWN_ORDERS), Delete(OWN_USERS)


@pytest.fixture
def shop(postgresql_database: str) -> Iterator[Shop]:
    with opened(postgresql_database) as shop:
        yield shop


def goes(shop: Shop, change: Change, *statements: str) -> bool:
    """Whether slices of a change of two people go beside each other, once these statements were run."""
    execute(shop.url, *statements)
    with replace(shop, schema=shop.store.read_schema()).session(1, 2) as session:
        return session.goes_beside(change)


def test_rows_that_go_and_references_that_become_null_are_nobody_elses(shop: Shop) -> None:
    forget = (Write("note", NULL), Write("placed", NULL))
    for change in (ORDERS_GO, USERS_GO, Delete(OWN_LOG), Update(OWN_ORDERS, forget)):
        assert goes(shop, change)


def test_a_value_that_is_written_may_be_what_another_slice_waits_for(shop: Shop) -> None:
    """A ghost is locked by whoever refers to it, and a unique index waits to see whether an old value goes."""
    for write in (Write("note", Rule("constant", "x")), Write("note", Rule("hash")), Write("note", NULL, ("a",))):
        assert not goes(shop, Update(OWN_ORDERS, (Write("placed", NULL), write)))
    assert not goes(shop, Update(OWN_USERS, (Write("code", NULL),)))
    add = "ALTER TABLE «order» ADD twice INTEGER GENERATED ALWAYS AS (no * 2) STORED"
    assert not goes(shop, Update(OWN_ORDERS, (Write("note", NULL),)), add)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE «order» ADD FOREIGN KEY (user_id) REFERENCES «users» ON DELETE CASCADE",
        "ALTER TABLE «order» ADD FOREIGN KEY (user_id) REFERENCES «users» ON DELETE SET NULL",
        "ALTER TABLE «users» ADD boss INTEGER REFERENCES «users»",
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';"
        "CREATE TRIGGER t BEFORE DELETE ON «users» FOR EACH ROW EXECUTE FUNCTION f()",
        "CREATE RULE r AS ON DELETE TO «users» DO ALSO UPDATE «users» SET code = code",
    ],
    ids=["cascade", "set null", "itself", "trigger", "rule"],
)
def test_a_row_that_takes_or_changes_others_goes_alone(shop: Shop, statement: str) -> None:
    assert not goes(shop, USERS_GO, statement)


def test_rows_that_somebody_else_may_hold_go_alone(shop: Shop) -> None:
    holder = Holder(("user_id",), "named", ("id",))
    assert not goes(shop, Delete(replace(OWN_ORDERS, unless=(holder,))))


def test_rows_of_two_persons_go_alone(shop: Shop) -> None:
    """Each slice would lock some of them first, and then want the others."""
    with shop.session(1, 2) as session:
        session.add(NAMED.name, [(2, 3)])
        assert session.goes_beside(ORDERS_GO)
        session.add(NAMED.name, [(2, 1)])
        assert not session.goes_beside(ORDERS_GO)


def test_what_is_compared_in_another_form_may_be_two_persons(shop: Shop) -> None:
    folded = Link(("user_id",), "named", ("id",), text=True)
    assert not goes(shop, Delete(replace(OWN_ORDERS, links=(folded,))))


@pytest.mark.parametrize("dialect", ["mariadb", "sqlite"], indirect=True)
def test_elsewhere_more_is_locked_than_rows(database: str) -> None:
    with opened(database) as shop:
        assert not goes(shop, ORDERS_GO)
