"""One person leaves over HTTP, with the code from the mailbox: the whole path, without a browser."""

import re
from collections.abc import Iterator

import httpx2

from examples.torget.passwords import PASSWORD
from examples.torget.people import Person
from examples.torget.web.place import Place
from slett.certify import verify
from slett.languages import translator


class WentWrong(Exception):
    """A page was not what it must be."""


def erase(place: Place, person: Person) -> Iterator[str]:
    """Walk it, and say each step once it is done.

    Raises:
        WentWrong: a page was not what it must be. Says which.
        TimeoutError: a mail did not come.
    """
    words = translator("en")
    with httpx2.Client(follow_redirects=True, trust_env=False, headers={"Accept-Language": "en"}) as browser:

        def goes(address: str, **form: str) -> str:
            """The page that comes back. A form is sent as a browser sends it from that site."""
            site = place.portal if address.startswith(place.portal) else place.torget
            answer = browser.post(address, data=form, headers={"Origin": site}) if form else browser.get(address)
            if answer.is_error:
                raise WentWrong(f"{answer.request.method} {answer.url.path} answered {answer.status_code}")
            return answer.text

        def wants(page: str, *sentences: str) -> None:
            for sentence in sentences:
                if str(words._(sentence)) not in page:
                    raise WentWrong(f"the page does not say: {sentence}")

        goes(f"{place.torget}/sign-in", email=person.email, password=PASSWORD)
        yield "She signs in at Torget, opens the privacy page, and asks to be erased."
        wants(goes(f"{place.torget}/privacy"), "Erase my account")
        wants(goes(f"{place.torget}/leave", go="on"), "What do you want?")
        yield "Torget hands her over to the portal, with a signed token."
        wants(
            goes(f"{place.portal}/choose", wish="erase"),
            "What will happen",
            "What goes",
            "What stays for a time, and why",
        )
        yield "The portal says what goes, what stays, why, and until when."
        wants(goes(f"{place.portal}/what", wish="erase"), "Is it you?")
        code = place.mailbox.wait_for(lambda mail: mail.code and mail.to == person.email).code or ""
        yield f"A code came by mail: {code}. She types it, and the word “{words.phrase}”."
        filed = goes(f"{place.portal}/confirm", code=code, phrase=words.phrase)
        wants(filed, "Your request is filed")
        link = re.search(rf"{re.escape(place.portal)}/s/([^/\"]+)/\w+", filed)
        if link is None:
            raise WentWrong("the page has no link to the status page")
        yield f"It is filed: {link[1]}. From now on she needs no account to follow it."
        done = place.mailbox.wait_for(lambda mail: mail.attachments and mail.to == person.email, seconds=60)
        yield f"A mail came: “{done.subject}”."
        wants(goes(link[0]), "Everything is erased. We have looked again, and found nothing.")
        yield "The status page says that everything is erased."
        receipt = goes(f"{place.portal}/status/{link[1]}/receipt.json").encode()
        if not verify(receipt, (place.settings.home / "signing.pub").read_bytes()).good:
            raise WentWrong("the receipt is not signed as it must be")
        yield "The receipt is signed, and in the ledger."
        answer = browser.post(f"{place.torget}/sign-in", data={"email": person.email, "password": PASSWORD})
        if answer.status_code != httpx2.codes.UNPROCESSABLE_CONTENT:
            raise WentWrong("she can still sign in")
        yield "Torget does not know her any more."
