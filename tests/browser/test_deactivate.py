"""Deactivate an account: on a computer, and on a phone in the very same steps."""

import pytest
import sqlalchemy as sa

from examples.torget import schema as db
from tests.browser.conftest import Arrives, Device, World
from tests.browser.somebody import Somebody

TOUCHED = {"torget/users", "torget/sessions", "torget/listings", "torget/newsletter_subscriptions", "konsern/persons"}


@pytest.mark.parametrize("device", ["computer", "phone"])
def test_deactivate_on_the_computer_or_on_the_phone(
    arrives: Arrives, world: World, language: str, device: Device
) -> None:
    kari = arrives(world.town.kari, language, device)
    close_the_account(kari)
    assert kari.gets_a_mail("Your account at {service} is closed").links

    kari.opens_torget()
    kari.chooses("Sign in")
    kari.signs_in()
    kari.reads("This account is closed. The e-mail you got when you closed it has a link that leads back.")
    assert world.touched() == TOUCHED
    assert world.ask(sa.select(db.users.c.active).where(db.users.c.id == kari.person.number)) is False
    assert is_for_sale(world, kari) == 0


def close_the_account(kari: Somebody) -> None:
    """From the front page to the reference number."""
    kari.opens_torget()
    kari.chooses("Sign in")
    kari.signs_in()
    kari.chooses("My account")
    kari.chooses("Profile")
    kari.chooses("Settings")
    kari.chooses("Edit profile")
    kari.chooses("Close account")
    kari.is_told("What do you want?")
    kari.chooses("Close my account")
    kari.is_told("What will happen")
    kari.chooses("Go on")
    kari.is_told("Is it you?")
    kari.types_the_code_from_the_mail()
    kari.types_the_word()
    kari.chooses("Close my account")
    kari.is_told("Your account is closed")
    assert kari.reference


def is_for_sale(world: World, somebody: Somebody) -> object:
    theirs = (db.listings.c.seller_id == somebody.person.number) & (db.listings.c.state == "for sale")
    return world.ask(sa.select(sa.func.count()).select_from(db.listings).where(theirs))
