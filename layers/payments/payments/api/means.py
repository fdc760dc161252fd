"""What a buyer pays an order by: the address of its checkout, and what opens WeChat's cashier."""

from payments.api import tokens
from payments.core.checkouts.checkout import Checkout
from payments.core.payment import Payment
from payments.wiring import Wiring

CHECKOUT_PATH = "/checkout/"


def checkout_address(payment: Payment, wiring: Wiring) -> str:
    """Where the buyer pays this order: the whole address, to be handed to nobody but the buyer."""
    token = tokens.checkout_token(
        out_trade_no=payment.out_trade_no,
        time_expire=payment.time_expire,
        keys=wiring.secrets.checkout_key.value(),
    )
    return wiring.settings.public_url + CHECKOUT_PATH + token


def address_of(checkout: Checkout, wiring: Wiring) -> str:
    """Where a checkout is paid, on any device: the whole address, to be handed to nobody but the buyer."""
    token = tokens.checkout_token(
        out_trade_no=checkout.checkout_id,
        time_expire=checkout.expires_at,
        keys=wiring.secrets.checkout_key.value(),
    )
    return wiring.settings.public_url + CHECKOUT_PATH + token


def payment_params(payment: Payment, wiring: Wiring) -> dict[str, str]:
    """What WeChat's cashier is opened with for a JSAPI order that has its prepay_id."""
    # Signed afresh for each answer: it carries a timestamp, and storing it would gain nothing.
    return wiring.secrets.signing.value().jsapi_params(
        appid=payment.appid,
        prepay_id=payment.prepay_id or "",
        timestamp=int(wiring.now()),
        nonce_str=wiring.nonce(),
    )


def app_params(payment: Payment, wiring: Wiring) -> dict[str, str]:
    """What the merchant's own app calls WeChat up with for an APP order that has its prepay_id."""
    return wiring.secrets.signing.value().app_params(
        appid=payment.appid,
        prepay_id=payment.prepay_id or "",
        timestamp=int(wiring.now()),
        nonce_str=wiring.nonce(),
    )
