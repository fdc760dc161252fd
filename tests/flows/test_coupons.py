"""An order that coupons have paid a part of: what the buyer paid, and what each refund gives the buyer."""

import random
from decimal import Decimal
from typing import Any

import pytest

from tests.kit.shop import Shop

pytestmark = pytest.mark.in_turn

COUPONS = [
    {"amount": 1000, "type": "CASH", "paidBy": "wechatpay", "couponId": "109519", "name": "全场立减"},
    {"amount": 333, "type": "NOCASH", "scope": "SINGLE", "paidBy": "merchant", "couponId": "109520"},
]


def paid_with_coupons(shop: Shop, amount: str, *, unheard: bool = False) -> str:
    """The number of an order that is paid with them; `unheard` where its notification is lost, and a query brings the news."""
    number: str = shop.native(amount).json()["data"]["outTradeNo"]
    if unheard:
        shop.faults({"on": "notification", "effect": "drop"})
    assert shop.control("pay", {"outTradeNo": number, "coupons": COUPONS}).status_code == 200
    if unheard:
        assert shop.query(number)["tradeState"] == "SUCCESS"
        shop.faults()
    shop.sandbox.wait_until(lambda: shop.details(number)["status"] == "succeeded")
    return number


@pytest.mark.parametrize("unheard", [False, True], ids=["by notification", "by query"])
def test_details_say_what_the_buyer_paid_and_what_the_coupons_did(shop: Shop, unheard: bool) -> None:
    details = shop.details(paid_with_coupons(shop, "40.00", unheard=unheard))
    assert (details["amount"], details["payerAmount"]) == ("40.00", "26.67")
    assert [
        (each["couponId"], each["type"], each["scope"], each["amount"], each["merchantContribute"])
        for each in details["promotions"]
    ] == [("109519", "CASH", "GLOBAL", "10.00", "0.00"), ("109520", "NOCASH", "SINGLE", "3.33", "3.33")]
    assert details["promotions"][0]["name"] == "全场立减"


def test_an_order_without_coupons_says_nothing_of_them(shop: Shop) -> None:
    number = shop.paid_order("10.00")
    answer = shop.refund(number, 1).json()["data"]
    details = shop.details(number)
    assert not {"payerAmount", "promotions"} & (details.keys() | details["refunds"][0].keys() | answer.keys())


@pytest.mark.parametrize("seed", range(2))
def test_refunds_in_random_parts_give_buyer_and_coupons_back_what_they_paid(shop: Shop, seed: int) -> None:
    draw, left, parts = random.Random(seed), 4000, 0
    number = paid_with_coupons(shop, "40.00", unheard=draw.random() < 0.5)

    def refunds() -> dict[str, dict[str, Any]]:
        return {each["outRefundNo"]: each for each in shop.details(number)["refunds"]}

    while left:
        parts += 1
        fen = left if parts > 8 else min(left, draw.randint(1, 1500))
        answer = shop.refund(number, f"{Decimal(fen).scaleb(-2)}", key=f"{number}-{parts}").json()["data"]
        refund_no, payer = answer["outRefundNo"], Decimal(str(answer["payerAmount"]))
        assert 0 <= payer <= Decimal(fen).scaleb(-2)
        ends = "CLOSED" if draw.random() < 0.25 and parts < 8 else "SUCCESS"
        shop.control("refund", {"outRefundNo": refund_no, "status": ends})
        shop.sandbox.wait_until(lambda no=refund_no, end=ends: refunds()[no]["status"] == end)
        assert Decimal(refunds()[refund_no]["payerAmount"]) == payer
        left -= fen if ends == "SUCCESS" else 0
    details = shop.details(number)
    paid_back = [each for each in details["refunds"] if each["status"] == "SUCCESS"]
    assert (details["status"], details["refundedAmount"]) == ("refunded", details["amount"])
    assert sum(Decimal(each["payerAmount"]) for each in paid_back) == Decimal(details["payerAmount"])
