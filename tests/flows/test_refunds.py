"""Refunds end to end: full, partial, refused, and those that only WeChat Pay tells us of."""

import pytest

from tests.kit.shop import Shop

pytestmark = pytest.mark.share(2, of_file=True)


def kinds(shop: Shop, number: str) -> list[str]:
    return [event["detail-type"] for event in shop.events(number)]


def test_a_full_refund_ends_refunded_and_tells_the_bus(shop: Shop) -> None:
    number = shop.paid_order("19.99")
    shop.refund(number, "19.99")
    shop.sandbox.clock.advance(1)
    shop.sandbox.wait_until(lambda: shop.details(number)["status"] == "refunded")
    assert shop.query(number)["tradeState"] == "REFUND"
    assert kinds(shop, number) == ["PaymentCreated", "PaymentSucceeded", "RefundRequested", "RefundSucceeded"]
    last = shop.events(number)[-1]["detail"]
    assert (last["status"], last["previousStatus"]) == ("refunded", "succeeded")
    assert (last["refund"]["amount"], last["refund"]["status"]) == (1999, "SUCCESS")


@pytest.mark.parametrize(
    ("ends", "status", "refunded", "event"),
    [
        ("SUCCESS", "partially_refunded", "5.00", "RefundSucceeded"),
        ("CLOSED", "succeeded", "0.00", "RefundClosed"),
        ("ABNORMAL", "succeeded", "0.00", "RefundAbnormal"),
    ],
)
def test_a_refund_ends_as_wechat_pay_says(
    shop: Shop, ends: str, status: str, refunded: str, event: str
) -> None:
    number = shop.paid_order("10.00")
    refund_no = shop.refund(number, 5).json()["data"]["outRefundNo"]
    assert shop.control("refund", {"outRefundNo": refund_no, "status": ends}).status_code == 200
    shop.sandbox.wait_until(lambda: shop.details(number)["refunds"][0]["status"] == ends)
    details = shop.details(number)
    assert (details["status"], details["refundedAmount"]) == (status, refunded)
    assert kinds(shop, number)[-1] == event


def test_money_that_wechat_pay_gave_back_can_be_refunded_again(shop: Shop) -> None:
    number = shop.paid_order("10.00")
    refund_no = shop.refund(number, 10, key="first").json()["data"]["outRefundNo"]
    shop.control("refund", {"outRefundNo": refund_no, "status": "CLOSED"})
    shop.sandbox.wait_until(lambda: shop.details(number)["refunds"][0]["status"] == "CLOSED")
    again = shop.refund(number, 10, key="second")
    assert again.status_code == 200
    assert again.json()["data"]["outRefundNo"] != refund_no


@pytest.mark.parametrize("prepare", ["pending", "closed"])
def test_only_a_paid_order_can_be_refunded(shop: Shop, prepare: str) -> None:
    number = shop.native().json()["data"]["outTradeNo"]
    if prepare == "closed":
        shop.close(number)
    answer = shop.refund(number, 1)
    assert (answer.status_code, answer.json()["code"]) == (409, "REFUND_NOT_ALLOWED")
    assert answer.json()["details"] == {"status": prepare}


def test_more_than_what_is_left_is_refused(shop: Shop) -> None:
    number = shop.paid_order("10.00")
    shop.refund(number, 6, key="a")
    answer = shop.refund(number, "4.01", key="b")
    assert (answer.status_code, answer.json()["code"]) == (422, "REFUND_EXCEEDS")
    assert answer.json()["details"] == {"field": "refundAmount", "refundable": "4.00"}


def test_a_refund_whose_answer_is_lost_is_finished_by_the_retry(shop: Shop) -> None:
    number = shop.paid_order("10.00")
    shop.faults({"on": "refund", "effect": "reset_after"})
    lost = shop.refund(number, 4)
    shop.faults()
    assert (lost.status_code, lost.json()["code"]) == (503, "SYSTEMERROR")
    assert int(lost.headers["retry-after"]) >= 1
    found = shop.refund(number, 4).json()["data"]
    assert found["duplicate"] is True
    book = shop.book(number)
    assert book is not None
    assert [refund["out_refund_no"] for refund in book["refunds"]] == [found["outRefundNo"]]


def test_a_refund_that_the_balance_does_not_cover_is_kept_and_sent_again(shop: Shop) -> None:
    number = shop.paid_order("10.00")
    shop.faults({"on": "refund", "effect": "status", "status": 403, "code": "NOT_ENOUGH", "times": 1})
    answer = shop.refund(number, 4)
    assert (answer.status_code, answer.json()["code"]) == (503, "SYSTEMERROR")
    assert answer.json()["details"]["wechatCode"] == "NOT_ENOUGH"
    assert int(answer.headers["retry-after"]) >= 60
    assert shop.refund(number, 7, key="k").json()["code"] == "REFUND_EXCEEDS"
    assert shop.refund(number, 4).json()["data"]["duplicate"] is True


def test_a_definitive_refusal_of_wechat_pay_names_its_code(shop: Shop) -> None:
    number = shop.paid_order("10.00")
    shop.faults(
        {"on": "refund", "effect": "status", "status": 403, "code": "USER_ACCOUNT_ABNORMAL", "times": 1}
    )
    answer = shop.refund(number, 4)
    assert (answer.status_code, answer.json()["code"]) == (502, "WECHAT_REFUSED")
    assert answer.json()["details"]["wechatCode"] == "USER_ACCOUNT_ABNORMAL"


def test_only_the_back_office_may_refund(shop: Shop) -> None:
    number = shop.paid_order("10.00")
    for scope in ("payments:pay", "payments:charge", "payments:pay payments:charge"):
        body = {"outTradeNo": number, "refundAmount": 1}
        assert shop.call("POST", "/refund", body, scope=scope).status_code == 403
    assert shop.details(number)["refunds"] == []
