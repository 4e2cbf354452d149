"""The cookies: one for the visit, one for the status page, one for the language. None is readable by scripts."""

from starlette.requests import Request
from starlette.responses import Response

VISIT = "slett"
STATUS = "slett_status"
LANGUAGE = "slett_language"
A_YEAR = 365 * 24 * 3600


def name_of(name: str, secure: bool) -> str:
    """The cookie's full name: browsers take `__Host-` only over https, for this host alone and every path of it."""
    return f"__Host-{name}" if secure else name


def read_cookie(request: Request, name: str, secure: bool) -> str:
    """What the browser sent, or an empty text."""
    return request.cookies.get(name_of(name, secure), "")


def set_cookie(response: Response, name: str, value: str, secure: bool, max_age: int | None = None) -> None:
    """Set it; without `max_age` it ends with the browser."""
    response.set_cookie(
        name_of(name, secure), value, max_age=max_age, path="/", secure=secure, httponly=True, samesite="lax"
    )


def drop_cookie(response: Response, name: str, secure: bool) -> None:
    """Take it back."""
    response.delete_cookie(name_of(name, secure), path="/", secure=secure, httponly=True, samesite="lax")
