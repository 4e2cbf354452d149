"""Filing twice by mistake: a key that the caller draws makes the second time the same as the first.

The visit's token follows from the key and the body, so nothing has to be remembered but that the key was used.
"""

from datetime import timedelta

from starlette.exceptions import HTTPException

from slett.requests.identity import Identity
from slett.requests.service import Service
from slett.requests.sessions import add_session, find

LASTS = timedelta(days=1)


def repeatable(service: Service, identity: Identity, key: str, body: str) -> str:
    """The visit's token: the same for the same key and body.

    Raises:
        HTTPException: 409, the key was used for another body, or that visit has ended.
    """
    keys = service.ledger.keys
    token = keys.keyed("secrets", "visit", key, body)
    with service.ledger.write() as page:
        if page.spent.spend(keys.keyed("spent", "idempotency", key), page.now + LASTS):
            return add_session(page, service, identity, token=token)[0]
    if find(service, token) is None:
        raise HTTPException(409)
    return token
