"""Slett in place of the applications' own code, with no more written by hand than `NAME.decisions.yaml`."""

import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from slett.requests.expire import expire
from slett.requests.service import open_service
from slett.settings import read_settings
from tests.realworld.apps import HERE, App
from tests.realworld.difference import Difference, Snapshot, difference, snapshot, traces

SLETT = Path(sys.executable).with_name("slett")


@dataclass(frozen=True)
class Erasure:
    """One person erased from a copy of an application, as its operator would do it."""

    app: App
    folder: Path

    def slett(self, *arguments: str) -> tuple[int, str]:
        """The status and what was printed."""
        done = subprocess.run(
            [str(SLETT), *arguments],
            cwd=self.folder,
            env=os.environ | {f"{self.app.name.upper()}_URL": self.app.url, "SLETT_HOME": str(self.folder / ".slett")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def prepare(self) -> None:
        """Draft the map from the decisions, and check it."""
        decisions = HERE / f"{self.app.name}.decisions.yaml"
        self.succeed("map", f"{self.app.name}={self.app.url}", "--into", str(decisions), "--output", "slett.yaml")
        self.succeed("check")

    def succeed(self, *arguments: str) -> None:
        status, printed = self.slett(*arguments)
        assert status == 0, printed

    def run(self, *who: str) -> tuple[Snapshot, Difference]:
        """What is there after an erasure, and what it changed."""
        self.prepare()
        before = snapshot(self.app.url)
        self.succeed("erase", *who, "--yes")
        after = snapshot(self.app.url)
        return after, difference(before, after)


@pytest.fixture
def shop(oscar: App, tmp_path: Path) -> Erasure:
    return Erasure(oscar, tmp_path)


@pytest.fixture
def fest(pretix: App, tmp_path: Path) -> Erasure:
    return Erasure(pretix, tmp_path)


def test_a_shops_customer_is_erased_and_only_the_books_still_name_them(shop: Erasure) -> None:
    after, changes = shop.run("--email", shop.app.person.email.lower())
    assert changes.counts() == {
        "address_useraddress": "-1",
        "analytics_userproductview": "-1",
        "analytics_userrecord": "-1",
        "analytics_usersearch": "-1",
        "auth_user": "-1",
        "basket_basket": "-3",
        "basket_basket_vouchers": "-2",
        "basket_line": "-5",
        "basket_lineattribute": "-3",
        "communication_email": "-3",
        "communication_notification": "-2",
        "customer_productalert": "-2",
        "django_admin_log": "~2 object_id,object_repr",
        "order_billingaddress": "~2 search_text",
        "order_lineattribute": "-2",
        "order_order": "~2 basket_id,guest_email,user_id",
        "order_ordernote": "-2",
        "order_shippingaddress": "~2 first_name,last_name,line1,line4,notes,phone_number,postcode,search_text",
        "payment_bankcard": "-1",
        "reviews_productreview": "-2",
        "reviews_vote": "-8",
        "voucher_voucherapplication": "-1",
        "wishlists_line": "-1",
        "wishlists_wishlist": "-1",
        "wishlists_wishlistsharedemail": "-2",
    }
    assert _strangers(changes, shop.app.person.key) == {
        "reviews_vote": 4,  # on the review that went
        "order_ordernote": 2,  # a shopkeeper's, on the order
    }
    assert set(traces(after, shop.app.person.marks)) == {
        f"order_billingaddress.{column}" for column in ("first_name", "last_name", "line1")
    }


def test_what_a_shopkeeper_wrote_to_customers_and_on_their_orders_stays_unsigned(shop: Erasure) -> None:
    after, changes = shop.run(str(shop.app.staff.key))
    counts = changes.counts()
    assert counts["communication_notification"] == "-1 ~2 sender_id"
    assert counts["order_ordernote"] == "-1 ~6 user_id"
    assert _strangers(changes, shop.app.staff.key) == {"reviews_vote": 4}
    assert not set(traces(after, [shop.app.staff.email]))


def test_a_ticket_buyer_is_erased_and_only_invoices_and_bank_statements_still_name_them(fest: Erasure) -> None:
    after, changes = fest.run(str(fest.app.person.key))
    assert changes.counts() == {
        "pretixbase_attendeeprofile": "-1",
        "pretixbase_cartposition": "-1",
        "pretixbase_checkin": "-1",
        "pretixbase_checkoutsession": "-1",
        "pretixbase_customer": "-1",
        "pretixbase_customerssoaccesstoken": "-1",
        "pretixbase_customerssogrant": "-1",
        "pretixbase_giftcard": "~1 customer_id",
        "pretixbase_invoiceaddress": "-6",
        "pretixbase_logentry": "~51 data,object_id,shredded",
        "pretixbase_membership": "-1",
        "pretixbase_order": "~4 comment,customer_id,email,meta_info,phone",
        "pretixbase_orderpayment": "~4 info",
        "pretixbase_orderposition": "~6 attendee_email,attendee_name_cached,attendee_name_parts,city,street,zipcode",
        "pretixbase_orderrefund": "~1 comment,info",
        "pretixbase_outgoingmail": "-14",
        "pretixbase_printlog": "-1",
        "pretixbase_questionanswer": "-7",
        "pretixbase_reusablemedium": "-1",
        "pretixbase_reusablemedium_linked_orderpositions": "-1",
        "pretixbase_voucher": "-1",
        "pretixbase_waitinglistentry": "-1",
    }
    assert set(traces(after, fest.app.person.marks)) == {
        "banktransfer_banktransaction.payer",
        "banktransfer_banktransaction.reference",
        "pretixapi_apicall.response_body",  # pretix deletes these after a day
        *(f"pretixbase_invoice.{column}" for column in ("invoice_to", "invoice_to_name", "invoice_to_street")),
        *(f"pretixbase_invoiceline.{column}" for column in ("attendee_name", "description")),
    }


def test_the_order_of_somebody_who_bought_a_ticket_for_the_person_stays_theirs(fest: Erasure) -> None:
    after, _ = fest.run(str(fest.app.person.key))
    amir = fest.app.others[0]
    orders = [row for row in after["pretixbase_order"].values() if row["customer_id"] == amir.key]
    positions = [
        row for row in after["pretixbase_orderposition"].values() if row["order_id"] in [o["id"] for o in orders]
    ]
    assert [order["email"] for order in orders] == [amir.email] * 2
    assert sorted(str(position["attendee_email"]) for position in positions) == ["None", amir.email, amir.email]


@pytest.mark.parametrize("which", ["shop", "fest"])
def test_what_the_law_kept_goes_when_its_time_has_come(
    which: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    erasure: Erasure = request.getfixturevalue(which)
    after, changes = erasure.run(str(erasure.app.person.key))
    monkeypatch.setenv(f"{erasure.app.name.upper()}_URL", erasure.app.url)
    settings = read_settings(
        environ={"SLETT_MAP": str(erasure.folder / "slett.yaml"), "SLETT_HOME": str(erasure.folder / ".slett")}
    )
    with open_service(settings, date(2027, 1, 2)) as service:
        assert expire(service) == []
    with open_service(settings, date(2050, 1, 2)) as service:
        expire(service)
    orders = {"oscar": "order_order", "pretix": "pretixbase_order"}[erasure.app.name]
    gone = difference(after, snapshot(erasure.app.url))
    assert gone.removed[orders].keys() == changes.changed[orders].keys()
    assert not gone.added
    assert {table: changes for table, changes in gone.counts().items() if "~" in changes} == {
        "shop": {},
        "fest": {"pretixbase_giftcardtransaction": "~1 order_id,payment_id"},  # the card's own account goes on
    }[which]


def _strangers(changes: Difference, key: int) -> dict[str, int]:
    """How many of the rows that went say that they were somebody else's, by table."""
    found = {
        table: sum(row.get("user_id", row.get("owner_id")) not in (None, key) for row in rows.values())
        for table, rows in changes.removed.items()
    }
    return {table: number for table, number in found.items() if number}
