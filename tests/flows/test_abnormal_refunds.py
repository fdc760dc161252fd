"""A refund that the bank did not take, sent on over HTTP: WeChat Pay reads the card, and says where the money goes."""

from typing import Any

import pytest

from tests.kit.console import CACHED, Console, advance
from tests.kit.shop import Shop

pytestmark = [pytest.mark.share(2, of_file=True), pytest.mark.in_turn]

CARD = {
    "type": "USER_BANK_CARD",
    "bankType": "ICBC_DEBIT",
    "bankAccount": "6222020200112233445",
    "realName": "张三",
}


def stuck_refund(shop: Shop) -> dict[str, str]:
    """The numbers of an order, and of a refund of it that ended as ABNORMAL."""
    number = shop.paid_order("10.00")
    shop.faults({"on": "refund", "effect": "result", "result": "ABNORMAL", "times": 1})
    refund = shop.refund(number, 4, key="a").json()["data"]["outRefundNo"]
    shop.sandbox.wait_until(lambda: state(shop, number) == "ABNORMAL")
    return {"outTradeNo": number, "outRefundNo": refund}


def state(shop: Shop, number: str) -> str:
    (refund,) = shop.details(number)["refunds"]
    return str(refund["status"])


def send_on(shop: Shop, body: dict[str, Any]) -> Any:
    return shop.call("POST", "/refund/abnormal", body, scope="payments:refund")


def test_a_card_receives_what_the_first_bank_did_not_take(shop: Shop) -> None:
    refund = stuck_refund(shop)
    number = refund["outTradeNo"]
    told = send_on(shop, refund | CARD).json()["data"]
    assert (told["status"], told["userReceivedAccount"]) == ("PROCESSING", "工商银行借记卡3445")
    shop.sandbox.wait_until(lambda: state(shop, number) == "SUCCESS")
    assert shop.details(number)["refunds"][0]["userReceivedAccount"] == "工商银行借记卡3445"
    again = send_on(shop, refund | CARD)
    assert (again.status_code, again.json()["details"]) == (409, {"status": "SUCCESS"})
    kinds = [event["detail-type"] for event in shop.events(number) if "refund" in event["detail"]]
    assert kinds == ["RefundRequested", "RefundAbnormal", "RefundSucceeded"]
    assert "toMerchant" not in shop.events(number)[-1]["detail"]["refund"]


def test_what_goes_back_to_the_merchant_is_marked_for_whoever_would_tell_the_buyer(shop: Shop) -> None:
    refund = stuck_refund(shop)
    assert send_on(shop, refund | {"type": "MERCHANT_BANK_CARD"}).status_code == 200
    shop.sandbox.wait_until(lambda: state(shop, refund["outTradeNo"]) == "SUCCESS")
    event = shop.events(refund["outTradeNo"])[-1]
    assert (event["detail-type"], event["detail"]["refund"]["toMerchant"]) == ("RefundSucceeded", True)


@pytest.mark.parametrize("effect", ["reset_after", "reset_before"])
def test_a_lost_answer_is_repeated_until_it_is_certain_and_moves_the_money_once(
    shop: Shop, effect: str
) -> None:
    refund = stuck_refund(shop)
    shop.faults({"on": "abnormalRefund", "effect": effect})
    lost = send_on(shop, refund | CARD)
    assert (lost.status_code, lost.headers["retry-after"]) == (503, "2")
    shop.faults()
    told = send_on(shop, refund | CARD).status_code
    assert told == (409 if effect == "reset_after" else 200)
    shop.sandbox.wait_until(lambda: state(shop, refund["outTradeNo"]) == "SUCCESS")
    book = shop.book(refund["outTradeNo"])
    assert book is not None
    assert [one["amount"]["refund"] for one in book["refunds"]] == [400]


def test_a_card_that_wechat_pay_does_not_take_is_told_by_its_code(shop: Shop) -> None:
    refund = stuck_refund(shop)
    told = send_on(shop, refund | CARD | {"bankType": "HSBC_DEBIT"})
    assert (told.status_code, told.json()["details"]["wechatCode"]) == (502, "PARAM_ERROR")
    assert state(shop, refund["outTradeNo"]) == "ABNORMAL"
    assert send_on(shop, refund | CARD).status_code == 200


def test_a_merchant_on_certificates_encrypts_for_the_one_that_begins_last(
    certified: Shop, console: Console
) -> None:
    console.wechat(mode="two-certs", percentage=0)
    console.run_certificates()
    advance(certified, 60 * CACHED + 1)
    refund = stuck_refund(certified)
    told = send_on(certified, refund | CARD)
    assert told.json()["data"]["userReceivedAccount"] == "工商银行借记卡3445"
