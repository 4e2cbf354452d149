"""What happens by itself, from a confirmed wish to the last mail."""

import json
import logging
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slett.certify import verify
from slett.ledger.tables import notices as table
from slett.requests.answers import Filed, TooLate
from slett.requests.export import draft_copy
from slett.requests.notices import Smtp
from slett.requests.particulars import read_particulars
from slett.requests.runner import Runner, Work, run_once
from slett.stores.errors import StoreError
from tests.requests.shop import Counter
from tests.servers.mailbox import Mailbox, free_port, text_of


def subjects(mailbox: Mailbox) -> list[str]:
    return [str(mail["Subject"]) for mail in mailbox.mails]


def with_settings(counter: Counter, section: str, **changes: Any) -> Counter:
    settings = counter.service.settings
    changed = settings.model_copy(update={section: getattr(settings, section).model_copy(update=changes)})
    return replace(counter, service=replace(counter.service, settings=changed))


def confirmed(counter: Counter, kind: str, number: int = 1, **changes: Any) -> Filed:
    """A wish, confirmed with a code that the test took from the outbox."""
    changes = {"language": "en", **changes}
    filed = counter.file(counter.session(number, **changes), kind)  # type: ignore[arg-type]  # a literal at every caller
    counter.clock.forward(minutes=11)  # the code has expired, and is not sent any more
    return filed


def particulars(counter: Counter, reference: str) -> object:
    with counter.service.ledger.read() as page:
        return read_particulars(page, reference)


def users(counter: Counter) -> list[int]:
    return [number for (number,) in counter.scene.rows("SELECT id FROM users ORDER BY id")]


def test_the_whole_path_from_the_wish_to_the_last_mail(posted: Counter, mailbox: Mailbox) -> None:
    filed = confirmed(posted, "erase")
    reference = filed.request.reference
    work = run_once(posted.service)
    assert (work.erased, work.told) == (1, 1)
    assert users(posted) == [2, 3, 4, 5]
    assert posted.state(reference) == "fulfilled"
    assert particulars(posted, reference) is None
    assert posted.events(reference) == ["filed", "verified", "scheduled", "running", "verifying", "fulfilled"]
    received, done = mailbox.mails
    assert received["Subject"] == "You asked Torget to erase your data"
    assert done["Subject"] == "Your data at Torget is erased"
    assert f"https://leave.example.org/s/{reference}/{filed.secret}" in text_of(done)
    (receipt,) = done.iter_attachments()
    assert receipt.get_filename() == f"{reference}.json"
    content = receipt.get_payload(decode=True)
    assert isinstance(content, bytes)
    assert json.loads(content)["body"]["request"] == reference
    verdict = verify(content, (posted.service.settings.home / "signing.pub").read_bytes())
    assert verdict
    assert run_once(posted.service) == Work()
    with posted.service.ledger._engine.connect() as connection:
        assert not any(row.blob for row in connection.execute(table.select()))


def test_a_dead_mail_server_never_holds_up_an_erasure_and_the_mails_arrive_later(
    posted: Counter, mailbox: Mailbox
) -> None:
    dead = with_settings(posted, "mail", url=f"smtp://127.0.0.1:{free_port()}")
    confirmed(posted, "erase")
    work = run_once(dead.service)
    assert (work.erased, work.told, work.mails) == (1, 1, 0)
    assert users(posted) == [2, 3, 4, 5]
    posted.clock.forward(hours=1)
    assert run_once(posted.service).mails == 2
    assert subjects(mailbox)[-1] == "Your data at Torget is erased"


def test_without_a_mail_server_no_address_is_kept(counter: Counter) -> None:
    confirmed(counter, "erase")
    run_once(counter.service)
    with counter.service.ledger._engine.connect() as connection:
        rows = list(connection.execute(table.select()))
    assert {row.state for row in rows} == {"given_up"}
    assert not any(row.blob for row in rows)


def test_a_store_that_is_down_is_tried_again_and_stops_nobody_else(
    posted: Counter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reference = confirmed(posted, "erase").request.reference
    with monkeypatch.context() as down:
        down.setattr("slett.requests.due.erase_filed", _down)
        work = run_once(posted.service)
    assert (work.erased, work.mails) == (0, 1)
    assert posted.state(reference) == "scheduled"
    assert "erasures: StoreError: " in caplog.text
    assert "p1@" not in caplog.text
    assert run_once(posted.service).erased == 1


def _down(*_: object) -> None:
    raise StoreError("shop", "does not answer")


STEPS = (
    "slett.ledger.batches.Batches.create",
    "slett.ledger.journal.Steps.plan",
    "slett.execute.Run.apply",
    "slett.ledger.batches.Batches.settle",
    "slett.requests.last_mails._tell_end",
    "slett.ledger.particulars.Particulars.destroy",
    "slett.requests.notices.compose",
)


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_nothing_is_done_twice_and_nothing_lost(
    posted: Counter, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    reference = confirmed(posted, "erase").request.reference
    with monkeypatch.context() as killed:
        killed.setattr(step, _killed)
        with pytest.raises(KeyboardInterrupt):
            run_once(posted.service)
    posted.clock.forward(hours=1)
    run_once(posted.service)
    assert posted.state(reference) == "fulfilled"
    assert users(posted) == [2, 3, 4, 5]
    assert sorted(subjects(mailbox)) == ["You asked Torget to erase your data", "Your data at Torget is erased"]
    assert posted.events(reference) == ["filed", "verified", "scheduled", "running", "verifying", "fulfilled"]
    assert run_once(posted.service) == Work()


def _killed(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_what_nobody_confirms_within_an_hour_expires(posted: Counter) -> None:
    request = posted.desk.choose(posted.session(), "erase")
    assert run_once(posted.service).unconfirmed == 0
    posted.clock.forward(minutes=61)
    assert run_once(posted.service).unconfirmed == 1
    assert posted.state(request.reference) == "expired"
    assert posted.events(request.reference) == ["filed", "expired"]


def test_a_cancelled_erasure_never_runs(posted: Counter, mailbox: Mailbox) -> None:
    waiting = with_settings(posted, "portal", wait_hours=24)
    filed = confirmed(waiting, "erase")
    assert posted.desk.cancel(filed.request.reference, filed.secret)
    posted.clock.forward(hours=25)
    assert run_once(posted.service).erased == 0
    assert users(posted) == [1, 2, 3, 4, 5]
    assert subjects(mailbox)[-1] == "Your request at Torget has been cancelled"
    assert particulars(posted, filed.request.reference) is None


def test_of_cancelling_and_running_exactly_one_wins(any_counter: Counter) -> None:
    for number in range(1, 6):
        filed = confirmed(any_counter, "erase", number)
        cancelled: list[bool] = []
        start = threading.Barrier(2)

        def cancel(filed: Filed = filed, cancelled: list[bool] = cancelled, start: threading.Barrier = start) -> None:
            start.wait()
            cancelled.append(any_counter.desk.cancel(filed.request.reference, filed.secret))

        thread = threading.Thread(target=cancel)
        thread.start()
        start.wait()
        run_once(any_counter.service)
        thread.join()
        run_once(any_counter.service)
        state = any_counter.state(filed.request.reference)
        assert state == ("cancelled" if cancelled == [True] else "fulfilled")
        assert (number in users(any_counter)) == (state == "cancelled")


def test_two_runners_do_everything_once(posted: Counter, mailbox: Mailbox) -> None:
    for number in range(1, 6):
        confirmed(posted, "erase", number)
    threads = [threading.Thread(target=run_once, args=(posted.service,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run_once(posted.service)
    assert users(posted) == []
    assert subjects(mailbox).count("Your data at Torget is erased") == 5


def test_a_closed_account_is_erased_when_its_window_ends_after_two_reminders(posted: Counter, mailbox: Mailbox) -> None:
    filed = confirmed(posted, "close")
    for _ in range(31):
        posted.clock.forward(days=1)
        run_once(posted.service)
        run_once(posted.service)
    closed = posted.request(filed.request.reference)
    assert closed.followed_by
    erase = posted.request(closed.followed_by)
    assert (erase.kind, erase.state, erase.follows) == ("erase", "fulfilled", closed.reference)
    assert posted.events(erase.reference) == ["scheduled", "running", "verifying", "fulfilled"]
    assert users(posted) == [2, 3, 4, 5]
    assert subjects(mailbox) == [
        "Your account at Torget is closed",
        "On 20 December 2026 your data at Torget will be erased",
        "On 20 December 2026 your data at Torget will be erased",
        "Your data at Torget is erased",
    ]
    assert posted.desk.by_secret(erase.reference, filed.secret), "the link of the closed account opens this one too"
    for reference in (closed.reference, erase.reference):
        assert particulars(posted, reference) is None
        with posted.service.ledger.read() as page:
            assert not list(page.before.read(reference))


def test_a_reminder_that_was_missed_is_not_caught_up_with(posted: Counter, mailbox: Mailbox) -> None:
    confirmed(posted, "close")
    posted.clock.forward(days=27)
    run_once(posted.service)
    posted.clock.forward(days=2, hours=12)
    run_once(posted.service)
    assert [subject[:2] for subject in subjects(mailbox)] == ["Yo", "On"]


def test_a_closed_account_may_stay_closed_and_is_then_forgotten(posted: Counter) -> None:
    staying = with_settings(posted, "portal", after_window="stay")
    filed = confirmed(staying, "close")
    posted.clock.forward(days=31)
    assert run_once(staying.service).windows == 1
    assert run_once(staying.service).windows == 0
    assert users(posted) == [1, 2, 3, 4, 5]
    assert particulars(posted, filed.request.reference) is None
    with pytest.raises(TooLate):
        staying.desk.ask_return(filed.request.reference, filed.secret)


def test_who_came_back_is_not_erased(posted: Counter, mailbox: Mailbox) -> None:
    filed = confirmed(posted, "close")
    session = posted.opened(posted.desk.ask_return(filed.request.reference, filed.secret))
    posted.desk.confirm_return(session, str(posted.letters("code")[-1].values["code"]))
    posted.clock.forward(days=31)
    run_once(posted.service)
    assert users(posted) == [1, 2, 3, 4, 5]
    assert posted.scene.rows("SELECT active FROM users WHERE id = 1") == [(1,)]
    assert particulars(posted, filed.request.reference) is None
    assert "Your account at Torget is open again" in subjects(mailbox)
    assert not any("erased" in subject for subject in subjects(mailbox))


def test_who_comes_back_after_the_window_has_ended_is_told_so(posted: Counter) -> None:
    filed = confirmed(posted, "close")
    posted.clock.forward(days=29, hours=23, minutes=45)
    session = posted.opened(posted.desk.ask_return(filed.request.reference, filed.secret))
    code = str(posted.letters("code")[-1].values["code"])
    posted.clock.forward(minutes=9)
    closed = posted.request(filed.request.reference)
    with posted.service.ledger.write() as page:
        assert page.requests.follow(closed.reference, closed.reference), "the runner was first"
    with pytest.raises(TooLate):
        posted.desk.confirm_return(session, code)
    assert posted.scene.rows("SELECT active FROM users WHERE id = 1") == [(0,)]


def test_a_copy_is_made_told_of_and_deleted_in_time(posted: Counter, mailbox: Mailbox) -> None:
    filed = confirmed(posted, "export")
    reference = filed.request.reference
    assert run_once(posted.service).exported == 1
    path = posted.service.settings.home / "exports" / f"{reference}.zip"
    assert path.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(path) as archive:
        assert json.loads(archive.read("data/shop/listings.json"))[0]["title"] == "Chair"
    assert subjects(mailbox)[-1] == "Your copy from Torget is ready"
    assert posted.events(reference)[-3:] == ["running", "verifying", "fulfilled"]
    posted.clock.forward(days=6, hours=23)
    run_once(posted.service)
    assert path.exists()
    posted.clock.forward(hours=2)
    assert run_once(posted.service).purged >= 1
    assert not path.exists()


def test_a_copy_of_a_dead_process_is_made_again(posted: Counter) -> None:
    reference = confirmed(posted, "export").request.reference
    with posted.service.ledger.write() as page:
        page.requests.move([reference], "scheduled", "running")
    run_once(posted.service)
    assert posted.state(reference) == "running"
    posted.clock.forward(minutes=5)
    run_once(posted.service)
    assert posted.state(reference) == "fulfilled"


def test_of_two_who_make_a_copy_at_once_the_first_whole_one_counts(
    posted: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slow one was taken for dead. It writes into no file of the other's, and moves nothing."""
    reference = confirmed(posted, "export").request.reference
    folder = posted.service.settings.home / "exports"
    seen: list[bytes] = []

    @contextmanager
    def slow(*arguments: Any) -> Iterator[Any]:
        with draft_copy(*arguments) as made:
            monkeypatch.undo()
            posted.clock.forward(minutes=5)
            assert run_once(posted.service).exported == 1
            seen.append((folder / f"{reference}.zip").read_bytes())
            yield made

    monkeypatch.setattr("slett.requests.due.draft_copy", slow)
    assert run_once(posted.service).exported == 0
    assert posted.state(reference) == "fulfilled"
    assert posted.events(reference).count("fulfilled") == 1
    assert [each.read_bytes() for each in folder.iterdir()] == seen


def test_what_a_dead_process_left_of_a_copy_goes_when_nobody_needs_it(posted: Counter) -> None:
    reference = confirmed(posted, "export").request.reference
    folder = posted.service.settings.home / "exports"
    folder.mkdir()
    (folder / f".{reference}.zip.abc.part").write_bytes(b"half")
    run_once(posted.service)
    run_once(posted.service)
    assert [each.name for each in folder.iterdir()] == [f"{reference}.zip"]


def test_one_copy_that_fails_does_not_hold_up_the_next(posted: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (confirmed(posted, "export", number).request.reference for number in (1, 2))

    def fail_once(service: Any, subject: Any, path: Path) -> Any:
        if first in path.name:
            raise StoreError("shop", "does not answer")
        return draft_copy(service, subject, path)

    with monkeypatch.context() as failing:
        failing.setattr("slett.requests.due.draft_copy", fail_once)
        run_once(posted.service)
    assert (posted.state(first), posted.state(second)) == ("scheduled", "fulfilled")
    run_once(posted.service)
    assert posted.state(first) == "fulfilled"


def test_who_is_not_found_is_told_so_and_never_that_it_is_done(posted: Counter, mailbox: Mailbox) -> None:
    filed = confirmed(posted, "erase")
    posted.scene.sql("DELETE FROM listings WHERE user_id = 1", "DELETE FROM users WHERE id = 1")
    run_once(posted.service)
    assert posted.state(filed.request.reference) == "not_found"
    assert "found none" in text_of(mailbox.mails[-1])


def test_old_addresses_are_told_too_in_the_language_of_the_account(posted: Counter, mailbox: Mailbox) -> None:
    confirmed(posted, "erase", language="nb", old_addresses=("old@example.org",))
    run_once(posted.service)
    assert {mail["To"] for mail in mailbox.mails} == {"p1@example.org", "old@example.org"}
    assert subjects(mailbox)[0] == "Du har bedt Torget om å slette opplysningene dine"
    assert users(posted) == [1, 2, 3, 4, 5], "it waits three days"
    posted.clock.forward(hours=72)
    run_once(posted.service)
    assert users(posted) == [2, 3, 4, 5]


@contextmanager
def running(counter: Counter) -> Iterator[Runner]:
    runner = Runner(lambda: counter.service, Smtp(counter.service.settings.mail))
    runner.start()
    try:
        yield runner
    finally:
        runner.stop()


def eventually(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_runner_works_until_it_is_stopped(posted: Counter, mailbox: Mailbox) -> None:
    before = threads()
    with running(posted) as runner:
        confirmed(posted, "erase")
        runner.nudge()
        eventually(lambda: "Your data at Torget is erased" in subjects(mailbox))
    assert users(posted) == [2, 3, 4, 5]
    assert threads() == before


def threads() -> list[str]:
    """What goes on, without the heart of leases, which serves whoever comes next."""
    return sorted(each.name for each in threading.enumerate() if each.name != "slett heart")


def test_the_runner_outlives_whatever_fails(
    posted: Counter, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    with monkeypatch.context() as broken:
        broken.setattr("slett.requests.due.erase_filed", _surprise)
        with running(posted):
            confirmed(posted, "erase")
            eventually(lambda: "erasures: ZeroDivisionError" in caplog.text)
            broken.undo()
            eventually(lambda: "Your data at Torget is erased" in subjects(mailbox))
    assert "p1@example.org" not in caplog.text


def _surprise(*_: object) -> None:
    raise ZeroDivisionError("p1@example.org")


def test_no_personal_data_lies_open_in_the_ledger(posted: Counter) -> None:
    confirmed(posted, "erase")
    confirmed(posted, "close", 2)
    run_once(posted.service)
    written = b"".join(path.read_bytes() for path in posted.service.settings.home.glob("ledger.db*"))
    for secret in (b"p1@", b"p2@", b"Person 1", b"Chair"):
        assert secret not in written


@pytest.mark.parametrize("kind", ["erase", "close"])
def test_whoever_comes_back_too_late_starts_from_nothing(posted: Counter, kind: str) -> None:
    """The same key and the same address, and nevertheless another account: nothing is inherited, nothing is due."""
    old = posted.session()
    filed = posted.file(old, kind)  # type: ignore[arg-type]  # a literal of the list above
    posted.clock.forward(days=31)
    run_once(posted.service)
    run_once(posted.service)
    assert users(posted) == [2, 3, 4, 5]

    posted.scene.sql("INSERT INTO users VALUES (1, 'p1@example.org', 'Namesake', true, true)")
    session = posted.session()
    assert posted.desk.outlook(session, "en").rows == 1, "the new row, and nothing of before"
    posted.clock.forward(days=31)
    run_once(posted.service)
    assert posted.scene.rows("SELECT name, active FROM users WHERE id = 1") == [("Namesake", 1)]
    with pytest.raises(TooLate):
        posted.desk.ask_return(filed.request.reference, filed.secret)

    session = posted.session()
    again = posted.desk.choose(session, "erase")
    assert again.reference != filed.request.reference
    assert again.state == "filed"
