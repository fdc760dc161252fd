"""The HTTP API's JWT authorizer, rule by rule as the API Gateway developer guide has it ("JWT authorizers")."""

import json
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from sandbox.deployed import JwtAuthorizer


class RefusedError(Exception):
    """The request may not pass: 401 or 403, and what the www-authenticate header says."""

    def __init__(self, status: int, challenge: str) -> None:
        super().__init__(challenge)
        self.status = status
        self.challenge = challenge


def authorize(
    authorizer: JwtAuthorizer,
    scopes: tuple[str, ...],
    identity: str | None,
    keys: Mapping[str, RSAPublicKey],
    now: float,
) -> dict[str, Any]:
    """What the function finds as `requestContext.authorizer.jwt`.

    `identity` is the Authorization header, a token with or without "Bearer" in front; `keys` are the issuer's by
    `kid`; `scopes` are the route's, of which the token needs one. Raises RefusedError.
    """
    if not identity:
        raise RefusedError(401, "Bearer")
    token = identity[7:].strip() if identity[:7].lower() == "bearer " else identity
    claims = _verified(token, keys)
    _check(claims, authorizer, now)
    held = _scopes(claims)
    matching = [scope for scope in scopes if scope in held]
    if scopes and not matching:
        raise RefusedError(
            403,
            f'Bearer scope="{" ".join(scopes)}" error="insufficient_scope" '
            'error_description="the token does not have the scopes required"',
        )
    return {"claims": {name: _text(value) for name, value in claims.items()}, "scopes": matching or None}


def _verified(token: str, keys: Mapping[str, RSAPublicKey]) -> dict[str, Any]:
    try:
        kid = jwt.get_unverified_header(token).get("kid")
        if not isinstance(kid, str) or kid not in keys:
            raise _invalid("the token is signed with an unknown key")
        # The list of algorithms is ours, never the token's: "none" and an HMAC under the public key must not pass.
        claims = json.loads(jwt.PyJWS().decode(token, keys[kid], algorithms=["RS256"]))
    except (jwt.InvalidTokenError, ValueError) as error:
        raise _invalid("the token is malformed or its signature is wrong") from error
    if not isinstance(claims, dict):
        raise _invalid("the token's claims are not an object")
    return claims


def _check(claims: Mapping[str, Any], authorizer: JwtAuthorizer, now: float) -> None:
    if claims.get("iss") != authorizer.issuer:
        raise _invalid("the token does not have a valid issuer")
    # client_id counts only where aud is absent.
    audience = claims["aud"] if "aud" in claims else claims.get("client_id")
    if not any(
        name in authorizer.audience for name in (audience if isinstance(audience, list) else [audience])
    ):
        raise _invalid("the token does not have a valid audience")
    if not _number(claims.get("exp")) or claims["exp"] <= now:
        raise _invalid("the token has expired")
    for name in ("nbf", "iat"):
        if name in claims and (not _number(claims[name]) or claims[name] > now):
            raise _invalid("the token is not valid yet")


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _scopes(claims: Mapping[str, Any]) -> set[str]:
    value = claims.get("scope", claims.get("scp", ""))
    return {str(item) for item in value} if isinstance(value, list) else set(str(value).split())


def _text(value: Any) -> str:
    """Claims reach the function as text, lists in square brackets without commas."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + " ".join(map(_text, value)) + "]"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{name}:{_text(item)}" for name, item in value.items()) + "]"
    return str(value)


def _invalid(description: str) -> RefusedError:
    return RefusedError(401, f'Bearer scope="" error="invalid_token" error_description="{description}"')
