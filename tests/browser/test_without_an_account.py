"""Leave without the app, a password or a session: the public page, with nothing but a mailbox."""

from tests.browser.conftest import Arrives, World


def test_without_an_account(arrives: Arrives, world: World, language: str) -> None:
    kari = arrives(world.town.kari, language)
    kari.opens_torget()
    kari.chooses("Privacy")
    kari.chooses("Without an account")
    kari.is_told("Leave without signing in")
    kari.types(kari.person.email, into="E-mail address")
    kari.chooses("Send me a code")
    kari.is_told("Type the code")
    kari.types_the_code_from_the_mail()
    kari.chooses("Go on")
    kari.is_told("What do you want?")
    kari.chooses("Erase everything about me")
    kari.is_told("What will happen")
    kari.chooses("Go on")
    kari.is_told("Is it you?")
    kari.types_the_word()
    kari.chooses("Erase everything for good")
    kari.is_told("Your request is filed")
    kari.reads("We wait longer than usual because we know only that this mailbox is yours.")
    assert world.wrong() == []

    kari.chooses("See how far it has come")
    kari.is_told("It is waiting for its turn.")
    kari.chooses("Cancel this request")
    kari.is_told("It was cancelled. Nothing was changed.")
    assert world.wrong() == []


def test_an_address_that_nobody_knows_is_answered_alike(arrives: Arrives, world: World) -> None:
    stranger = arrives(world.town.kari, "nb")
    stranger.opens(f"{world.place.portal}/without-account")
    stranger.types("stranger@fjord.example", into="E-mail address")
    stranger.chooses("Send me a code")
    stranger.is_told("Type the code")
    assert world.place.mailbox.mails == []
