"""What can go wrong with the ledger. No message holds personal data or a password."""


class LedgerError(Exception):
    """The ledger cannot do that."""


class Fenced(LedgerError):
    """Another process has taken this batch over; whoever held it before must stop at once."""

    def __init__(self, batch: int) -> None:
        super().__init__(f"batch {batch} was taken over by another process; this one stops and changes nothing more")
        self.batch = batch


class Held(LedgerError):
    """A live process holds this batch."""

    def __init__(self, batch: int, owner: str, until: str) -> None:
        super().__init__(
            f"batch {batch} is held by {owner} until {until}; wait until then, or take it over if that process is dead"
        )
        self.batch = batch


class Conflict(LedgerError):
    """The database holds that already, or may not hold it."""


class BrokenSeal(LedgerError):
    """A sealed part was changed, or moved from where it was sealed, or sealed with another secret key."""
