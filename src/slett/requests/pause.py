"""Pauses: nothing in a paused store begins, and what is under way stops before its next transaction.

Every erasure needs every store of the map, so a pause of one of them stops them all; nothing is lost, and `resume`
goes on from there. A ceiling over everybody pauses by itself.
"""

from datetime import timedelta

from slett.ledger import Page
from slett.ledger.pauses import EVERY
from slett.requests.service import Service
from slett.stores.errors import Unavailable

A_DAY = timedelta(days=1)


class Paused(Unavailable):
    """A store is paused. Nothing is lost: lift the pause, and what was begun goes on."""

    def __str__(self) -> str:
        return self.sentence


def insist_on_work(service: Service) -> int:
    """Go on, unless a store of this service is paused; says the number of the last hold that was placed until now.

    Raises:
        Paused: it is; says since when, and why.
    """
    with service.ledger.read() as page:
        return insist(page, service)


def insist(page: Page, service: Service) -> int:
    """The same, on a page that is open."""
    paused, newest_hold = page.pauses.in_the_way()
    for each in page.pauses.standing() if paused else ():
        if each.store == EVERY or each.store in service.stores:
            what = f"store `{each.store}` is" if each.store else "all work is"
            lift = f"slett unpause {each.store}".rstrip()
            sentence = f"{what} paused since {each.at:%Y-%m-%d %H:%M} UTC: {each.reason}; `{lift}` lets it go on"
            raise Paused(each.store, sentence)
    return newest_hold


def is_paused(service: Service) -> bool:
    """Whether work has to wait."""
    try:
        insist_on_work(service)
    except Paused:
        return True
    return False


def fits_day(page: Page, service: Service, rows: int) -> bool:
    """Whether so many rows more may be begun with; if that is suspiciously much for a day, everything is paused."""
    ceiling = service.datamap.ceiling.per_day
    before = page.pauses.rows_planned(page.now - A_DAY)
    if before + rows <= ceiling:
        return True
    reason = (
        f"it would touch {rows} rows, with {before} of the day before more than the ceiling of {ceiling} a day; "
        "check the map, or raise `ceiling: per_day`"
    )
    page.pauses.add(EVERY, reason, "ceiling")
    return False
