"""Who asks the local AWS, and may they: the credential of a signed request, judged by its role's policies."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sandbox.aws.engine import Engine
from sandbox.aws.iam import allowed
from sandbox.aws.permissions import UnknownOperationError, needs

ADMIN_ACCESS_KEY = "AKIASANDBOXADMIN0000"
"""The sandbox's own key: everything is allowed and nothing is recorded."""

_CREDENTIAL = re.compile(r"Credential=([A-Za-z0-9]+)/[0-9]{8}/[a-z0-9-]+/([a-z0-9-]+)/aws4_request")


@dataclass(frozen=True)
class Use:
    """One action that a function's role asked for, and whether it was allowed."""

    principal: str  # ARN of the role
    action: str  # dynamodb:PutItem
    resource: str
    allowed: bool


class RefusedError(Exception):
    """A request that AWS refuses: its code, its sentence, its HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(code)
        self.code, self.message, self.status = code, message, status


class Register(Protocol):
    """Where it is written down what was asked for."""

    def used(self, uses: list[Use]) -> None:
        """A role asked for these."""


@dataclass(frozen=True)
class Credential:
    """What the Authorization header of a signed request (SigV4) names. The signature itself is not checked here."""

    access_key: str
    service: str

    @classmethod
    def of(cls, authorization: str) -> "Credential | None":
        """The credential in an Authorization header, None when it has none."""
        found = _CREDENTIAL.search(authorization)
        return None if found is None else cls(*found.groups())

    @classmethod
    def demanded(cls, authorization: str) -> "Credential":
        """The same; RefusedError when it has none."""
        found = cls.of(authorization)
        if found is None:
            raise RefusedError("MissingAuthenticationTokenException", "Missing Authentication Token")
        return found


def authorize(
    credential: Credential,
    token: str | None,
    target: str,
    body: Mapping[str, Any],
    *,
    engine: Engine,
    register: Register,
) -> None:
    """Raise RefusedError unless the caller may do `target` (service.Operation); inside `with engine:` only."""
    if credential.access_key == ADMIN_ACCESS_KEY:
        return
    session = engine.session(credential.access_key)
    if session is None or session[2] != token:
        raise RefusedError(
            "UnrecognizedClientException", "The security token included in the request is invalid."
        )
    role, user, _ = session
    try:
        wanted = needs(target, body, engine)
    except UnknownOperationError:
        action = target.replace(".", ":", 1)
        register.used([Use(role, action, "*", allowed=False)])
        raise _denied(user, action, "*") from None
    except (KeyError, TypeError, AttributeError):
        raise RefusedError("ValidationException", "the request lacks a required member") from None
    statements = engine.statements(role)
    uses = [Use(role, need.action, need.resource, allowed(statements, need)) for need in wanted]
    register.used(uses)
    for use in uses:
        if not use.allowed:
            raise _denied(user, use.action, use.resource)


def _denied(user: str, action: str, resource: str) -> RefusedError:
    """Worded as AWS words it (IAM User Guide, troubleshooting access denied error messages)."""
    return RefusedError(
        "AccessDeniedException",
        f"User: {user} is not authorized to perform: {action} on resource: {resource}"
        f" because no identity-based policy allows the {action} action",
    )
