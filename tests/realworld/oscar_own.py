"""Let one customer delete their profile on the shop's own page: `python oscar_own.py KEY`."""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "oscar_settings")
django.setup()

from django.contrib.auth.models import User  # noqa: E402  (only after setup, as always in Django)
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402

PASSWORD = "a long and quiet phrase"  # of everybody in oscar_seed.py

if __name__ == "__main__":
    browser = Client()
    browser.login(username=User.objects.get(pk=sys.argv[1]).email, password=PASSWORD)
    response = browser.post(reverse("customer:profile-delete"), {"password": PASSWORD})
    if response.status_code != 302:
        raise SystemExit(f"the page did not accept it: {response.status_code}")
