"""Undoing an erasure: while its undo window is open, an operator brings back a person who was erased by mistake."""

import os
import pwd
from dataclasses import dataclass
from datetime import timedelta

from slett.ledger import Page, Request
from slett.ledger.requests import State
from slett.requests.progress import move_on
from slett.requests.service import Service
from slett.requests.way_back import NoWayBack, bring_back, is_back, kept_back_of, say_blocked
from slett.stores.giveback import Blocked
from slett.vault import Given

AGREE_WITHIN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Undone:
    """What came of it."""

    reference: str  # of the restore; empty: nothing was done yet
    waiting_for: int  # how many more people must ask
    rows: int = 0  # that are now as they were
    blocked: tuple[Blocked, ...] = ()  # what could not go back, and stays sealed


def undo(service: Service, reference: str, who: str, *, partly: bool = False) -> Undone:
    """Bring back everything that an erasure took out, or say what stands in the way.

    Args:
        who: the account that asks; where two must agree, the second one does it.
        partly: bring back what can, if the root rows can; the rest stays sealed until the window ends.

    Raises:
        NoWayBack: it was no erasure, is undone already, or its way back has ended.
        VaultError: the vault does not open.
        StoreError: a store failed. Ask again.
    """
    with service.ledger.write() as page:
        request = page.requests.get(reference)
        if request is None or request.kind != "erase":
            raise NoWayBack(f"{reference} is no erasure; `slett status` lists what was asked for")
        before = page.requests.get(request.followed_by) if request.followed_by else None
        if before and before.kind != "restore":
            raise NoWayBack(f"{reference} was undone in part, and they left again by {before.reference}")
        if before and before.state == "fulfilled":
            raise NoWayBack(f"{reference} was undone already, by {request.followed_by}")
        asked = page.approvals.add(reference, who, within=AGREE_WITHIN)
        page.log.append([{"event": "restore asked for", "request": reference}])
    if asked < service.settings.vault.approvals:
        return Undone("", service.settings.vault.approvals - asked)
    restored: list[str] = []

    def settle(page: Page, given: Given) -> None:
        if is_back(given):
            restored.append(_note(page, service, request, given))

    given = bring_back(service, request, settle, partly=partly)
    return Undone("".join(restored), 0, given.rows, given.blocked)


def _note(page: Page, service: Service, erased: Request, given: Given) -> str:
    """The reference of the restore, written down: whoever reads the log sees that the certificate is overtaken."""
    promise = timedelta(hours=service.settings.promise_hours)
    digest = service.datamap.digest
    (restore,) = page.requests.file("restore", [erased.subject], digest, promise, "scheduled", follows=erased)
    page.requests.undo(erased.reference, restore.reference)
    for rest in kept_back_of(page, erased):  # they are back: nobody erases at a release what was held of them
        if page.requests.move([rest.reference], "scheduled", "cancelled", reason="they were restored"):
            page.log.append([{"event": "cancelled", "request": rest.reference}])
    move_on(page, restore.reference, "scheduled", "running")
    move_on(page, restore.reference, "running", "verifying")
    page.requests.count({restore.reference: {"": {"return": given.rows}}})
    state: State = "partially_fulfilled" if given.blocked else "fulfilled"
    reason = f"could not come back: {say_blocked(given.blocked)}" if given.blocked else ""
    move_on(page, restore.reference, "verifying", state, reason=reason)
    page.log.append([{"event": "restored", "request": erased.reference, "by": restore.reference}])
    return restore.reference


def account() -> str:
    """The account of whoever asks: of the machine, and under `sudo` the one behind it."""
    number = os.getuid()
    if number == 0 and os.environ.get("SUDO_UID", "").isdigit():
        number = int(os.environ["SUDO_UID"])
    try:
        return f"{number} {pwd.getpwuid(number).pw_name}"
    except KeyError:
        return str(number)
