"""What can go wrong in a store, said without a person's data: a driver's own message may hold values of rows."""

NO_ROOM = "its disk is full; nothing is lost: make room, and the work goes on"
NO_MEMORY = "the server has no memory left"
NO_CONNECTION = "the server takes no more connections; close some, or allow it more"


class StoreError(Exception):
    """A store refused or failed."""

    def __init__(self, store: str, sentence: str) -> None:
        super().__init__(f"store `{store}`: {sentence}")
        self.store = store
        self.sentence = sentence


class Unavailable(StoreError):
    """The store does not answer, the connection was lost, or it has no room, memory or connection left."""


class Denied(StoreError):
    """The account that Slett uses may not do this."""


class Busy(StoreError):
    """Somebody else holds a lock; the same transaction may be tried again."""


class Conflict(StoreError):
    """A constraint forbids the change."""


class Unproven(StoreError):
    """A statement does not carry the key condition of its operation: a fault in Slett, stopped before it ran."""
