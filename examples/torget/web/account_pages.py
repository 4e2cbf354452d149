"""What somebody sees of their own: signing in, profile, what they owe, and the way out."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from starlette.responses import Response

from examples.torget import schema as db
from examples.torget.passwords import PASSWORD
from examples.torget.web import accounts
from examples.torget.web.leaving import is_own_path
from examples.torget.web.visit import Visit

KARI = 1
LONGEST_NAME = 120


def sign_in(visit: Visit) -> Response:
    back = visit.request.query_params.get("return_to", "")
    return _sign_in(visit, back, visit.account.email if visit.account else "")


def signed_in(visit: Visit) -> Response:
    """The password is right: a session, and back to where they came from; to the portal with a token of now."""
    email, back = visit.form.get("email", ""), visit.form.get("return_to", "")
    try:
        with visit.torget.engine.begin() as connection:
            accounts.sign_out(connection, visit.request.cookies.get(accounts.COOKIE, ""))
            token = accounts.sign_in(connection, email, visit.form.get("password", ""))
            account = accounts.whose(connection, token)
    except accounts.WrongPassword:
        wrong = "That e-mail and that password do not belong together. Try again."
        return _sign_in(visit, back, email, problem=wrong, status=422)
    except accounts.Closed:
        closed = "This account is closed. The e-mail you got when you closed it has a link that leads back."
        return _sign_in(visit, back, email, problem=closed, status=403)
    if account and visit.torget.door.leads_to(back):
        response = visit.to(visit.torget.door.url(account, visit.language))
    else:
        response = visit.to(back if is_own_path(back) else "/")
    age = int(accounts.LIFE.total_seconds())
    response.set_cookie(accounts.COOKIE, token, max_age=age, httponly=True, samesite="lax")
    return response


def sign_out(visit: Visit) -> Response:
    with visit.torget.engine.begin() as connection:
        accounts.sign_out(connection, visit.request.cookies.get(accounts.COOKIE, ""))
    response = visit.to("/")
    response.delete_cookie(accounts.COOKIE, httponly=True, samesite="lax")
    return response


def leave(visit: Visit) -> Response:
    """On to the portal, signed in."""
    if visit.account is None:
        return visit.to(f"/sign-in?return_to={visit.torget.door.portal}/")
    return visit.to(visit.torget.door.url(visit.account, visit.language))


def profile(visit: Visit) -> Response:
    return visit.page("profile.html") if visit.account else visit.to_sign_in()


def settings(visit: Visit) -> Response:
    return visit.page("settings.html") if visit.account else visit.to_sign_in()


def edit_profile(visit: Visit) -> Response:
    saved = visit.request.query_params.get("saved") == "1"
    return visit.page("edit_profile.html", saved=saved, problem="") if visit.account else visit.to_sign_in()


def save_profile(visit: Visit) -> Response:
    if visit.account is None:
        return visit.to_sign_in()
    name = visit.form.get("name", "").strip()[:LONGEST_NAME]
    if not name:
        return visit.page("edit_profile.html", 422, saved=False, problem="Write your name.")
    changed = {"name": name, "commercial_mail": "commercial_mail" in visit.form}
    with visit.torget.engine.begin() as connection:
        connection.execute(db.users.update().where(db.users.c.id == visit.account.number).values(changed))
    return visit.to("/profile/edit?saved=1")


def orders(visit: Visit) -> Response:
    """What they bought, what is to be paid first."""
    if visit.account is None:
        return visit.to_sign_in()
    unpaid_first = (db.orders.c.paid_at.is_not(None), db.orders.c.placed_at.desc())
    with visit.torget.engine.connect() as connection:
        theirs = sa.select(db.orders).where(_theirs(visit.account)).order_by(*unpaid_first).limit(20)
        return visit.page("orders.html", orders=connection.execute(theirs).all())


def pay_order(visit: Visit) -> Response:
    """Pretend that a card was charged."""
    if visit.account is None:
        return visit.to_sign_in()
    now = datetime.now(UTC).replace(tzinfo=None)
    with visit.torget.engine.begin() as connection:
        this = (db.orders.c.id == visit.request.path_params["number"]) & db.orders.c.paid_at.is_(None)
        order = connection.execute(sa.select(db.orders).where(this, _theirs(visit.account))).first()
        if order:
            payment = {
                "id": connection.scalar(sa.select(sa.func.coalesce(sa.func.max(db.payments.c.id), 0) + 1)),
                "order_id": order.id,
                "method": "card",
                "card_holder": visit.account.name.upper(),
                "card_digits": "0000",
                "amount": order.total,
                "paid_at": now,
            }
            connection.execute(db.payments.insert().values(payment))
            connection.execute(db.orders.update().where(db.orders.c.id == order.id).values(paid_at=now))
    return visit.to("/orders")


def stalls(visit: Visit) -> Response:
    if visit.account is None:
        return visit.to_sign_in()
    with visit.torget.engine.connect() as connection:
        theirs = sa.select(db.stalls).where(_runs(visit.account)).order_by(db.stalls.c.id)
        return visit.page("stalls.html", stalls=connection.execute(theirs).all())


def pay_stall(visit: Visit) -> Response:
    if visit.account is None:
        return visit.to_sign_in()
    with visit.torget.engine.begin() as connection:
        this = db.stalls.c.id == visit.request.path_params["number"]
        connection.execute(db.stalls.update().where(this, _runs(visit.account)).values(rent_is_due=False))
    return visit.to("/stalls")


def _theirs(account: accounts.Account) -> sa.ColumnElement[bool]:
    """Bought with the account, or with its address and without signing in."""
    return (db.orders.c.customer_id == account.number) | (
        sa.func.lower(db.orders.c.guest_email) == account.email.lower()
    )


def _runs(account: accounts.Account) -> sa.ColumnElement[bool]:
    return sa.or_(db.stalls.c.owner_id == account.number, db.stalls.c.co_owner_id == account.number)


def _sign_in(visit: Visit, back: str, email: str, *, problem: str = "", status: int = 200) -> Response:
    return visit.page(
        "sign_in.html",
        status,
        back=back,
        email=email,
        problem=problem,
        again=bool(visit.account) or visit.torget.door.leads_to(back),
        people=_people(visit),
        password=PASSWORD,
    )


def _people(visit: Visit) -> list[tuple[sa.Row[Any, Any], str]]:
    """Who can be tried out, and why: Kari, somebody who owes for an order, somebody who owes rent."""
    owes = sa.select(sa.func.min(db.orders.c.customer_id)).where(db.orders.c.paid_at.is_(None))
    rents = sa.select(sa.func.min(db.stalls.c.owner_id)).where(
        db.stalls.c.rent_is_due, db.stalls.c.co_owner_id.is_(None)
    )
    with visit.torget.engine.connect() as connection:
        who = [
            (KARI, "has something of everything"),
            (connection.scalar(owes), "has an order that is not paid"),
            (connection.scalar(rents), "has a stall whose rent is due"),
        ]
        named = sa.select(db.users.c.name, db.users.c.email).where(db.users.c.active)
        people = [(connection.execute(named.where(db.users.c.id == number)).first(), why) for number, why in who]
    return [(person, why) for person, why in people if person is not None]


PAGES = {
    "get /sign-in": sign_in,
    "post /sign-in": signed_in,
    "post /sign-out": sign_out,
    "post /leave": leave,
    "get /profile": profile,
    "get /settings": settings,
    "get /profile/edit": edit_profile,
    "post /profile/edit": save_profile,
    "get /orders": orders,
    "post /orders/{number:int}/pay": pay_order,
    "get /stalls": stalls,
    "post /stalls/{number:int}/pay": pay_stall,
}
