"""WeChat Pay answers 2xx, and nothing proves that it was WeChat Pay: the caller hears 503, and no state changes."""

import pytest

from tests.kit.shop import Shop

pytestmark = [pytest.mark.share(3, of_file=True), pytest.mark.in_turn]

UNPROVEN = ["no_signature", "bad_signature", "wrong_serial", "stale", "probe_signature"]
unproven = pytest.mark.parametrize("effect", UNPROVEN)


@unproven
def test_a_payment_that_only_an_unproven_answer_tells_of_is_not_believed(shop: Shop, effect: str) -> None:
    shop.faults({"on": "notification", "effect": "drop"}, {"on": "query", "effect": effect})
    number = shop.native().json()["data"]["outTradeNo"]
    assert shop.control("pay", {"outTradeNo": number}).status_code == 200

    told = shop.call("GET", f"/query/{number}")
    assert (told.status_code, told.json()["code"]) == (503, "SYSTEMERROR")
    assert int(told.headers["retry-after"]) >= 1
    assert shop.details(number)["status"] == "pending"

    shop.faults({"on": "notification", "effect": "drop"})
    shop.sandbox.clock.advance(3)
    assert shop.query(number)["tradeState"] == "SUCCESS"


@unproven
def test_an_order_that_only_an_unproven_answer_calls_closed_is_not(shop: Shop, effect: str) -> None:
    number = shop.native().json()["data"]["outTradeNo"]
    shop.faults({"on": "close", "effect": effect}, {"on": "query", "effect": effect})

    told = shop.close(number)
    assert (told.status_code, told.json()["code"]) == (503, "SYSTEMERROR")
    assert shop.details(number)["status"] == "pending"

    shop.faults()
    assert shop.close(number).status_code == 200
    assert shop.details(number)["status"] == "closed"


@unproven
def test_a_refund_that_only_an_unproven_answer_takes_is_kept_and_not_counted(shop: Shop, effect: str) -> None:
    number = shop.paid_order()
    shop.faults({"on": "refund", "effect": effect})

    told = shop.refund(number, "1.00", key=effect)
    assert (told.status_code, told.json()["code"]) == (503, "SYSTEMERROR")
    details = shop.details(number)
    assert (details["status"], details["refundedAmount"]) == ("succeeded", "0.00")
    assert "RefundRequested" in [event["detail-type"] for event in shop.events(number)]

    shop.faults()
    shop.sandbox.clock.advance(61)  # a refund is sent again a minute apart
    again = shop.refund(number, "1.00", key=effect)
    assert again.status_code == 200, again.text
    assert len(shop.details(number)["refunds"]) == 1


def test_an_order_that_an_unsigned_answer_does_not_know_is_not_given_up(shop: Shop) -> None:
    before = {order["out_trade_no"] for order in shop.books()}
    unsigned = {"on": "query", "effect": "status", "status": 404, "code": "ORDER_NOT_EXIST", "signed": False}
    shop.faults({"on": "native", "effect": "reset_after"}, unsigned)
    assert shop.native(key="unsigned").status_code == 503
    (number,) = {order["out_trade_no"] for order in shop.books()} - before
    shop.sandbox.minutes(12)
    assert shop.details(number)["status"] == "pending"

    shop.faults()
    assert shop.native(key="unsigned").status_code == 200


def test_a_refund_that_an_unsigned_answer_does_not_know_is_not_released(shop: Shop) -> None:
    number = shop.paid_order()
    shop.faults(
        {"on": "refund", "effect": "status", "status": 400, "code": "PARAM_ERROR"},
        {
            "on": "refundQuery",
            "effect": "status",
            "status": 404,
            "code": "RESOURCE_NOT_EXISTS",
            "signed": False,
        },
    )
    shop.refund(number, "1.00", key="unsigned")
    shop.sandbox.minutes(12)
    assert "RefundRequested" in [event["detail-type"] for event in shop.events(number)]
    shop.faults()
