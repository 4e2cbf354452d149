"""Pauses: nothing in a paused store begins, and what is under way stops before its next transaction.

Every erasure needs every store of the map, so a pause of one of them stops them all; nothing is lost, and `resume`
goes on from there. A ceiling over everybody pauses by itself.
"""

from datetime import timedelta

from slett.ledger.pauses import EVERY
from slett.requests.service import Service
from slett.stores.errors import Unavailable

A_DAY = timedelta(days=1)


class Paused(Unavailable):
    """A store is paused. Nothing is lost: lift the pause, and what was begun goes on."""

    def __str__(self) -> str:
        return self.sentence


def insist_on_work(service: Service) -> None:
    """Go on, unless a store of this service is paused.

    Raises:
        Paused: it is; says since when, and why.
    """
    with service.ledger.read() as page:
        standing = page.pauses.standing()
    for each in standing:
        if each.store == EVERY or each.store in service.stores:
            what = f"store `{each.store}` is" if each.store else "all work is"
            lift = f"slett unpause {each.store}".rstrip()
            sentence = f"{what} paused since {each.at:%Y-%m-%d %H:%M} UTC: {each.reason}; `{lift}` lets it go on"
            raise Paused(each.store, sentence)


def is_paused(service: Service) -> bool:
    """Whether work has to wait."""
    try:
        insist_on_work(service)
    except Paused:
        return True
    return False


def insist_on_day(service: Service, rows: int) -> None:
    """Begin with so many rows more, unless that is suspiciously much for a day: then everything is paused.

    Raises:
        Paused: it is too much. Nothing was touched.
    """
    ceiling = service.datamap.ceiling.per_day
    with service.ledger.write() as page:
        before = page.pauses.rows_planned(page.now - A_DAY)
        if before + rows <= ceiling:
            return
        reason = (
            f"it would touch {rows} rows, with {before} of the day before more than the ceiling of {ceiling} a day; "
            "check the map, or raise `ceiling: per_day`"
        )
        page.pauses.add(EVERY, reason, "ceiling")
    insist_on_work(service)
