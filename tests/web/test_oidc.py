"""Signing in with OpenID Connect, against a provider that is spoken to over HTTP and that can be told to lie."""

import time
from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from slett.requests.service import Service
from slett.requests.subject import Subject
from slett.settings import SettingsError
from slett.web.oidc import OidcError, Provider
from tests.cli.shop import Shop
from tests.servers.web import served
from tests.web.issuer import RSA_KEY, STRANGERS_KEY, Issuer

BACK = "https://portal.example/oidc"
FRESH = timedelta(minutes=5)


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[Issuer, str]]:
    issuer = Issuer()
    with served(issuer.app()) as url:
        yield issuer, url


@pytest.fixture
def issuer(address: tuple[Issuer, str]) -> Issuer:
    """As it should be, whatever the test before told it to say."""
    issuer, url = address
    issuer.__dict__.update(vars(Issuer(url=url, redirect_uri=BACK)))
    return issuer


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    shop = Shop(tmp_path, {"shop": f"sqlite:///{tmp_path / 'shop.db'}"})
    shop.fill()
    with shop.open() as service:
        yield service


@pytest.fixture
def provider(issuer: Issuer) -> Provider:
    return Provider(issuer.url, issuer.client_id, issuer.client_secret)


def refused(service: Service, provider: Provider, issuer: Issuer, **changes: str) -> str:
    """Why a sign-in fails, whose way back is changed so."""
    start = provider.start(service, BACK, FRESH)
    with pytest.raises(OidcError) as error:
        provider.finish(service, start.cookie, issuer.visit(start.url) | changes)
    return str(error.value)


def test_whoever_signs_in_is_the_person_of_that_key(service: Service, provider: Provider, issuer: Issuer) -> None:
    start = provider.start(service, BACK, FRESH)
    who = provider.finish(service, start.cookie, issuer.visit(start.url))
    assert who.subject == Subject("shop/users", (1,))
    assert who.addresses == ("kari.nordmann@example.org",)
    assert (who.language, who.how, who.factors) == ("nb-NO", "oidc", ("pwd", "otp"))
    assert who.signed_in_at
    assert abs(who.signed_in_at.timestamp() - time.time()) < 10


def test_the_issuer_is_asked_for_a_code_with_pkce_and_for_a_fresh_sign_in(
    service: Service, provider: Provider, issuer: Issuer
) -> None:
    issuer.visit(provider.start(service, BACK, FRESH).url)
    asked = issuer.asked[-1]
    assert (asked["response_type"], asked["code_challenge_method"], asked["max_age"]) == ("code", "S256", "300")
    assert asked["redirect_uri"] == BACK
    assert min(len(asked["state"]), len(asked["nonce"]), len(asked["code_challenge"])) >= 43


def test_another_claim_may_hold_the_key(service: Service, issuer: Issuer) -> None:
    issuer.person = {"sub": "f00d", "customer": 2}
    provider = Provider(issuer.url, issuer.client_id, issuer.client_secret, subject="customer")
    start = provider.start(service, BACK, FRESH)
    assert provider.finish(service, start.cookie, issuer.visit(start.url)).subject.values == (2,)


def test_an_address_that_is_not_verified_is_not_believed(service: Service, provider: Provider, issuer: Issuer) -> None:
    issuer.lies = {"email_verified": "true"}
    start = provider.start(service, BACK, FRESH)
    assert provider.finish(service, start.cookie, issuer.visit(start.url)).addresses == ()


@pytest.mark.parametrize(
    ("lies", "why"),
    [
        ({"nonce": "another"}, "another sign-in"),
        ({"nonce": None}, "`nonce`"),
        ({"aud": "somebody"}, "somebody else"),
        ({"aud": ["slett", "somebody"]}, "azp"),
        ({"aud": ["slett", "somebody"], "azp": "somebody"}, "somebody else"),
        ({"iss": "https://issuer.example"}, "another issuer"),
        ({"exp": int(time.time()) - 60}, "too old"),
        ({"exp": "tomorrow"}, "`exp`"),
        ({"iat": int(time.time()) + 7_200}, "time to come"),
        ({"auth_time": int(time.time()) - 3_600}, "auth_time"),
        ({"auth_time": None}, "`auth_time`"),
        ({"sub": ""}, "`sub`"),
        ({"sub": "not a number"}, "names nobody"),
    ],
)
def test_an_id_token_that_does_not_hold_signs_nobody_in(
    service: Service, provider: Provider, issuer: Issuer, lies: dict[str, Any], why: str
) -> None:
    issuer.lies = lies
    assert why in refused(service, provider, issuer)


def test_an_unsigned_id_token_signs_nobody_in(service: Service, provider: Provider, issuer: Issuer) -> None:
    issuer.key, issuer.algorithm = None, "none"
    assert "not signed as it must be" in refused(service, provider, issuer)


def test_an_id_token_signed_with_the_public_key_as_a_password_signs_nobody_in(
    service: Service, provider: Provider, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = RSA_KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    monkeypatch.setattr(jwt.algorithms.HMACAlgorithm, "prepare_key", lambda _, key: key)  # the attacker's own tools
    issuer.key, issuer.algorithm = pem, "HS256"
    assert "not signed as it must be" in refused(service, provider, issuer)


def test_an_id_token_of_a_strangers_key_signs_nobody_in(service: Service, provider: Provider, issuer: Issuer) -> None:
    issuer.key = STRANGERS_KEY
    assert "not signed by the issuer" in refused(service, provider, issuer)
    issuer.key_name = "unknown"
    assert "not one of the issuer's" in refused(service, provider, issuer)


def test_unknown_keys_do_not_make_us_ask_the_issuer_at_every_token(
    service: Service, provider: Provider, issuer: Issuer
) -> None:
    issuer.key_name = "unknown"
    for _ in range(3):
        refused(service, provider, issuer)
    assert issuer.fetched.count("/keys") == 1


def test_a_wrong_state_signs_nobody_in(service: Service, provider: Provider, issuer: Issuer) -> None:
    assert "another sign-in" in refused(service, provider, issuer, state="guessed")
    assert "another sign-in" in refused(service, provider, issuer, state="")


def test_a_browser_cannot_be_given_somebody_elses_sign_in(service: Service, provider: Provider, issuer: Issuer) -> None:
    """Login forgery: the attacker's way back is opened in the victim's browser."""
    theirs, mine = provider.start(service, BACK, FRESH), provider.start(service, BACK, FRESH)
    with pytest.raises(OidcError, match="another sign-in"):
        provider.finish(service, mine.cookie, issuer.visit(theirs.url))
    for cookie in ("", "nonsense", b64encode(b"\x01" + b"0" * 60).decode()):
        with pytest.raises(OidcError, match="begun no sign-in"):
            provider.finish(service, cookie, issuer.visit(theirs.url))


def test_a_way_back_is_good_once(service: Service, provider: Provider, issuer: Issuer) -> None:
    start = provider.start(service, BACK, FRESH)
    query = issuer.visit(start.url)
    provider.finish(service, start.cookie, query)
    with pytest.raises(OidcError, match="used before"):
        provider.finish(service, start.cookie, query)


def test_a_code_that_was_used_is_refused_by_the_issuer(service: Service, provider: Provider, issuer: Issuer) -> None:
    start = provider.start(service, BACK, FRESH)
    query = issuer.visit(start.url)
    issuer.codes.clear()
    with pytest.raises(OidcError, match="status 400"):
        provider.finish(service, start.cookie, query)


def test_a_stolen_code_is_worth_nothing_in_another_sign_in(
    service: Service, provider: Provider, issuer: Issuer
) -> None:
    """Code injection: PKCE binds the code to the browser that began."""
    theirs, mine = provider.start(service, BACK, FRESH), provider.start(service, BACK, FRESH)
    stolen = issuer.visit(theirs.url)["code"]
    with pytest.raises(OidcError, match="status 400"):
        provider.finish(service, mine.cookie, issuer.visit(mine.url) | {"code": stolen})


def test_an_answer_of_another_issuer_is_a_mix_up(service: Service, provider: Provider, issuer: Issuer) -> None:
    assert "another issuer" in refused(service, provider, issuer, iss="https://attacker.example")
    start = provider.start(service, BACK, FRESH)
    query = issuer.visit(start.url)
    del query["iss"]  # which this issuer says it always gives
    with pytest.raises(OidcError, match="another issuer"):
        provider.finish(service, start.cookie, query)


def test_a_tampered_return_address_is_refused(service: Service, provider: Provider, issuer: Issuer) -> None:
    start = provider.start(service, "https://attacker.example/oidc", FRESH)
    with pytest.raises(AssertionError, match="return address"):
        issuer.visit(start.url)


def test_somebody_who_says_no_is_not_signed_in(service: Service, provider: Provider, issuer: Issuer) -> None:
    assert "refused or broken off" in refused(service, provider, issuer, code="", error="access_denied")


def test_a_sign_in_that_took_too_long_is_begun_again(
    service: Service, provider: Provider, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slett.web.oidc.LASTS", timedelta(seconds=-1))
    assert "too long" in refused(service, provider, issuer)


def test_no_redirect_of_the_issuer_is_followed(service: Service, provider: Provider, issuer: Issuer) -> None:
    issuer.moves_to = f"{issuer.url}/keys"
    with pytest.raises(OidcError, match="status 307"):
        provider.start(service, BACK, FRESH)
    assert issuer.fetched == ["/.well-known/openid-configuration"]


@pytest.mark.parametrize(
    ("lies", "why"),
    [
        ({"issuer": "https://attacker.example"}, "calls itself otherwise"),
        ({"token_endpoint": "http://10.0.0.1/token"}, "without https"),
        ({"jwks_uri": "file:///etc/passwd"}, "without https"),
        ({"jwks_uri": None}, "not one of OpenID Connect"),
    ],
)
def test_a_configuration_that_leads_elsewhere_is_refused(
    service: Service, provider: Provider, issuer: Issuer, lies: dict[str, Any], why: str
) -> None:
    issuer.metadata_lies = lies
    with pytest.raises(OidcError, match=why):
        provider.start(service, BACK, FRESH)


@pytest.mark.parametrize(
    "issuer_url", ["http://issuer.example", "ftp://issuer.example", "issuer.example", "http://10.0.0.1"]
)
def test_an_issuer_is_asked_over_https_only(issuer_url: str) -> None:
    with pytest.raises(SettingsError, match="oidc_issuer"):
        Provider(issuer_url, "slett")


def test_an_issuer_that_is_away_is_an_error_without_details(service: Service) -> None:
    provider = Provider("http://127.0.0.1:9", "slett")
    with pytest.raises(OidcError, match="does not answer"):
        provider.start(service, BACK, FRESH)
