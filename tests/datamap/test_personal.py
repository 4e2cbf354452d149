"""Which columns look personal."""

import pytest

from slett.datamap.personal import looks_personal
from tests.datamap.tables import column, key, table


def looks(name: str, columns: str, *keys: object, **more: object) -> str | None:
    """What is said of the first column of a table."""
    made = table(name, columns, *keys, primary_key="", **more)  # type: ignore[arg-type] # as the table has them
    return looks_personal(made, made.columns[0])


@pytest.mark.parametrize(
    "columns",
    [
        "email text", "shipEmail text", "EMAIL_ADDRESS text", "email2 text", "e_mail text", "epost text", "correo text",
        "phone text", "mobile_number integer", "contactPhone text", "telefonnummer text", "tlf text", "téléphone text",
        "first_name text", "lastname text", "etternavn text", "Nachname text", "prénom text", "apellidos text",
        "ship_name text", "customerName text", "username text", "login text", "nickname text",
        "ip text", "remote_addr other", "client_ip text", "last_login_ip text", "userAgent text",
        "date_of_birth date", "birthday text", "fødselsnummer text", "personnummer text", "ssn text",
        "Geburtsdatum date",
        "iban text", "account_number text", "kontonummer text", "passport_no text", "dni text",
        "password text", "password_hash text", "refresh_token text", "session_data text",
        "rc_ip binary", "user_email binary", "ssn_encrypted binary", "user_name binary", "phone binary",
    ],
)  # fmt: skip
def test_these_columns_look_personal_in_any_table(columns: str) -> None:
    assert looks("things", columns)


@pytest.mark.parametrize(
    "columns",
    [
        "email_verified boolean", "email_sent_at timestamp", "email_template_id integer", "email_subject text",
        "is_mobile integer", "phone_model text", "zip_file binary", "ship_date date", "shipping_method text",
        "name text", "title text", "description text", "address text", "city text", "photo text", "gender text",
        "display_name text", "latitude decimal", "ip_country text", "login_count integer", "last_login timestamp",
        "password_changed_at timestamp", "recipe text", "gmail_label_count integer", "token text", "status text",
        "tripled integer", "emailing text", "zipper text", "birth_country text",
    ],
)  # fmt: skip
def test_these_columns_do_not_in_a_table_of_things(columns: str) -> None:
    assert looks("products", columns) is None


@pytest.mark.parametrize(
    "columns", ["address text", "postnummer text", "city text", "avatar_url text", "gender text", "lat decimal"]
)
def test_addresses_places_and_pictures_count_near_people(columns: str) -> None:
    assert looks("warehouses", columns) is None
    assert looks("user_profiles", columns)
    assert looks("auth_user", columns)
    assert looks("customer_details", columns)
    assert looks("orders", columns + ", customer_id integer", key("customer_id", "customers"))
    assert looks("bookings", columns + ", email text")
    assert looks("listings", columns + ", created_by integer", key("created_by", "users")) is None


def test_a_plain_name_counts_in_tables_of_people_only() -> None:
    assert looks("customers", "name text")
    assert looks("kunde", "navn text")
    assert looks("profile", "name text, user_id integer", key("user_id", "users"), unique=["user_id"])
    assert looks("wish_lists", "name text, user_id integer", key("user_id", "users")) is None
    assert looks("user_roles", "name text") is None
    assert looks("users", "company_name text") is None


def test_the_reason_says_what_it_seems_to_be() -> None:
    users = table("users", "id integer, email text")
    assert looks_personal(users, column("email text")) == "an e-mail address"
    assert looks_personal(users, column("ip_address text")) == "an IP address"
    assert looks_personal(users, column("home_address text")) == "a postal address"
