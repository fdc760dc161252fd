"""A client that does exactly what our answers tell it, at any later time, is never harmed."""

from collections.abc import Iterator

import pytest
import requests

from tests.kit.console import refund_in_console
from tests.kit.running import Running
from tests.kit.shop import Shop

pytestmark = [pytest.mark.share(3, of_file=True), pytest.mark.in_turn]

HOUR = 3600
UNSIGNED = {"effect": "status", "status": 403, "code": "USER_ACCOUNT_ABNORMAL", "signed": False}
SIGNED = {"effect": "status", "status": 403, "code": "USER_ACCOUNT_ABNORMAL"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    """One of its own: time passes here by hours."""
    with Running() as running:
        yield running


def wait_as_told(shop: Shop, answer: requests.Response) -> None:
    """Let exactly as much time pass as the answer says."""
    shop.sandbox.clock.advance(int(answer.headers["retry-after"]))


def paid_out(shop: Shop, number: str) -> list[int]:
    """What WeChat Pay has paid back of one order, refund by refund, in fen."""
    book = shop.book(number)
    assert book is not None
    return [refund["amount"]["refund"] for refund in book["refunds"]]


def until_definite(shop: Shop, number: str, amount: object, key: str | None = None) -> requests.Response:
    """Ask for a refund, and repeat it after exactly what each 503 says; one minute's sweep in between."""
    for _ in range(30):
        answer = shop.refund(number, amount, key=key)
        if answer.status_code != 503:
            return answer
        wait_as_told(shop, answer)
    raise AssertionError(f"thirty answers 503, the last of them {answer.text}")


# ---- a kept refund is one refund ----


@pytest.mark.parametrize("end", ["notification", "settle"])
def test_a_refund_whose_answer_was_lost_and_that_ended_meanwhile_is_the_same_for_whoever_repeats_it(
    shop: Shop, end: str
) -> None:
    number = shop.paid_order("100.00")
    shop.faults({"on": "refund", "effect": "reset_after"})
    assert shop.refund(number, 30).status_code == 503
    shop.faults()
    if end == "settle":
        shop.faults({"on": "notification", "effect": "drop"})
    shop.control("clock", {"advance": 1})
    shop.sandbox.minutes(2)
    assert shop.details(number)["refundedAmount"] == "30.00"
    for _ in range(3):
        shop.sandbox.clock.advance(5 * HOUR)
        again = shop.refund(number, 30).json()["data"]
        assert (again["duplicate"], again["status"]) == (True, "SUCCESS")
        assert "Idempotency-Key" in again["note"]
    assert paid_out(shop, number) == [3000]


@pytest.mark.parametrize("code", ["FREQUENCY_LIMITED", "NOT_ENOUGH", "RULE_LIMIT"])
def test_a_refund_that_was_kept_for_later_is_one_refund_when_it_is_repeated_as_told(
    shop: Shop, code: str
) -> None:
    number = shop.paid_order("100.00")
    shop.faults({"on": "refund", "effect": "status", "status": 403, "code": code, "times": 1})
    answer = shop.refund(number, 30)
    assert answer.json()["details"]["wechatCode"] == code
    shop.sandbox.minutes(3)  # by itself it is sent again, and ends
    assert shop.details(number)["refundedAmount"] == "30.00"
    wait_as_told(shop, answer)
    assert shop.refund(number, 30).json()["data"]["duplicate"] is True
    assert paid_out(shop, number) == [3000]


def test_a_refund_that_was_answered_is_over_and_the_same_wish_a_minute_later_is_another(shop: Shop) -> None:
    number = shop.paid_order("100.00")
    assert shop.refund(number, 30).status_code == 200
    shop.control("clock", {"advance": 1})
    shop.sandbox.wait_until(lambda: shop.details(number)["refundedAmount"] == "30.00")
    assert shop.refund(number, 30).json()["data"]["duplicate"] is True  # a double click
    shop.sandbox.clock.advance(61)
    assert "duplicate" not in shop.refund(number, 30).json()["data"]
    assert paid_out(shop, number) == [3000, 3000]


def test_after_a_day_without_a_repetition_the_same_wish_is_another(shop: Shop) -> None:
    number = shop.paid_order("100.00")
    shop.faults({"on": "refund", "effect": "reset_after"})
    assert shop.refund(number, 30).status_code == 503
    shop.faults()
    shop.control("clock", {"advance": 1})
    shop.sandbox.wait_until(lambda: shop.details(number)["refundedAmount"] == "30.00")
    shop.sandbox.clock.advance(20 * HOUR)
    assert shop.refund(number, 30).json()["data"]["duplicate"] is True
    shop.sandbox.clock.advance(23 * HOUR)
    assert shop.refund(number, 30).json()["data"]["duplicate"] is True
    shop.sandbox.clock.advance(24 * HOUR + 60)  # a minute more than the day that is promised
    assert "duplicate" not in shop.refund(number, 30).json()["data"]
    assert paid_out(shop, number) == [3000, 3000]


def test_another_caller_s_wish_neither_pays_twice_nor_keeps_the_first_one_s_open(shop: Shop) -> None:
    number = shop.paid_order("100.00")
    body = {"outTradeNo": number, "refundAmount": 30}

    def ask(office: str) -> requests.Response:
        return shop.call("POST", "/refund", body, scope="payments:refund", sub=office)

    shop.faults({"on": "refund", "effect": "reset_after"})
    assert ask("office-1").status_code == 503
    shop.faults()
    shop.control("clock", {"advance": 1})
    shop.sandbox.wait_until(lambda: shop.details(number)["refundedAmount"] == "30.00")
    shop.sandbox.clock.advance(23 * HOUR)
    assert ask("office-2").json()["data"]["duplicate"] is True
    shop.sandbox.clock.advance(2 * HOUR)  # a day after office-1 last asked
    assert "duplicate" not in ask("office-1").json()["data"]
    assert paid_out(shop, number) == [3000, 3000]


def test_a_repetition_with_a_key_is_a_wish_of_its_own(shop: Shop) -> None:
    number = shop.paid_order("100.00")
    shop.faults({"on": "refund", "effect": "reset_after"})
    assert shop.refund(number, 30).status_code == 503
    shop.faults()
    shop.sandbox.clock.advance(61)
    assert "duplicate" not in shop.refund(number, 30, key="now-with-a-key").json()["data"]
    assert paid_out(shop, number) == [3000, 3000]


# ---- a refusal is told as definite only when it is ----


def test_a_refusal_that_nobody_signed_is_no_last_word(shop: Shop) -> None:
    number = shop.paid_order("100.00")
    shop.faults({"on": "refund", "times": 1, **UNSIGNED})
    answer = shop.refund(number, 30, key="unsigned")
    assert (answer.status_code, answer.json()["details"]["wechatCode"]) == (503, "USER_ACCOUNT_ABNORMAL")
    assert until_definite(shop, number, 30, "unsigned").json()["data"]["status"] == "PROCESSING"
    assert paid_out(shop, number) == [3000]


def test_a_refusal_behind_a_try_that_nobody_answered_is_no_last_word(shop: Shop) -> None:
    number = shop.paid_order("100.00")
    shop.faults({"on": "refund", "effect": "reset_after", "times": 1}, {"on": "refund", "times": 1, **SIGNED})
    answer = shop.refund(number, 30, key="main-host-took-it")
    assert (answer.status_code, answer.json()["data"]["status"]) == (200, "PROCESSING")  # asked, and found
    assert paid_out(shop, number) == [3000]


def test_a_refusal_behind_a_request_that_died_is_no_last_word_and_ends_once_it_is_missing(shop: Shop) -> None:
    number = shop.paid_order("100.00")
    shop.faults({"on": "refund", "effect": "reset_before"})
    assert shop.refund(number, 30, key="died").status_code == 503
    shop.faults({"on": "refund", **SIGNED})
    shop.sandbox.clock.advance(2)
    assert shop.refund(number, 30, key="died").status_code == 503
    assert until_definite(shop, number, 30, "died").json()["data"]["status"] == "CLOSED"
    assert paid_out(shop, number) == []
    assert [event["detail-type"] for event in shop.events(number)][-1] == "RefundClosed"
    shop.faults()
    assert until_definite(shop, number, 100, "another").json()["data"]["status"] == "PROCESSING"


def test_what_stays_refused_without_a_signature_ends_too(shop: Shop) -> None:
    number = shop.paid_order("100.00")
    shop.faults({"on": "refund", **UNSIGNED})
    assert until_definite(shop, number, 30, "never-signed").json()["data"]["status"] == "CLOSED"
    assert paid_out(shop, number) == []


def test_a_last_word_is_kept_however_often_it_is_asked_for_and_nothing_is_sent_any_more(shop: Shop) -> None:
    number = shop.paid_order("100.00")
    shop.faults({"on": "refund", "times": 1, **SIGNED})
    for _ in range(3):
        answer = shop.refund(number, 30, key="refused")
        assert (answer.status_code, answer.json()["code"]) == (502, "WECHAT_REFUSED")
        assert answer.json()["details"]["wechatCode"] == "USER_ACCOUNT_ABNORMAL"
        shop.sandbox.minutes(1)
    shop.sandbox.minutes(6)
    assert shop.refund(number, 30, key="refused").json()["data"]["status"] == "CLOSED"
    assert paid_out(shop, number) == []


@pytest.mark.parametrize("fault", [UNSIGNED, SIGNED | {"code": "NO_AUTH"}])
def test_an_order_that_may_still_be_opened_is_not_called_refused(
    shop: Shop, fault: dict[str, object]
) -> None:
    shop.faults({"on": "native", "times": 1, **fault})
    key = f"order-{fault['code']}"
    answer = shop.native(key=key)
    assert (answer.status_code, answer.json()["details"]["wechatCode"]) == (503, fault["code"])
    wait_as_told(shop, answer)
    assert shop.native(key=key).status_code == 200


def test_a_refused_close_is_kept_and_never_called_refused(shop: Shop) -> None:
    number = shop.native().json()["data"]["outTradeNo"]
    shop.faults({"on": "close", "effect": "status", "status": 403, "code": "NO_AUTH", "times": 1})
    answer = shop.close(number)
    assert (answer.status_code, answer.json()["details"]["closing"]) == (503, True)
    wait_as_told(shop, answer)
    assert shop.close(number).json()["data"]["closed"] is True


def test_a_refused_query_says_nothing_about_the_order(shop: Shop) -> None:
    number = shop.native().json()["data"]["outTradeNo"]
    shop.faults({"on": "query", "effect": "status", "status": 403, "code": "NO_AUTH"})
    answer = shop.call("GET", f"/query/{number}")
    assert (answer.status_code, answer.json()["details"]["wechatCode"]) == (503, "NO_AUTH")


# ---- closed is said only once it is proven ----


def test_an_order_that_is_only_being_closed_is_not_called_closed(shop: Shop) -> None:
    opened = shop.native(key="closing").json()["data"]
    number = opened["outTradeNo"]
    shop.faults({"on": "close", "effect": "reset_before"})
    assert shop.close(number).status_code == 503
    page = shop.http.get(opened["checkoutUrl"], headers={"accept": "application/json"}, timeout=30).json()
    assert (page["status"], "codeUrl" in page) == ("closing", False)
    answer = shop.native(key="closing")
    assert (answer.status_code, answer.json()["details"]) == (503, {"outTradeNo": number, "closing": True})
    assert shop.control("pay", {"outTradeNo": number}).status_code == 200  # its buyer still can
    shop.sandbox.wait_until(lambda: shop.details(number)["status"] == "succeeded")
    answer = shop.native(key="closing")
    assert (answer.status_code, answer.json()["code"]) == (409, "ORDERPAID")


def test_an_order_whose_time_is_over_is_called_closed_once_wechat_pay_has_closed_it(shop: Shop) -> None:
    assert shop.native(key="expired").status_code == 200
    shop.sandbox.clock.advance(2 * HOUR)
    answer = shop.native(key="expired")
    assert (answer.status_code, answer.json()["details"]["closing"]) == (503, True)
    for _ in range(5):
        shop.sandbox.minutes(1)
    answer = shop.native(key="expired")
    assert (answer.status_code, answer.json()["code"]) == (409, "ORDERCLOSED")


# ---- Retry-After is the true wait ----


@pytest.mark.parametrize(
    "fault",
    [
        {"effect": "status", "status": 500, "code": "SYSTEM_ERROR"},
        {"effect": "status", "status": 429, "code": "FREQUENCY_LIMITED"},
        {"effect": "status", "status": 401, "code": "SIGN_ERROR"},
        {"effect": "reset_before"},
    ],
)
def test_whoever_repeats_after_exactly_retry_after_is_sent_at_once(
    shop: Shop, fault: dict[str, object]
) -> None:
    key = f"sent-at-once-{fault.get('status')}"
    shop.faults({"on": "native", **fault})
    answer = shop.native(key=key)
    assert answer.status_code == 503
    shop.faults()
    wait_as_told(shop, answer)
    before = shop.sandbox.clock.time()
    assert shop.native(key=key).status_code == 200
    assert shop.sandbox.clock.time() - before < 3


# ---- money that went back by somebody else's hand ----


def test_a_payment_that_was_refunded_elsewhere_before_we_heard_of_it_is_marked_and_guarded(
    shop: Shop,
) -> None:
    number = shop.native("100.00").json()["data"]["outTradeNo"]
    shop.faults({"on": "notification", "effect": "drop"})
    assert shop.control("pay", {"outTradeNo": number}).status_code == 200
    refund_in_console(shop.sandbox, number, "CONSOLE-1", 10000)
    assert shop.query(number)["tradeState"] == "REFUND"
    details = shop.details(number)
    assert (details["refundedElsewhere"], details["metadata"]["tradeState"]) == (True, "REFUND")
    (paid,) = [event for event in shop.events(number) if event["detail-type"] == "PaymentSucceeded"]
    assert paid["detail"]["refundedElsewhere"] is True
    answer = shop.refund(number, 100, key="blind")
    assert (answer.status_code, answer.json()["details"]["refundedElsewhere"]) == (409, True)
    body = {"outTradeNo": number, "refundAmount": 100, "confirmRefundedElsewhere": True}
    asked = shop.call("POST", "/refund", body, scope="payments:refund", key="seeing")
    assert asked.status_code == 502  # WeChat Pay knows that nothing is left
    assert paid_out(shop, number) == [10000]


def test_a_refund_made_elsewhere_while_ours_was_reserved_is_kept_until_there_is_room_for_it(
    shop: Shop,
) -> None:
    number = shop.paid_order("100.00")
    shop.faults({"on": "refund", "effect": "reset_before"})
    assert shop.refund(number, 100, key="reserved").status_code == 503
    shop.faults()
    shop.control("clock", {"advance": 1})
    assert shop.sandbox.drain(20)  # what other orders had under way
    before = len(refund_notifications(shop))
    refund_in_console(shop.sandbox, number, "CONSOLE-2", 10000)
    shop.control("clock", {"advance": 1})
    shop.sandbox.wait_until(lambda: len(refund_notifications(shop)) > before)
    assert refund_notifications(shop)[before:] == [200]  # nobody has to say it again
    shop.sandbox.minutes(20)
    details = shop.details(number)
    assert (details["status"], details["refundedAmount"]) == ("refunded", "100.00")
    assert {refund["outRefundNo"]: refund["status"] for refund in details["refunds"]}[
        "CONSOLE-2"
    ] == "SUCCESS"
    assert paid_out(shop, number) == [10000]


def refund_notifications(shop: Shop) -> list[int | str]:
    """How the deliveries of refund notifications were answered, oldest first."""
    answer = shop.http.get(f"{shop.sandbox.simulator}/_sandbox/notifications", timeout=30).json()
    return [
        delivery["status"]
        for delivery in answer["notifications"]
        if delivery["event_type"].startswith("REFUND") and delivery["status"] != "sending"
    ]
