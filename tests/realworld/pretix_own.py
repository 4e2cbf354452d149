"""Let pretix forget by its own means.

`python pretix_own.py KEY` anonymises one customer, as the button of the back office and the API do.
`python pretix_own.py shred` runs every data shredder on the event: all that pretix can remove from orders, but only
for everybody at once, and only after the event.
"""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pretix_settings")
django.setup()

import pretix.base.shredder  # noqa: E402, F401  (registers the shredders)
from django.test import Client  # noqa: E402  (only after setup, as always in Django)
from django_scopes import scopes_disabled  # noqa: E402
from pretix.base.models import Customer, Event, TeamAPIToken  # noqa: E402


def anonymise(key: str) -> None:
    customer = Customer.objects.get(pk=key)
    desk = Client(headers={"Authorization": f"Token {TeamAPIToken.objects.get().token}"})
    response = desk.post(f"/api/v1/organizers/lykt/customers/{customer.identifier}/anonymize/")
    if response.status_code != 200:
        raise SystemExit(f"pretix did not accept it: {response.status_code}")


def shred() -> None:
    for shredder in Event.objects.get().get_data_shredders().values():
        shredder.shred_data()


if __name__ == "__main__":
    with scopes_disabled():
        if sys.argv[1] == "shred":
            shred()
        else:
            anonymise(sys.argv[1])
