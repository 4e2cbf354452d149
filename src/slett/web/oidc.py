"""Signing in with OpenID Connect: the authorization code flow with PKCE, state and nonce.

    start = provider.start(redirect_uri, max_age)  # → the browser goes to `start.url`, and keeps `start.cookie`
    identity = provider.finish(cookie, query)  # when it comes back

What belongs to one sign-in (state, nonce, verifier, return address) travels in a sealed cookie, so that it is bound to
the browser; it is used up in the ledger, so that neither the browser nor a thief comes back with it a second time.
Only the issuer of the settings is ever asked, with time limits, and no redirect is followed.

Sources: OpenID Connect Core 1.0 §3.1, Discovery 1.0 §4; RFC 7636 (PKCE), RFC 9207 (`iss`), RFC 9700 (best practice).
"""

import hmac
import json
import secrets
import time
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from threading import Lock
from typing import Annotated, Any, Literal
from urllib.parse import quote_plus, urlencode, urlsplit

import httpx2
import jwt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slett.ledger import BrokenSeal
from slett.ledger.seal import Seal
from slett.requests.identity import Identity
from slett.requests.service import Service
from slett.requests.subject import Subject, SubjectError, by_key
from slett.settings import SettingsError
from slett.web.claims import Factors, Moment, address_of, language_of

LEEWAY = timedelta(seconds=5)
LASTS = timedelta(minutes=10)  # how long somebody may take to sign in
KNOWN = 3_600.0  # seconds for which what the issuer says about itself is believed
AGAIN = 60.0  # seconds between two looks for a new key
LARGEST = 1_000_000  # bytes of an answer
TIMEOUT = httpx2.Timeout(10, connect=5)
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class OidcError(Exception):
    """The sign-in did not succeed."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where the browser goes, and what it keeps meanwhile."""

    url: str
    cookie: str


@dataclass(frozen=True, slots=True)
class Flow:
    """One sign-in, from its start to its end."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str
    started: float
    max_age: int


class Metadata(BaseModel):
    """What the issuer says about itself (Discovery 1.0 §3), as far as it is needed."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic"]
    authorization_response_iss_parameter_supported: bool = False


class Claims(BaseModel):
    """What an ID token says."""

    model_config = ConfigDict(strict=True, frozen=True, extra="allow")

    iss: str
    sub: Annotated[str, Field(min_length=1, max_length=500)]
    aud: str | list[str]
    azp: str | None = None
    iat: Moment
    exp: Moment
    nbf: Moment | None = None
    nonce: str
    auth_time: Moment  # was asked for with `max_age`
    email: str = ""
    email_verified: bool | str = False
    locale: Annotated[str, Field(max_length=50)] = ""
    amr: Factors = []
    acr: Annotated[str, Field(max_length=100)] = ""


class Provider:
    """The issuer of the settings; threads may share it.

    Raises:
        SettingsError: the issuer's address is not `https://`, or the client has no name.
    """

    def __init__(self, issuer: str, client_id: str, client_secret: str = "", *, subject: str = "sub") -> None:
        if not _is_safe(issuer):
            raise SettingsError(
                "setting `portal.oidc_issuer`: write an address with https:// (on this machine, http://)"
            )
        if not client_id:
            raise SettingsError("setting `portal.oidc_client_id`: missing; the issuer calls the portal by it")
        self.issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._subject = subject
        self._lock = Lock()
        self._known: tuple[float, Metadata] | None = None
        self._keys: tuple[float, jwt.PyJWKSet] | None = None

    def start(self, service: Service, redirect_uri: str, max_age: timedelta) -> Start:
        """The beginning of a sign-in that is not older than `max_age` when it is done.

        Raises:
            OidcError: the issuer does not answer, or not as itself.
        """
        metadata = self._metadata()
        with service.ledger.read() as page:
            started = page.now.timestamp()
        flow = Flow(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            redirect_uri=redirect_uri,
            started=started,
            max_age=int(max_age.total_seconds()),
        )
        question = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": redirect_uri,
            "scope": "openid email",
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": urlsafe_b64encode(sha256(flow.verifier.encode()).digest()).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            "max_age": str(flow.max_age),
        }
        joint = "&" if urlsplit(metadata.authorization_endpoint).query else "?"
        sealed = _seal(service).close(json.dumps(asdict(flow)).encode(), "oidc")
        return Start(f"{metadata.authorization_endpoint}{joint}{urlencode(question)}", b64encode(sealed).decode())

    def finish(self, service: Service, cookie: str, query: Mapping[str, str]) -> Identity:
        """Who signed in.

        Args:
            cookie: as `start` gave it to this browser.
            query: what the issuer sent the browser back with.

        Raises:
            OidcError: it was not this browser, the issuer refused, or what it says does not hold.
        """
        with service.ledger.read() as page:
            now = page.now
        flow = self._flow(service, cookie, query, now)
        metadata = self._metadata()
        said = query.get("iss")
        if said != self.issuer and (said is not None or metadata.authorization_response_iss_parameter_supported):
            raise OidcError("the answer is of another issuer than the one that was asked")
        if "error" in query or not query.get("code"):
            raise OidcError("the sign-in was refused or broken off; try again")
        claims = self._claims(self._id_token(metadata, query["code"], flow))
        self._check(claims, flow, now)
        return self._identity(service, claims)

    def _flow(self, service: Service, cookie: str, query: Mapping[str, str], now: datetime) -> Flow:
        try:
            flow = Flow(**json.loads(_seal(service).open(b64decode(cookie, validate=True), "oidc")))
        except (BrokenSeal, ValueError, TypeError):
            raise OidcError("this browser has begun no sign-in; begin again") from None
        if not hmac.compare_digest(flow.state.encode(), query.get("state", "").encode()):
            raise OidcError("this browser has begun another sign-in than the one that comes back; begin again")
        ends = datetime.fromtimestamp(flow.started, UTC) + LASTS
        if now > ends:
            raise OidcError("the sign-in took too long; begin again")
        with service.ledger.write() as page:
            if not page.spent.spend(service.ledger.keys.keyed("spent", "oidc", flow.state), ends + LEEWAY):
                raise OidcError("this sign-in was used before; begin again")
        return flow

    def _id_token(self, metadata: Metadata, code: str, flow: Flow) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": flow.redirect_uri,
            "code_verifier": flow.verifier,
        }
        headers = {"Accept": "application/json"}
        if not self._client_secret:
            form["client_id"] = self._client_id
        elif "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            pair = f"{quote_plus(self._client_id)}:{quote_plus(self._client_secret)}"  # RFC 6749 §2.3.1
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": self._client_id, "client_secret": self._client_secret}
        answer = _ask("POST", metadata.token_endpoint, data=form, headers=headers)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise OidcError("the issuer gave no ID token")
        return token

    def _claims(self, token: str) -> Claims:
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS:
                raise OidcError("the ID token is not signed as it must be")
            key = self._key(header.get("kid"), header["alg"])
            # The times and names are checked in `_check`, by the ledger's clock.
            unchecked = {f"verify_{claim}": False for claim in ("exp", "iat", "nbf", "aud", "iss", "sub", "jti")}
            content = jwt.decode(token, key, algorithms=[header["alg"]], options=unchecked)  # type: ignore[arg-type] # a TypedDict, made of names
            return Claims.model_validate(content)
        except ValidationError as error:
            wrong = ".".join(map(str, error.errors(include_input=False)[0]["loc"][:1]))
            raise OidcError(f"the claim `{wrong}` of the ID token is missing or not as it must be") from None
        except jwt.PyJWTError:
            raise OidcError("the ID token is not signed by the issuer") from None

    def _check(self, claims: Claims, flow: Flow, now: datetime) -> None:
        """Core 1.0 §3.1.3.7."""
        audiences = [claims.aud] if isinstance(claims.aud, str) else claims.aud
        if claims.iss != self.issuer:
            raise OidcError("the ID token is of another issuer")
        if self._client_id not in audiences or (claims.azp or self._client_id) != self._client_id:
            raise OidcError("the ID token is for somebody else")
        if len(audiences) > 1 and claims.azp is None:
            raise OidcError("the ID token is for several, and does not say for whom (`azp`)")
        if not hmac.compare_digest(claims.nonce.encode(), flow.nonce.encode()):
            raise OidcError("the ID token is of another sign-in")
        if now >= _moment(claims.exp) + LEEWAY or now < _moment(claims.nbf or claims.iat) - LEEWAY:
            raise OidcError("the ID token is too old, or of a time to come; set the clocks")
        if claims.auth_time < flow.started - flow.max_age - LEEWAY.total_seconds():
            raise OidcError("the issuer did not ask for a new sign-in: `auth_time` is too long ago")

    def _identity(self, service: Service, claims: Claims) -> Identity:
        verified = claims.email_verified is True and address_of(claims.email)
        return Identity(
            subject=self._subject_of(service, claims),
            addresses=(claims.email,) if verified else (),
            language=language_of(claims.locale),
            signed_in_at=_moment(claims.auth_time),
            how="oidc",
            factors=tuple(filter(None, (*claims.amr, claims.acr))),
        )

    def _subject_of(self, service: Service, claims: Claims) -> Subject:
        value = claims.sub if self._subject == "sub" else (claims.model_extra or {}).get(self._subject)
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise OidcError(f"the ID token has no claim `{self._subject}`, see `portal.oidc_subject`")
        try:
            return by_key(service.plan, str(value))
        except SubjectError as error:
            raise OidcError(f"the ID token names nobody whom the map can hold: {error}") from None

    def _metadata(self) -> Metadata:
        with self._lock:
            if self._known is None or time.monotonic() - self._known[0] > KNOWN:
                found = _ask("GET", f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
                try:
                    metadata = Metadata.model_validate(found)
                except ValidationError:
                    raise OidcError("the issuer's configuration is not one of OpenID Connect") from None
                if metadata.issuer != self.issuer:
                    raise OidcError("the issuer calls itself otherwise than `portal.oidc_issuer`")
                addresses = (metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri)
                if not all(_is_safe(each) for each in addresses):
                    raise OidcError("the issuer names an address without https://")
                self._known = (time.monotonic(), metadata)
            return self._known[1]

    def _key(self, name: str | None, algorithm: str) -> jwt.PyJWK:
        metadata = self._metadata()
        with self._lock:
            for age in (KNOWN, AGAIN):  # an unknown key may be a new one: look again, but not at every token
                if self._keys is None or time.monotonic() - self._keys[0] > age:
                    try:
                        fresh = jwt.PyJWKSet.from_dict(_ask("GET", metadata.jwks_uri))
                    except (jwt.PyJWTError, AttributeError, TypeError):
                        raise OidcError("the issuer's keys cannot be read") from None
                    self._keys = (time.monotonic(), fresh)
                fitting = [
                    key
                    for key in self._keys[1].keys
                    if key.algorithm_name == algorithm
                    and key.public_key_use in (None, "sig")
                    and name in (None, key.key_id)
                ]
                if len(fitting) == 1:
                    return fitting[0]
        raise OidcError("the ID token is signed with a key that is not one of the issuer's")


def provider_of(service: Service) -> Provider | None:
    """The provider of the settings, or None if none is set.

    Raises:
        SettingsError: the issuer's address is not `https://`, or the client has no name.
    """
    portal = service.settings.portal
    if not portal.oidc_issuer:
        return None
    return Provider(portal.oidc_issuer, portal.oidc_client_id, portal.oidc_client_secret, subject=portal.oidc_subject)


def _ask(method: Literal["GET", "POST"], url: str, **more: Any) -> dict[str, Any]:
    try:
        with (
            httpx2.Client(timeout=TIMEOUT, follow_redirects=False) as client,
            client.stream(method, url, **more) as answer,
        ):
            content = b""
            for part in answer.iter_bytes():
                content += part
                if len(content) > LARGEST:
                    raise OidcError("the issuer's answer is too long")
    except httpx2.HTTPError:
        raise OidcError("the issuer does not answer; try again in a while") from None
    if answer.status_code != 200:
        raise OidcError(f"the issuer refuses (status {answer.status_code})")
    try:
        found = json.loads(content)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise OidcError("the issuer's answer is not JSON as it should be")
    return found


def _is_safe(url: str) -> bool:
    """Whether nobody on the way can change what is fetched there."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)


def _seal(service: Service) -> Seal:
    return Seal(service.ledger.keys.subkey("sealing"), secrets.token_bytes)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
