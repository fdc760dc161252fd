"""How identity providers write an access token: the claims in which each differs from the sandbox's plain one (docs/identity.md)."""

from collections.abc import Callable, Mapping
from typing import Any

Claims = dict[str, Any]


def _cognito(claims: Claims) -> Claims:
    """No audience: API Gateway takes `client_id` for it (Cognito Developer Guide, "Understanding the access token")."""
    return {"aud": None, "username": claims["sub"], "version": 2}


def _auth0(claims: Claims) -> Claims:
    """The API's identifier and the issuer's own as audiences, the scopes once more as permissions (RBAC)."""
    own = [claims["aud"], f"{claims['iss']}/userinfo"]
    permissions = (claims["scope"] or "").split()
    return {"aud": own, "client_id": None, "token_use": None, "azp": "an-app", "permissions": permissions}


def _keycloak(claims: Claims) -> Claims:
    """The audience of an Audience mapper beside Keycloak's own, our scopes among those of the profile."""
    scope = f"openid {claims['scope'] or ''} profile".replace("  ", " ")
    audience = [claims["aud"], "account"]
    return {
        "aud": audience,
        "client_id": None,
        "token_use": None,
        "azp": "an-app",
        "typ": "Bearer",
        "scope": scope,
    }


def _scp_list(claims: Claims) -> Claims:
    """Scopes as a list under `scp`, as Okta has them."""
    scopes = (claims["scope"] or "").split()
    return {"scope": None, "scp": scopes, "client_id": None, "token_use": None, "cid": "an-app"}


def _scp_text(claims: Claims) -> Claims:
    """Scopes as text under `scp`, as Microsoft Entra ID has them."""
    return {"scope": None, "scp": claims["scope"], "client_id": None, "token_use": None, "azp": "an-app"}


FORMS: Mapping[str, Callable[[Claims], Claims]] = {
    "plain": lambda _: {},
    "cognito": _cognito,
    "auth0": _auth0,
    "keycloak": _keycloak,
    "scp-list": _scp_list,
    "scp-text": _scp_text,
}
"""By name: from the plain claims to those that are other, None for one that is left out."""
