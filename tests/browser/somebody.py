"""Somebody at a browser who does what a guide says. Each method is a step of it.

What they look for is written in English, as in the sources; they read it in their own language.
"""

import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from examples.torget.passwords import PASSWORD
from examples.torget.people import Person
from examples.torget.web.mailbox import Mail
from examples.torget.web.place import Place
from examples.torget.web.texts import say
from slett.languages import translator
from tests.browser.eyes import Eyes


class Somebody:
    def __init__(self, page: Page, person: Person, language: str, place: Place, eyes: Eyes) -> None:
        self.page = page
        self.person = person
        self.language = language
        self.words = translator(language)
        self._place = place
        self._eyes = eyes
        self._read = 0  # the newest mail they have read

    # -- what they do -------------------------------------------------------------------------------

    def opens(self, address: str) -> None:
        self.page.goto(address)
        self._looks()

    def opens_torget(self) -> None:
        self.opens(self._place.torget)

    def chooses(self, label: str, **values: object) -> None:
        """A link, a button or a menu of that name; the one in the middle of the page, if there are several."""
        name = self._said(label, **values)
        named = self._named(self.page.get_by_role("main"), name)
        (named if named.count() else self._named(self.page.locator("body"), name)).first.click()
        self._looks()

    def ticks(self, label: str) -> None:
        self.page.get_by_label(self._said(label), exact=True).check()

    def types(self, text: str, into: str, **values: object) -> None:
        self.page.get_by_label(self._said(into, **values), exact=True).fill(text)

    def signs_in(self, person: Person | None = None) -> None:
        """On the page that asks for it."""
        self.types((person or self.person).email, into="E-mail")
        self.types(PASSWORD, into="Password")
        self.chooses("Sign in")

    def types_the_code_from_the_mail(self) -> None:
        mail = self.gets_a_mail("Your code for {service}")
        self.types(mail.code or "", into="Code from the e-mail")

    def types_the_word(self) -> None:
        phrase = self.words.phrase
        self.types(phrase, into="To confirm, type the word “{phrase}”", phrase=phrase)

    def opens_the_link_in(self, mail: Mail) -> None:
        """In the mailbox, where the mail is."""
        self.opens(f"{self._place.torget}/mailbox")
        self.page.get_by_role("link", name=mail.subject).first.click()
        self._looks()
        self.page.get_by_role("main").get_by_role("link", name=f"{self._place.portal}/s/").first.click()
        self._looks()

    def settles_the_first(self) -> None:
        """Of the things that are in the way: to where that is done."""
        self.page.get_by_role("link", name=self._said("Settle this")).first.click()
        self._looks()

    def pays(self) -> None:
        """Everything that is not paid."""
        while (button := self.page.locator("form[action$='/pay'] button")).count():
            button.first.click()
        self._looks()

    def downloads(self, label: str) -> Path:
        """The file behind a link."""
        with self.page.expect_download() as download:
            self._named(self.page.get_by_role("main"), self._said(label)).click()
        return Path(download.value.path())

    # -- what they find -----------------------------------------------------------------------------

    def is_told(self, heading: str, **values: object) -> None:
        """The page's own heading."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(self._said(heading, **values))

    def reads(self, sentence: str, **values: object) -> None:
        """Somewhere on the page."""
        expect(self.page.get_by_text(self._said(sentence, **values)).first).to_be_visible()

    def does_not_read(self, sentence: str) -> None:
        expect(self.page.get_by_text(self._said(sentence))).to_have_count(0)

    def gets_a_mail(self, subject: str) -> Mail:
        """The next one with that subject, in their language."""
        wanted = self.words._(subject, service="Torget")

        def is_it(mail: Mail) -> bool:
            return mail.number > self._read and mail.to == self.person.email and mail.subject == wanted

        mail = self._place.mailbox.wait_for(is_it, seconds=30)
        self._read = mail.number
        return mail

    @property
    def reference(self) -> str:
        """Of the request that the page is about."""
        found = re.search(r"S-[0-9A-Z]{4}-[0-9A-Z]{4}", self.page.get_by_role("main").inner_text())
        assert found, "the page shows no reference number"
        return found[0]

    # -- parts --------------------------------------------------------------------------------------

    def _looks(self) -> None:
        self.page.wait_for_load_state()
        site = "torget" if self._is_at_torget else "portal"
        self._eyes.look(self.page, site, self.language)

    @property
    def _is_at_torget(self) -> bool:
        return self.page.url.startswith(f"{self._place.torget}/")

    def _said(self, sentence: str, **values: object) -> str:
        if self._is_at_torget:
            return say(sentence, self.language).format(**values)
        return str(self.words._(sentence, **values))

    def _named(self, part: Locator, name: str) -> Locator:
        link, button = (part.get_by_role(role, name=name, exact=True) for role in ("link", "button"))
        return link.or_(button).or_(part.locator("summary").get_by_text(name, exact=True))
