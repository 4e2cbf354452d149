"""A small OpenID provider on loopback, spoken to over real HTTP, that can be told to lie."""

import json
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
STRANGERS_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Issuer:
    """The provider. Whoever is sent to it is signed in as `person` at once."""

    url: str = ""
    client_id: str = "slett"
    client_secret: str = "s3cret/+"
    redirect_uri: str = "https://portal.example/oidc"
    person: dict[str, Any] = field(default_factory=lambda: {"sub": "1"})
    lies: dict[str, Any] = field(default_factory=dict)  # claims of the ID token as they should not be
    metadata_lies: dict[str, Any] = field(default_factory=dict)
    key: Any = RSA_KEY
    algorithm: str = "RS256"
    key_name: str = "one"
    asked: list[dict[str, str]] = field(default_factory=list)  # of the authorization endpoint
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    moves_to: str = ""  # answers with a redirect there
    now: float | None = None

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.configuration),
                Route("/authorize", self.authorize),
                Route("/token", self.token, methods=["POST"]),
                Route("/keys", self.keys),
            ]
        )

    async def configuration(self, request: Request) -> Response:
        self.fetched.append(request.url.path)
        if self.moves_to:
            return RedirectResponse(self.moves_to)
        known = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "authorization_response_iss_parameter_supported": True,
        }
        return JSONResponse(known | self.metadata_lies)

    async def authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        self.asked.append(asked)
        if asked["client_id"] != self.client_id or asked["redirect_uri"] != self.redirect_uri:
            return Response("no such client or return address", 400)
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        back = {"code": code, "state": asked["state"], "iss": self.url}
        return RedirectResponse(f"{self.redirect_uri}?{urlencode(back)}", 303)

    async def token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        asked = self.codes.pop(form["code"], None)
        challenge = urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        if asked is None or asked["code_challenge"] != challenge or asked["redirect_uri"] != form["redirect_uri"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        if not request.headers.get("authorization", "").startswith("Basic "):
            return JSONResponse({"error": "invalid_client"}, 401)
        return JSONResponse(
            {"access_token": "none of your business", "token_type": "Bearer", "id_token": self.id_token(asked)}
        )

    async def keys(self, request: Request) -> Response:
        self.fetched.append(request.url.path)
        key = json.loads(RSAAlgorithm.to_jwk(RSA_KEY.public_key()))
        return JSONResponse({"keys": [key | {"kid": "one", "use": "sig", "alg": "RS256"}]})

    def id_token(self, asked: dict[str, str]) -> str:
        now = int(time.time() if self.now is None else self.now)
        claims = {
            "iss": self.url,
            "aud": self.client_id,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "auth_time": now,
            "email": "kari.nordmann@example.org",
            "email_verified": True,
            "locale": "nb-NO",
            "amr": ["pwd", "otp"],
            **self.person,
            **self.lies,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(claims, self.key, algorithm=self.algorithm, headers={"kid": self.key_name})

    def visit(self, url: str) -> dict[str, str]:
        """Send a browser there: the query with which it comes back."""
        import httpx2

        answer = httpx2.get(url, follow_redirects=False)
        assert answer.status_code == 303, answer.text
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))
