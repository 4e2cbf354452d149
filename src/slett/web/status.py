"""The status page: how far a request has come. It needs no account, and outlives it: reference and key are enough."""

from datetime import timedelta

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from slett.languages import N_
from slett.ledger import FINAL, Request, read_reference
from slett.requests.answers import WrongRecovery
from slett.requests.codes import CodeError, TooMany
from slett.requests.limits import allow
from slett.web.errors import code_problem, code_status
from slett.web.links import sign_in_url
from slett.web.prove import hidden
from slett.web.receipt import can_print, receipt_of, signed_file
from slett.web.visitor import Visitor

EVERY_SECONDS = 5  # between looks, while it is carried out
LOOKS_AN_HOUR = 60  # with a wrong key, from one network

STEPS = {  # what the steps are called, by kind of request
    "filed": {"": N_("Asked for")},
    "confirmed": {"": N_("Confirmed by you")},
    "waited": {"": N_("Waiting time")},
    "carried_out": {
        "erase": N_("Erased in every system"),
        "export": N_("Collected from every system"),
        "close": N_("Account closed, mail stopped"),
        "return": N_("Account opened"),
        "unsubscribe": N_("Mail stopped"),
    },
    "checked": {"erase": N_("Looked again whether anything is left"), "export": N_("Ready to be fetched")},
}


def form(visitor: Visitor) -> Response:
    """Where reference and key are typed."""
    return visitor.page("status_form.html", typed="")


def look_up(visitor: Visitor) -> Response:
    """The request of that reference and key. Whether either is wrong shows in nothing."""
    typed, secret = visitor.form.get("reference", ""), visitor.form.get("secret", "")
    if not allow(visitor.portal.service, "status", visitor.network, limit=LOOKS_AN_HOUR, per=timedelta(hours=1)):
        raise TooMany
    request = visitor.portal.desk.by_secret(typed, secret)
    if request is None:
        words = visitor.words
        errors = {"reference": words._("There is no request with this reference number and this key. Check both.")}
        return visitor.page("status_form.html", 422, errors=errors, typed=typed)
    visitor.hold_status(request.reference, "".join(secret.split()))
    return visitor.to("status", reference=request.reference)


def open_status(visitor: Visitor) -> Response:
    """The link in a mail: the key goes out of the address and into a cookie. Nothing is looked up, nothing acts."""
    params = visitor.request.path_params
    reference = read_reference(params["reference"])
    if (
        reference is None
        or not (params["secret"].isascii() and params["secret"].isalnum())
        or len(params["secret"]) > 64
    ):
        raise HTTPException(404)
    visitor.hold_status(reference, params["secret"])
    return visitor.to("status", reference=reference)


def status(visitor: Visitor) -> Response:
    """How far it has come."""
    request, secret = _held(visitor)
    desk = visitor.portal.desk
    now = desk.status(request, visitor.words.tag)
    waiting = waits(request)
    running = request.state in ("running", "verifying") or (request.state == "scheduled" and not waiting)
    still = visitor.request.query_params.get("still") == "1"
    follower = desk.by_secret(request.followed_by, secret) if request.followed_by else None
    response = visitor.page(
        "status.html",
        status=now,
        request=request,
        steps=[
            (step, visitor.words._(sentence))
            for step in now.steps
            if (sentence := STEPS[step.name].get(request.kind) or STEPS[step.name].get(""))
            if step.name != "waited" or (waits(request) and step.reached in ("done", "doing"))
        ],
        waits=waiting,
        ended=request.state in FINAL,
        refreshing=running and not still,
        receipt=receipt_of(visitor.portal.service, request, visitor.words.tag) if now.receipt else None,
        pdf=can_print(),
        follower=follower,
        sooner=follower is not None and request.until is not None and follower.filed_at < request.until,
        follower_link=visitor.path("open_status", reference=follower.reference, secret=secret) if follower else "",
        sign_in=sign_in_url(visitor, "home"),
        portal=visitor.portal.settings.portal,
        back=visitor.path("status", reference=request.reference),
    )
    if running and not still:
        response.headers["Refresh"] = str(EVERY_SECONDS)
    return response


def cancel(visitor: Visitor) -> Response:
    """Stop it, while there is time."""
    request, secret = _held(visitor)
    visitor.portal.desk.cancel(request.reference, secret)  # too late: the status page says so
    return visitor.to("status", reference=request.reference)


def ask_return(visitor: Visitor) -> Response:
    """They want to come back: a code goes to their mailbox."""
    request, secret = _held(visitor)
    desk = visitor.portal.desk
    visitor.begin(desk.ask_return(request.reference, secret, language=visitor.words.tag, network=visitor.network))
    return visitor.to("come_back", query="sent=1")


def ask_erasure(visitor: Visitor) -> Response:
    """They do not want to wait until the end of the window: a code goes to their mailbox."""
    request, secret = _held(visitor)
    desk = visitor.portal.desk
    visitor.begin(desk.ask_erasure(request.reference, secret, language=visitor.words.tag, network=visitor.network))
    return visitor.to("erase_now", query="sent=1")


def come_back(visitor: Visitor) -> Response:
    """Where that code is typed."""
    return _come_back(visitor, sent=visitor.request.query_params.get("sent") == "1")


def came_back(visitor: Visitor) -> Response:
    """The account is opened again."""
    session, code = visitor.session, visitor.form.get("code", "")
    if session is None:
        return visitor.to("status_form")
    words = visitor.words
    recovery = visitor.form.get("recovery", "")
    if session.identity.addresses and not code.strip():
        return _come_back(visitor, sent=True, errors={"code": words._("Type the code from the e-mail.")}, status=422)
    try:
        done = visitor.portal.desk.confirm_return(session, code, recovery, network=visitor.network)
    except WrongRecovery:
        wrong = words._("That is not the recovery code of this account. Check each group of characters.")
        return _come_back(visitor, sent=True, errors={"recovery": wrong}, status=422)
    except CodeError as error:
        return _come_back(
            visitor,
            sent=True,
            errors={"code": code_problem(words, error)},
            status=code_status(error),
        )
    visitor.hold_status(done.request.reference, done.secret)
    return visitor.to("filed")


def receipt(visitor: Visitor) -> Response:
    """The receipt, to be read or printed."""
    request, _ = _held(visitor)
    found = receipt_of(visitor.portal.service, request, visitor.words.tag)
    if found is None:
        raise HTTPException(404)
    return visitor.page("receipt.html", receipt=found, pdf=can_print())


def receipt_json(visitor: Visitor) -> Response:
    """The signed certificate itself, for anybody to check."""
    request, _ = _held(visitor)
    content = signed_file(visitor.portal.service, request)
    if content is None:
        raise HTTPException(404)
    return _file(content, "application/json", f"{request.reference}.json")


def receipt_pdf(visitor: Visitor) -> Response:
    """The receipt as PDF."""
    request, _ = _held(visitor)
    found = receipt_of(visitor.portal.service, request, visitor.words.tag)
    if found is None or not can_print():
        raise HTTPException(404)
    from slett.web.pdf import pdf_of

    return _file(pdf_of(found, visitor.words, visitor.moment), "application/pdf", f"{request.reference}.pdf")


def copy(visitor: Visitor) -> Response:
    """The copy of their data, while it can be fetched."""
    request, _ = _held(visitor)
    path = visitor.portal.settings.home / "exports" / f"{request.reference}.zip"
    if visitor.portal.desk.status(request).copy_until is None or not path.is_file():
        raise HTTPException(404)
    return FileResponse(path, media_type="application/zip", filename=f"{request.reference}.zip")


def _held(visitor: Visitor) -> tuple[Request, str]:
    """The request of the address, if the browser has its key. Another person's looks exactly like none."""
    reference = read_reference(visitor.request.path_params["reference"]) or ""
    secret = visitor.status_secret(reference)
    request = visitor.portal.desk.by_secret(reference, secret)
    if request is None:
        raise HTTPException(404)
    return request, secret


def _come_back(visitor: Visitor, *, sent: bool, errors: dict[str, str] | None = None, status: int = 200) -> Response:
    asked = visitor.asked
    if asked is None or asked[1].kind != "return":
        return visitor.to("status_form")
    session, request = asked
    if session.secret and request.state != "filed":
        return visitor.to("filed")
    addresses = session.identity.addresses
    return visitor.page(
        "come_back.html",
        status,
        errors=errors,
        sent=sent,
        mailbox=hidden(addresses[0]) if addresses else "",
        recovery=visitor.portal.desk.needs_recovery(request),
        waits=visitor.portal.desk.status(request).waits,
        typed=visitor.form.get("recovery", ""),
        typed_code=visitor.form.get("code", "") if errors and "code" not in errors else "",
        portal=visitor.portal.settings.portal,
        back=visitor.path("come_back"),
    )


def waits(request: Request) -> bool:
    """Whether there is a time in which nothing is done yet, and which is worth a word."""
    return request.not_before is not None and request.not_before - request.filed_at >= timedelta(hours=1)


def _file(content: bytes, media_type: str, name: str) -> Response:
    return Response(content, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})
