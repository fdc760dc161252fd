"""What anybody with a checkout address may know, whether it is of one order or of a checkout."""

from payments.api import tokens
from payments.core.checkouts.checkout import Checkout
from payments.core.money import yuan
from payments.core.payment import Payment
from payments.core.times import utc
from payments.wiring import Wiring


def shown(
    of: Payment | Checkout,
    number: str,
    *,
    status: str,
    version: int,
    expires_at: int,
    refunded: int,
    wiring: Wiring,
) -> dict[str, object]:
    """The members that both have: amounts in yuan as text, times in ISO 8601; absent ones are left out.

    `number` is what the page's live ticket is of, `expires_at` in epoch seconds, `refunded` in fen.
    """
    members: dict[str, object] = {
        "version": version,
        "status": status,
        "amount": str(yuan(of.amount)),
        "currency": of.currency,
        "subject": of.subject,
        "expiresAt": utc(expires_at),
        "now": utc(int(wiring.now())),  # a countdown must not go by the buyer's clock
    }
    if wiring.settings.merchant_name:
        members["merchantName"] = wiring.settings.merchant_name
    if of.return_url is not None:
        members["returnUrl"] = of.return_url
    if refunded:
        members["refundedAmount"] = str(yuan(refunded))
    if status != "refunded":  # everything else can still change, be it by late money
        members["live"] = {"url": wiring.settings.live_url, "ticket": _ticket(number, wiring)}
    return members


def _ticket(number: str, wiring: Wiring) -> str:
    return tokens.live_ticket(
        out_trade_no=number,
        ticket_id=wiring.nonce(),
        keys=wiring.secrets.checkout_key.value(),
        now=wiring.now(),
    )
