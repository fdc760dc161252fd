"""WeChat Pay's fee: a share of what is settled with the merchant, given back with what is refunded."""

from wechatpay_simulator.orders.order import Order
from wechatpay_simulator.refunds.refund import Refund, RefundStatus

PERMYRIAD = 60
RATE = "0.60%"


def fee_of(order: Order) -> int:
    """The fee of a paid order in fen, rounded half up."""
    return _fee(order.settlement_total)


def fees_returned(refunds: list[Refund]) -> dict[str, int]:
    """What comes back of the fee with each refund of one order, in fen, by its out_refund_no; `refunds` are in order.

    It is counted over all refunds so far, so that an order that was refunded whole has cost nothing.
    """
    returned: dict[str, int] = {}
    settled = given = 0
    for refund in refunds:
        so_far = settled + refund.settlement_refund
        due = min(_fee(so_far), fee_of(refund.order))
        returned[refund.out_refund_no] = due - given
        if refund.status is not RefundStatus.CLOSED:  # what comes of a closed one goes back again
            settled, given = so_far, due
    return returned


def _fee(settled: int) -> int:
    return (settled * PERMYRIAD + 5_000) // 10_000
