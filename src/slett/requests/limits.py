"""How often something may be tried. Counted in windows that begin on the clock, by keyed hashes of whoever tries."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network

from slett.ledger import Keys, Page
from slett.requests.service import Service


def allow(service: Service, what: str, *keys: str, limit: int, per: timedelta) -> bool:
    """Whether it may be tried once more, by every one of these keys; it is counted in any case.

    Args:
        what: is tried: the same key counts apart for each.
        keys: who tries: an account, an address, a network; an empty one is not counted.
        limit: how often in a window.
        per: how long a window is.
    """
    with service.ledger.write() as page:
        return allow_on(page, service.ledger.keys, what, *keys, limit=limit, per=per)


def allow_on(page: Page, secret: Keys, what: str, *keys: str, limit: int, per: timedelta) -> bool:
    """The same, as part of a transaction."""
    window = _window_end(page.now, per)
    hashed = sorted(secret.keyed("attempts", what, key) for key in keys if key)  # in one order: no deadlock
    counts = [page.attempts.add(each, window) for each in hashed]
    return all(count <= limit for count in counts)


def network_of(address: str) -> str:
    """The network that an IP address is counted with: itself, or the first 64 bits of IPv6; empty if it is none."""
    try:
        found = ip_address(address)
    except ValueError:
        return ""
    if found.version == 4:
        return str(found)
    # a server that listens for both sees IPv4 as `::ffff:192.0.2.1`: in one network of 64 bits, all of it
    return str(found.ipv4_mapped or ip_network((int(found), 64), strict=False))


def _window_end(now: datetime, per: timedelta) -> datetime:
    start = datetime(2000, 1, 1, tzinfo=UTC)
    return start + ((now - start) // per + 1) * per
