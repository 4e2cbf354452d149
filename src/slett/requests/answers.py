"""What people may ask for at the desk, and what it answers: what is still needed, what is filed, or why not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from slett.ledger import Request
from slett.requests.outlook import Blocked as Block

Wish = Literal["close", "erase", "export", "unsubscribe"]
Leaving = Literal["unused", "privacy", "mail", "trouble", "cost", "elsewhere", "other"]


class Blocked(Exception):
    """Something must be settled first."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        super().__init__(f"{len(blocks)} things must be settled before the account can be closed or erased")
        self.blocks = tuple(blocks)


class NotFresh(Exception):
    """The sign-in is too old, or did not show the second factor that the account has."""

    def __init__(self, *, second_factor: bool) -> None:
        super().__init__("sign in again first" + (", with the second factor" if second_factor else ""))
        self.second_factor = second_factor


class WrongPhrase(Exception):
    """The phrase was not typed."""

    def __init__(self) -> None:
        super().__init__("type the phrase as it is shown")


class WrongRecovery(Exception):
    """The recovery code does not open the account. There is no other key to it."""

    def __init__(self) -> None:
        super().__init__("the recovery code does not open this account; check each group of characters")


class NotTheirs(Exception):
    """There is no such request, or it is another's: nobody is told which."""

    def __init__(self) -> None:
        super().__init__("there is no such request; begin again, or check reference and secret")


class TooLate(Exception):
    """The request is over, or another was first."""

    def __init__(self, state: str) -> None:
        super().__init__(f"too late: the request is {state.replace('_', ' ')}")
        self.state = state


@dataclass(frozen=True, slots=True)
class Needs:
    """What is still to be proven before a request is confirmed."""

    sign_in: bool = False  # again, with the service
    second_factor: bool = False  # that sign-in must show it
    code: bool = False  # from their mailbox
    phrase: bool = False


@dataclass(frozen=True, slots=True)
class Filed:
    """A confirmed request."""

    request: Request
    secret: str  # opens its status page, with the reference
    code: str = ""  # opens what was sealed; nobody else has it
