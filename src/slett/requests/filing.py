"""A batch begins: its requests are held by this process, and whom they mean is sealed."""

import json
import os
import socket
from collections.abc import Sequence
from datetime import timedelta

from slett.ledger import Lane, Lease, Page, Request
from slett.ledger.requests import Origin
from slett.requests.batch import Batch
from slett.requests.pause import insist
from slett.requests.service import Service
from slett.requests.subject import Subject


def file(service: Service, subjects: Sequence[Subject], origin: Origin) -> Batch:
    """Write down who is meant, sealed, before anything is looked for.

    Raises:
        Paused: a store is. Nothing was written.
    """
    keys, promise = service.ledger.keys, timedelta(hours=service.settings.promise_hours)
    hashes = [subject.hash(keys) for subject in subjects]
    with service.ledger.write(lasting=False) as page:
        newest_hold = insist(page, service)
        lease = page.batches.create([], owner()).lease
        requests = page.requests.file(
            "erase",
            hashes,
            service.datamap.digest,
            promise,
            "scheduled",  # whoever is at the terminal answers for who it is
            origin=origin,
            batch=lease.batch,
        )
        return _begun(page, lease, requests, subjects, newest_hold)


def begin_batch(service: Service, filed: Sequence[tuple[Request, Subject]]) -> Batch | None:
    """A batch of these, held by this process; None when none of them waits any more.

    Raises:
        Paused: a store is. Nothing was written.
    """
    with service.ledger.write(lasting=False) as page:
        newest_hold = insist(page, service)
        now = page.requests.some((each.reference for each, _ in filed), alone=True)
        waiting = [
            (request, subject)
            for each, subject in filed
            if (request := now.get(each.reference)) and request.state == "scheduled" and request.batch is None
        ]
        if not waiting:
            return None
        requests, subjects = [request for request, _ in waiting], [subject for _, subject in waiting]
        lease = page.batches.create([each.reference for each in requests], owner()).lease
        batch = _begun(page, lease, requests, subjects, newest_hold)
    batch.lane = "small"
    return batch


def _begun(
    page: Page, lease: Lease, requests: Sequence[Request], subjects: Sequence[Subject], newest_hold: int
) -> Batch:
    _seal_who(page, lease, requests, subjects)
    return Batch(lease, list(requests), list(subjects), newest_hold=newest_hold)


def set_apart(page: Page, batch: Batch, number: int, lane: Lane) -> int:
    """The number of a new batch of that person alone, for whoever works in that lane. They are in the old one still."""
    request, subject = batch.requests[number], batch.subjects[number]
    apart = page.batches.set_apart(batch.lease, [request.reference], lane)
    _seal_who(page, apart.lease, [request], [subject])
    return apart.number


def _seal_who(page: Page, lease: Lease, requests: Sequence[Request], subjects: Sequence[Subject]) -> None:
    """Seal who is meant."""
    named = [(request.reference, one.kind, one.values) for request, one in zip(requests, subjects, strict=True)]
    page.scope.put(lease, [("subjects", 0, json.dumps(named, default=str).encode())])


def owner() -> str:
    """Who holds what this process works on: its machine and number."""
    return f"{socket.gethostname()}:{os.getpid()}"
