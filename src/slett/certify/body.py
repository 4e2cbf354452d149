"""The body of a certificate: the statement itself, as plain data. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache

from slett.ledger import Request

TYPE = "slett-certificate/1"
OUTCOMES = frozenset({"fulfilled", "partially_fulfilled", "not_found"})

Body = dict[str, object]


@dataclass(frozen=True, slots=True)
class KeptTable:
    """Rows of one table that stay for a while, and on what basis."""

    store: str
    table: str
    rows: int
    basis: str
    until: date | None  # the last end date of them; None: with the rows they hang on


@dataclass(frozen=True, slots=True)
class LeftTable:
    """Rows of one table that should have gone and did not."""

    store: str
    table: str
    rows: int
    reason: str


@dataclass(frozen=True, slots=True)
class Verification:
    """The second look: when, with how many statements, and how many rows it still found."""

    at: datetime
    statements: int
    rows: int


# Of a batch many say the same: then they hold the very same object, which the ledger spells once. None is changed.


@lru_cache(maxsize=256)
def rfc3339(moment: datetime) -> str:
    """The moment in UTC, to the second."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


@lru_cache(maxsize=256)
def _day(day: date) -> str:
    return day.isoformat()


@lru_cache(maxsize=4_096)
def _table(name: str, actions: tuple[tuple[str, int], ...]) -> Body:
    store, _, table = name.partition("/")
    return {"store": store, "table": table, "actions": dict(actions)}


@lru_cache(maxsize=16)
def _looked(verification: Verification | None) -> Body | None:
    if verification is None:
        return None
    return {"at": rfc3339(verification.at), "statements": verification.statements, "rows": verification.rows}


def certificate_body(
    request: Request,
    *,
    service: str,
    key: str,
    kept: Sequence[KeptTable] = (),
    left: Sequence[LeftTable] = (),
    verification: Verification | None = None,
    erased: datetime | None = None,
    beyond_recovery: datetime | None = None,
) -> Body:
    """What is certified of a request that has just ended; its state is the outcome, its counts are what was done.

    Args:
        key: the name of the public key, `Keys.id`.
        erased: when the rows left the stores.
        beyond_recovery: from when on nobody can bring them back, not the service either.

    Raises:
        ValueError: the statement would be untrue: the request has not ended so, is called fulfilled though nobody
            looked again or something was found or left, or partially fulfilled without saying what is left.
    """
    if request.state not in OUTCOMES or request.finished_at is None:
        raise ValueError(f"request {request.reference} is `{request.state}`: there is nothing to certify")
    if request.state == "fulfilled" and (left or verification is None or verification.rows):
        raise ValueError(f"request {request.reference} is not fulfilled: nobody looked again, or something is left")
    if request.state == "partially_fulfilled" and not left:
        raise ValueError(f"request {request.reference} is partially fulfilled: say what is left, and why")
    return {
        "type": TYPE,
        "request": request.reference,
        "kind": request.kind,
        "outcome": request.state,
        "reason": request.reason,
        "service": service,
        "subject": request.subject,
        "map": request.map_digest,
        "filed": rfc3339(request.filed_at),
        "started": rfc3339(request.started_at) if request.started_at else None,
        "finished": rfc3339(request.finished_at),
        "erased": rfc3339(erased) if erased else None,
        "beyond_recovery": rfc3339(beyond_recovery) if beyond_recovery else None,
        "promised": rfc3339(request.due_at),
        "law_due": _day(request.law_due),
        "tables": [_table(name, tuple(actions.items())) for name, actions in sorted(request.counts.items())],
        "kept": [
            {
                "store": each.store,
                "table": each.table,
                "rows": each.rows,
                "basis": each.basis,
                "until": each.until.isoformat() if each.until else None,
            }
            for each in kept
        ],
        "left": [{"store": each.store, "table": each.table, "rows": each.rows, "reason": each.reason} for each in left],
        "verification": _looked(verification),
        "key": key,
    }
