"""Two small things on every page: another language, and a quick way off."""

from starlette.datastructures import URL
from starlette.responses import RedirectResponse, Response
from starlette.routing import Match

from slett.web import cookies
from slett.web.visitor import ROOT, Visitor


def language(visitor: Visitor) -> Response:
    """Another language from now on, and back to the page they came from."""
    query = visitor.request.query_params
    tag = query.get("to", "")
    response = RedirectResponse(_known(visitor, query.get("back", "")), 303)
    if tag in visitor.portal.settings.portal.languages:
        cookies.set_cookie(response, cookies.LANGUAGE, tag, visitor.secure, max_age=cookies.A_YEAR)
    return response


def leave_quickly(visitor: Visitor) -> Response:
    """Off this page, for people who are watched: the visit ends, and `back` shows nothing of it."""
    visitor.end()
    portal = visitor.portal.settings.portal
    response = RedirectResponse(portal.exit_url or portal.service_url or visitor.path("home"), 303)
    if visitor.stands_alone:
        response.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'
    return response


def _known(visitor: Visitor, back: str) -> str:
    """That path if it is one of our own pages, else the first one: nobody is sent elsewhere."""
    root = visitor.request.scope[ROOT]
    url = URL(back)
    if url.scheme or url.netloc or not back.startswith(f"{root}/") or back.startswith("//") or "\\" in back:
        return visitor.path("home")
    scope = {"type": "http", "method": "GET", "path": url.path, "root_path": root}
    pages = (route for route in visitor.request.app.router.routes if getattr(route, "methods", None))
    if not back.isprintable() or not any(route.matches(scope)[0] is Match.FULL for route in pages):
        return visitor.path("home")
    return back
