"""What the two applications' own code erases, and what it leaves: the other side of the comparison.

`-2`: two rows went; `+1`: one came; `~3 a,b`: three rows changed in these columns.
"""

from dataclasses import dataclass

import pytest

from tests.realworld.apps import App, Template
from tests.realworld.difference import Difference, Snapshot, difference, snapshot, traces


@dataclass(frozen=True)
class Own:
    """What an application's own code did on a copy."""

    app: App
    after: Snapshot
    changes: Difference

    def traces(self) -> set[str]:
        """Where the person's marks still are."""
        return set(traces(self.after, self.app.person.marks))


def _own(template: Template, what: str = "") -> Own:
    with template.copy() as app:
        before = snapshot(app.url)
        app.own(what or app.person.key)
        after = snapshot(app.url)
        return Own(app, after, difference(before, after))


@pytest.fixture(scope="module")
def oscar_own(oscar_template: Template) -> Own:
    """The customer used the page that deletes a profile."""
    return _own(oscar_template)


@pytest.fixture(scope="module")
def pretix_own(pretix_template: Template) -> Own:
    """The back office anonymised the customer."""
    return _own(pretix_template)


@pytest.fixture(scope="module")
def pretix_shredded(pretix_template: Template) -> Own:
    """Every data shredder ran on the event."""
    return _own(pretix_template, "shred")


def test_two_copies_of_an_application_are_alike(oscar: App, oscar_template: Template) -> None:
    with oscar_template.copy() as other:
        assert difference(snapshot(oscar.url), snapshot(other.url)).counts() == {}


def test_oscar_deletes_the_profile_and_what_hangs_on_it(oscar_own: Own) -> None:
    assert oscar_own.changes.counts() == {
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


def test_oscar_leaves_the_person_in_orders_and_wherever_only_the_email_says_who(oscar_own: Own) -> None:
    assert oscar_own.traces() == {
        "basket_lineattribute.value",
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
    received = [row["recipient_id"] for row in removed["communication_notification"].values()]
    assert sum(recipient != oscar.staff.key for recipient in received) == 2, "messages that two customers received"
    assert len(removed["order_ordernote"]) == 7, "the notes on everybody's orders"
    assert len(removed["django_admin_log"]) == 4, "the record of what was done to whom"


def test_pretix_anonymises_the_account_and_cuts_it_off_from_its_orders(pretix_own: Own) -> None:
    assert pretix_own.changes.counts() == {
        "pretixbase_attendeeprofile": "-1",
        "pretixbase_customer": "~1 email,external_identifier,is_active,is_verified,last_modified"
        ",name_cached,name_parts,notes,phone",
        "pretixbase_logentry": "+1 ~2 data,shredded",
        "pretixbase_membership": "~1 attendee_name_parts",
        "pretixbase_order": "~3 customer_id",
        "pretixbase_reusablemedium": "~1 customer_id",
    }


def test_pretix_forgets_to_delete_the_address_book(pretix_own: Own) -> None:
    """`Customer.anonymize` means to; a manager that sees only addresses of orders hides them from it."""
    addresses = pretix_own.after["pretixbase_invoiceaddress"].values()
    hers = [row["street"] for row in addresses if row["customer_id"] == pretix_own.app.person.key]
    assert hers == ["Nordre gate 7"]


def test_pretix_can_empty_orders_only_for_everybody_at_once(pretix_shredded: Own) -> None:
    counts = pretix_shredded.changes.counts()
    assert counts["pretixbase_order"] == "~8 customer_id,email,last_modified,meta_info,phone"
    assert counts["pretixbase_invoice"].startswith("~9 ")
    assert counts["pretixbase_outgoingmail"] == "-24"
    assert "pretixbase_customer" not in counts


def test_neither_of_pretixs_means_reaches_carts_bank_statements_and_the_log(
    pretix_own: Own, pretix_shredded: Own
) -> None:
    assert pretix_own.traces() & pretix_shredded.traces() >= {
        "banktransfer_banktransaction.payer",
        "pretixapi_apicall.response_body",
        "pretixbase_cartposition.attendee_email",
        "pretixbase_checkoutsession.session_data",
        "pretixbase_invoiceaddress.street",
        "pretixbase_logentry.data",
        "pretixbase_order.comment",
        "pretixbase_outgoingmail.to",
        "pretixbase_questionanswer.answer",
    }
