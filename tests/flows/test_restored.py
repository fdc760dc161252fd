"""A table restored to an earlier state, or a try whose fate nobody knows: WeChat Pay remembers what we forgot."""

from collections.abc import Iterator

import pytest

from tests.kit.running import Running
from tests.kit.shop import Shop

pytestmark = [pytest.mark.share(2, of_file=True), pytest.mark.in_turn]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    """One of its own: rows vanish here."""
    with Running() as running:
        yield running


def forget(shop: Shop, number: str) -> None:
    """The row as it was before the order: not there."""
    table = shop.sandbox.deployed.refs["PaymentsTable"]
    shop.sandbox.aws.client("dynamodb").delete_item(TableName=table, Key={"out_trade_no": {"S": number}})
    shop.sandbox.clock.advance(5)


def test_a_paid_order_that_we_forgot_is_found_paid_by_the_retry(shop: Shop) -> None:
    number = shop.native(key="restored-paid").json()["data"]["outTradeNo"]
    shop.control("pay", {"outTradeNo": number})
    shop.sandbox.wait_until(lambda: shop.details(number)["status"] == "succeeded")
    forget(shop, number)
    answer = shop.native(key="restored-paid")
    assert (answer.status_code, answer.json()["code"]) == (409, "ORDERPAID")
    assert shop.details(number)["status"] == "succeeded"


@pytest.mark.parametrize("code", ["INVALID_REQUEST", "PARAM_ERROR", "OUT_TRADE_NO_USED"])
def test_an_unpaid_order_that_we_forgot_is_not_called_failed(shop: Shop, code: str) -> None:
    """WeChat Pay has had three codes for a number that comes again with another form."""
    key = f"restored-unpaid-{code}"
    number = shop.native(key=key).json()["data"]["outTradeNo"]
    forget(shop, number)
    shop.faults({"on": "native", "effect": "status", "status": 400, "code": code, "times": 1})
    assert shop.native(key=key).status_code == 503
    assert shop.details(number)["status"] == "pending"
    assert shop.control("pay", {"outTradeNo": number}).status_code == 200
    shop.sandbox.wait_until(lambda: shop.details(number)["status"] == "succeeded")


def test_a_refusal_after_a_try_of_unknown_fate_fails_nothing(shop: Shop) -> None:
    before = {order["out_trade_no"] for order in shop.books()}
    shop.faults(
        {"on": "native", "effect": "reset_after", "times": 1},
        {"on": "native", "effect": "status", "status": 400, "code": "PARAM_ERROR", "times": 1},
    )
    assert shop.native(key="unknown-then-refused").status_code == 503
    (number,) = {order["out_trade_no"] for order in shop.books()} - before
    assert shop.details(number)["status"] == "pending"
    shop.sandbox.clock.advance(2 * 3600)
    shop.sandbox.minutes(4)
    assert shop.details(number)["status"] == "closed"


@pytest.mark.parametrize("key", [None, "forgotten"], ids=["without a key", "with a key"])
def test_a_refund_that_we_forgot_keeps_its_number_and_moves_money_once(shop: Shop, key: str | None) -> None:
    number = shop.paid_order("100.00")
    table = shop.sandbox.deployed.refs["PaymentsTable"]
    tables = shop.sandbox.aws.client("dynamodb")
    before = tables.get_item(TableName=table, Key={"out_trade_no": {"S": number}})["Item"]
    refund_no = shop.refund(number, 30, reason="broken", key=key).json()["data"]["outRefundNo"]
    shop.sandbox.clock.advance(1)
    shop.sandbox.wait_until(lambda: shop.details(number)["status"] == "partially_refunded")
    tables.put_item(TableName=table, Item=before)
    answers = shop.http.get(f"{shop.sandbox.simulator}/_sandbox/notifications", timeout=30).json()
    told = next(one for one in reversed(answers["notifications"]) if one["event_type"] == "REFUND.SUCCESS")
    shop.control(f"notifications/{told['id']}", {})
    assert shop.details(number)["status"] == "partially_refunded"
    again = shop.refund(number, 30, reason="broken", key=key).json()["data"]
    assert (again["outRefundNo"], again["duplicate"]) == (refund_no, True)
    if key is not None:
        assert shop.refund(number, 31, reason="broken", key=key).status_code == 422
    book = next(order for order in shop.books() if order["out_trade_no"] == number)
    assert [refund["amount"]["refund"] for refund in book["refunds"]] == [3000]


def test_an_order_paid_late_in_its_life_is_found_once_its_time_is_over(shop: Shop) -> None:
    shop.faults({"on": "notification", "effect": "drop"})
    number = shop.native().json()["data"]["outTradeNo"]
    shop.sandbox.clock.advance(32 * 60)
    shop.sandbox.minutes(1)
    shop.control("pay", {"outTradeNo": number})
    shop.sandbox.clock.advance(87 * 60)
    shop.sandbox.minutes(3)
    assert shop.details(number)["status"] == "succeeded"
