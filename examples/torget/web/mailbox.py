"""The demo's mail server: real SMTP on this machine, and every mail that it took."""

import asyncio
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import partial
from threading import Condition, Event, Thread
from typing import Any

from aiosmtpd.smtp import SMTP

from examples.torget.web.hosting import address_of, take_port

LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:)\]]")
CODE = re.compile(r"^\s*(\d{8})\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Mail:
    number: int
    to: str  # where it went, whatever its header says
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        """The plain text, which every mail has."""
        return _content(self.message, "plain")

    @property
    def html(self) -> str:
        """The same as a page, or nothing."""
        return _content(self.message, "html")

    @property
    def links(self) -> list[str]:
        """The addresses in the plain text."""
        return LINK.findall(self.text)

    @property
    def code(self) -> str | None:
        """The eight digits, if it brings a code."""
        found = CODE.search(self.text)
        return found[1] if found else None

    @property
    def attachments(self) -> list[str]:
        """The names of the files that came along."""
        return [part.get_filename() or "?" for part in self.message.iter_attachments()]


@dataclass
class Mailbox:
    """Every mail so far, the oldest first; threads may share it."""

    url: str = ""  # smtp://…, while the server runs
    _mails: list[Mail] = field(default_factory=list)
    _came: Condition = field(default_factory=Condition)

    @property
    def mails(self) -> list[Mail]:
        with self._came:
            return list(self._mails)

    def find(self, number: int) -> Mail | None:
        return next((mail for mail in self.mails if mail.number == number), None)

    def wait_for(self, wanted: Callable[[Mail], object], seconds: float = 20) -> Mail:
        """The first mail like that, which may have yet to come.

        Raises:
            TimeoutError: it did not come. Says what did.
        """
        with self._came:
            if not self._came.wait_for(lambda: any(map(wanted, self._mails)), seconds):
                raise TimeoutError(f"no such mail among {[mail.subject for mail in self._mails]}")
            return next(filter(wanted, self._mails))

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: ARG002, N802 - aiosmtpd's names
        """Take a mail."""
        message = message_from_bytes(envelope.content, policy=default)
        with self._came:
            for to in envelope.rcpt_tos:
                self._mails.append(Mail(len(self._mails) + 1, to, message))
            self._came.notify_all()
        return "250 taken"


@contextmanager
def open_mailbox(host: str = "127.0.0.1") -> Iterator[Mailbox]:
    """A mailbox with an SMTP server on a free port of this machine, until the block ends."""
    with take_port(host, 0) as taken:
        mailbox = Mailbox(address_of(taken).replace("http:", "smtp:"))
        ended = Event()
        thread = Thread(target=lambda: asyncio.run(_take_mail(mailbox, taken, ended)), name="mail server")
        thread.start()
        try:
            yield mailbox
        finally:
            ended.set()
            thread.join()


async def _take_mail(mailbox: Mailbox, taken: socket.socket, ended: Event) -> None:
    loop = asyncio.get_running_loop()
    speak = partial(SMTP, mailbox, hostname="torget.example", enable_SMTPUTF8=True, loop=loop)
    async with await loop.create_server(speak, sock=taken):
        await asyncio.to_thread(ended.wait)


def _content(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    return str(part.get_content()) if part else ""
