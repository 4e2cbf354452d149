"""Links that lead out of the portal, to the service."""

from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from slett.web.visitor import Visitor


def sign_in_url(visitor: Visitor, page: str) -> str:
    """Where they sign in, and are sent back to that page; empty if there is no such place."""
    portal = visitor.portal.settings.portal
    url = portal.sign_in_url
    if not url:
        return visitor.path("sign_in") if portal.oidc_issuer else ""
    parts = urlsplit(url)
    back = f"return_to={quote(visitor.address(page), safe='')}"
    return urlunsplit(parts._replace(query=f"{parts.query}&{back}" if parts.query else back))


def at_service(visitor: Visitor, link: str) -> str:
    """The whole address of a link that the map wrote as a path of the service."""
    return urljoin(visitor.portal.settings.portal.service_url, link)
