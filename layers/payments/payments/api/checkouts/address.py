"""What the token in a checkout address opens."""

from payments.api import tokens
from payments.core.errors import OrderNotFoundError
from payments.wiring import Wiring


def number_of(token: str, wiring: Wiring) -> str:
    """What a checkout token opens: an out_trade_no, or a checkout_id (`identifiers.is_checkout`).

    Raises OrderNotFoundError, the same whatever is wrong with the token; TryAgainError where it may be right, by keys that could
    not be read yet.
    """
    secret = wiring.secrets.checkout_key
    try:
        return tokens.number_in(token, keys=secret.value(), now=wiring.now())
    except tokens.TicketError as problem:
        secret.require_current()
        raise OrderNotFoundError from problem
