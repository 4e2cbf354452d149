"""Mails to the person: written down, sealed, with the change that they tell of; sent afterwards, and tried again.

A mail never holds up an erasure, and never gets lost: when a process dies between sending one and noting it, it is sent
once more, with the same Message-ID. What was sent or given up is destroyed in the ledger. Nothing is logged but the
number of a mail, its kind, and the code that the server answered: its text may quote the address.
"""

import logging
import re
import secrets
import smtplib
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import date, datetime, timedelta
from email.message import EmailMessage
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from slett.certify import CertificateError, write_certificates
from slett.languages import TAGS
from slett.ledger import Page, Request
from slett.ledger.outbox import Notice, Sending
from slett.requests.mails import Kind, Letter, compose
from slett.requests.service import Service
from slett.settings import Mail, SettingsError

AT_ONCE = 20  # mails sent over one connection
FIRST_WAIT = timedelta(seconds=10)  # then four times as long each time
LONGEST_WAIT = timedelta(hours=6)
PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[^\s@<>,;:\"()\[\]\\]{1,190}")
CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")

log = logging.getLogger(__name__)


class NotSent(Exception):
    """A mail was not sent. Says which code the server gave, and never its text."""

    def __init__(self, why: str, *, for_good: bool) -> None:
        super().__init__(why)
        self.for_good = for_good


Send = Callable[[EmailMessage], None]


class Transport(Protocol):
    """What carries mails."""

    def connect(self) -> AbstractContextManager[Send]:
        """A connection over which mails are sent.

        Raises:
            NotSent: on connecting, or when a mail is sent.
        """


def queue(
    page: Page,
    kind: Kind,
    request: Request | None,
    addresses: Iterable[str],
    language: str,
    values: Mapping[str, Any],
    *,
    state: Sending = "waiting",
    row: str = "",
) -> None:
    """Write down one mail an address, to be sent after this page is committed.

    Args:
        addresses: one that cannot be an address is given up at once: it must not hold up what it is about.
        language: one of `TAGS`; another is read as English.
        values: what the template of that kind says besides what the request itself knows; `link` is that of its status
            page. Moments are `datetime`, and line breaks become spaces.
        state: `given_up` for a mail that only looks like one.
        row: the kind as the ledger remembers it, where one kind is sent more than once.
    """
    known = {name: _plain(each) for name, each in {**_of_request(page, request), **values}.items()}
    tag = language if language in TAGS else "en"
    for address in dict.fromkeys(addresses):
        letter = Letter(secrets.token_hex(16), kind, address, tag, known)
        usable = state if ADDRESS.fullmatch(address) and not CONTROL.search(address) else "given_up"
        page.notices.add(row or kind, request.reference if request else None, letter.pack(), state=usable)


def _of_request(page: Page, request: Request | None) -> dict[str, object]:
    """What the ledger knows by now of the request that a mail is about."""
    now = page.requests.get(request.reference) if request else None
    if now is None:
        return {}
    return {
        "reference": now.reference,
        "kind": now.kind,
        "doubt": now.doubt,
        "due": now.due_at,
        "law_due": now.law_due,
        "starts": now.not_before if now.not_before and now.not_before > page.now else None,
        "until": now.until,
        "reason": now.reason,
    }


def post_waiting(service: Service, transport: Transport) -> int:
    """How many mails went out. Those that did not are tried again later, or given up after `mail.attempts`."""
    hold = timedelta(seconds=60 + 2 * AT_ONCE * service.settings.mail.timeout_seconds)
    with service.ledger.write() as page:
        taken = page.notices.take(AT_ONCE, hold)
    if not taken:
        return 0
    sent = 0
    waiting = list(taken)
    try:
        with transport.connect() as send:
            while waiting:
                sent += _post(service, waiting.pop(0), send)
    except NotSent as error:
        log.warning("the mail server: %s", error)
        for each in waiting:
            _later(service, each, error)
    return sent


def _post(service: Service, notice: Notice, send: Send) -> int:
    try:
        letter = Letter.unpack(notice.content)
        if letter.kind == "code" and _too_late(service, notice, letter):
            raise NotSent("the code has expired", for_good=True)
        send(_composed(service, notice, letter))
    except NotSent as error:
        _later(service, notice, error)
        return 0
    with service.ledger.write() as page:
        page.notices.sent(notice.number)
    return 1


def _composed(service: Service, notice: Notice, letter: Letter) -> EmailMessage:
    try:
        return compose(letter, service.settings, notice.created_at, _receipt(service, notice))
    except Exception as error:  # whatever is wrong with one mail, the next ones go out
        raise NotSent(f"it cannot be written ({type(error).__name__})", for_good=False) from None


def _too_late(service: Service, notice: Notice, letter: Letter) -> bool:
    with service.ledger.read() as page:
        return page.now > notice.created_at + timedelta(minutes=letter.values["minutes"])


def _later(service: Service, notice: Notice, error: NotSent) -> None:
    longest = timedelta(days=service.settings.portal.keep_particulars_days)
    with service.ledger.write() as page:
        old = page.now >= notice.created_at + longest
        over = error.for_good or old or notice.attempts >= service.settings.mail.attempts
        if over:
            page.notices.give_up(notice.number)
        else:
            page.notices.again(notice.number, page.now + wait_after(notice.attempts))
    then = "given up" if over else "tried again later"
    log.warning("mail %d (%s, request %s): %s; %s", notice.number, notice.kind, notice.request or "-", error, then)


def wait_after(attempts: int) -> timedelta:
    """How long to wait after so many attempts: 10 s, 40 s, 160 s, 11 min, 43 min, … 6 h."""
    return min(FIRST_WAIT * int(4 ** min(attempts - 1, 8)), LONGEST_WAIT)


def _receipt(service: Service, notice: Notice) -> bytes | None:
    if notice.kind not in ("done", "partly") or notice.request is None:
        return None
    try:
        written = write_certificates(service.ledger, service.settings.home / "certificates", [notice.request])
    except CertificateError:  # of an older signing key; the status page says where it is
        return None
    return written[notice.request].read_bytes() if notice.request in written else None


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return CONTROL.sub(" ", value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


class NoMail:
    """Where no mail server is configured: nothing is kept to be sent some day."""

    def connect(self) -> AbstractContextManager[Send]:
        """No connection: every mail is given up."""
        raise NotSent("there is none in the settings", for_good=True)


class Smtp:
    """A mail server: `smtp://host`, `smtp+starttls://user:password@host`, `smtps://user:password@host`.

    Raises:
        SettingsError: `mail.url` is none of these, or there is no sender.
    """

    def __init__(self, mail: Mail) -> None:
        try:
            url = urlsplit(mail.url)
            self._port = url.port or PORTS[url.scheme]
        except (ValueError, KeyError):
            raise SettingsError(
                "setting `mail.url`: write smtp://host, smtp+starttls://user:password@host or smtps://user:password@host"
            ) from None
        if not url.hostname or not ADDRESS.fullmatch(mail.sender):
            raise SettingsError("setting `mail`: needs a host in `url`, and the address of a `sender`")
        self._host = url.hostname
        self._scheme = url.scheme
        self._user, self._password = unquote(url.username or ""), unquote(url.password or "")
        self._timeout = mail.timeout_seconds
        self._own_name = mail.sender.rpartition("@")[2]  # asking the resolver for it may take long

    @contextmanager
    def connect(self) -> Iterator[Send]:
        """A connection over which mails are sent.

        Raises:
            NotSent: on connecting, or when a mail is sent.
        """
        with _translated(connecting=True):
            server = self._opened()
        try:
            yield lambda message: _send(server, message)
        finally:
            server.close()

    def _opened(self) -> smtplib.SMTP:
        if self._scheme == "smtps":
            context = ssl.create_default_context()
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, self._own_name, timeout=self._timeout, context=context
            )
        else:
            server = smtplib.SMTP(self._host, self._port, self._own_name, timeout=self._timeout)
        try:
            if self._scheme == "smtp+starttls":
                server.starttls(context=ssl.create_default_context())
            if self._user:
                server.login(self._user, self._password)
        except BaseException:
            server.close()
            raise
        return server


def _send(server: smtplib.SMTP, message: EmailMessage) -> None:
    with _translated():
        server.send_message(message)


@contextmanager
def _translated(*, connecting: bool = False) -> Iterator[None]:
    """Raise smtplib's errors as ours, without the server's text."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        raise NotSent(f"the recipient was refused with {codes[0]}", for_good=min(codes) >= 500) from None
    except smtplib.SMTPResponseException as error:
        about_the_mail = not connecting and not isinstance(error, smtplib.SMTPSenderRefused)
        for_good = about_the_mail and error.smtp_code >= 500
        raise NotSent(f"the server answered {error.smtp_code}", for_good=for_good) from None
    except smtplib.SMTPNotSupportedError:
        raise NotSent("the server lacks STARTTLS, AUTH or SMTPUTF8", for_good=not connecting) from None
    except (OSError, smtplib.SMTPException) as error:
        raise NotSent(f"no answer ({type(error).__name__})", for_good=False) from None
