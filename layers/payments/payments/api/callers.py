"""Who calls, and what their token lets them do.

API Gateway has verified the token; what it says is read here from the authorizer's claims.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from payments.core.access import CHARGE, PAY, REFUND
from payments.core.errors import NotAllowedError, OrderNotFoundError
from payments.core.payment import Payment

MAX_SUBJECT_CHARACTERS = 255  # characters (OpenID Connect Core 1.0, section 2, `sub`)


@dataclass(frozen=True)
class Caller:
    """The subject of the token and its rights, those of `core.access`. Whoever has both pay and charge counts as charge."""

    sub: str
    rights: frozenset[str]
    scope_names: Mapping[str, str]

    def with_one_of(self, *rights: str) -> "Caller":
        """This caller, who has one of `rights`. Raises NotAllowedError.

        The route asks the same of API Gateway; a route that forgets to must not open the function.
        """
        if self.rights.isdisjoint(rights):
            wanted = " or ".join(self.scope_names[right] for right in rights)
            raise NotAllowedError(f"This needs the scope {wanted}.")
        return self

    @property
    def may_charge(self) -> bool:
        """Whether any user's order, at any price, is theirs to create."""
        return CHARGE in self.rights

    def may_see(self, payment: Payment) -> bool:
        """Their own order, or any for a backend or the back office."""
        return bool(self.rights & {CHARGE, REFUND}) or (PAY in self.rights and payment.user_id == self.sub)

    def may_close(self, payment: Payment) -> bool:
        """Their own order, or any for a backend; the back office closes none."""
        return self.may_charge or (PAY in self.rights and payment.user_id == self.sub)

    @property
    def sees_only(self) -> str | None:
        """The user whose orders alone are theirs to see; None for a backend and the back office, who see everybody's."""
        return None if self.rights & {CHARGE, REFUND} else self.sub

    @property
    def closes_only(self) -> str | None:
        """The user whose orders alone are theirs to close; None for a backend, which closes anybody's."""
        return None if self.may_charge else self.sub


def caller_of(claims: Mapping[str, object], scope_names: Mapping[str, str]) -> Caller:
    """The caller from a JWT authorizer's claims (`scope` or `scp`), rights by what each is called there.

    Scopes are separated by single spaces and nothing else (RFC 6749, section 3.3), as API Gateway reads them. Raises
    NotAllowedError without a usable subject.
    """
    sub = claims.get("sub")
    if not isinstance(sub, str) or not sub:
        raise NotAllowedError("The access token names no subject.")
    if len(sub) > MAX_SUBJECT_CHARACTERS or not sub.isprintable():
        raise NotAllowedError(
            f"The access token's subject is over {MAX_SUBJECT_CHARACTERS} characters, or not printable."
        )
    granted = str(claims.get("scope") or claims.get("scp") or "")
    if granted.startswith("[") and granted.endswith("]"):
        granted = granted[1:-1]  # API Gateway hands an array claim over as "[a b]"
    held = frozenset(granted.split(" "))
    return Caller(sub, frozenset(right for right, name in scope_names.items() if name in held), scope_names)


def require_visible(payment: Payment | None, may: Callable[[Payment], bool]) -> Payment:
    """The payment, if there is one and the caller `may`. Raises OrderNotFoundError, the same in both cases."""
    if payment is None or not may(payment):
        raise OrderNotFoundError
    return payment
