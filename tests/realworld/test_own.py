"""What the two applications' own code erases, and what it leaves: the other side of the comparison.

`-2`: two rows went; `+1`: one came; `~3 a,b`: three rows changed in these columns.
"""

import pytest

from tests.realworld.apps import App
from tests.realworld.difference import Snapshot, difference, snapshot, traces


def test_two_copies_of_an_application_are_alike(oscar: App) -> None:
    assert difference(snapshot(oscar.url), snapshot(oscar.url)).counts() == {}


def test_oscar_deletes_the_profile_and_what_hangs_on_it(oscar: App) -> None:
    before = snapshot(oscar.url)
    oscar.own(oscar.person.key)
    assert difference(before, snapshot(oscar.url)).counts() == {
        "address_useraddress": "-1",
        "analytics_userproductview": "-1",
        "analytics_userrecord": "-1",
        "analytics_usersearch": "-1",
        "auth_user": "-1",
        "basket_basket": "-2",
        "basket_basket_vouchers": "-2",
        "basket_line": "-3",
        "basket_lineattribute": "-2",
        "communication_email": "-2",
        "communication_notification": "-2",
        "customer_productalert": "-1",
        "django_session": "+1",  # of the browser that did it; the person's earlier one stays
        "order_order": "~1 basket_id,user_id",
        "payment_bankcard": "-1",
        "reviews_productreview": "-1",
        "reviews_vote": "-8",  # four of hers, four of other people on her review
        "voucher_voucherapplication": "-1",
        "wishlists_line": "-1",
        "wishlists_wishlist": "-1",
        "wishlists_wishlistsharedemail": "-1",
    }


def test_oscar_leaves_the_person_in_orders_and_wherever_only_the_email_says_who(oscar: App) -> None:
    oscar.own(oscar.person.key)
    assert set(traces(snapshot(oscar.url), oscar.person.marks)) == {
        "communication_email.body_text",
        "communication_email.email",
        "customer_productalert.email",
        "django_admin_log.object_repr",
        *(f"order_billingaddress.{c}" for c in ("first_name", "last_name", "line1", "search_text")),
        "order_lineattribute.value",
        "order_order.guest_email",
        "order_ordernote.message",
        *(f"order_shippingaddress.{c}" for c in ("first_name", "last_name", "line1", "search_text")),
        *(f"order_shippingaddress.{c}" for c in ("notes", "phone_number")),
        "reviews_productreview.email",
        "wishlists_wishlistsharedemail.email",
    }


def test_oscar_takes_other_peoples_rows_along_when_a_shopkeeper_leaves(oscar: App) -> None:
    before = snapshot(oscar.url)
    oscar.own(oscar.staff.key)
    removed = difference(before, snapshot(oscar.url)).removed
    theirs = _of(removed, "communication_notification", "recipient_id", oscar.staff.key, same=False)
    assert len(theirs) == 2, "messages that two customers received"
    assert len(removed["order_ordernote"]) == 7, "the notes on everybody's orders"
    assert len(removed["django_admin_log"]) == 4, "the record of what was done to whom"


def test_pretix_anonymises_the_account_and_cuts_it_off_from_its_orders(pretix: App) -> None:
    before = snapshot(pretix.url)
    pretix.own(pretix.person.key)
    assert difference(before, snapshot(pretix.url)).counts() == {
        "pretixbase_attendeeprofile": "-1",
        "pretixbase_customer": "~1 email,external_identifier,is_active,is_verified,last_modified"
        ",name_cached,name_parts,notes,phone",
        "pretixbase_logentry": "+1 ~2 data,shredded",
        "pretixbase_membership": "~1 attendee_name_parts",
        "pretixbase_order": "~3 customer_id",
        "pretixbase_reusablemedium": "~1 customer_id",
    }


def test_pretix_forgets_to_delete_the_address_book(pretix: App) -> None:
    """`Customer.anonymize` means to; a manager that sees only addresses of orders hides them from it."""
    pretix.own(pretix.person.key)
    addresses = snapshot(pretix.url)["pretixbase_invoiceaddress"].values()
    assert [row["street"] for row in addresses if row["customer_id"] == pretix.person.key] == ["Nordre gate 7"]


@pytest.mark.parametrize("arguments", [("1",), ("shred",)])
def test_neither_of_pretixs_means_reaches_carts_bank_statements_and_stored_answers(
    pretix: App, arguments: tuple[str, ...]
) -> None:
    pretix.own(*arguments)
    assert traces(snapshot(pretix.url), pretix.person.marks).keys() >= {
        "banktransfer_banktransaction.payer",
        "pretixapi_apicall.response_body",
        "pretixbase_cartposition.attendee_email",
        "pretixbase_checkoutsession.session_data",
        "pretixbase_logentry.data",
        "pretixbase_order.comment",
        "pretixbase_outgoingmail.to",
    }


def test_pretix_can_empty_orders_only_for_everybody_at_once(pretix: App) -> None:
    before = snapshot(pretix.url)
    pretix.own("shred")
    counts = difference(before, snapshot(pretix.url)).counts()
    assert counts["pretixbase_order"] == "~8 customer_id,email,last_modified,meta_info,phone"
    assert counts["pretixbase_invoice"].startswith("~9 ")
    assert counts["pretixbase_outgoingmail"] == "-24"
    assert "pretixbase_customer" not in counts


def _of(rows: Snapshot, table: str, column: str, value: object, *, same: bool) -> list[str]:
    """The keys of a table's rows in which the column holds the value, or does not."""
    return [key for key, row in rows[table].items() if (row[column] == value) is same]
