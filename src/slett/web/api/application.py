"""The application: who may ask, and the document that describes it."""

import hmac
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException

from slett import __version__
from slett.web.api.models import Problem
from slett.web.api.problems import add_handlers, on_fault
from slett.web.api.routes import routes
from slett.web.portal import Portal
from slett.web.security import Faults

DESCRIPTION = """\
For a service that shows its own pages to a person who leaves. The service signs the person in and vouches for them;
Slett asks for the rest, and does the work. A person's way: `outlook`, `requests`, `code`, `confirm`, then their status
page. Every call needs a token. The services' duties, and an example, are on the page "Embedding" of the documentation.
"""

Bearer = HTTPBearer(auto_error=False, description="A token whose SHA-256 is in `portal.api_token_hashes`.")


def create_api(portal: Portal) -> FastAPI:
    """The API of an opened portal, to be mounted at `/api`."""
    api = FastAPI(
        title="Slett",
        version=__version__,
        summary="Close an account, erase a person, give them a copy.",
        description=DESCRIPTION,
        docs_url=None,  # these pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,  # a redirect would name the address as a proxy rewrote it
    )
    api.state.portal = portal
    api.include_router(routes(portal), prefix="/v1", dependencies=[Depends(_authorised(portal))])
    api.add_middleware(Faults, refuse=on_fault)
    add_handlers(api)
    _complete(api)
    return api


def _authorised(portal: Portal) -> Callable[..., None]:
    def check(credentials: HTTPAuthorizationCredentials | None = Depends(Bearer)) -> None:  # noqa: B008 (FastAPI's way)
        digest = sha256(credentials.credentials.encode() if credentials else b"").hexdigest()
        known = [hmac.compare_digest(digest, each.lower()) for each in portal.settings.portal.api_token_hashes]
        if credentials is None or not any(known):
            raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})

    return check


def _complete(api: FastAPI) -> None:
    """What FastAPI's document says about errors is replaced by what is true here."""
    drafted = api.openapi

    def openapi() -> dict[str, Any]:
        if api.openapi_schema is None:
            document = drafted()
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas = document["components"]["schemas"]
            schemas |= problem.pop("$defs", {}) | {"Problem": problem}
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
        return api.openapi_schema or document

    api.openapi = openapi  # type: ignore[method-assign] # as FastAPI's documentation does it
