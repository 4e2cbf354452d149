"""Ending commercial mail, with an account or without: one click in a mail is enough (RFC 8058)."""

from collections.abc import Callable
from dataclasses import replace

from slett.execute import Run
from slett.execute.run import always
from slett.plan.closing import unsubscribing
from slett.requests.refuse import Refused, over_ceiling
from slett.requests.service import Service
from slett.requests.subject import Subject, collected


def unsubscribe(service: Service, subject: Subject, may_go_on: Callable[[], None] = always) -> int:
    """How many rows were changed; none where nobody is known by this, or the mail had ended before.

    An address that several people have gets no more mail, whichever of them asked.

    Args:
        may_go_on: asked before each transaction; raises where it must not begin.

    Raises:
        Refused: more than the ceiling would be touched. Nothing was changed.
        StoreError: a store failed. What was done is done; repeat it.
    """
    with service.sessions() as sessions:
        steps = unsubscribing(service.relations, service.plan.keysets)
        walk = collected(replace(service.plan, steps=steps, keepings=()), sessions, [subject])
        run = Run(walk, service.settings.chunk_rows, paces=service.paces, may_go_on=may_go_on)
        planned, people = run.count_people()
        for refusal in over_ceiling(service, walk, people).values():
            raise Refused(refusal)
        return sum(each.rows for done in run.apply(planned) for each in done)
