"""After a restore from backup: whoever was erased is erased again, before the service opens.

Everything here may be repeated, and a run that was killed ends the same when it is started again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from slett.requests import kept_again
from slett.requests.batch import Outcome
from slett.requests.erase import Watch, erase, resume, unwatched
from slett.requests.returned import Returned, find_returned
from slett.requests.service import Service
from slett.requests.subject import Subject

ROUNDS = 3  # each root of a person is found by itself, should the backup have lost what joins them


@dataclass(frozen=True, slots=True)
class Doubt:
    """Persons who may have been erased, or may be others by now; they are left."""

    named_by: str  # `store/table` of a root, or an identifier
    people: int


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did, or would do."""

    people: int  # who came back
    rows: int  # that they came back with
    due_again: int  # kept rows whose time had come; `slett sweep` erases them
    doubts: tuple[Doubt, ...]
    outcomes: tuple[Outcome, ...] = ()


def look_back(service: Service, since: datetime | None = None, *, doubtful: bool = False) -> Replayed:
    """What `replay` would do. Nothing is changed, and nothing is written to the ledger."""
    found = find_returned(service, since)
    people = len(found.certain) + (len(found.doubtful) if doubtful else 0)
    return Replayed(people, found.rows, kept_again.count(service), () if doubtful else _doubts(found.doubtful))


def replay(
    service: Service,
    since: datetime | None = None,
    *,
    doubtful: bool = False,
    watch: Watch = unwatched,
    force: bool = False,
) -> Replayed:
    """Erase everybody again who was erased and is back, in the ordinary way: verified and certified.

    Args:
        since: when the backup was made, see `find_returned`.
        doubtful: erase those too who are doubtful.
        force: take over what other processes hold, because they are known to be dead.

    Raises:
        StoreError, LedgerError: as `erase`. Run it again.
        Held: another process is at work on a batch.
    """
    outcomes = resume(
        service, watch, force=force
    )  # what was running when the disaster struck, or this when it was killed
    kept_again.forget_lost(service)
    due_again = kept_again.remember(service)
    tried: set[Subject] = set()
    rows = 0
    found = Returned()
    for _ in range(ROUNDS):
        found = find_returned(service, since)
        rows += found.rows
        certain = [one for one in found.certain if one not in tried]
        perhaps = [one for one in found.doubtful if doubtful and one not in tried]
        if not certain and not perhaps:
            break
        tried |= {*certain, *perhaps}
        outcomes += erase(service, certain, watch, origin="replay")
        outcomes += erase(service, perhaps, watch, origin="doubtful")
    left = [one for one in found.doubtful if one not in tried]
    return Replayed(len(tried), rows, due_again, _doubts(left), tuple(outcomes))


def _doubts(subjects: Sequence[Subject]) -> tuple[Doubt, ...]:
    counts: dict[str, int] = {}
    for one in subjects:
        counts[one.kind] = counts.get(one.kind, 0) + 1
    return tuple(Doubt(kind, people) for kind, people in counts.items())
