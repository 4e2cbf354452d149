"""The ledger: what has happened, in a database of Slett's own.

It holds the requests, the journal of the batches that carry them out, what was kept and until when, the tombstones
of the erased, and an append-only Merkle log; for the portal also who is visiting, the hashes of codes, and what is to
be sent.

    with open_ledger(settings) as ledger:
        with ledger.write() as page:
            (request,) = page.requests.file("erase", [subject], digest, timedelta(hours=24))
            batch = page.batches.create([request.reference])
        with ledger.read() as page:
            print(page.requests.get(request.reference))

It promises:

* What is written in one `write()` is committed together, durably, or not at all.
* No personal data: a person appears as a keyed hash, and the keys and addresses that work needs are sealed until it
  is done.
* Of two processes that race for a request or a batch, one wins and the other is told.
* Entries can be added to the log, and neither changed nor removed without that being found.
* A ledger written by an older version opens in a newer one.

It does not look into any store, and it does not decide what happens: it remembers.
"""

from slett.ledger.batches import LEASE, Batch, Lane, Lease
from slett.ledger.errors import BrokenSeal, Conflict, Fenced, Held, LedgerError
from slett.ledger.journal import Step
from slett.ledger.kept import Kept
from slett.ledger.keys import Keys
from slett.ledger.ledger import Ledger, Page, open_ledger
from slett.ledger.log import Head, Tampering
from slett.ledger.references import read_reference
from slett.ledger.requests import FINAL, MOVES, Counts, Request
from slett.ledger.tombstones import Tombstone

__all__ = [
    "FINAL",
    "LEASE",
    "MOVES",
    "Batch",
    "BrokenSeal",
    "Conflict",
    "Counts",
    "Fenced",
    "Head",
    "Held",
    "Kept",
    "Keys",
    "Lane",
    "Lease",
    "Ledger",
    "LedgerError",
    "Page",
    "Request",
    "Step",
    "Tampering",
    "Tombstone",
    "open_ledger",
    "read_reference",
]
