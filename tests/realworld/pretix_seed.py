"""Migrate an empty database, and let an organizer sell tickets through pretix's own API.

Runs where pretix is installed. Prints, as JSON, who is who.
"""

import json
import os
from datetime import timedelta
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pretix_settings")
django.setup()

from django.core.management import call_command  # noqa: E402  (only after setup, as always in Django)
from django.test import Client  # noqa: E402
from django.utils.timezone import now  # noqa: E402
from django_otp.plugins.otp_totp.models import TOTPDevice  # noqa: E402
from django_scopes import scopes_disabled  # noqa: E402
from pretix.base.models import (  # noqa: E402
    CartPosition,
    Customer,
    Event,
    GiftCard,
    InvoiceAddress,
    NotificationSetting,
    Order,
    Organizer,
    Question,
    Team,
    User,
    WaitingListEntry,
)
from pretix.base.models.customers import CustomerSSOClient  # noqa: E402
from pretix.base.models.orders import CheckoutSession  # noqa: E402

PASSWORD = "a long and quiet phrase"
EVENT = "/api/v1/organizers/lykt/events/fest/"
ORGANIZER = "/api/v1/organizers/lykt/"


class Desk:
    """The organizer's program that talks to the API."""

    def __init__(self, token: str) -> None:
        self._client = Client(headers={"Authorization": f"Token {token}"})

    def post(self, path: str, data: Any, **headers: str) -> Any:
        return self._send(self._client.post, path, data, headers)

    def patch(self, path: str, data: Any) -> Any:
        return self._send(self._client.patch, path, data, {})

    def _send(self, method: Any, path: str, data: Any, headers: dict[str, str]) -> Any:
        response = method(path, json.dumps(data), content_type="application/json", headers=headers)
        if response.status_code not in (200, 201):
            raise RuntimeError(f"{path}: {response.status_code} {response.content.decode()}")
        return response.json()


class Person:
    """Somebody who comes to the party."""

    def __init__(self, first: str, last: str, email: str, number: int) -> None:
        self.first, self.last, self.email = first, last, email
        self.phone = f"+47735123{number:02d}"
        self.street = f"Nordre gate {number}"
        self.identifier = ""

    @property
    def name(self) -> dict[str, str]:
        return {"_scheme": "given_family", "given_name": self.first, "family_name": self.last}

    @property
    def address(self) -> dict[str, str]:
        return {"street": self.street, "zipcode": "7011", "city": "Trondheim", "country": "NO"}

    def ticket(self, item: int, question: int) -> dict[str, Any]:
        answer = {"question": question, "answer": f"{self.first} eats no nuts", "options": []}
        return {
            "item": item,
            "attendee_name_parts": self.name,
            "attendee_email": self.email,
            "answers": [answer],
            **self.address,
        }

    def named(self, *marks: str) -> dict[str, Any]:
        return {"key": Customer.objects.get(identifier=self.identifier).pk, "email": self.email, "marks": marks}


class Fest:
    """An event with something to buy."""

    def __init__(self, staff: Any) -> None:
        organizer = Organizer.objects.create(
            name="Lykt", slug="lykt", plugins="pretix.plugins.banktransfer,pretix.plugins.sendmail"
        )
        organizer.settings.customer_accounts = True
        organizer.settings.name_scheme = "given_family"
        team = Team.objects.create(
            organizer=organizer,
            name="Box office",
            all_events=True,
            all_event_permissions=True,
            all_organizer_permissions=True,
        )
        team.members.add(staff)
        team.invites.create(email="jobseeker@example.com")
        self.desk = Desk(team.tokens.create(name="box office").token)
        self.organizer = organizer
        self.event = Event.objects.create(
            organizer=organizer,
            name="Fest",
            slug="fest",
            currency="EUR",
            date_from=now() + timedelta(days=30),
            live=True,
            plugins="pretix.plugins.banktransfer,pretix.plugins.sendmail",
        )
        self.event.settings.name_scheme = "given_family"
        self.event.settings.invoice_generate = "admin"
        self.event.settings.invoice_address_from_name = "Lykt & Co"
        self.event.settings.mail_send_order_paid_attendee = True
        self.event.settings.payment_banktransfer__enabled = True
        tax = self.event.tax_rules.create(name="VAT", rate=25)
        self.item = self.event.items.create(
            name="Ticket", default_price=100, admission=True, personalized=True, tax_rule=tax
        )
        self.event.quotas.create(name="Tickets", size=1000).items.add(self.item)
        self.sold_out = self.event.items.create(name="Balcony", default_price=300, admission=True)
        self.balcony = self.event.quotas.create(name="Balcony", size=0)
        self.balcony.items.add(self.sold_out)
        question = self.event.questions.create(question="What can you not eat?", type=Question.TYPE_TEXT)
        question.items.add(self.item)
        self.question = question.pk
        self.list = self.event.checkin_lists.create(name="Door").pk
        self.club = organizer.membership_types.create(name="Friends of Lykt")

    def open_account(self, person: Person) -> None:
        account = {
            "email": person.email,
            "name_parts": person.name,
            "phone": person.phone,
            "notes": f"{person.first} prefers the balcony",
            "external_identifier": f"crm-{person.last}",
            "password": PASSWORD,
            "send_email": True,
        }
        person.identifier = self.desk.post(f"{ORGANIZER}customers/", account)["identifier"]
        customer = Customer.objects.get(identifier=person.identifier)
        customer.is_verified = True
        customer.save()
        browser = Client()
        browser.post("/lykt/account/login", {"email": person.email, "password": PASSWORD})
        customer.refresh_from_db()
        if not customer.last_login:
            raise RuntimeError("the shop did not accept the login")
        customer.attendee_profiles.create(
            attendee_name_parts=person.name, attendee_email=person.email, **person.address
        )
        InvoiceAddress.objects.create(customer=customer, name_parts=person.name, **person.address)
        membership = {
            "customer": person.identifier,
            "membership_type": self.club.pk,
            "date_start": now().isoformat(),
            "date_end": (now() + timedelta(days=365)).isoformat(),
            "attendee_name_parts": person.name,
            "testmode": False,
        }
        self.desk.post(f"{ORGANIZER}memberships/", membership)
        client = CustomerSSOClient.objects.get()
        soon = now() + timedelta(days=1)
        customer.sso_grants.create(client=client, code=f"code {person.first}", auth_time=1, expires=soon)
        customer.sso_access_tokens.create(client=client, token=f"token {person.first}", expires=soon)

    def give_card(self, person: Person) -> Any:
        card = {"secret": f"CARD{person.identifier}", "currency": "EUR", "value": "500.00", "testmode": False}
        self.desk.post(f"{ORGANIZER}giftcards/", card)
        GiftCard.objects.filter(secret=card["secret"]).update(
            customer=Customer.objects.get(identifier=person.identifier)
        )
        return card["secret"]

    def sell(self, buyer: Person, *guests: Person, email: str = "", **more: Any) -> Any:
        order = {
            "email": email or buyer.email,
            "phone": buyer.phone,
            "locale": "en",
            "sales_channel": "web",
            "status": "n",
            "comment": f"{buyer.first} wants to sit in front",
            "send_email": True,
            "invoice_address": {"is_business": False, "name_parts": buyer.name, **buyer.address},
            "positions": [guest.ticket(self.item.pk, self.question) for guest in (buyer, *guests)],
            **more,
        }
        if "use_gift_cards" not in more:
            order["payment_provider"] = "banktransfer"
        if buyer.identifier:
            order["customer"] = buyer.identifier
        made = self.desk.post(f"{EVENT}orders/", order, **{"X-Idempotency-Key": f"sale {Order.objects.count()}"})
        self.desk.post(f"{EVENT}orders/{made['code']}/create_invoice/", {})
        Order.objects.filter(code=made["code"]).update(
            meta_info=json.dumps({"contact_form_data": {"email": order["email"], "phone": buyer.phone}})
        )
        return made

    def pay_by_bank(self, order: Any, person: Person) -> None:
        transfer = {
            "payer": f"{person.first} {person.last}",
            "reference": f"FEST{order['code']} from {person.first}",
            "amount": order["total"],
            "date": "2026-01-02",
            "iban": f"NO93860111179{person.phone[-2:]}",
            "bic": "DNBANOKK",
        }
        self.desk.post(f"{ORGANIZER}bankimportjobs/", {"event": "fest", "transactions": [transfer]})

    def welcome(self, order: Any) -> None:
        """Print the badge and let them in."""
        for position in order["positions"]:
            entry = {"lists": [self.list], "secret": position["secret"], "force": True}
            self.desk.post(f"{ORGANIZER}checkinrpc/redeem/", entry)
            printed = {"source": "desk", "type": "badge", "info": {"by": "printer 1"}}
            self.desk.post(f"{EVENT}orderpositions/{position['id']}/printlog/", printed)

    def wait(self, person: Person, email: str = "") -> None:
        entry = {
            "email": email or person.email,
            "name_parts": person.name,
            "phone": person.phone,
            "item": self.sold_out.pk,
            "locale": "en",
        }
        self.desk.post(f"{EVENT}waitinglistentries/", entry)

    def start_shopping(self, person: Person) -> None:
        customer = Customer.objects.get(identifier=person.identifier)
        session = CheckoutSession.objects.create(
            event=self.event,
            cart_id=f"cart {person.first}",
            customer=customer,
            sales_channel=self.organizer.sales_channels.get(identifier="web"),
            session_data={"email": person.email, "contact_form_data": {"phone": person.phone}},
        )
        InvoiceAddress.objects.create(checkout_session=session, name_parts=person.name, **person.address)
        position = CartPosition.objects.create(
            event=self.event,
            cart_id=session.cart_id,
            item=self.item,
            price=100,
            expires=now() + timedelta(hours=1),
            attendee_name_parts=person.name,
            attendee_email=person.email,
            **person.address,
        )
        position.answers.create(question_id=self.question, answer=f"{person.first} eats no fish")

    def hand_out_wristband(self, person: Person, position: int) -> None:
        band = {
            "type": "barcode",
            "identifier": f"BAND{person.identifier}",
            "active": True,
            "customer": person.identifier,
            "linked_orderpositions": [position],
            "notes": f"worn by {person.first}",
            "info": {},
        }
        self.desk.post(f"{ORGANIZER}reusablemedia/", band)


def hire(email: str, name: str) -> Any:
    user = User.objects.create_user(email, PASSWORD, fullname=name, is_staff=True)
    TOTPDevice.objects.create(user=user, name=f"phone of {name}", key="3132333435363738393031323334353637383930")
    Client(headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Firefox/130.0"}).post(
        "/control/login", {"email": email, "password": PASSWORD}
    )
    NotificationSetting.objects.create(user=user, action_type="pretix.event.order.placed", method="mail", enabled=True)
    user.log_action("pretix.user.settings.changed", user=user, data={"email": email, "fullname": name})
    return user


def seed() -> dict[str, Any]:
    sigrun = hire("sigrun@example.com", "Sigrun Sjef")
    fest = Fest(sigrun)
    CustomerSSOClient.objects.create(organizer=fest.organizer, name="Forum", redirect_uris="https://example.com")
    ragnhild = Person("Ragnhild", "Testdal", "Ragnhild.Testdal@example.com", 7)
    amir = Person("Amir", "Haddad", "amir@example.com", 21)
    birgit = Person("Birgit", "Lie", "birgit@example.com", 22)
    jorunn = Person("Jorunn", "Gjest", "jorunn@example.com", 23)  # comes along, has no account
    eskil = Person("Eskil", "Gjest", "eskil@example.com", 24)  # buys without an account

    # Before she opens an account, Ragnhild is known by her e-mail alone, and she writes it as she pleases.
    early = fest.sell(ragnhild, email="RAGNHILD.Testdal@example.com")
    fest.pay_by_bank(early, ragnhild)
    fest.wait(ragnhild, email="ragnhild.testdal@EXAMPLE.com")
    for person in (ragnhild, amir, birgit):
        fest.open_account(person)
        card = fest.give_card(person)
        with_card = fest.sell(person, use_gift_cards=[card], email=person.email.lower())
        fest.welcome(with_card)
        fest.hand_out_wristband(person, with_card["positions"][0]["id"])
        fest.start_shopping(person)
    for buyer, guest in ((ragnhild, jorunn), (amir, ragnhild), (eskil, jorunn)):
        order = fest.sell(buyer, guest)
        fest.pay_by_bank(order, buyer)
    fest.wait(amir)
    fest.wait(eskil)
    canceled = fest.sell(ragnhild)
    fest.pay_by_bank(canceled, ragnhild)
    refund = {
        "amount": canceled["total"],
        "provider": "banktransfer",
        "source": "admin",
        "state": "created",
        "comment": "Ragnhild is ill",
        "info": {"payer": "Ragnhild Testdal", "iban": "NO9386011117947"},
        "mark_canceled": True,
    }
    fest.desk.post(f"{EVENT}orders/{canceled['code']}/refunds/", refund)

    # Sigrun works here: she corrects, answers, and sends vouchers to those who wait.
    for order in Order.objects.filter(customer__isnull=False):
        changes = {"phone": order.phone.as_e164[:-1] + "0", "comment": f"{order.comment}, says Sigrun"}
        fest.desk.patch(f"{EVENT}orders/{order.code}/", changes)
        position = order.positions.last()
        names = position.attendee_name_parts | {"given_name": position.attendee_name_parts["given_name"] + " B."}
        fest.desk.patch(f"{EVENT}orderpositions/{position.pk}/", {"attendee_name_parts": names})
    fest.balcony.size = 10
    fest.balcony.save()
    for entry in WaitingListEntry.objects.all():
        entry.send_voucher(user=sigrun)
    return {
        "person": ragnhild.named("ragnhild", "testdal", "nordre gate 7", "7351230"),
        "staff": {"key": sigrun.pk, "email": sigrun.email, "marks": ["sigrun", "sjef"]},
        "others": [person.named() for person in (amir, birgit)],
    }


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    with scopes_disabled():
        print(json.dumps(seed()))
