"""The mailbox: every mail that was sent, as text, and as the page that a mail program would show."""

import re

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from examples.torget.web.mailbox import Mail
from examples.torget.web.visit import Visit

# Somebody else's page inside ours: no script, no form, nothing from elsewhere. Its links lead the whole window away.
BOX = "sandbox allow-top-navigation-by-user-activation"
OPENED = re.compile(r"<html\b[^>]*>(\s*<head>)?")
POLICY = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; {BOX}"


def mailbox(visit: Visit) -> Response:
    return visit.page("mailbox.html", mails=visit.torget.mailbox.mails[::-1])


def mail(visit: Visit) -> Response:
    return visit.page("mail.html", mail=_mail(visit))


def mail_page(visit: Visit) -> Response:
    """What the mail looks like, for the frame."""
    html = OPENED.sub(r'\g<0><base target="_top">', _mail(visit).html, count=1)
    return HTMLResponse(html, headers={"Content-Security-Policy": POLICY})


def _mail(visit: Visit) -> Mail:
    found = visit.torget.mailbox.find(visit.request.path_params["number"])
    if found is None:
        raise HTTPException(404)
    return found


PAGES = {
    "get /mailbox": mailbox,
    "get /mailbox/{number:int}": mail,
    "get /mailbox/{number:int}/page": mail_page,
}
