"""Something must be settled first: the page says what, and leads there."""

import sqlalchemy as sa

from examples.torget import schema as db
from tests.browser.conftest import Arrives, World


def test_an_order_is_paid_and_then_the_account_is_closed(arrives: Arrives, world: World, language: str) -> None:
    unpaid = sa.select(sa.func.min(db.orders.c.customer_id)).where(db.orders.c.paid_at.is_(None))
    number = world.ask(unpaid)
    somebody = arrives(next(each for each in world.town.people if each.number == number), language)
    somebody.opens_torget()
    somebody.chooses("Sign in")
    somebody.signs_in()
    somebody.chooses("Privacy")
    somebody.chooses("Erase my account")
    somebody.chooses("Close my account")
    somebody.reads("Something has to be settled first")
    somebody.does_not_read("Go on")
    somebody.settles_the_first()
    somebody.is_told("My orders")
    somebody.pays()
    somebody.chooses("On to leaving Torget")
    somebody.chooses("Close my account")
    somebody.does_not_read("Something has to be settled first")
    somebody.chooses("Go on")
    somebody.is_told("Is it you?")
