"""Taking a person over from the service: reading the token of `slett.handoff`, once.

A token is good if the service signed it (Ed25519 and nothing else), for this portal, less than a minute ago, and if
nobody has used it. What is wrong with one is said in a sentence that repeats nothing of it.
"""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slett.handoff import LIFE_SECONDS, key_id
from slett.requests.identity import Identity
from slett.requests.service import Service
from slett.requests.subject import SubjectError, by_key
from slett.settings import Portal, SettingsError
from slett.web.claims import Address, Factors, Moment, language_of

LEEWAY = timedelta(seconds=5)  # two clocks that are set by NTP differ by less
LONGEST = 8_192
PEM = re.compile(r"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.S)


class HandoffError(Exception):
    """The token hands nobody over."""


class Claims(BaseModel):
    """What a token says. Claims that are not known here are left unread."""

    model_config = ConfigDict(strict=True, frozen=True)

    iss: str
    aud: str  # one: a token for several could be used at another
    sub: Annotated[str, Field(min_length=1, max_length=500)]
    iat: Moment
    exp: Moment
    nbf: Moment | None = None
    jti: Annotated[str, Field(min_length=16, max_length=200)]
    auth_time: Moment | None = None
    emails: Annotated[list[Address], Field(max_length=20)] = []
    old_emails: Annotated[list[Address], Field(max_length=20)] = []
    locale: Annotated[str, Field(max_length=50)] = ""
    amr: Factors = []
    second_factor: bool = False
    root: Annotated[str, Field(max_length=200)] = ""


def take_handoff(service: Service, token: str) -> Identity:
    """The person whom the service hands over. The token is used up.

    Raises:
        HandoffError: the token is not one, not of this service, not for this portal, too old, or used before.
        SettingsError: this portal cannot take anybody over: a setting is missing, or the key cannot be read.
    """
    portal = service.settings.portal
    claims = _read(portal, token)
    with service.ledger.write() as page:
        _check_times(claims, page.now)
        spent = service.ledger.keys.keyed("spent", "handoff", claims.jti)
        if not page.spent.spend(spent, _moment(claims.exp) + LEEWAY):
            raise HandoffError("the token was used before; go back to the service and begin again")
    try:
        subject = by_key(service.plan, claims.sub, claims.root)
    except SubjectError as error:
        raise HandoffError(f"the token names nobody whom the map can hold: {error}") from None
    return Identity(
        subject=subject,
        addresses=tuple(dict.fromkeys(claims.emails)),
        old_addresses=tuple(dict.fromkeys(claims.old_emails)),
        language=language_of(claims.locale),
        signed_in_at=None if claims.auth_time is None else _moment(claims.auth_time),
        how="handoff",
        factors=tuple(claims.amr),
        second_factor=claims.second_factor,
    )


def read_keys(file: Path) -> dict[str, Ed25519PublicKey]:
    """The public keys of the service, by their names; two while one is replaced by the next.

    Raises:
        SettingsError: the file cannot be read, or holds something else.
    """
    try:
        text = file.read_text(encoding="ascii")
        keys = [load_pem_public_key(found.encode()) for found in PEM.findall(text)]
    except OSError as error:
        raise SettingsError(f"setting `portal.handoff_key`: {file} cannot be read ({error.strerror})") from None
    except ValueError:
        keys = []
    ed25519 = [key for key in keys if isinstance(key, Ed25519PublicKey)]
    if not ed25519 or len(ed25519) != len(keys):
        raise SettingsError(f"setting `portal.handoff_key`: {file} holds something else than Ed25519 public keys (PEM)")
    return {key_id(key): key for key in ed25519}


def _read(portal: Portal, token: str) -> Claims:
    audience = portal.handoff_audience or portal.url
    if portal.handoff_key is None or not audience:
        raise SettingsError("nobody can be handed over: set `portal.handoff_key`, and `portal.url`")
    if len(token) > LONGEST:
        raise HandoffError(f"the token is longer than {LONGEST} characters")
    keys = read_keys(portal.handoff_key)
    try:
        name = jwt.get_unverified_header(token).get("kid")
        key = keys.get(name) if name is not None else next(iter(keys.values())) if len(keys) == 1 else None
        if key is None:
            raise HandoffError("the token was signed with a key that is not in `portal.handoff_key`")
        # The times are checked below, by the ledger's clock.
        unchecked = {f"verify_{claim}": False for claim in ("exp", "iat", "nbf", "aud", "iss", "sub", "jti")}
        content = jwt.decode(token, key, algorithms=["EdDSA"], options=unchecked)  # type: ignore[arg-type] # a TypedDict, made of names
        claims = Claims.model_validate(content)
    except ValidationError as error:
        wrong = ".".join(map(str, error.errors(include_input=False)[0]["loc"][:1]))
        raise HandoffError(f"the claim `{wrong}` of the token is missing or not as it must be") from None
    except jwt.PyJWTError:
        raise HandoffError("the token is not a JWT that the service signed with Ed25519") from None
    if claims.aud != audience:
        raise HandoffError("the token is for somebody else: `aud` is not `portal.handoff_audience`")
    if portal.service_url and claims.iss.rstrip("/") != portal.service_url.rstrip("/"):
        raise HandoffError("the token is of another service: `iss` is not `portal.service_url`")
    return claims


def _check_times(claims: Claims, now: datetime) -> None:
    life = timedelta(seconds=claims.exp - claims.iat)
    if not timedelta(0) < life <= timedelta(seconds=LIFE_SECONDS):
        raise HandoffError(f"the token is good for longer than {LIFE_SECONDS} seconds; sign one that is not")
    if now >= _moment(claims.exp) + LEEWAY:
        raise HandoffError("the token is too old; go back to the service and begin again")
    begins = max(claims.iat, claims.iat if claims.nbf is None else claims.nbf)
    if now < _moment(begins) - LEEWAY:
        raise HandoffError("the token is of a time to come; set the clocks of the service and of the portal")
    if claims.auth_time is not None and claims.auth_time > claims.iat + LEEWAY.total_seconds():
        raise HandoffError("the token says that the person signs in after it was signed: `auth_time` is wrong")


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
