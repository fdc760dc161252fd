"""Which tokens the HTTP API's authorizer takes, and which it must never take."""

import base64
import hashlib
import hmac
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sandbox.apigateway.authorizer import RefusedError, authorize
from sandbox.clock import Clock
from sandbox.deployed import JwtAuthorizer
from sandbox.tokens import Tokens
from tests.kit.keys import stranger

TOKENS = Tokens(Clock(), issuer="https://issuer.test", audience="shop")
AUTHORIZER = JwtAuthorizer("https://issuer.test", ("shop", "another"))
SCOPES = ("payments:pay", "payments:charge")
NOW = int(time.time())
DAY = 24 * 3600


def verdict(identity, *, scopes=SCOPES, now=None):
    """200, 401 or 403."""
    try:
        authorize(AUTHORIZER, scopes, identity, TOKENS.public_keys, time.time() if now is None else now)
    except RefusedError as error:
        return error.status
    return 200


def good(scope="payments:pay", **overrides):
    return TOKENS.token("alice", scope, **overrides)


def encoded(part):
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def unsigned(algorithm, claims=None, kid=TOKENS.kid):
    """Header and claims of a good token under another algorithm."""
    claims = claims or jwt.decode(good(), options={"verify_signature": False})
    return f"{encoded({'alg': algorithm, 'typ': 'JWT', 'kid': kid})}.{encoded(claims)}"


def hmac_with_the_public_key():
    pem = TOKENS.public_keys[TOKENS.kid].public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    message = unsigned("HS256")
    signature = hmac.new(pem, message.encode(), hashlib.sha256).digest()
    return f"{message}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def signed_by_a_stranger(kid):
    claims = jwt.decode(good(), options={"verify_signature": False})
    return jwt.encode(claims, stranger(), algorithm="RS256", headers={"kid": kid} if kid else {})


def with_other_claims():
    header, _, signature = good().split(".")
    claims = jwt.decode(good(), options={"verify_signature": False})
    return f"{header}.{encoded({**claims, 'sub': 'bob'})}.{signature}"


@pytest.mark.parametrize(
    "identity",
    [
        pytest.param(f"Bearer {good()}", id="bearer"),
        pytest.param(f"bearer {good()}", id="bearer-lower-case"),
        pytest.param(good(), id="token-alone"),
        pytest.param(good(aud=["x", "another"]), id="one-of-several-audiences"),
        pytest.param(good(aud=None, client_id="another"), id="client-id-where-there-is-no-audience"),
        pytest.param(good(scope=None, scp="payments:charge"), id="scp"),
        pytest.param(good(scope=None, scp=["a", "payments:charge"]), id="scp-list"),
        pytest.param(good(nbf=NOW - 10), id="nbf-past"),
        pytest.param(good(iat=None), id="no-iat"),
    ],
)
def test_good_tokens_pass(identity):
    assert verdict(identity) == 200


@pytest.mark.parametrize(
    "identity",
    [
        pytest.param(None, id="nothing"),
        pytest.param("", id="empty"),
        pytest.param("Bearer ", id="only-bearer"),
        pytest.param("Basic YTpi", id="basic"),
        pytest.param("Bearer a.b.c", id="not-a-token"),
        pytest.param(f"{unsigned('none')}.", id="alg-none"),
        pytest.param(f"{unsigned('None')}.", id="alg-None"),
        pytest.param(hmac_with_the_public_key(), id="hs256-with-the-public-key"),
        pytest.param(signed_by_a_stranger(TOKENS.kid), id="another-key-under-our-kid"),
        pytest.param(signed_by_a_stranger("other"), id="unknown-kid"),
        pytest.param(signed_by_a_stranger(None), id="no-kid"),
        pytest.param(with_other_claims(), id="claims-exchanged"),
        pytest.param(good()[:-4], id="signature-cut"),
        pytest.param(good(iss="https://evil.test"), id="issuer"),
        pytest.param(good(iss=None), id="no-issuer"),
        pytest.param(good(aud="elsewhere"), id="audience"),
        pytest.param(good(aud="elsewhere", client_id="shop"), id="client-id-does-not-save-a-wrong-audience"),
        pytest.param(good(aud=None, client_id=None), id="no-audience"),
        pytest.param(good(aud=None, client_id={"a": "shop"}), id="client-id-object"),
        pytest.param(good(exp=NOW - 1), id="expired"),
        pytest.param(good(exp=None), id="no-expiry"),
        pytest.param(good(exp="9999999999"), id="expiry-as-text"),
        pytest.param(good(nbf=NOW + DAY), id="not-yet"),
        pytest.param(good(iat=NOW + DAY), id="issued-in-the-future"),
    ],
)
def test_bad_tokens_are_401(identity):
    assert verdict(identity) == 401


@pytest.mark.parametrize(
    "scope", ["", "payments:refund", "payments:payx", "payments:pay,payments:charge", None]
)
def test_a_good_token_without_a_scope_of_the_route_is_403(scope):
    assert verdict(good(scope=scope)) == 403


def test_a_bad_token_is_401_even_where_it_also_lacks_the_scope():
    assert verdict(good(scope="", exp=NOW - 1)) == 401


def test_a_token_ends_after_an_hour_of_the_clock():
    token = good()
    assert verdict(token, now=time.time() + 3590) == 200
    assert verdict(token, now=time.time() + 3601) == 401
