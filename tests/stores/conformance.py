"""What every kind of store must do, whatever its database: one suite for all.

A test module for a kind of store imports `Conformance`, makes a class of it, and gives it a fixture `shop`: a
store with the tables below and nothing in its session.
"""

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest

from slett.stores.errors import Busy, Conflict, StoreError, Unproven
from slett.stores.operations import Collect, Delete, Due, Holder, KeySet, Link, Rows, Rule, Scalar, Update, Write
from slett.stores.schema import Schema
from slett.stores.sql import Session, Store
from slett.stores.statements import Slice
from tests.servers.databases import engine
from tests.stores.schemas import execute

TODAY = date(2026, 11, 22)
SECRET = "kari@secret.no"
HASH_KEY = b"a key of thirty-two bytes, or so"
TABLES = (
    "CREATE TABLE «users» (id INTEGER PRIMARY KEY, mail VARCHAR(60), city VARCHAR(60), born DATE, code INTEGER UNIQUE)",
    "CREATE TABLE «order» (shop INTEGER, no INTEGER, user_id INTEGER NOT NULL, note VARCHAR(60), placed DATE, "
    "PRIMARY KEY (shop, no), CONSTRAINT whose_order FOREIGN KEY (user_id) REFERENCES «users» (id))",
    "CREATE TABLE «log» (code INTEGER, user_id INTEGER, line VARCHAR(60))",
    f"INSERT INTO «users» VALUES (1, '{SECRET}', 'Ålesund', '1980-05-17', NULL), "
    "(2, 'Ola@x.no', 'Bergen', '1981-06-18', 12), (3, 'per@x.no', 'Bergen', NULL, 13)",
    "INSERT INTO «order» VALUES (1, 10, 1, 'a', '2021-11-21'), (2, 20, 1, NULL, '2021-11-22'), (1, 20, 2, 'a', NULL), "
    "(2, 10, 2, 'b', '2015-01-01'), (3, 30, 3, 'c', '2026-01-01')",
    "INSERT INTO «log» VALUES (NULL, 1, 'x'), (NULL, 1, 'x'), (7, 1, 'y'), (NULL, 2, 'x')",
)
NAMED = KeySet("named", "", "", ("id",), ("integer",), ("id",))
MAILS = KeySet("mails", "", "", ("value",), ("text",), ("value",))
USERS = KeySet("users", "shop", "users", ("id", "code"), ("integer", "integer"), ("id",))
ORDERS = KeySet("orders", "shop", "order", ("shop", "no"), ("integer", "integer"), ("shop", "no"))
LOG = KeySet("log", "shop", "log", ("code",), ("integer",), ("code",))
OF_USERS = Link(("user_id",), "named", ("id",))
OWN_USERS = Rows("users", (Link(("id",), "named", ("id",)),), key=("id",))
OWN_ORDERS = Rows("order", (OF_USERS,), key=("shop", "no"))
OWN_LOG = Rows("log", (OF_USERS,), key=("code",))


@dataclass
class Shop:
    """A store with three people in it."""

    url: str
    store: Store
    schema: Schema

    @contextmanager
    def session(self, *people: int, inline_keys: int = 500) -> Iterator[Session]:
        """A session in which these people are named."""
        with self.store.session(self.schema, TODAY, inline_keys=inline_keys, hash_key=HASH_KEY) as session:
            session.know(NAMED, [(number, key) for number, key in enumerate(people)], people=len(people))
            yield session

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What somebody else sees."""
        with engine(self.url).connect() as connection:
            quote = connection.dialect.identifier_preparer.initial_quote
            return [tuple(row) for row in connection.exec_driver_sql(query.replace("«", quote).replace("»", quote))]


@contextmanager
def opened(url: str, lock_seconds: float = 0.5) -> Iterator[Shop]:
    """The shop in a database, made now."""
    execute(url, *TABLES)
    store = Store("shop", url, lock_seconds)
    try:
        yield Shop(url, store, store.read_schema())
    finally:
        store.close()


ways = pytest.mark.parametrize("inline_keys", [0, 500], ids=["key tables", "inline"])


class Conformance:
    """Every test gets a fresh shop."""

    # -- finding --------------------------------------------------------------------------------------

    @ways
    def test_what_was_collected_is_not_collected_again(self, shop: Shop, inline_keys: int) -> None:
        with shop.session(1, inline_keys=inline_keys) as session:
            session.expect_all([ORDERS], people=1)
            assert session.collect(Collect("orders", OWN_ORDERS), ORDERS) == 2
            assert session.collect(Collect("orders", OWN_ORDERS), ORDERS) == 0
            assert session.count_of("orders") == 2
            assert sorted(session.rows_of("orders")) == [(0, 1, 10), (0, 2, 20)]

    @pytest.mark.parametrize("inline_keys", [0, 1, 2, 500])
    @pytest.mark.parametrize("people", [(1,), (2,), (1, 3)])
    def test_what_is_collected_together_is_what_is_collected_one_by_one(
        self, shop: Shop, inline_keys: int, people: tuple[int, ...]
    ) -> None:
        """Wherever the keys travel, also when some of them become too many on the way, and twice into one set."""
        wanted = [(Collect("orders", OWN_ORDERS), ORDERS), (Collect("log", OWN_LOG), LOG)]
        wanted += [(Collect("users", OWN_USERS), USERS), (Collect("orders", OWN_ORDERS), ORDERS)]
        found = []
        for together in (True, False):
            with shop.session(*people, inline_keys=inline_keys) as session:
                for keys in (ORDERS, LOG, USERS):
                    session.expect_all([keys], people=len(people))
                if together:
                    session.collect_all(wanted)
                else:
                    for each in wanted:
                        session.collect(*each)
                found.append([sorted(session.rows_of(each.name), key=repr) for each in (ORDERS, LOG, USERS)])
        assert found[0] == found[1]
        assert all(found[0])

    def test_whom_nobody_named_nothing_is_collected_of(self, shop: Shop) -> None:
        with shop.session(1) as session:
            session.known["named"].values.clear()  # type: ignore[union-attr] # one person's are inline
            session.expect_all([ORDERS], people=1)
            session.expect_all([LOG], people=1)
            asked = session.statements
            session.collect_all([(Collect("orders", OWN_ORDERS), ORDERS), (Collect("log", OWN_LOG), LOG)])
            assert (list(session.rows_of("orders")), list(session.rows_of("log"))) == ([], [])
            assert session.statements == asked

    @ways
    def test_a_key_of_null_is_collected_once_too(self, shop: Shop, inline_keys: int) -> None:
        """Else a table that refers to itself would be walked for ever."""
        with shop.session(1, inline_keys=inline_keys) as session:
            session.expect_all([LOG], people=1)
            session.collect(Collect("log", OWN_LOG), LOG)
            assert session.collect(Collect("log", OWN_LOG), LOG) == 0

    def test_a_key_set_that_grows_too_large_moves_to_a_table(self, shop: Shop) -> None:
        with shop.session(1, inline_keys=1) as session:
            session.expect_all([ORDERS], people=1)
            assert session.collect(Collect("orders", OWN_ORDERS), ORDERS) == 2
            assert sorted(session.rows_of("orders")) == [(0, 1, 10), (0, 2, 20)]

    def test_each_person_keeps_their_number(self, shop: Shop) -> None:
        with shop.session(1, 3) as session:
            session.expect_all([ORDERS], people=2)
            session.collect(Collect("orders", OWN_ORDERS), ORDERS)
            assert sorted(session.rows_of("orders")) == [(0, 1, 10), (0, 2, 20), (1, 3, 30)]
            assert session.count_by_person([Delete(OWN_ORDERS)]) == [{0: 2, 1: 1}]

    @ways
    def test_many_changes_are_counted_in_one_statement(self, shop: Shop, inline_keys: int) -> None:
        with shop.session(1, inline_keys=inline_keys) as session:
            before = session.statements
            update = Update(OWN_ORDERS, (Write("note", Rule("constant", "a")),))
            assert session.count([Delete(OWN_USERS), Delete(OWN_ORDERS), update]) == [1, 2, 1]
            assert session.statements == before + 1
            assert session.count([]) == []

    @pytest.mark.parametrize("odd", ["a\tb", "a\nb", "a\rb", "a\\b", "\\N", "\\.", "%s", "", "bård"])
    def test_a_key_set_of_several_people_comes_back_whatever_is_in_it(self, shop: Shop, odd: str) -> None:
        rows = [(0, "plain"), (1, odd), (2, "other")]
        with shop.session(1) as session:
            session.know(MAILS, rows, people=3)
            assert sorted(session.rows_of(MAILS.name)) == rows

    @ways
    def test_text_is_compared_with_letter_case_folded_where_asked_and_nothing_else(
        self, shop: Shop, inline_keys: int
    ) -> None:
        execute(shop.url, "INSERT INTO «users» VALUES (4, 'BÅRD@x.no', 'x', NULL, 4), (5, 'bard@x.no', 'x', NULL, 5)")
        with shop.session(1, inline_keys=inline_keys) as session:
            session.know(MAILS, [(0, "bård@X.NO"), (0, "")], people=1)
            rows = Rows("users", (Link(("mail",), "mails", ("value",), fold=True),), key=("id",))
            assert list(session.read(rows, ["id"], ["id"])) == [(4,)]

    @ways
    def test_a_composite_link_may_fold_letter_case(self, shop: Shop, inline_keys: int) -> None:
        keys = KeySet("pairs", "", "", ("a", "b"), ("text", "text"), ("a", "b"))
        with shop.session(1, inline_keys=inline_keys) as session:
            session.know(keys, [(0, "OLA@x.no", "BERGEN"), (0, SECRET, "Bergen")], people=1)
            gone = Delete(Rows("users", (Link(("mail", "city"), "pairs", ("a", "b"), fold=True),), key=("id",)))
            assert session.count([gone]) == [1]
            assert session.rehearse([gone])

    @ways
    def test_numbers_and_their_text_are_compared_as_text(self, shop: Shop, inline_keys: int) -> None:
        execute(shop.url, "INSERT INTO «users» VALUES (4, '1', '3', NULL, 4)")
        with shop.session(1, 3, inline_keys=inline_keys) as session:
            rows = Rows("users", (Link(("mail",), "named", ("id",), text=True),), key=("id",))
            assert session.count([Delete(rows)]) == [1]

    @ways
    def test_a_row_that_others_hold_is_told_from_one_that_nobody_holds(self, shop: Shop, inline_keys: int) -> None:
        """`code` stands for a second holder; a null among the keys is nobody and changes nothing."""
        with shop.session(1, 2, inline_keys=inline_keys) as session:
            session.expect_all([USERS], people=2)
            session.collect(Collect("users", OWN_USERS), USERS)
            execute(shop.url, "INSERT INTO «log» VALUES (12, 1, 'both'), (13, 1, 'held')")
            holder = Holder(("code",), "users", ("code",))
            link = Rows("log", (Link(("user_id",), "users", ("id",)),), unless=(holder,))
            assert {row[0] for row in session.read(link, ["line"], ["line"])} == {"both", "x"}
            assert {row[0] for row in session.read(replace(link, held=True), ["line"], ["line"])} == {"held", "y"}

    def test_rows_are_read_in_order(self, shop: Shop) -> None:
        with shop.session(1, 2) as session:
            found = list(session.read(OWN_ORDERS, ["no", "shop"], ["no", "shop"]))
        assert found == [(10, 1), (10, 2), (20, 1), (20, 2)]

    def test_kept_rows_are_read_with_their_person_and_date(self, shop: Shop) -> None:
        due = Due("placed", 60, False)
        with shop.session(1, 2) as session:
            kept = replace(OWN_ORDERS, due=due, is_due=False)
            found = {(row[0], str(row[1]), *row[2:]) for row in session.read_kept(kept, due, 3)}
            assert found == {(0, "2021-11-22", 2, 20), (1, "None", 1, 20)}
            assert session.count([Delete(replace(OWN_ORDERS, due=due))]) == [2]

    # -- changing -------------------------------------------------------------------------------------

    @ways
    def test_a_row_value_is_deleted_and_its_mixtures_stay(self, shop: Shop, inline_keys: int) -> None:
        with shop.session(1, inline_keys=inline_keys) as session:
            session.expect_all([ORDERS], people=1)
            session.collect(Collect("orders", OWN_ORDERS), ORDERS)
            with session.transaction():
                assert session.apply(Delete(Rows("order", (), among="orders", key=("shop", "no")))) == 2
        assert sorted(shop.rows("SELECT shop, no FROM «order»")) == [(1, 20), (2, 10), (3, 30)]

    @ways
    @pytest.mark.parametrize("rule", ["null", "constant", "hash", "template", "prefix"])
    def test_a_rule_of_text_writes_what_it_says_once(self, shop: Shop, inline_keys: int, rule: Any) -> None:
        values: dict[str, Scalar] = {"constant": "(deleted)", "template": "gone-{id}@invalid", "prefix": 3}
        value = values.get(rule)
        digest = hmac.new(HASH_KEY, SECRET.encode(), hashlib.sha256).hexdigest()[:32]
        expected = {"constant": value, "hash": f"slett-{digest}", "template": "gone-1@invalid", "prefix": "kar"}.get(
            rule
        )
        change = Update(OWN_USERS, (Write("mail", Rule(rule, value)),))
        with shop.session(1, inline_keys=inline_keys) as session, session.transaction():
            assert (session.apply(change), session.apply(change)) == (1, 0)
        assert shop.rows("SELECT mail FROM users WHERE id < 3 ORDER BY id") == [(expected,), ("Ola@x.no",)]

    @pytest.mark.parametrize(("rule", "expected"), [("year", "1980-01-01"), ("month", "1980-05-01")])
    def test_a_date_is_cut_once(self, shop: Shop, rule: Any, expected: str) -> None:
        change = Update(OWN_USERS, (Write("born", Rule(rule)),))
        with shop.session(1, 3) as session, session.transaction():
            assert (session.apply(change), session.apply(change)) == (1, 0)
        assert [str(row[0]) for row in shop.rows("SELECT born FROM users ORDER BY id")] == [
            expected,
            "1981-06-18",
            "None",
        ]

    def test_a_rule_tells_letter_case_apart(self, shop: Shop) -> None:
        """A collation that does not would take what is there for what should be."""
        change = Update(
            OWN_USERS, (Write("city", Rule("constant", "alesund")), Write("mail", Rule("constant", SECRET.upper())))
        )
        with shop.session(1) as session, session.transaction():
            assert session.apply(change) == 1
        assert shop.rows("SELECT city, mail FROM users WHERE id = 1") == [("alesund", SECRET.upper())]

    @ways
    def test_slices_cover_every_row_once(self, shop: Shop, inline_keys: int) -> None:
        execute(shop.url, *(f"INSERT INTO «order» VALUES ({n % 7 + 4}, {n}, 1, NULL, NULL)" for n in range(20)))
        with shop.session(1, inline_keys=inline_keys) as session:
            total = session.number(Delete(OWN_ORDERS))
            assert total == 22
            done = []
            for after in range(0, total, 5):
                with session.transaction():
                    part = Slice(after, after + 5)
                    done.append((session.apply(Delete(OWN_ORDERS), part), session.apply(Delete(OWN_ORDERS), part)))
        assert done == [(5, 0), (5, 0), (5, 0), (5, 0), (2, 0)]
        assert len(shop.rows("SELECT * FROM «order»")) == 3

    def test_a_slice_of_people_reaches_nobody_else(self, shop: Shop) -> None:
        """Numbers, not keys, bound it: whoever is third in the pass goes third."""
        with shop.session(3, 1, 2) as session:
            session.expect_all([ORDERS], people=3)
            session.collect(Collect("orders", OWN_ORDERS), ORDERS)
            collected = replace(OWN_ORDERS, among="orders")
            for rows in (OWN_ORDERS, collected, replace(collected, links=())):
                assert session.goes_by_person(Delete(rows))
                session.find_by_person(Delete(rows))
                assert session.number(Delete(rows), Slice(0, 2, "people")) == 4
            with session.transaction():
                assert session.apply(Delete(OWN_ORDERS), Slice(0, 1, "people")) == 2
            assert sorted(shop.rows("SELECT user_id FROM «order»")) == [(2,), (2,), (3,)]
            with session.transaction():
                assert session.apply(Delete(collected), Slice(-1, 1, "people")) == 1
                assert session.apply(Delete(replace(collected, links=())), Slice(1, 2, "people")) == 2
        assert shop.rows("SELECT user_id FROM «order»") == []

    def test_one_person_or_several_keys_of_a_row_do_not_go_by_person(self, shop: Shop) -> None:
        two_ways = replace(OWN_ORDERS, links=(OF_USERS, replace(OF_USERS, at=("id",), keys="users")))
        with shop.session(1) as session:
            assert not session.goes_by_person(Delete(OWN_ORDERS))
        with shop.session(1, 2) as session:
            session.expect_all([USERS], people=2)
            assert not session.goes_by_person(Delete(two_ways))

    def test_rows_that_nothing_tells_apart_go_in_slices_or_whole(self, shop: Shop) -> None:
        with shop.session(1) as session:
            total = session.number(Delete(OWN_LOG))
            assert total in (None, 3)
            with session.transaction():
                assert session.apply(Delete(OWN_LOG), Slice(0, 3) if total else None) == 3
        assert shop.rows("SELECT user_id FROM log") == [(2,)]

    @ways
    def test_what_has_become_somebody_elses_since_it_was_numbered_stays(self, shop: Shop, inline_keys: int) -> None:
        """A place is no key: another's row may be there by the time that a slice comes to it."""
        change = Delete(Rows("log", (), among="log", key=("code",)))
        with shop.session(1, inline_keys=inline_keys) as session:
            session.expect_all([LOG], people=1)
            session.collect(Collect("log", OWN_LOG), LOG)
            total = session.number(change)
            assert total in (None, 1)
            execute(shop.url, "UPDATE log SET code = 8, user_id = 2 WHERE code = 7")
            with session.transaction():
                assert session.apply(change, Slice(0, 1) if total else None) == 0

    def test_several_changes_run_in_their_order(self, shop: Shop) -> None:
        with shop.session(1) as session, session.transaction():
            assert session.apply_all([Delete(OWN_LOG), Delete(OWN_ORDERS), Delete(OWN_USERS)]) == [3, 2, 1]
        assert len(shop.rows("SELECT * FROM users")) == 2

    def test_a_whole_transaction_is_committed_or_leaves_nothing(self, shop: Shop) -> None:
        """Sent at once, its end with it: what fails in the middle must not reach the commit."""
        everybody = KeySet("everybody", "", "", ("id",), ("integer",), ("id",))
        all_users = Delete(replace(OWN_USERS, links=(Link(("id",), "everybody", ("id",)),)))
        with shop.session(1) as session:
            session.know(everybody, [(0, 1), (0, 2)], people=1)
            with pytest.raises(Conflict):
                session.apply_whole([Delete(OWN_LOG), all_users, Delete(OWN_ORDERS)])
            assert len(shop.rows("SELECT * FROM log")) == 4
            assert session.apply_whole([Delete(OWN_LOG), Delete(OWN_ORDERS), Delete(OWN_USERS)]) == [3, 2, 1]
            assert len(shop.rows("SELECT * FROM users")) == 2

    def test_nothing_known_by_a_folded_identifier_finds_nothing(self, shop: Shop) -> None:
        """And is not asked for: a plan that serves everybody would read the whole table for it."""
        by_mail = Rows("users", (Link(("mail",), "mails", ("value",), fold=True),), key=("id",))
        with shop.session(1) as session:
            session.know(MAILS, [], people=1)
            session.expect_all([USERS], people=1)
            before = session.statements
            assert session.collect(Collect("users", by_mail), USERS) == 0
            assert session.statements == before
            assert session.count([Delete(by_mail)]) == [0]
            with session.transaction():
                assert session.apply(Delete(by_mail)) == 0
            session.know(MAILS, [(0, SECRET.upper())], people=1)
            assert session.count([Delete(by_mail)]) == [1]
            assert session.collect(Collect("users", by_mail), USERS) == 1

    def test_a_transaction_that_fails_changes_nothing(self, shop: Shop) -> None:
        everybody = KeySet("everybody", "", "", ("id",), ("integer",), ("id",))
        with shop.session(1) as session:
            session.know(everybody, [(0, 1), (0, 2)], people=1)
            with pytest.raises(Conflict), session.transaction():
                session.apply_all(
                    [Delete(OWN_ORDERS), Delete(replace(OWN_USERS, links=(Link(("id",), "everybody", ("id",)),)))]
                )
            assert session.count([Delete(OWN_ORDERS)]) == [2]
        assert len(shop.rows("SELECT * FROM «order»")) == 5
        assert len(shop.rows("SELECT * FROM users")) == 3

    def test_a_rehearsal_changes_nothing(self, shop: Shop) -> None:
        with shop.session(1) as session:
            update = Update(OWN_USERS, (Write("mail", Rule("null")),))
            estimates = session.rehearse([Delete(OWN_USERS), Delete(OWN_ORDERS), update])
        assert [cost >= 0 and rows >= 0 for cost, rows in estimates] == [True, True, True]
        assert len(shop.rows("SELECT * FROM «order»")) == 5

    def test_the_next_session_knows_nothing_of_the_last(self, shop: Shop) -> None:
        for people in ((1, 2), (3,)):
            with shop.session(*people, inline_keys=0) as session:
                session.expect_all([ORDERS], people=len(people))
                assert session.collect(Collect("orders", OWN_ORDERS), ORDERS) == 2 * len(people) - (people == (3,))

    # -- failing --------------------------------------------------------------------------------------

    def test_a_change_that_names_no_keys_never_runs(self, shop: Shop) -> None:
        with shop.session(1) as session, pytest.raises(Unproven), session.transaction():
            session.apply(Delete(Rows("order", (), key=("shop", "no"))))
        assert len(shop.rows("SELECT * FROM «order»")) == 5

    def test_a_constraint_in_the_way_is_a_conflict(self, shop: Shop) -> None:
        with shop.session(1) as session, pytest.raises(Conflict) as caught, session.transaction():
            session.apply(Delete(OWN_USERS))
        self.says_nothing_of_anybody(caught.value)
        assert len(shop.rows("SELECT * FROM users")) == 3

    def test_a_lock_of_somebody_else_is_busy_and_can_be_tried_again(self, shop: Shop) -> None:
        change = Update(OWN_USERS, (Write("mail", Rule("null")),))
        other = engine(shop.url)
        with shop.session(1) as session:
            with other.connect() as connection, connection.begin():
                connection.exec_driver_sql("UPDATE users SET city = 'x' WHERE id = 1")
                with pytest.raises(Busy) as caught, session.transaction():
                    session.apply(change)
            with session.transaction():
                assert session.apply(change) == 1
        self.says_nothing_of_anybody(caught.value)

    @staticmethod
    def says_nothing_of_anybody(error: StoreError) -> None:
        """Neither the message nor what hangs behind it holds a value of a row."""
        text = f"{error} {error.args} {error.__cause__ or ''}"
        assert SECRET not in text
        assert "shop" in text
        assert error.__suppress_context__
