"""Finding the table that has one row per person."""

import pytest

from slett.datamap.draft import DraftError
from slett.datamap.draft.root import find_root
from slett.stores.schema import Schema, Table
from tests.datamap.tables import key, table


def root_of(*tables: Table, named: str | None = None) -> str:
    store, name = find_root({"shop": Schema("sqlite", {each.name: each for each in tables})}, named)
    assert store == "shop"
    return name


@pytest.mark.parametrize(
    "name",
    [
        *("users", "User", "auth_user", "shop_customers", "accounts_customuser", "members", "people", "crm.persons"),
        *("brukere", "kunder", "Benutzer", "Kunden", "utilisateurs", "clients", "usuarios", "clientes", "tbl_account"),
    ],
)
def test_people_are_found_by_the_name_of_their_table(name: str) -> None:
    people = table(name, "id integer, email text")
    orders = table("orders", "id integer, person_id integer", key("person_id", name))
    assert root_of(orders, people, table("suppliers", "id integer, email text")) == name


def test_what_the_others_refer_to_comes_before_what_does_not() -> None:
    users = table("users", "id integer, email text, password text, last_login timestamp")
    others = [table(f"t{number}", "id integer, user_id integer", key("user_id", "users")) for number in range(5)]
    assert root_of(table("members", "id integer, email text"), users, *others) == "users"


def test_references_without_foreign_keys_count_too() -> None:
    users, members = table("users", "id integer, email text"), table("members", "id integer, email text")
    others = [table(f"t{number}", "id integer, user_id integer") for number in range(5)]
    assert root_of(users, members, *others) == "users"


def test_a_profile_that_extends_the_user_is_no_rival() -> None:
    users = table("users", "id integer, email text, password text")
    customers = table(
        "customers", "id integer, user_id integer, email text", key("user_id", "users"), unique=["user_id"]
    )
    orders = [
        table(f"o{number}", "id integer, customer_id integer", key("customer_id", "customers")) for number in range(3)
    ]
    assert root_of(users, customers, *orders) == "users"


def test_the_staff_that_runs_the_shop_are_not_its_customers() -> None:
    staff = table("admin_users", "id integer, email text, password text")
    assert root_of(staff, table("customers", "id integer, email text, password text")) == "customers"


def test_what_only_begins_with_a_persons_name_is_no_table_of_people() -> None:
    with pytest.raises(DraftError, match="no table looks like one row per person; name it with --root"):
        root_of(table("user_settings", "id integer, email text"), table("orders", "id integer"))


def test_people_without_a_primary_key_are_told_of() -> None:
    with pytest.raises(DraftError, match="`users` has no primary key, by which a person could be named: give it one"):
        root_of(table("users", "name text, email text, password text", primary_key=""), table("orders", "id integer"))


def test_two_tables_that_look_alike_are_for_a_human_to_choose_from() -> None:
    users = table("users", "id integer, email text, password text")
    customers = table("customers", "id integer, email text, password text")
    with pytest.raises(DraftError, match=r"several tables .*: `customers`, `users`; choose one with --root TABLE"):
        root_of(users, customers)
    assert root_of(users, customers, named="customers") == "customers"
    assert root_of(users, customers, named="shop/users") == "users"


def test_a_root_that_does_not_exist_is_told_with_what_was_probably_meant() -> None:
    with pytest.raises(DraftError, match="there is no table `user`; did you mean `users`"):
        root_of(table("users", "id integer"), named="user")


def test_a_root_that_two_stores_have_is_told_with_the_store() -> None:
    schema = Schema("sqlite", {"users": table("users", "id integer, email text")})
    with pytest.raises(DraftError, match=r"write --root `books/users` or `shop/users`"):
        find_root({"shop": schema, "books": schema}, "users")
    with pytest.raises(DraftError, match=r"several tables .* `books/users`, `shop/users`"):
        find_root({"shop": schema, "books": schema})
