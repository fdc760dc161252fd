"""POST /api/v1/payments/wechat/checkout: keep what is to be paid, on whatever device, and give the address where it is."""

from payments.api import means
from payments.api.checkouts.intake import prepare_checkout
from payments.api.http import Request, endpoint
from payments.core.times import utc
from payments.use_cases.checkouts.keeping import keep_checkout
from payments.wiring import Wiring


def answer(request: Request, wiring: Wiring) -> dict[str, object]:
    """Check, keep, and ask WeChat Pay for nothing: an order is opened on the page, for the device that is there."""
    checkout = keep_checkout(prepare_checkout(request, wiring), wiring)
    return {
        "checkoutId": checkout.checkout_id,
        "checkoutUrl": means.address_of(checkout, wiring),
        "expiresAt": utc(checkout.expires_at),
    }


lambda_handler = endpoint(answer, ahead=("checkouts", "allowances", "secrets.checkout_key"))
