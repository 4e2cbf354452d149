"""Who somebody is at Torget, and how they show it: a password, and a session in the database."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from examples.torget import schema as db
from examples.torget.passwords import fits

COOKIE = "torget"
LIFE = timedelta(days=30)  # of a session, from the sign-in on: it is never made longer
LIMIT = 200


class WrongPassword(Exception):
    """No such account, or not its password: nobody is told which."""


class Closed(Exception):
    """The account is closed. Said only to whoever knows the password."""


@dataclass(frozen=True, slots=True)
class Account:
    number: int
    public_id: str
    name: str
    email: str
    phone: str
    commercial_mail: bool
    signed_in_at: datetime


def sign_in(connection: sa.Connection, email: str, password: str) -> str:
    """The token of a new session.

    Raises:
        WrongPassword: no active or closed account fits.
        Closed: the account is closed, or being erased.
    """
    by_email = sa.func.lower(db.users.c.email) == email.strip().lower()[:LIMIT]
    user = connection.execute(sa.select(db.users).where(by_email)).first()
    if not fits(password[:LIMIT], user.password_hash if user else None) or user is None:
        raise WrongPassword
    if not user.active:
        raise Closed
    token = secrets.token_urlsafe(32)
    session = {"token": _stored(token), "user_id": user.id, "expires_at": _now() + LIFE}
    connection.execute(db.sessions.insert().values(session))
    return token


def sign_out(connection: sa.Connection, token: str) -> None:
    """End a session."""
    connection.execute(db.sessions.delete().where(db.sessions.c.token == _stored(token)))


def whose(connection: sa.Connection, token: str) -> Account | None:
    """The account that is signed in with this token."""
    if not token:
        return None
    found = connection.execute(
        sa.select(db.users, db.sessions.c.expires_at)
        .join_from(db.sessions, db.users)
        .where(db.sessions.c.token == _stored(token), db.sessions.c.expires_at > _now(), db.users.c.active)
    ).first()
    if found is None:
        return None
    signed_in_at = (found.expires_at - LIFE).replace(tzinfo=UTC)
    about = (found.id, found.public_id, found.name, found.email, found.phone or "", found.commercial_mail)
    return Account(*about, signed_in_at)


def _stored(token: str) -> str:
    """What the database knows of a token: nobody signs in with what they read there."""
    return hashlib.blake2b(token.encode(), digest_size=20).hexdigest()


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
