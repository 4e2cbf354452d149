"""The calls, in the order of a person's way."""

from dataclasses import replace
from pathlib import Path as File
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query
from starlette.responses import Response

from slett.certify import write_certificates
from slett.ledger import Request
from slett.ledger.requests import Kind, State
from slett.requests import sessions
from slett.requests.answers import NotTheirs, TooLate
from slett.requests.identity import Identity
from slett.requests.limits import network_of
from slett.requests.outlook import outlook
from slett.requests.service import Service
from slett.requests.sessions import Session
from slett.requests.subject import Subject, by_identifier, by_key
from slett.web.api import models
from slett.web.api.idempotency import repeatable
from slett.web.api.problems import describe
from slett.web.portal import Portal

Reference = Annotated[str, Path(pattern=models.REFERENCE, examples=["S-7K4M-2Q9X"])]
Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=8,
        max_length=200,
        pattern="^[!-~]+$",
        description="One a wish: sent again with the same body within the visit, it files nothing new.",
    ),
]


def routes(portal: Portal) -> APIRouter:
    """The calls, for that portal."""
    router = APIRouter()
    desk = portal.desk

    @router.post("/outlook", tags=["before"], responses=describe(404, 409, 422, 503))
    def look(sent: models.Question) -> models.Outlook:
        """What an erasure would do to this person's data now, by category, and what stands in its way."""
        service = portal.service
        found = outlook(service, _subject(service, sent.subject), sent.language)
        return models.Outlook.model_validate(found)

    @router.post("/requests", status_code=201, tags=["filing"], responses=describe(404, 409, 422, 503))
    def file(sent: models.Filing, key: Key = "") -> models.Filed:
        """File a person's wish. Their open request of the same kind is answered instead of a second one.

        Nothing happens before it is confirmed; an hour later it expires.
        """
        service = portal.service
        identity = Identity(
            subject=_subject(service, sent.subject),
            addresses=tuple(dict.fromkeys(sent.addresses)),
            old_addresses=tuple(dict.fromkeys(sent.old_addresses)),
            language=sent.language,
            signed_in_at=sent.signed_in_at,
            how="api",
            factors=tuple(sent.factors),
            second_factor=sent.second_factor,
        )
        content = sent.model_dump_json()
        visit = repeatable(service, identity, key, content) if key else sessions.begin(service, identity)
        session = _session(service, visit)
        request = desk.request_of(session) or desk.choose(session, sent.kind)
        return _filed(portal, _session(service, visit), request, visit)

    @router.post("/requests/{reference}/sign-in", tags=["filing"], responses=describe(404, 409, 422, 503))
    def sign_in(reference: Reference, sent: models.SigningInAgain) -> models.Filed:
        """The person signed in once more. Codes sent before are worth nothing; the answer has a new `visit`.

        If it is somebody else, the request is cancelled and its owner is told.
        """
        service = portal.service
        session, request = _about(service, sent.visit, reference)
        identity = replace(
            session.identity,
            subject=_subject(service, sent.subject),
            signed_in_at=sent.signed_in_at,
            factors=tuple(sent.factors),
            second_factor=sent.second_factor,
        )
        visit = sessions.renew(service, session, identity)
        return _filed(portal, _session(service, visit), request, visit)

    @router.post("/requests/{reference}/code", status_code=204, tags=["filing"], responses=describe(404, 422, 429, 503))
    def send_code(reference: Reference, sent: models.Asking) -> None:
        """Send a code of eight digits to the person's main address. Those sent before are worth nothing."""
        session, request = _about(portal.service, sent.visit, reference)
        desk.send_code(session, request, network=_network(sent.ip))

    @router.post("/requests/{reference}/confirm", tags=["filing"], responses=describe(403, 404, 409, 422, 429, 503))
    def confirm(reference: Reference, sent: models.Confirmation) -> models.Confirmed:
        """The person's last word. A close and a return are done when this answers; an erasure and a copy are due.
        So is a close that seals the account of somebody who might not be its owner: see `doubt`.

        Asked again with the same `visit`, the answer is the same.
        """
        session, request = _about(portal.service, sent.visit, reference)
        network = _network(sent.ip)
        if request.kind == "return":
            filed = desk.confirm_return(session, sent.code, sent.recovery_code, network)
        else:
            filed = desk.confirm(session, request, code=sent.code, phrase_ok=sent.agreed, network=network)
        now = models.Request.model_validate(_request(portal.service, reference))
        return models.Confirmed(request=now, secret=filed.secret, recovery_code=filed.code)

    @router.get("/requests/{reference}", tags=["after"], responses=describe(404, 422, 503))
    def status(
        reference: Reference,
        language: Annotated[models.Language, Query(description="Of the categories' names.")] = "",
    ) -> models.Status:
        """How far a request has come."""
        return _status(portal, _request(portal.service, reference), language)

    @router.post("/requests/{reference}/cancel", tags=["after"], responses=describe(404, 409, 422, 503))
    def cancel(reference: Reference, sent: models.WithVisit | models.WithSecret) -> models.Status:
        """Cancel a request that has not begun, for whoever filed it or has its secret."""
        service = portal.service
        if isinstance(sent, models.WithSecret):
            by: Session | str = sent.secret
        else:
            by = _session(service, sent.visit)
        done = desk.cancel(reference, by)
        now = _request(service, reference)
        if not done and now.state != "cancelled":
            raise TooLate(now.state)
        return _status(portal, now)

    @router.post(
        "/requests/{reference}/return",
        status_code=201,
        tags=["after"],
        responses=describe(404, 409, 422, 429, 503),
    )
    def come_back(reference: Reference, sent: models.Returning) -> models.Filed:
        """Begin to open a closed account again. A code is on its way; confirm the request that is answered."""
        return _begun(portal, desk.ask_return(reference, sent.secret, sent.language, _network(sent.ip)))

    @router.post(
        "/requests/{reference}/erase",
        status_code=201,
        tags=["after"],
        responses=describe(404, 409, 422, 429, 503),
    )
    def erase_now(reference: Reference, sent: models.Returning) -> models.Filed:
        """Begin to erase at once whoever is sealed. A code is on its way; confirm the erasure that is answered.

        There is no way back from that confirmation. If somebody holds what is sealed, it answers `refused`.
        """
        return _begun(portal, desk.ask_erasure(reference, sent.secret, sent.language, _network(sent.ip)))

    @router.get(
        "/requests/{reference}/certificate",
        tags=["after"],
        response_class=Response,
        responses={
            200: {
                "description": "The signed certificate: anybody can check it, offline.",
                "content": {"application/json": {"schema": {"type": "object"}}},
            },
            **describe(404, 422, 503),
        },
    )
    def certificate(reference: Reference) -> Response:
        """The certificate of a request that is over, byte for byte as it was signed."""
        service = portal.service
        request = _request(service, reference)
        if request.certificate is None:
            raise NotTheirs
        folder: File = service.settings.home / "certificates"
        paths = write_certificates(service.ledger, folder, [request.reference])
        return Response(paths[request.reference].read_bytes(), media_type="application/json")

    @router.get("/requests", tags=["after"], responses=describe(404, 422, 503))
    def find(
        kind: Annotated[Kind | None, Query()] = None,
        state: Annotated[State | None, Query()] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        after: Annotated[str | None, Query(pattern=models.REFERENCE, description="`next` of the page before.")] = None,
    ) -> models.Listed:
        """The requests, newest first."""
        service = portal.service
        last = _request(service, after) if after else None
        with service.ledger.read() as page:
            found = page.requests.find(kind=kind, state=state, after=last, limit=limit + 1)
        shown = [models.Request.model_validate(each) for each in found[:limit]]
        return models.Listed(requests=shown, next=shown[-1].reference if len(found) > limit else None)

    return router


def _subject(service: Service, sent: models.ByKey | models.ByIdentifier) -> Subject:
    if isinstance(sent, models.ByKey):
        return by_key(service.plan, sent.key, sent.root)
    return by_identifier(service.plan, sent.identifier, sent.value)


def _session(service: Service, visit: str) -> Session:
    session = sessions.find(service, visit)
    if session is None:
        raise NotTheirs
    return session


def _request(service: Service, reference: str) -> Request:
    with service.ledger.read() as page:
        request = page.requests.get(reference)
    if request is None:
        raise NotTheirs
    return request


def _about(service: Service, visit: str, reference: str) -> tuple[Session, Request]:
    session = _session(service, visit)
    if session.request != reference:
        raise NotTheirs
    return session, _request(service, reference)


def _begun(portal: Portal, visit: str) -> models.Filed:
    """What a visit is about that has just begun."""
    session = _session(portal.service, visit)
    request = portal.desk.request_of(session)
    if request is None:
        raise NotTheirs
    return _filed(portal, session, request, visit)


def _filed(portal: Portal, session: Session, request: Request, visit: str) -> models.Filed:
    with portal.service.ledger.read() as page:
        now = page.now
    needs = portal.desk.needs(session, request, now)
    return models.Filed(
        request=models.Request.model_validate(request), visit=visit, needs=models.Needs.model_validate(needs)
    )


def _status(portal: Portal, request: Request, language: str = "") -> models.Status:
    return models.Status.model_validate(portal.desk.status(request, language))


def _network(address: Any) -> str:
    return network_of(str(address)) if address else ""
