"""What everybody sees: the market, a seller, the privacy page."""

import sqlalchemy as sa
from starlette.exceptions import HTTPException
from starlette.responses import Response

from examples.torget import schema as db
from examples.torget.web.leaving import is_own_path
from examples.torget.web.texts import LANGUAGES
from examples.torget.web.visit import LANGUAGE, Visit

ON_FRONT = 12

FOR_SALE = (
    sa.select(db.listings, db.users.c.name, db.users.c.public_id, db.categories.c.title.label("category"))
    .join_from(db.listings, db.users, db.listings.c.seller_id == db.users.c.id)
    .join(db.categories)
    .where(db.listings.c.state == "for sale", db.users.c.active)
    .order_by(db.listings.c.published_at.desc(), db.listings.c.id)
)


def front(visit: Visit) -> Response:
    with visit.torget.engine.connect() as connection:
        return visit.page("front.html", listings=connection.execute(FOR_SALE.limit(ON_FRONT)).all())


def seller(visit: Visit) -> Response:
    """What one person sells."""
    public_id = visit.request.path_params["public_id"]
    with visit.torget.engine.connect() as connection:
        of = sa.select(db.users).where(db.users.c.public_id == public_id, db.users.c.active)
        found = connection.execute(of).first()
        if found is None:
            raise HTTPException(404)
        listings = connection.execute(FOR_SALE.where(db.users.c.id == found.id)).all()
    return visit.page("seller.html", seller=found, listings=listings)


def privacy(visit: Visit) -> Response:
    return visit.page("privacy.html")


def language(visit: Visit) -> Response:
    """Choose a language. Harmless, so it may be a link."""
    query = visit.request.query_params
    wanted, back = query.get("to", ""), query.get("back", "/")
    response = visit.to(back if is_own_path(back) else "/")
    if wanted in LANGUAGES:
        response.set_cookie(LANGUAGE, wanted, max_age=365 * 24 * 3600, httponly=True, samesite="lax")
    return response


PAGES = {
    "get /": front,
    "get /sellers/{public_id}": seller,
    "get /privacy": privacy,
    "get /language": language,
}
