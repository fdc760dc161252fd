"""Tokens and quotes of the sandbox are ordinary ones: any JWT library accepts them."""

import time

import jwt
import pytest

from sandbox.clock import Clock
from sandbox.tokens import Tokens


@pytest.fixture(scope="module")
def tokens():
    return Tokens(Clock(), issuer="http://127.0.0.1:1/issuer", audience="shop")


def test_a_token_verifies_against_the_published_key_set(tokens):
    token = tokens.token("alice", "payments:pay payments:refund")
    key = jwt.PyJWKSet.from_dict(tokens.jwks())[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, algorithms=["RS256"], audience="shop", issuer="http://127.0.0.1:1/issuer")
    assert {name: claims[name] for name in ("sub", "client_id", "scope", "token_use")} == {
        "sub": "alice",
        "client_id": "shop",
        "scope": "payments:pay payments:refund",
        "token_use": "access",
    }
    assert claims["exp"] - claims["iat"] == 3600


def test_the_key_set_holds_no_private_half(tokens):
    assert set(tokens.jwks()["keys"][0]) <= {"kty", "kid", "use", "alg", "n", "e", "key_ops"}


def test_claims_can_be_replaced_and_left_out(tokens):
    claims = jwt.decode(tokens.token("a", "b", aud=None, scp=["x"]), options={"verify_signature": False})
    assert "aud" not in claims
    assert claims["scp"] == ["x"]


def test_a_quote_names_buyer_content_and_fen_for_fifteen_minutes(tokens):
    quote = jwt.decode(tokens.quote("alice", "course-1", 1999), tokens.quote_key, algorithms=["HS256"])
    assert {name: quote[name] for name in ("sub", "contentId", "amount")} == {
        "sub": "alice",
        "contentId": "course-1",
        "amount": 1999,
    }
    assert quote["exp"] - quote["iat"] == 900


def test_they_are_dated_by_the_sandbox_clock():
    clock = Clock()
    clock.advance(10_000)
    claims = jwt.decode(Tokens(clock).token("a", "b"), options={"verify_signature": False})
    assert claims["iat"] == pytest.approx(time.time() + 10_000, abs=2)
