"""The sandbox's own token issuer (OIDC access tokens, RS256) and the shop's price quotes (HS256)."""

import secrets
from typing import Any, Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.token_forms import FORMS

TOKEN_LIFE_SECONDS = 3600
QUOTE_LIFE_SECONDS = 900
"""Seconds; the longest life that the product accepts of a quote."""


class Time(Protocol):
    """The part of a clock that is read here."""

    def time(self) -> float:
        """Seconds since the epoch."""
        ...


class Tokens:
    """One key pair and one quote key, made anew for every sandbox."""

    def __init__(
        self,
        clock: Time,
        *,
        issuer: str = "https://issuer.sandbox.invalid",
        audience: str = "wechatpay-sandbox",
    ) -> None:
        self._clock = clock
        self.issuer = issuer
        self.audience = audience
        self.kid = secrets.token_hex(8)
        self.quote_key = secrets.token_urlsafe(48)  # also goes into the verification secret
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.public_keys: dict[str, rsa.RSAPublicKey] = {self.kid: self._key.public_key()}

    def jwks(self) -> dict[str, list[dict[str, Any]]]:
        """The key set as an issuer publishes it (RFC 7517)."""
        return {
            "keys": [
                {
                    **jwt.algorithms.RSAAlgorithm.to_jwk(key, as_dict=True),
                    "kid": kid,
                    "use": "sig",
                    "alg": "RS256",
                }
                for kid, key in self.public_keys.items()
            ]
        }

    def token(self, sub: str, scope: str | None, *, form: str = "plain", **overrides: Any) -> str:
        """An access token, good for an hour by the clock, as the provider called `form` writes it (token_forms.FORMS).

        `overrides` are further or other claims; None leaves one out.
        """
        now = int(self._clock.time())
        claims = {
            "iss": self.issuer,
            "sub": sub,
            "aud": self.audience,
            "client_id": self.audience,
            "scope": scope,
            "iat": now,
            "exp": now + TOKEN_LIFE_SECONDS,
            "token_use": "access",
        }
        claims |= {**FORMS[form](claims), **overrides}
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self.kid})

    def quote(self, sub: str, content_id: str, amount: int, **overrides: Any) -> str:
        """What the shop's backend signs for a buyer: this content costs this buyer `amount` fen, for 15 minutes."""
        now = int(self._clock.time())
        claims = {
            "sub": sub,
            "contentId": content_id,
            "amount": amount,
            "iat": now,
            "exp": now + QUOTE_LIFE_SECONDS,
            **overrides,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(claims, self.quote_key, algorithm="HS256")
