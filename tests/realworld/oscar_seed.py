"""Migrate an empty database, and let people use the shop through its own pages.

Runs where django-oscar is installed. Prints, as JSON, who is who.
"""

import json
import os
from decimal import Decimal
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "oscar_settings")
django.setup()

from django.contrib.admin.models import CHANGE, LogEntry  # noqa: E402  (only after setup, as always in Django)
from django.contrib.auth.models import Group, User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402
from oscar.apps.catalogue.reviews.models import ProductReview  # noqa: E402
from oscar.apps.communication.models import CommunicationEventType, Email  # noqa: E402
from oscar.apps.communication.utils import Dispatcher  # noqa: E402
from oscar.apps.offer.models import RangeProductFileUpload  # noqa: E402
from oscar.apps.order.models import BillingAddress, Order, PaymentEventType, ShippingEventType  # noqa: E402
from oscar.apps.order.processing import EventHandler  # noqa: E402
from oscar.apps.payment.models import Bankcard, SourceType  # noqa: E402
from oscar.apps.voucher.models import Voucher  # noqa: E402
from oscar.test.factories import (  # noqa: E402
    CountryFactory,
    create_product,
    create_stockrecord,
    create_voucher,
)

PASSWORD = "a long and quiet phrase"
Address = dict[str, str]
RAGNHILD: Address = {
    "title": "Dr",
    "first_name": "Ragnhild",
    "last_name": "Testdal",
    "line1": "Nordre gate 7",
    "line4": "Trondheim",
    "postcode": "7011",
    "country": "NO",
    "phone_number": "+4773512345",
    "notes": "Ring Ragnhild at the back door",
}

NOBODY: dict[str, object] = {"shared_emails-TOTAL_FORMS": 0, "shared_emails-INITIAL_FORMS": 0}
SHARED: dict[str, dict[str, object]] = {
    "Ragnhild": NOBODY | {"shared_emails-TOTAL_FORMS": 1, "shared_emails-0-email": "amir@example.com"},
    "Birgit": NOBODY | {"shared_emails-TOTAL_FORMS": 1, "shared_emails-0-email": "ragnhild.TESTDAL@example.com"},
    "Amir": NOBODY,
    "Chen": NOBODY,
    "Sigrun": NOBODY,
}


def neighbour(first_name: str, last_name: str, number: int) -> Address:
    return RAGNHILD | {
        "first_name": first_name,
        "last_name": last_name,
        "line1": f"Søndre gate {number}",
        "phone_number": f"+47735999{number:02d}",
        "notes": "",
    }


class Visitor:
    """A browser, and who sits at it."""

    def __init__(self) -> None:
        self.client = Client()
        self.user: Any = None

    def post(self, page: str, *names: object, **fields: object) -> None:
        """Send a form that the shop accepts."""
        response = self.client.post(reverse(page, args=names), fields)
        if response.status_code != 302:
            form = (response.context or {}).get("form")
            raise RuntimeError(f"{page}: {response.status_code} {form and form.errors}")

    def look(self, address: str) -> None:
        response = self.client.get(address)
        if response.status_code != 200:
            raise RuntimeError(f"{address}: {response.status_code}")

    def register(self, email: str, address: Address) -> "Visitor":
        self.post("customer:register", email=email, password1=PASSWORD, password2=PASSWORD)
        self.user = User.objects.get(email__iexact=email)
        name = {key: address[key] for key in ("first_name", "last_name")}
        self.post("customer:profile-update", email=email, **name)
        self.post("customer:address-create", **address)
        return self

    def put_in_basket(self, product: Any, **options: str) -> None:
        self.post("basket:add", product.pk, quantity=1, **options)

    def check_out(self, address: Address, guest: str = "") -> Any:
        before = set(Order.objects.values_list("pk", flat=True))
        if guest:
            self.post("checkout:index", username=guest, options="anonymous")
        self.post("checkout:shipping-address", **address)
        self.client.get(reverse("checkout:shipping-method"))
        self.client.get(reverse("checkout:payment-method"))
        self.post("checkout:preview", action="place_order")
        (order,) = Order.objects.exclude(pk__in=before)
        complete(order, address)
        return order


def complete(order: Any, address: Address) -> None:
    """What a payment plug-in and a warehouse add to an order."""
    fields = {key: value for key, value in address.items() if key not in ("country", "phone_number", "notes")}
    order.billing_address = BillingAddress.objects.create(country_id=address["country"], **fields)
    order.save()
    card, _ = SourceType.objects.get_or_create(name="Card")
    source = order.sources.create(source_type=card, currency="GBP", label=f"{address['first_name'][0]}. XXXX 4242")
    source.allocate(order.total_incl_tax, reference=f"allocation {order.number}")
    source.debit(order.total_incl_tax, reference=f"debit {order.number}")
    lines = order.lines.all()
    handler = EventHandler()
    paid, _ = PaymentEventType.objects.get_or_create(name="Paid")
    sent, _ = ShippingEventType.objects.get_or_create(name="Sent")
    handler.handle_payment_event(order, paid, order.total_incl_tax, lines, [line.quantity for line in lines])
    handler.handle_shipping_event(order, sent, lines, [line.quantity for line in lines], reference="")
    order.status_changes.create(old_status="Pending", new_status="Sent")


def seed() -> dict[str, Any]:
    CountryFactory(iso_3166_1_a2="NO", name="Norway", printable_name="Norway", is_shipping_country=True)
    CommunicationEventType.objects.create(code="ORDER_PLACED", name="Order placed")
    lamp, ring, map_of_norway = (
        create_product(title=title, upc=upc) for title, upc in (("Lamp", "1"), ("Ring", "2"), ("Map", "3"))
    )
    for product in (lamp, ring):
        create_stockrecord(product, price=Decimal(100), num_in_stock=1000, partner_name="Lykt & Co")
    ring.product_class.options.create(name="Engraving", code="engraving", type="text")
    voucher = create_voucher(code="SUMMER", usage=Voucher.MULTI_USE)

    # Before she registers, Ragnhild is known by her e-mail alone, and she writes it as she pleases.
    guest = Visitor()
    guest.put_in_basket(lamp)
    guest.put_in_basket(ring, engraving="Ragnhild once")
    guest.check_out(RAGNHILD, guest="RAGNHILD.Testdal@example.com")
    guest.post("catalogue:reviews-add", lamp.slug, lamp.pk, **review("Fine", "ragnhild.testdal@example.com"))

    ragnhild = Visitor().register("Ragnhild.Testdal@example.com", RAGNHILD)
    amir = Visitor().register("amir@example.com", neighbour("Amir", "Haddad", 1))
    birgit = Visitor().register("birgit@example.com", neighbour("Birgit", "Lie", 2))
    chen = Visitor().register("chen@example.com", neighbour("Chen", "Wang", 3))
    sigrun = Visitor().register("sigrun@example.com", neighbour("Sigrun", "Sjef", 4))
    eskil = Visitor()  # never registers
    people = {"Ragnhild": ragnhild, "Amir": amir, "Birgit": birgit, "Chen": chen, "Sigrun": sigrun}

    for name, person in people.items():
        person.look(lamp.get_absolute_url())
        person.client.get(reverse("search:search"), {"q": f"present for {name}"})
        person.put_in_basket(lamp)
        person.put_in_basket(ring, engraving=f"{name} forever")
        person.post("basket:vouchers-add", code=voucher.code)
        order = person.check_out(neighbour(name, "Work", 20) if person is birgit else address_of(person))
        person.put_in_basket(ring, engraving=f"{name} again")
        person.post("basket:vouchers-add", code=voucher.code)
        person.post("customer:wishlists-create", name=f"Wishes of {name}", visibility="Shared", **SHARED[name])
        person.post("customer:wishlists-add-product", lamp.pk)
        person.post("customer:alert-create", map_of_norway.pk)
        person.post("catalogue:reviews-add", ring.slug, ring.pk, **review(name, person.user.email))
        Bankcard.objects.create(
            user=person.user,
            card_type="Visa",
            name=person.user.get_full_name(),
            number="4111 1111 1111 1111",
            expiry_date="2030-01-31",
            partner_reference=f"token of {name}",
        )
        Dispatcher().notify_user(person.user, f"Your order {order.number}, {name}", body="is on its way")

    eskil.put_in_basket(lamp)
    eskil.check_out(neighbour("Eskil", "Gjest", 5), guest="eskil@example.com")
    eskil.post("catalogue:reviews-add", lamp.slug, lamp.pk, **review("Eskil", "eskil@example.com"))

    # People meet: votes on each other's reviews, an e-mail of each kind.
    for person in people.values():
        for its in ProductReview.objects.filter(user__isnull=False).exclude(user=person.user):
            person.post("catalogue:reviews-vote", ring.slug, ring.pk, its.pk, delta=1)
    for address in ("Ragnhild.testdal@example.com", "eskil@example.com"):
        Email.objects.create(email=address, subject="Your order", body_text=f"Dear {address}, thank you")
        Visitor().post("customer:alert-create", ring.pk, email=address)

    # Sigrun runs the shop, and buys there too.
    User.objects.filter(pk=sigrun.user.pk).update(is_staff=True, is_superuser=True)
    sigrun.user.groups.add(Group.objects.create(name="Shopkeepers"))
    lamp.stockrecords.get().partner.users.add(sigrun.user, chen.user)
    for order in Order.objects.all():
        note = f"Called {order.billing_address.first_name}, all is well"
        sigrun.post("dashboard:order-detail", order.number, order_action="save_note", message=note)
    for person in (ragnhild, amir):
        Dispatcher().notify_user(person.user, "A word from Sigrun", body="Thank you", sender=sigrun.user)
        LogEntry.objects.log_actions(sigrun.user.pk, [person.user], CHANGE, "Changed Last name.")
        LogEntry.objects.log_actions(sigrun.user.pk, list(person.user.addresses.all()), CHANGE, "Changed Postcode.")
    RangeProductFileUpload.objects.create(
        range=voucher.offers.get().condition.range, filepath="lamps.csv", size=1, uploaded_by=sigrun.user
    )
    return {
        "person": named(ragnhild, "ragnhild", "testdal", "nordre gate 7", "73512345"),
        "staff": named(sigrun, "sigrun", "sjef"),
        "others": [named(person) for person in (amir, birgit, chen)],
    }


def address_of(person: Visitor) -> Address:
    (address,) = person.user.addresses.all()
    fields = {key: str(getattr(address, key)) for key in RAGNHILD if key != "country"}
    return fields | {"country": address.country_id}


def review(name: str, email: str) -> dict[str, object]:
    return {"title": "As described", "score": 4, "body": f"{name} likes it", "name": name, "email": email}


def named(person: Visitor, *marks: str) -> dict[str, Any]:
    return {"key": person.user.pk, "email": person.user.email, "marks": marks}


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    print(json.dumps(seed()))
