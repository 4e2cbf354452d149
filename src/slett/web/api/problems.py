"""Every way in which a call can fail, as a Problem Details object (RFC 9457). None repeats what the caller sent."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from slett.certify import CertificateError
from slett.datamap.problem import MapError
from slett.ledger import LedgerError
from slett.plan import PlanError
from slett.requests.answers import Blocked, NotFresh, NotTheirs, TooLate, WrongPhrase, WrongRecovery
from slett.requests.codes import ExpiredCode, TooMany, WrongCode
from slett.requests.refuse import Refused
from slett.requests.sessions import SomebodyElse
from slett.requests.subject import SubjectError
from slett.settings import SettingsError
from slett.stores.errors import StoreError
from slett.vault import VaultError
from slett.web.api.models import Block, Problem, Wrong

MEDIA_TYPE = "application/problem+json"
NAME = "urn:problem-type:slett:"
HOUR = "3600"
KINDS: Mapping[type[Exception], tuple[int, str, str]] = {  # status, name, title
    WrongCode: (403, "wrong-code", "Another code was sent"),
    ExpiredCode: (403, "expired-code", "The code is worth nothing any more"),
    NotFresh: (403, "not-fresh", "The person must sign in again"),
    WrongRecovery: (403, "wrong-recovery-code", "The recovery code does not open the account"),
    WrongPhrase: (403, "not-agreed", "The person has not agreed"),
    NotTheirs: (404, "no-such-request", "There is no such request"),
    SubjectError: (404, "no-such-subject", "Nobody can be meant by this"),
    Blocked: (409, "blocked", "Something must be settled first"),
    Refused: (409, "refused", "This person is not touched"),
    SomebodyElse: (409, "somebody-else", "Another person began"),
    TooLate: (409, "too-late", "It is too late for that"),
    TooMany: (429, "too-many", "That was tried too often"),
    **dict.fromkeys(
        (StoreError, LedgerError, MapError, PlanError, SettingsError, CertificateError, VaultError, SQLAlchemyError),
        (503, "not-available", "That cannot be done now; try again"),
    ),
}
HTTP: Mapping[int, tuple[str, str]] = {
    401: ("no-token", "A token is needed: Authorization: Bearer …"),
    404: ("not-found", "There is nothing at this address"),
    405: ("wrong-method", "That cannot be done at this address"),
    409: ("key-used", "The idempotency key was used for something else"),
}


def describe(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems with these statuses, as an operation of the OpenAPI document lists them."""
    found: dict[int, list[str]] = {status: [HTTP[status][1]] for status in HTTP if status == 401}
    found |= {status: [] for status in statuses}
    for status, name, title in dict.fromkeys(KINDS.values()):
        if status in statuses:
            found[status].append(f"{title} (`{name}`)")
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": "; ".join(titles) or "Not as it must be", "content": content}
        for status, titles in sorted(found.items())
    }


def add_handlers(api: FastAPI) -> None:
    """Let every failure end as a problem."""
    for kind in KINDS:
        api.add_exception_handler(kind, _on_known)
    api.add_exception_handler(RequestValidationError, _on_invalid)  # type: ignore[arg-type] # typed for every exception
    api.add_exception_handler(HTTPException, _on_http)  # type: ignore[arg-type] # likewise


async def on_fault(request: Request, name: str) -> Response:
    """Something that was not foreseen; the log says where."""
    del request, name
    return _answer(500, "fault", "Something went wrong here; it was noted")


def _on_known(request: Request, error: Exception) -> Response:
    del request
    status, name, title = next(KINDS[kind] for kind in type(error).__mro__ if kind in KINDS)
    more: dict[str, Any] = {}
    if isinstance(error, WrongCode):
        more["tries_left"] = error.tries_left
    elif isinstance(error, NotFresh):
        more["second_factor"] = error.second_factor
    elif isinstance(error, TooLate):
        more["state"] = error.state
    elif isinstance(error, Blocked):
        more["blocks"] = [Block.model_validate(each) for each in error.blocks]
    elif isinstance(error, SubjectError | Refused):
        more["detail"] = str(error)
    return _answer(status, name, title, headers={"Retry-After": HOUR} if status == 429 else {}, **more)


def _on_invalid(request: Request, error: RequestValidationError) -> Response:
    del request
    errors = [Wrong(pointer=_pointer(each["loc"]), detail=each["msg"]) for each in error.errors()[:20]]
    return _answer(422, "invalid", "The request is not as it must be", errors=errors)


def _on_http(request: Request, error: HTTPException) -> Response:
    del request
    if error.status_code == 400:  # not even JSON
        return _answer(422, "invalid", "The request is not as it must be")
    name, title = HTTP.get(error.status_code, ("refused", "That cannot be done"))
    return _answer(error.status_code, name, title, headers=error.headers or {})


def _pointer(place: Sequence[object]) -> str:
    names = [str(part)[:50].encode(errors="replace").decode() for part in place if part != "body"]
    return "".join(f"/{name.replace('~', '~0').replace('/', '~1')}" for name in names)


def _answer(status: int, name: str, title: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    problem = Problem(type=NAME + name, title=title, status=status, **more)
    return JSONResponse(
        problem.model_dump(mode="json", exclude_none=True), status, headers=headers, media_type=MEDIA_TYPE
    )
