"""Erase everything for good: the guide, step by step, and the proof at the end."""

from datetime import UTC, datetime, timedelta

import pytest

from examples.torget import schema as db
from examples.torget.web.accounts import LIFE
from slett.certify import verify
from tests.browser.conftest import Arrives, Device, World
from tests.browser.somebody import Somebody


@pytest.mark.parametrize(
    ("language", "device", "scripts"),
    [("nb", "phone", False), ("en", "computer", True), ("ar", "small phone", False)],
)
def test_erase_for_good(arrives: Arrives, world: World, language: str, device: Device, scripts: bool) -> None:
    kari = arrives(world.town.kari, language, device, scripts=scripts)
    file_an_erasure(kari)

    kari.ticks("I want less about me to be stored")
    kari.chooses("Send")
    kari.reads("Thank you. That was all.")

    done = kari.gets_a_mail("Your data at {service} is erased")
    assert done.attachments
    kari.opens_the_link_in(done)
    kari.is_told("Everything is erased. We have looked again, and found nothing.")
    receipt = kari.downloads("Signed receipt (JSON)").read_bytes()
    assert kari.downloads("Receipt (PDF)").read_bytes().startswith(b"%PDF")
    kari.chooses("Receipt to print")
    kari.is_told("Receipt")

    kari.opens_torget()
    kari.chooses("Sign in")
    kari.signs_in()
    kari.reads("That e-mail and that password do not belong together. Try again.")
    assert world.wrong(kari.person) == []
    assert verify(receipt, (world.place.settings.home / "signing.pub").read_bytes()).good


def test_whoever_signed_in_a_while_ago_signs_in_again_and_comes_straight_back(
    arrives: Arrives, world: World, language: str
) -> None:
    kari = arrives(world.town.kari, language)
    kari.opens_torget()
    kari.chooses("Sign in")
    kari.signs_in()
    an_hour_passes(world)
    kari.chooses("Privacy")
    kari.chooses("Erase my account")
    kari.chooses("Erase everything about me")
    kari.chooses("Go on")
    kari.is_told("Is it you?")
    kari.chooses("Sign in again")
    kari.is_told("Sign in again")
    kari.signs_in()
    kari.is_told("Is it you?")
    kari.chooses("Send me a code")
    kari.types_the_code_from_the_mail()
    kari.types_the_word()
    kari.chooses("Erase everything for good")
    kari.is_told("Your request is filed")


def file_an_erasure(kari: Somebody) -> None:
    """From the front page to the reference number."""
    kari.opens_torget()
    kari.chooses("Privacy")
    kari.chooses("Erase my account")
    kari.is_told("Sign in again")
    kari.signs_in()
    kari.is_told("What do you want?")
    kari.chooses("Erase everything about me")
    kari.is_told("What will happen")
    kari.reads("What goes")
    kari.reads("What stays for a time, and why")
    kari.chooses("Go on")
    kari.is_told("Is it you?")
    kari.types_the_code_from_the_mail()
    kari.types_the_word()
    kari.chooses("Erase everything for good")
    kari.is_told("Your request is filed")
    assert kari.reference


def an_hour_passes(world: World) -> None:
    """Since everybody signed in to Torget: a session tells that by when it ends."""
    an_hour_ago = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=1)
    world.change(db.sessions.update().values(expires_at=an_hour_ago + LIFE))
