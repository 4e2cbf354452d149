"""How to leave, step by step, written from the live settings: for people, and for machines."""

from starlette.responses import JSONResponse, Response

from slett.languages import Translator, translator
from slett.requests.service import Service
from slett.web.links import sign_in_url
from slett.web.visitor import Visitor


def guide(visitor: Visitor) -> Response:
    """The guide."""
    settings = visitor.portal.settings
    service = visitor.portal.service
    return visitor.page(
        "guide.html",
        portal=settings.portal,
        promise_hours=settings.promise_hours,
        address=visitor.address("home"),
        sign_in=sign_in_url(visitor, "home"),
        kept=kept(service, visitor.words),
        recipients=[
            (each.name, each.what.said_in(visitor.words.tag), each.country) for each in service.datamap.recipients
        ],
        backup_days=service.datamap.backup_days,
        well_known=visitor.path("well_known"),
    )


def well_known(visitor: Visitor) -> Response:
    """The same for machines: `/.well-known/account-deletion`."""
    settings, service = visitor.portal.settings, visitor.portal.service
    portal = settings.portal
    return JSONResponse(
        {
            "service": settings.service,
            "start": visitor.address("home"),
            "without_account": visitor.address("without_account"),
            "guide": visitor.address("guide"),
            "status": visitor.address("status_form"),
            "support": portal.support or None,
            "languages": list(portal.languages),
            "wishes": {
                "close": {"window_days": portal.window_days, "after_window": portal.after_window},
                "erase": {"wait_hours": portal.wait_hours, "promise_hours": settings.promise_hours},
                "export": {"promise_hours": settings.promise_hours, "available_days": portal.export_days},
                "unsubscribe": {},
            },
            "identification": {"sign_in_within_minutes": portal.fresh_minutes, "code_minutes": portal.code_minutes},
            "kept": [{"category": label or None, "basis": basis} for label, basis in kept(service, translator("en"))],
            "backup_days": service.datamap.backup_days,
        }
    )


def kept(service: Service, words: Translator) -> list[tuple[str, str]]:
    """What stays for a time, by category, and on what basis."""
    categories = service.datamap.categories
    found = (
        (categories[table.category].said_in(words.tag) if table.category in categories else "", table.basis)
        for table in service.datamap.tables
        if table.action == "keep"
    )
    return list(dict.fromkeys(found))
