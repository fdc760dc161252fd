"""The shop's tests: `pytest` in this folder, once wechatpay-simulator is installed beside the shop's own packages."""

import json
from collections.abc import Iterator

import pytest
from shop import Shop

from wechatpay_simulator import WechatPay, WechatPayServer


@pytest.fixture(scope="session")
def shop(wechatpay_server: WechatPayServer) -> Iterator[Shop]:
    """Configured once: address and keys are the session's."""
    with Shop(wechatpay_server.url, json.loads(wechatpay_server.credentials_file.read_text())) as shop:
        yield shop


def test_a_payment_is_in_the_books(shop: Shop, wechatpay: WechatPay) -> None:
    number = shop.order(100)
    assert shop.books[number] == "unpaid"
    wechatpay.pay(number)
    assert wechatpay.told(number).status == 204
    assert shop.books[number] == "paid"


def test_a_notification_that_was_lost_comes_again(shop: Shop, wechatpay: WechatPay) -> None:
    wechatpay.faults({"on": "notification", "effect": "drop", "times": 1})
    number = shop.order(100)
    wechatpay.pay(number)
    assert wechatpay.told(number).status == "dropped"
    assert shop.books[number] == "unpaid"
    wechatpay.advance(15)
    assert wechatpay.told(number).accepted
    assert shop.books[number] == "paid"


@pytest.mark.parametrize(
    "effect", ["bad_signature", "no_signature", "probe_signature", "wrong_serial", "stale"]
)
def test_what_wechat_pay_has_not_signed_is_not_believed(
    shop: Shop, wechatpay: WechatPay, effect: str
) -> None:
    wechatpay.faults({"on": "notification", "effect": effect})
    number = shop.order(100)
    wechatpay.pay(number)
    assert wechatpay.told(number).status == 401
    assert shop.books[number] == "unpaid"


def test_a_refund_is_in_the_books_when_it_has_ended(shop: Shop, wechatpay: WechatPay) -> None:
    number = shop.order(100)
    wechatpay.pay(number)
    wechatpay.told(number)
    refund = shop.refund(number, 100)
    assert shop.books[number] == "paid"
    wechatpay.refund(refund)
    assert wechatpay.told(number, "REFUND.SUCCESS").accepted
    assert shop.books[number] == "refunded"
    assert [each["trade_state"] for each in wechatpay.orders] == ["REFUND"]
