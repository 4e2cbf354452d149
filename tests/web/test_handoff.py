"""Taking a person over from the service: what the token may be, and what it may not."""

import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from slett import handoff
from slett.ledger.keys import key_id
from slett.requests.service import Service
from slett.requests.subject import Subject
from slett.settings import Portal, SettingsError
from slett.web.handoff import HandoffError, take_handoff
from tests.cli.shop import Shop

SERVICE, PORTAL = "https://torget.example", "https://slett.torget.example"
KEY = Ed25519PrivateKey.generate()
OTHER = Ed25519PrivateKey.generate()


def private(key: Any) -> bytes:
    pem: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem


def public(key: Any) -> bytes:
    pem: bytes = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return pem


@pytest.fixture
def portal(tmp_path: Path) -> Portal:
    file = tmp_path / "service.pub"
    file.write_bytes(public(KEY))
    return Portal(url=PORTAL, service_url=SERVICE, handoff_key=file)


@pytest.fixture
def service(tmp_path: Path, portal: Portal) -> Iterator[Service]:
    shop = Shop(tmp_path, {"shop": f"sqlite:///{tmp_path / 'shop.db'}"}, {"portal": portal})
    shop.fill()
    with shop.open() as service:
        yield service


def sign(**changes: Any) -> str:
    return handoff.sign_handoff(private(KEY), **({"iss": SERVICE, "aud": PORTAL, "sub": "1"} | changes))


def forge(key: Any = KEY, algorithm: str = "EdDSA", headers: dict[str, Any] | None = None, **changes: Any) -> str:
    """A token with any claims, as an attacker or a careless service would write it."""
    now = int(time.time())
    claims = {"iss": SERVICE, "aud": PORTAL, "sub": "1", "iat": now, "exp": now + 60, "jti": "j" * 16, **changes}
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key, algorithm=algorithm, headers=headers)


def test_the_person_arrives_as_the_service_knows_them(service: Service) -> None:
    signed_in_at = datetime(2026, 11, 20, 12, tzinfo=UTC)
    who = take_handoff(
        service,
        sign(
            auth_time=signed_in_at,
            emails=["kari.nordmann@example.org", "kari@example.org"],
            old_emails=["old@example.org"],
            locale="nn_NO",
            amr=["pwd", "otp"],
            second_factor=True,
        ),
    )
    assert who.subject == Subject("shop/users", (1,))
    assert who.addresses == ("kari.nordmann@example.org", "kari@example.org")
    assert who.old_addresses == ("old@example.org",)
    assert (who.language, who.signed_in_at, who.how) == ("nn-NO", signed_in_at, "handoff")
    assert (who.factors, who.second_factor) == (("pwd", "otp"), True)


def test_whoever_signed_in_at_an_unknown_time_has_not_signed_in_just_now(service: Service) -> None:
    assert take_handoff(service, sign()).signed_in_at is None


def test_a_token_is_good_once(service: Service) -> None:
    token = sign()
    take_handoff(service, token)
    with pytest.raises(HandoffError, match="used before"):
        take_handoff(service, token)


def test_two_tokens_with_one_number_are_one_token(service: Service) -> None:
    take_handoff(service, forge(jti="the very same number"))
    with pytest.raises(HandoffError, match="used before"):
        take_handoff(service, forge(jti="the very same number", sub="2"))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"aud": "https://elsewhere.example"}, "`aud`"),
        ({"aud": [PORTAL, "https://elsewhere.example"]}, "`aud`"),
        ({"aud": None}, "`aud`"),
        ({"iss": "https://elsewhere.example"}, "`iss`"),
        ({"exp": int(time.time()) + 7_200}, "longer than 60"),
        ({"iat": int(time.time()) - 120, "exp": int(time.time()) - 60}, "too old"),
        ({"iat": int(time.time()) + 7_200, "exp": int(time.time()) + 7_260}, "time to come"),
        ({"nbf": int(time.time()) + 7_200}, "time to come"),
        ({"auth_time": int(time.time()) + 7_200}, "`auth_time`"),
        ({"auth_time": True}, "`auth_time`"),
        ({"exp": None}, "`exp`"),
        ({"exp": 1e300}, "`exp`"),
        ({"iat": "now"}, "`iat`"),
        ({"jti": None}, "`jti`"),
        ({"jti": "short"}, "`jti`"),
        ({"sub": 1}, "`sub`"),
        ({"sub": ""}, "`sub`"),
        ({"sub": "kari"}, "whole number"),
        ({"sub": "1\0"}, "no database holds"),
        ({"root": "orders"}, "not a root"),
        ({"emails": "kari@example.org"}, "`emails`"),
        ({"emails": ["kari@example.org\r\nBcc: all@example.org"]}, "`emails`"),
        ({"emails": ["kari@example.org, ola@example.org"]}, "`emails`"),
        ({"emails": [f"{number}@example.org" for number in range(21)]}, "`emails`"),
        ({"second_factor": "no"}, "`second_factor`"),
        ({"amr": "pwd"}, "`amr`"),
    ],
)
def test_a_token_that_is_not_as_it_must_be_hands_nobody_over(
    service: Service, changes: dict[str, Any], why: str
) -> None:
    with pytest.raises(HandoffError) as error:
        take_handoff(service, forge(**changes))
    assert why in str(error.value)
    assert "kari" not in str(error.value).lower()


@pytest.mark.parametrize("locale", ["x", "nb\r\nSet-Cookie: a=b", "../../etc/passwd", "n" * 40])
def test_a_language_that_is_none_is_not_known(service: Service, locale: str) -> None:
    assert take_handoff(service, forge(locale=locale)).language == ""


def _with_body_of(other: str) -> str:
    head, _, signature = forge().split(".")
    return f"{head}.{other.split('.')[1]}.{signature}"


def _with_password(password: bytes) -> str:
    """HS256 with the public key as the password, which PyJWT itself refuses to sign."""
    signer = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    head, body = forge().split(".")[:2]
    head = urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=").decode()
    signature = urlsafe_b64encode(signer.sign(f"{head}.{body}".encode(), password)).rstrip(b"=").decode()
    return f"{head}.{body}.{signature}"


@pytest.mark.parametrize(
    "token_of",
    [
        pytest.param(lambda: forge(OTHER), id="another key"),
        pytest.param(lambda: forge(None, "none"), id="no signature"),
        pytest.param(lambda: _with_password(public(KEY)), id="the public key as a password"),
        pytest.param(lambda: forge(ec.generate_private_key(ec.SECP256R1()), "ES256"), id="another algorithm"),
        pytest.param(lambda: forge()[:-4] + "AAAA", id="a changed signature"),
        pytest.param(lambda: _with_body_of(forge(sub="2")), id="a changed person"),
        pytest.param(lambda: forge(headers={"kid": "../../etc/passwd"}), id="an unknown key name"),
        pytest.param(lambda: forge(headers={"crit": ["b64"], "b64": True}), id="a header that must be understood"),
        pytest.param(lambda: "", id="nothing"),
        pytest.param(lambda: "a.b.c", id="nonsense"),
        pytest.param(lambda: "a" * 10_000, id="too long"),
        pytest.param(lambda: "æ.ø.å", id="no base64"),
    ],
)  # fmt: skip
def test_only_the_services_own_signature_counts(service: Service, token_of: Callable[[], str]) -> None:
    with pytest.raises(HandoffError):
        take_handoff(service, token_of())


def test_a_key_inside_the_token_is_not_asked(service: Service) -> None:
    """`jwk` in the header names the attacker's own key."""
    own = jwt.algorithms.OKPAlgorithm.to_jwk(OTHER.public_key(), as_dict=True)
    with pytest.raises(HandoffError):
        take_handoff(service, forge(OTHER, headers={"jwk": own}))


def test_two_keys_are_good_while_one_replaces_the_other(service: Service, portal: Portal) -> None:
    assert portal.handoff_key
    portal.handoff_key.write_bytes(public(KEY) + public(OTHER))
    take_handoff(service, sign())
    take_handoff(service, handoff.sign_handoff(private(OTHER), iss=SERVICE, aud=PORTAL, sub="2"))
    with pytest.raises(HandoffError, match="not in"):
        take_handoff(service, forge())  # which of the two?
    portal.handoff_key.write_bytes(public(OTHER))
    with pytest.raises(HandoffError, match="not in"):
        take_handoff(service, sign())


def test_a_key_has_the_same_name_here_and_there() -> None:
    assert handoff.key_id(KEY.public_key()) == key_id(KEY.public_key())
    assert jwt.get_unverified_header(sign())["kid"] == key_id(KEY.public_key())


@pytest.mark.parametrize("content", [b"", b"no key", private(KEY), public(ec.generate_private_key(ec.SECP256R1()))])
def test_a_file_without_the_right_keys_is_a_wrong_setting(service: Service, portal: Portal, content: bytes) -> None:
    assert portal.handoff_key
    portal.handoff_key.write_bytes(content)
    with pytest.raises(SettingsError, match="handoff_key"):
        take_handoff(service, sign())


def test_without_a_key_nobody_is_handed_over(tmp_path: Path) -> None:
    shop = Shop(tmp_path, {"shop": f"sqlite:///{tmp_path / 'shop.db'}"})
    shop.fill()
    with shop.open() as service, pytest.raises(SettingsError, match="handoff_key"):
        take_handoff(service, sign())


def test_the_signer_refuses_what_it_cannot_mean() -> None:
    with pytest.raises(ValueError, match="no zone"):
        sign(auth_time=datetime(2026, 11, 20))  # noqa: DTZ001 (that is the point)
    with pytest.raises(ValueError, match="not an Ed25519"):
        handoff.sign_handoff(private(ec.generate_private_key(ec.SECP256R1())), iss=SERVICE, aud=PORTAL, sub="1")
