"""Come back after the account was closed: by the link in the mail, and a code."""

from tests.browser.conftest import Arrives, World
from tests.browser.test_deactivate import close_the_account, is_for_sale


def test_come_back(arrives: Arrives, world: World, language: str) -> None:
    kari = arrives(world.town.kari, language)
    sold = is_for_sale(world, kari)
    close_the_account(kari)
    closed = kari.gets_a_mail("Your account at {service} is closed")
    kari.opens(f"{world.place.torget}/sellers/{kari.person.public_id}")
    kari.is_told("There is nothing here")

    kari.opens_the_link_in(closed)
    kari.is_told("Your account is closed.")
    kari.chooses("Come back")
    kari.is_told("Come back")
    kari.types_the_code_from_the_mail()
    kari.chooses("Open my account again")
    kari.is_told("Welcome back")
    kari.gets_a_mail("Your account at {service} is open again")
    kari.chooses("Go to {service}", service="Torget")
    kari.chooses("Sign in")
    kari.signs_in()
    kari.opens(f"{world.place.torget}/sellers/{kari.person.public_id}")
    kari.reads("For sale")

    assert is_for_sale(world, kari) == sold != 0
    subscription = "torget/newsletter_subscriptions"  # closing deletes it, as the map says: she may take out a new one
    assert world.touched() == {"torget/sessions", subscription}
