"""The mails: one `<kind>.txt` a kind, whose first line is the subject and whose rest is the text.

The HTML part is the same text, set in type by `frame.html`, so the two can never say different things. A paragraph of
the text is one of four things: an address alone on its line (a link), lines that begin with `- ` (a list), an indented
line (a code), or plain sentences.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache, partial
from typing import Any, Literal
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from slett.languages import Translator, translator
from slett.settings import Settings

Kind = Literal["code", "filed", "reminder", "cancelled", "done", "partly", "refused", "closed", "returned", "alarm"]


@dataclass(frozen=True, slots=True)
class Letter:
    """What one person is to be told."""

    id: str  # random: the same at every attempt, so that a mail sent twice can be known
    kind: Kind
    address: str
    language: str
    values: Mapping[str, Any]  # for the template; moments and days as ISO 8601 text

    def pack(self) -> bytes:
        """It, as bytes. They hold personal data: seal them."""
        return json.dumps([self.id, self.kind, self.address, self.language, self.values], ensure_ascii=False).encode()

    @classmethod
    def unpack(cls, content: bytes) -> "Letter":
        """What was packed."""
        return cls(*json.loads(content))


@dataclass(frozen=True, slots=True)
class Part:
    """One paragraph of a mail."""

    what: Literal["text", "list", "link", "code"]
    text: str

    @property
    def lines(self) -> list[str]:
        """The entries of a list."""
        return [line.removeprefix("- ") for line in self.text.splitlines()]


def compose(letter: Letter, settings: Settings, at: datetime, receipt: bytes | None = None) -> EmailMessage:
    """The mail, ready to be sent.

    Args:
        receipt: the file of a certificate, to be attached.

    Raises:
        ValueError: an address, or the sender's name, cannot stand in a header.
    """
    words, zone = translator(letter.language), ZoneInfo(settings.portal.zone)
    values = {**_of_settings(settings), "reference": "", **letter.values}
    subject, _, body = _rendered(words, zone, f"{letter.kind}.txt", values).strip().partition("\n")
    footer = _rendered(words, zone, "footer.txt", values).strip() if values["reference"] else ""
    parts = list(_parts(body))
    message = EmailMessage(policy=SMTP)
    message["Subject"] = subject
    message["From"] = Address(settings.mail.sender_name or settings.service, addr_spec=settings.mail.sender)
    message["To"] = Address(addr_spec=letter.address)
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{letter.id}@{settings.mail.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    paragraphs = [part.text for part in parts]
    message.set_content("\n\n".join([*paragraphs, f"-- \n{footer}"] if footer else paragraphs) + "\n")
    frame = _templates().get_template("frame.html")
    message.add_alternative(
        frame.render(words=words, subject=subject, parts=parts, footer=footer.splitlines()), subtype="html"
    )
    if receipt is not None:
        name = f"{values['reference']}.json"
        message.add_attachment(receipt, maintype="application", subtype="json", filename=name)
    message["Content-Language"] = words.tag  # last: it would follow the text into its part
    return message


def _of_settings(settings: Settings) -> dict[str, Any]:
    portal = settings.portal
    return {
        "service": settings.service,
        "support": portal.support,
        "erased": portal.after_window == "erase",
        "forget_days": portal.keep_particulars_days,
    }


def _parts(body: str) -> Iterator[Part]:
    for block in body.split("\n\n"):
        text = block.strip()
        if not text:
            continue
        if block.lstrip("\n").startswith("    "):
            yield Part("code", text)
        elif text.startswith(("https://", "http://")) and not any(map(str.isspace, text)):
            yield Part("link", text)
        elif text.startswith("- "):
            yield Part("list", text)
        else:
            yield Part("text", text)


def _rendered(words: Translator, zone: ZoneInfo, name: str, values: Mapping[str, Any]) -> str:
    def moment(at: str) -> str:
        return words.moment(datetime.fromisoformat(at), zone)

    def day(at: str) -> str:
        return words.date(date.fromisoformat(at[:10]))

    return (
        _templates()
        .get_template(name)
        .render(
            _=words._,
            ngettext=words.ngettext,
            moment=moment,
            date=day,
            stays=partial(_stays, words),
            remains=partial(_remains, words),
            **values,
        )
    )


def _stays(words: Translator, each: Mapping[str, Any]) -> str:
    """One line of what is kept: what, why, and until when."""
    what = each["label"] or words._("Other data")
    if not each["until"]:
        return words._("{what}: {basis}", what=what, basis=each["basis"])
    day = words.date(date.fromisoformat(each["until"]))
    return words._("{what}, until {date}: {basis}", what=what, date=day, basis=each["basis"])


def _remains(words: Translator, each: Mapping[str, Any]) -> str:
    """One line of what could not be erased, and why."""
    return words._("{what}: {reason}", what=each["label"] or words._("Other data"), reason=each["reason"])


@cache
def _templates() -> Environment:
    loader = PackageLoader("slett.requests", "mails")
    return Environment(loader=loader, autoescape=select_autoescape(["html"]), undefined=StrictUndefined)
