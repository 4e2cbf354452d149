"""What one can have without leaving: a copy of one's data, and no more mail."""

from zipfile import ZipFile

import sqlalchemy as sa

from examples.torget import schema as db
from tests.browser.conftest import Arrives, World


def test_a_copy_of_my_data(arrives: Arrives, world: World, language: str) -> None:
    kari = arrives(world.town.kari, language)
    kari.opens_torget()
    kari.chooses("Privacy")
    kari.chooses("Erase my account")
    kari.signs_in()
    kari.chooses("Get a copy of my data")
    kari.is_told("Is it you?")
    kari.types_the_code_from_the_mail()
    kari.chooses("Ask for my copy")
    kari.is_told("You have asked for a copy")
    kari.opens_the_link_in(kari.gets_a_mail("Your copy from {service} is ready"))
    kari.is_told("Your copy is ready.")
    copy = ZipFile(kari.downloads("Fetch my copy (zip)"))

    with copy:
        text = "".join(copy.read(name).decode() for name in copy.namelist())
    assert kari.person.street in text
    assert kari.person.phone in text
    assert world.touched() == {"torget/sessions"}


def test_only_stop_the_mail(arrives: Arrives, world: World, language: str) -> None:
    world.change(db.users.update().values(commercial_mail=True))
    kari = arrives(world.town.kari, language)
    kari.opens_torget()
    kari.chooses("Privacy")
    kari.chooses("Erase my account")
    kari.signs_in()
    kari.chooses("Only stop the mail")
    kari.is_told("Stop the mail?")
    kari.chooses("Stop the mail")
    kari.is_told("The mail is stopped")
    kari.chooses("See how far it has come")
    kari.is_told("The mail is stopped.")

    wants_mail = sa.select(db.users.c.commercial_mail).where(db.users.c.id == kari.person.number)
    assert world.ask(wants_mail) is False
