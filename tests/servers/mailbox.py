"""A real SMTP server in this process, and the mails that came in.

An address that begins with `later` is refused for now, one with `never` for good, each at RCPT; `unwanted` at DATA.
"""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Mailbox:
    """What came in, oldest first."""

    port: int
    mails: list[EmailMessage] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def to(self, address: str) -> list[EmailMessage]:
        """The mails to that address."""
        return [each for each in self.mails if each["To"] == address]

    def texts(self) -> list[str]:
        """The plain text of every mail."""
        return [text_of(each) for each in self.mails]

    def code(self) -> str:
        """The code in the newest mail that has one."""
        found: list[str] = [code for text in self.texts() for code in re.findall(r"^(\d{8})$", text, re.MULTILINE)]
        return found[-1]

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address.startswith("later"):
            return f"451 4.2.1 <{address}> is greylisted"
        if address.startswith("never"):
            return f"550 5.1.1 <{address}> is unknown"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 (likewise)
        if envelope.rcpt_tos[0].startswith("unwanted"):
            return "554 5.7.1 not wanted"
        assert isinstance(envelope.content, bytes)
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


def text_of(mail: EmailMessage) -> str:
    """The plain text of a mail."""
    part = mail.get_body(("plain",))
    assert part
    return str(part.get_content())


def free_port() -> int:
    """A port of this machine at which nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


@contextmanager
def opened_mailbox() -> Iterator[Mailbox]:
    """A mailbox, until the end of the `with`."""
    mailbox = Mailbox(free_port())
    controller = Controller(mailbox, hostname="127.0.0.1", port=mailbox.port)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()
