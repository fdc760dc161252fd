"""What callers are shown of a payment in each status: the specification's words, and nothing that is not there yet."""

import dataclasses
from decimal import Decimal

import pytest

from payments.api import responses
from payments.core.lifecycle import RefundStatus, Status
from payments.core.payment import Refund
from tests.kit.payments import a_payment

PAYMENT = a_payment(
    payment_id="PAY1",
    user_id="u",
    content_id="c",
    amount=1990,
    time_expire=1_800_007_200,
    created_at=1_800_000_000,
    updated_at=1_800_000_000,
)

# Status -> the API's word, WeChat Pay's, and its sentence.
WORDS = {
    Status.CREATING: ("pending", "NOTPAY", "Not paid yet"),
    Status.PENDING: ("pending", "NOTPAY", "Not paid yet"),
    Status.CLOSING: ("pending", "NOTPAY", "Not paid yet"),
    Status.FAILED: ("failed", "PAYERROR", "Payment error"),
    Status.CLOSED: ("closed", "CLOSED", "Order closed"),
    Status.PAID: ("succeeded", "SUCCESS", "Payment successful"),
    Status.PARTIALLY_REFUNDED: ("partially_refunded", "REFUND", "Partially refunded"),
    Status.REFUNDED: ("refunded", "REFUND", "Refunded"),
}


@pytest.mark.parametrize("status", Status)
def test_a_payment_is_called_the_same_by_query_and_details(status: Status) -> None:
    payment = dataclasses.replace(PAYMENT, status=status)
    word, trade_state, sentence = WORDS[status]
    assert responses.query_members(payment) == {
        "outTradeNo": "WX1",
        "tradeState": trade_state,
        "tradeStateDesc": sentence,
        "amount": {"total": 1990, "currency": "CNY"},
    }
    assert responses.details(payment) == {
        "id": "PAY1",
        "userId": "u",
        "contentId": "c",
        "amount": "19.90",
        "currency": "CNY",
        "paymentMethod": "wechat",
        "status": word,
        "refundedAmount": "0.00",
        "refunds": [],
        "metadata": {"outTradeNo": "WX1", "tradeState": trade_state},
        "createdAt": "2027-01-15T08:00:00Z",
    }


def test_money_that_went_back_elsewhere_is_shown_until_a_refund_of_ours_says_more() -> None:
    payment = dataclasses.replace(PAYMENT, status=Status.PAID, refunded_elsewhere=True)
    asked = responses.query_members(payment)
    assert (asked["tradeState"], asked["tradeStateDesc"]) == ("REFUND", "Refunded elsewhere")
    assert responses.details(payment)["refundedElsewhere"] is True
    partly = dataclasses.replace(payment, status=Status.PARTIALLY_REFUNDED)
    assert responses.query_members(partly)["tradeStateDesc"] == "Partially refunded"


def test_what_is_known_of_a_paid_order_is_shown() -> None:
    payment = dataclasses.replace(
        PAYMENT,
        status=Status.PAID,
        transaction_id="4200",
        payer_openid="o-1",
        success_time="2027-01-15T16:00:00+08:00",
        completed_at=1_800_000_060,
        metadata='{"a":1.50,"tradeState":"MINE"}',
        refunded=90,
        refunds={
            "RF2": Refund("RF2", RefundStatus.REQUESTED, 5, 1_800_000_002, reason="damaged"),
            "RF1": Refund("RF1", RefundStatus.SUCCEEDED, 90, 1_800_000_001, refund_id="50"),
        },
    )
    asked = responses.query_members(payment)
    assert (asked["transactionId"], asked["payer"], asked["successTime"]) == (
        "4200",
        {"openid": "o-1"},
        "2027-01-15T16:00:00+08:00",
    )
    shown = responses.details(payment)
    assert shown["metadata"] == {
        "a": Decimal("1.50"),
        "outTradeNo": "WX1",
        "transactionId": "4200",
        "tradeState": "SUCCESS",
    }
    assert str(shown["metadata"]["a"]) == "1.50"  # digit by digit
    assert (shown["completedAt"], shown["refundedAmount"]) == ("2027-01-15T08:01:00Z", "0.90")
    assert shown["refunds"] == [
        {"outRefundNo": "RF1", "amount": "0.90", "status": "SUCCESS", "createdAt": "2027-01-15T08:00:01Z"},
        {
            "outRefundNo": "RF2",
            "amount": "0.05",
            "status": "PROCESSING",
            "reason": "damaged",
            "createdAt": "2027-01-15T08:00:02Z",
        },
    ]


def test_an_order_that_was_opened_is_shown_with_the_end_of_what_the_buyer_pays_by() -> None:
    shown = {"paymentId": "PAY1", "outTradeNo": "WX1", "amount": Decimal("19.90"), "currency": "CNY"}
    assert responses.order_members(PAYMENT) == shown
    payment = dataclasses.replace(PAYMENT, credential_expires_at=1_800_007_200)
    assert responses.order_members(payment) == shown | {"expiresAt": "2027-01-15T10:00:00Z"}


def test_a_repetition_is_told_how_to_refund_once_more_unless_it_has_a_key() -> None:
    refund = Refund("RF1", RefundStatus.PROCESSING, 90, 1_800_000_001, refund_id="50")
    payment = dataclasses.replace(PAYMENT, refunds={"RF1": refund})
    first = {
        "outTradeNo": "WX1",
        "outRefundNo": "RF1",
        "refundId": "50",
        "refundAmount": Decimal("0.90"),
        "status": "PROCESSING",
    }
    again = first | {"duplicate": True, "createdAt": "2027-01-15T08:00:01Z"}
    assert responses.refund_members(payment, "RF1", duplicate=False, keyed=False) == first
    assert responses.refund_members(payment, "RF1", duplicate=True, keyed=True) == again
    keyless = responses.refund_members(payment, "RF1", duplicate=True, keyed=False)
    assert "Idempotency-Key" in str(keyless.pop("note"))
    assert keyless == again
