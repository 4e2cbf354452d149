"""Mails, sent to a real SMTP server."""

import logging
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from slett.languages import TAGS, translator
from slett.ledger.tables import notices as table
from slett.requests.mails import Kind, Letter, compose
from slett.requests.notices import NotSent, Smtp, post_waiting, queue, wait_after
from slett.settings import Mail, Portal, Settings, SettingsError
from tests.requests.shop import Counter
from tests.servers.mailbox import Mailbox, free_port, text_of

NOW = datetime(2026, 11, 22, 16, tzinfo=UTC)
LINK = "https://leave.example.org/s/S-7K4M-2Q9X/SECRET"
SETTINGS = Settings(
    service="Torget", portal=Portal(support="help@torget.example"), mail=Mail(sender="no@torget.example")
)
KEPT = [
    {"label": "Orders", "basis": "Bookkeeping Act § 13", "until": "2031-12-31"},
    {"label": "", "basis": "x", "until": ""},
]
EVERY: list[tuple[Kind, dict[str, Any]]] = [
    ("code", {"code": "12345678", "minutes": 10}),
    ("filed", {"starts": None, "doubt": ""}),
    ("filed", {"starts": NOW.isoformat(), "doubt": "mailbox_only"}),
    ("filed", {"starts": NOW.isoformat(), "doubt": "address_changed"}),
    ("filed", {"kind": "export", "doubt": ""}),
    ("reminder", {"ends": NOW.isoformat()}),
    ("reminder", {"ends": NOW.isoformat(), "kind": "close", "erased": True}),
    ("reminder", {"ends": NOW.isoformat(), "kind": "close", "erased": False}),
    ("cancelled", {}),
    ("closed", {"until": NOW.isoformat(), "erased": True, "recovery": False}),
    ("closed", {"until": NOW.isoformat(), "erased": True, "recovery": True}),
    ("closed", {"until": NOW.isoformat(), "erased": False, "recovery": False}),
    ("returned", {}),
    ("returned", {"until": NOW.isoformat()}),
    ("alarm", {}),
    ("done", {"kept": []}),
    ("done", {"kept": KEPT}),
    ("done", {"kind": "export", "until": NOW.isoformat()}),
    ("done", {"kind": "unsubscribe"}),
    ("partly", {"kept": KEPT, "left": [{"label": "Photos", "reason": "a constraint"}]}),
    ("refused", {"found": True, "reason": "too many rows"}),
    ("refused", {"found": False}),
]


def letter(kind: Kind, language: str = "en", /, **values: Any) -> Letter:
    known = {"reference": "S-7K4M-2Q9X", "kind": "erase", "link": LINK, "due": NOW.isoformat(), "law_due": "2026-12-22"}
    return Letter("4f", kind, "kari@example.org", language, {**known, **values})


def put(counter: Counter, *addresses: str, kind: Kind = "cancelled", **values: Any) -> None:
    with counter.service.ledger.write() as page:
        queue(page, kind, None, addresses, "en", {"link": LINK, **values})


def post(counter: Counter) -> int:
    return post_waiting(counter.service, Smtp(counter.service.settings.mail))


def states(counter: Counter) -> list[tuple[str, int, int]]:
    """Of each mail its state, its attempts, and how many sealed bytes are left."""
    with counter.service.ledger._engine.connect() as connection:
        rows = connection.execute(table.select().order_by(table.c.number))
        return [(row.state, row.attempts, len(row.blob)) for row in rows]


@pytest.mark.parametrize("tag", TAGS)
def test_every_mail_is_written_in_every_language(tag: str) -> None:
    for kind, values in EVERY:
        mail = compose(letter(kind, tag, **values), SETTINGS, NOW)
        html = mail.get_body(("html",))
        assert html
        page = html.get_content()
        assert mail["Content-Language"] == tag
        assert f'lang="{tag}" dir="{translator(tag).direction}"' in page
        assert "{" not in text_of(mail) + str(mail["Subject"])
        assert not re.search(r"\n\n\n|  +[^ ]", text_of(mail).replace("-- \n", ""))
        if tag != "en":
            english = compose(letter(kind, "en", **values), SETTINGS, NOW)
            assert mail["Subject"] != english["Subject"]


def test_a_mail_of_the_service_says_what_it_is() -> None:
    mail = compose(letter("filed", starts=None, doubt=""), SETTINGS, NOW)
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"] == "<4f@torget.example>"
    assert mail["Date"] == "Sun, 22 Nov 2026 16:00:00 +0000"
    assert mail["From"] == "Torget <no@torget.example>"
    assert mail["List-Unsubscribe"] is None
    assert LINK in text_of(mail)
    assert "help@torget.example" in text_of(mail)


def test_both_parts_say_the_same() -> None:
    mail = compose(letter("done", kept=KEPT), SETTINGS, NOW)
    html = mail.get_body(("html",))
    assert html
    seen = re.sub(r"<title>.*?</title>|<h1.*?</h1>|<[^>]+>", " ", html.get_content())
    assert seen.split() == [word for word in text_of(mail).split() if word not in ("-", "--")]


def test_what_stays_is_listed_with_reason_and_day() -> None:
    text = text_of(compose(letter("done", kept=KEPT), SETTINGS, NOW))
    assert "- Orders, until 31 December 2031: Bookkeeping Act § 13\n- Other data: x\n" in text


def test_values_are_text_and_never_markup() -> None:
    evil = "<script>alert(1)</script>"
    mail = compose(letter("refused", found=True, reason=evil), replace_service(evil), NOW)
    html = mail.get_body(("html",))
    assert html
    assert "<script>" not in html.get_content()
    assert "&lt;script&gt;" in html.get_content()


def replace_service(name: str) -> Settings:
    return SETTINGS.model_copy(update={"service": name})


def test_a_mail_arrives_and_its_content_is_destroyed(posted: Counter, mailbox: Mailbox) -> None:
    put(posted, "kari@example.org", "old@example.org")
    assert post(posted) == 2
    assert [mail["To"] for mail in mailbox.mails] == ["kari@example.org", "old@example.org"]
    assert states(posted) == [("sent", 1, 0)] * 2
    assert post(posted) == 0


def test_a_refusal_for_now_is_tried_again_later_each_time(posted: Counter, mailbox: Mailbox) -> None:
    put(posted, "later@example.org", "kari@example.org")
    assert post(posted) == 1
    assert states(posted)[0][:2] == ("waiting", 1)
    assert post(posted) == 0
    for attempts in range(1, 8):
        posted.clock.now += wait_after(attempts)
        assert post(posted) == 0
    assert states(posted)[0] == ("given_up", 8, 0)
    assert len(mailbox.mails) == 1


def test_the_waits_grow_and_end() -> None:
    waits = [wait_after(attempts).total_seconds() for attempts in range(1, 30)]
    assert waits[:4] == [10, 40, 160, 640]
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(hours=6).total_seconds()


@pytest.mark.parametrize("address", ["never@example.org", "unwanted@example.org"])
def test_a_refusal_for_good_is_given_up_at_once(posted: Counter, address: str) -> None:
    put(posted, address, "kari@example.org")
    assert post(posted) == 1
    assert [state for state, *_ in states(posted)] == ["given_up", "sent"]


@pytest.mark.parametrize("address", ["", "kari", "a@b\r\nBcc: evil@example.org", "a@b, c@d", "a@b\n"])
def test_what_cannot_be_an_address_is_given_up_and_the_next_one_goes_out(
    posted: Counter, mailbox: Mailbox, address: str
) -> None:
    put(posted, address, "kari@example.org")
    assert post(posted) == 1
    assert [state for state, *_ in states(posted)] == ["given_up", "sent"]
    assert mailbox.mails[0]["Bcc"] is None


def test_a_line_break_in_a_value_never_becomes_a_header(posted: Counter, mailbox: Mailbox) -> None:
    evil = "x\r\nBcc: evil@example.org\r\n\r\nhi"
    named = posted.service.settings.model_copy(update={"service": evil})
    with pytest.raises(ValueError, match=r"linefeed|CR or LF"):
        compose(letter("cancelled"), SETTINGS.model_copy(update={"mail": Mail(sender="a@b", sender_name=evil)}), NOW)
    put(posted, "kari@example.org", kind="refused", found=True, reason=evil)
    assert post_waiting(replace(posted.service, settings=named), Smtp(named.mail)) in (0, 1)
    for mail in mailbox.mails:
        assert mail["Bcc"] is None


def test_a_dead_server_keeps_the_mails_waiting(posted: Counter) -> None:
    put(posted, "kari@example.org", "ola@example.org")
    dead = Smtp(posted.service.settings.mail.model_copy(update={"url": f"smtp://127.0.0.1:{free_port()}"}))
    assert post_waiting(posted.service, dead) == 0
    assert [state for state, *_ in states(posted)] == ["waiting", "waiting"]
    posted.clock.forward(seconds=10)
    assert post(posted) == 2


def test_an_address_is_not_kept_longer_than_promised_for_a_mail_that_cannot_be_sent(posted: Counter) -> None:
    put(posted, "later@example.org")
    post(posted)
    posted.clock.forward(days=3)
    post(posted)
    assert states(posted) == [("given_up", 2, 0)]


def test_a_code_that_has_expired_is_not_sent(posted: Counter, mailbox: Mailbox) -> None:
    put(posted, "kari@example.org", kind="code", code="12345678", minutes=10)
    posted.clock.forward(minutes=11)
    assert post(posted) == 0
    assert states(posted) == [("given_up", 1, 0)]
    assert not mailbox.mails


def test_whoever_dies_between_sending_and_noting_it_sends_the_same_mail_twice(
    posted: Counter, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(posted, "kari@example.org")
    with monkeypatch.context() as patched:
        patched.setattr("slett.ledger.outbox.Notices.sent", _die)
        with pytest.raises(KeyboardInterrupt):
            post(posted)
    assert post(posted) == 0, "it is held for a while"
    posted.clock.forward(minutes=10)
    assert post(posted) == 1
    first, second = mailbox.mails
    assert first["Message-ID"] == second["Message-ID"]


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def test_no_personal_data_is_logged_or_lies_open(posted: Counter, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    put(posted, "later@example.org", "never@example.org", "kari nordmann@example.org")
    post(posted)
    post_waiting(posted.service, Smtp(Mail(url=f"smtp://u:pw-secret@127.0.0.1:{free_port()}", sender="a@b.example")))
    assert "451" in caplog.text
    for secret in ("example.org", "nordmann", "pw-secret", "greylisted", "SECRET"):
        assert secret not in "".join(
            record.getMessage() for record in caplog.records if record.name.startswith("slett")
        )
    written = b"".join(path.read_bytes() for path in posted.service.settings.home.glob("ledger.db*"))
    for secret in ("later@", "never@", "nordmann", "SECRET"):
        assert secret.encode() not in written


@pytest.mark.parametrize(
    "url", ["", "http://mail.example", "smtp://", "smtp://u:pw-secret@host:port", "imap://u:pw-secret@mail.example"]
)
def test_a_mail_server_that_cannot_be_one_is_named_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError) as error:
        Smtp(Mail(url=url, sender="no@torget.example"))
    assert "pw-secret" not in str(error.value)
    assert "mail" in str(error.value)


def test_a_server_without_starttls_gets_no_password(posted: Counter, mailbox: Mailbox) -> None:
    put(posted, "kari@example.org")
    url = f"smtp+starttls://u:p@127.0.0.1:{mailbox.port}"
    with pytest.raises(NotSent, match="STARTTLS"), Smtp(Mail(url=url, sender="a@b.example")).connect():
        pass
    assert not mailbox.mails
