"""An order over time, on the simulator's clock: re-posting, code_url, time_expire, closing by itself."""

from datetime import UTC, datetime

import pytest

MINUTE, HOUR, DAY = 60, 3600, 86400


def moment(merchant, seconds):
    """A time_expire so many seconds from now, with the offset that WeChat Pay prints."""
    return datetime.fromtimestamp(merchant.clock.time() + seconds, tz=UTC).isoformat(timespec="seconds")


def state(merchant, order):
    return merchant.query(order["out_trade_no"]).json["trade_state"]


def refused(merchant, order, code, message, number):
    response = merchant.native({name: value for name, value in order.items() if name != "code_url"})
    assert (response.status, response.code, response.json["message"]) == (400, code, message)
    assert response.error_number == number
    merchant.verify(response.headers, response.body)


def test_the_same_request_again_gives_a_fresh_code_and_voids_the_first(merchant):
    order = merchant.order()
    first, second = (merchant.native(order).json["code_url"] for _ in range(2))
    assert first != second
    refusal = merchant.pay(codeUrl=first)
    assert (refusal.status, refusal.code) == (410, "CODE_REPLACED")
    assert merchant.pay(codeUrl=second).status == 200
    assert len(merchant.control("GET", "orders").json["orders"]) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"description": "other"},
        {"attach": "other"},
        {"notify_url": "http://127.0.0.1:9/other"},
        {"amount": {"total": 101}},
        {"time_expire": "2099-01-01T00:00:00+08:00"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_the_same_number_with_another_request_is_refused(shared_merchant, changes):
    order = shared_merchant.placed()
    refused(shared_merchant, order | changes, "INVALID_REQUEST", "201 商户订单号重复", 268498688)
    assert shared_merchant.pay(codeUrl=order["code_url"]).status == 200  # the first one still stands


def test_leaving_out_the_currency_is_no_change(shared_merchant):
    order = shared_merchant.order()
    assert shared_merchant.native(order).status == 200
    assert shared_merchant.native(order | {"amount": {"total": 100}}).status == 200


def test_a_paid_order_is_not_posted_again(shared_merchant):
    order = shared_merchant.placed()
    shared_merchant.pay(codeUrl=order["code_url"])
    refused(shared_merchant, order, "ORDERPAID", "该订单已支付", 268449538)
    refused(shared_merchant, order | {"description": "other"}, "ORDERPAID", "该订单已支付", 268449538)


def test_a_code_lives_two_hours_and_the_order_longer(merchant):
    order = merchant.placed()
    merchant.advance(2 * HOUR)
    refusal = merchant.pay(codeUrl=order["code_url"])
    assert (refusal.status, refusal.code) == (410, "CODE_EXPIRED")
    fresh = merchant.native({name: value for name, value in order.items() if name != "code_url"})
    assert merchant.pay(codeUrl=fresh.json["code_url"]).status == 200


def test_a_code_can_be_paid_until_the_end_of_its_two_hours(merchant):
    order = merchant.placed()
    merchant.advance(2 * HOUR - 5)
    assert merchant.pay(codeUrl=order["code_url"]).status == 200


def test_after_time_expire_an_order_cannot_be_paid_but_stays_notpay(merchant):
    order = merchant.placed(time_expire=moment(merchant, 10 * MINUTE))
    merchant.advance(10 * MINUTE + 1)
    refusal = merchant.pay(codeUrl=order["code_url"])
    assert (refusal.status, refusal.code) == (410, "ORDER_EXPIRED")
    assert state(merchant, order) == "NOTPAY"
    merchant.advance(30 * DAY)
    assert state(merchant, order) == "NOTPAY"


def test_an_expired_order_is_not_posted_again(merchant):
    order = merchant.placed(time_expire=moment(merchant, 10 * MINUTE))
    merchant.advance(10 * MINUTE + 1)
    message = "订单已失效，请关闭订单后使用新的商户订单号重新下单"
    refused(merchant, order, "INVALID_REQUEST", message, 268447914)


@pytest.mark.parametrize("seconds", [-DAY, 0, 30])
def test_a_time_expire_too_early_is_raised_to_a_minute(merchant, seconds):
    order = merchant.placed(time_expire=moment(merchant, seconds))
    merchant.advance(55)
    assert merchant.pay(codeUrl=order["code_url"]).status == 200
    late = merchant.placed(time_expire=moment(merchant, seconds))
    merchant.advance(61)
    assert merchant.pay(codeUrl=late["code_url"]).code == "ORDER_EXPIRED"


def test_a_time_expire_of_the_year_one_is_raised_too(merchant):
    merchant.placed(time_expire="0001-01-01T00:00:00+23:00")
    merchant.placed(time_expire="9999-12-31T23:59:59-23:00")


def test_a_time_expire_too_late_is_lowered_to_fifteen_days(merchant):
    order = merchant.placed(time_expire=moment(merchant, 40 * DAY))
    merchant.advance(15 * DAY - MINUTE)
    unsigned = {name: value for name, value in order.items() if name != "code_url"}
    code_url = merchant.native(unsigned).json["code_url"]
    merchant.advance(2 * MINUTE)
    assert merchant.pay(codeUrl=code_url).code == "ORDER_EXPIRED"


def test_an_order_without_time_expire_is_closed_after_seven_days(merchant):
    order = merchant.placed()
    merchant.advance(7 * DAY - MINUTE)
    assert state(merchant, order) == "NOTPAY"
    merchant.advance(2 * MINUTE)
    response = merchant.query(order["out_trade_no"])
    assert (response.json["trade_state"], response.json["trade_state_desc"]) == ("CLOSED", "订单已关闭")
    refused(merchant, order, "ORDER_CLOSED", "订单已关闭", 268447914)
    refusal = merchant.pay(codeUrl=order["code_url"])
    assert (refusal.status, refusal.code) == (409, "ORDER_CLOSED")
    assert merchant.control("GET", "orders").json["orders"][0]["trade_state"] == "CLOSED"


def test_a_paid_order_is_never_closed(merchant):
    order = merchant.placed()
    merchant.pay(codeUrl=order["code_url"])
    merchant.advance(30 * DAY)
    assert state(merchant, order) == "SUCCESS"


def test_another_request_is_refused_by_whichever_code_a_merchant_has_been_told(merchant):
    order = merchant.placed()
    for status, code, message in (
        (400, "PARAM_ERROR", "订单重入参数校验失败"),
        (403, "OUT_TRADE_NO_USED", "商户订单号重复"),
        (400, "INVALID_REQUEST", "201 商户订单号重复"),
    ):
        assert merchant.control("POST", "settings", {"repostedDifferently": code}).status == 200
        response = merchant.app({name: value for name, value in order.items() if name != "code_url"})
        assert (response.status, response.code, response.json["message"]) == (status, code, message)
        assert response.error_number == 268498688
        merchant.verify(response.headers, response.body)
    unknown = merchant.control("POST", "settings", {"repostedDifferently": "ORDERPAID"})
    assert unknown.json["error"] == (
        "repostedDifferently is one of INVALID_REQUEST, PARAM_ERROR, OUT_TRADE_NO_USED."
    )
