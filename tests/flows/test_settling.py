"""What nobody tells us is found out by ourselves: lost notifications, lost answers, orders that nobody pays."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from tests.kit.functions import loaded
from tests.kit.parameters import ROOT
from tests.kit.running import Running
from tests.kit.shop import WECHAT, Shop, counted

pytestmark = [pytest.mark.share(3, of_file=True), pytest.mark.in_turn]

HOUR = 3600


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    """One of its own: time passes here by hours."""
    with Running() as running:
        yield running


@pytest.fixture
def deaf(shop: Shop) -> Shop:
    """No notification arrives."""
    shop.faults({"on": "notification", "effect": "drop"})
    return shop


def notification_of(shop: Shop, number: str, total: int) -> dict[str, str]:
    """A payment notification as WeChat Pay would sign it now, as an event."""
    module = loaded(ROOT / "events/sign_notify.py", "sign_notify")
    now = int(shop.sandbox.clock.time())
    options = module._parser().parse_args(
        ["--credentials", str(shop.sandbox.credentials_path), "--out-trade-no", number, "--total", str(total)]
    )
    event: dict[str, str] = module.event_of(module.notification(options, now), options.credentials, now)
    return event


def kinds(shop: Shop, number: str) -> list[str]:
    return [event["detail-type"] for event in shop.events(number)]


def test_a_payment_that_nobody_tells_us_of_is_found_by_the_look_after_a_minute(deaf: Shop) -> None:
    number = deaf.native().json()["data"]["outTradeNo"]
    deaf.sandbox.clock.advance(15)
    assert deaf.control("pay", {"outTradeNo": number}).status_code == 200
    deaf.sandbox.minutes(1)
    assert deaf.details(number)["status"] == "succeeded"
    assert kinds(deaf, number) == ["PaymentCreated", "PaymentSucceeded"]


def test_a_query_finds_it_at_once(deaf: Shop) -> None:
    number = deaf.native().json()["data"]["outTradeNo"]
    deaf.control("pay", {"outTradeNo": number})
    assert deaf.query(number)["tradeState"] == "SUCCESS"
    assert deaf.details(number)["status"] == "succeeded"


def test_an_order_that_nobody_pays_is_closed_by_itself_after_its_time(shop: Shop) -> None:
    number = shop.native().json()["data"]["outTradeNo"]
    shop.sandbox.clock.advance(2 * HOUR - 120)
    shop.sandbox.minutes(1)
    assert shop.details(number)["status"] == "pending"
    shop.sandbox.minutes(3)
    assert shop.details(number)["status"] == "closed"
    assert kinds(shop, number) == ["PaymentCreated", "PaymentClosed"]
    book = shop.book(number)
    assert book is not None
    assert book["trade_state"] == "CLOSED"


def test_an_order_paid_at_the_last_second_is_not_closed_over(deaf: Shop) -> None:
    number = deaf.native().json()["data"]["outTradeNo"]
    deaf.faults({"on": "notification", "effect": "drop"}, {"on": "query", "effect": "reset_before"})
    deaf.sandbox.clock.advance(2 * HOUR - 30)
    assert deaf.control("pay", {"outTradeNo": number}).status_code == 200
    deaf.sandbox.minutes(2)
    deaf.faults({"on": "notification", "effect": "drop"})
    deaf.sandbox.minutes(4)
    assert deaf.details(number)["status"] == "succeeded"


def notify(shop: Shop, number: str, total: int) -> None:
    """A notification that WeChat Pay's own books know nothing of arrives, and is accepted."""
    event = notification_of(shop, number, total)
    answer = shop.http.post(
        shop.sandbox.api + WECHAT + "/notify",
        data=str(event["body"]).encode(),
        headers=event["headers"],  # type: ignore[arg-type]
        timeout=30,
    )
    assert answer.status_code == 200, answer.text


def test_a_payment_after_expiry_and_close_still_counts(shop: Shop) -> None:
    number = shop.native().json()["data"]["outTradeNo"]
    shop.sandbox.clock.advance(2 * HOUR)
    shop.sandbox.minutes(3)
    assert shop.details(number)["status"] == "closed"
    notify(shop, number, 10000)
    assert shop.details(number)["status"] == "succeeded"
    last = shop.events(number)[-1]
    assert (last["detail-type"], last["detail"]["latePaid"]) == ("PaymentSucceeded", True)
    assert last["detail"]["previousStatus"] == "closed"
    assert counted(shop, "NotifyFunction", "LatePaid") == [1.0]


def test_a_payment_of_another_amount_is_kept_apart_and_counted(shop: Shop) -> None:
    number = shop.native().json()["data"]["outTradeNo"]
    notify(shop, number, 1)
    assert shop.details(number)["status"] == "pending"
    assert kinds(shop, number) == ["PaymentCreated"]
    rows = shop.sandbox.aws.client("dynamodb").scan(TableName=shop.sandbox.deployed.refs["QuarantineTable"])
    kept = [row for row in rows["Items"] if row["out_trade_no"]["S"] == number]
    assert [row["reason"]["S"] for row in kept] == ["other_amount"]
    assert counted(shop, "NotifyFunction", "Quarantined") == [1.0]


def test_an_order_that_never_reached_wechat_pay_fails_only_after_the_guard_time(shop: Shop) -> None:
    shop.faults({"on": "native", "effect": "reset_before"})
    assert shop.native(key="never-arrives").status_code == 503
    shop.faults()
    number = _only_creating(shop)
    shop.sandbox.minutes(2)
    assert shop.details(number)["status"] == "pending"
    shop.sandbox.minutes(6)
    assert shop.details(number)["status"] == "failed"
    assert kinds(shop, number) == ["PaymentFailed"]
    again = shop.native(key="never-arrives")
    assert (again.status_code, again.json()["code"]) == (502, "WECHAT_REFUSED")


def test_an_order_whose_answer_was_lost_and_that_nobody_retries_is_closed_in_the_end(shop: Shop) -> None:
    shop.faults({"on": "native", "effect": "reset_after"})
    assert shop.native(key="answer-lost").status_code == 503
    shop.faults()
    number = _only_creating(shop)
    shop.sandbox.clock.advance(2 * HOUR)
    shop.sandbox.minutes(4)
    assert shop.details(number)["status"] == "closed"


@pytest.mark.parametrize("ends", ["SUCCESS", "CLOSED", "ABNORMAL"])
def test_a_refund_whose_answer_and_notification_are_lost_ends_as_at_wechat_pay(deaf: Shop, ends: str) -> None:
    number = _paid(deaf)
    deaf.faults({"on": "notification", "effect": "drop"}, {"on": "refund", "effect": "reset_after"})
    assert deaf.refund(number, 40).status_code == 503
    deaf.faults({"on": "notification", "effect": "drop"})
    book = deaf.book(number)
    assert book is not None
    (refund,) = book["refunds"]
    deaf.control("refund", {"outRefundNo": refund["out_refund_no"], "status": ends})
    deaf.sandbox.minutes(3)
    details = deaf.details(number)
    assert [one["status"] for one in details["refunds"]] == [ends]
    assert details["refundedAmount"] == ("40.00" if ends == "SUCCESS" else "0.00")
    if ends == "CLOSED":
        assert deaf.refund(number, 100, key="all of it".replace(" ", "-")).status_code == 200


def test_a_refund_that_wechat_pay_never_received_is_sent_again_under_its_number(deaf: Shop) -> None:
    number = _paid(deaf)
    deaf.faults({"on": "notification", "effect": "drop"}, {"on": "refund", "effect": "reset_before"})
    assert deaf.refund(number, 40).status_code == 503
    deaf.faults({"on": "notification", "effect": "drop"})
    deaf.sandbox.minutes(12)
    details = deaf.details(number)
    assert [refund["status"] for refund in details["refunds"]] == ["SUCCESS"]
    book = deaf.book(number)
    assert book is not None
    assert [refund["out_refund_no"] for refund in book["refunds"]] == [details["refunds"][0]["outRefundNo"]]


def test_a_refund_that_was_definitely_refused_gives_its_money_back_after_the_guard_time(shop: Shop) -> None:
    number = _paid(shop)
    shop.faults(
        {"on": "refund", "effect": "status", "status": 403, "code": "USER_ACCOUNT_ABNORMAL", "times": 1}
    )
    assert shop.refund(number, 100, key="a").json()["details"]["wechatCode"] == "USER_ACCOUNT_ABNORMAL"
    assert shop.refund(number, 100, key="b").json()["code"] == "REFUND_EXCEEDS"
    shop.sandbox.minutes(5)
    assert shop.details(number)["refunds"][0]["status"] == "CLOSED"
    assert shop.refund(number, 100, key="b").status_code == 200
    assert kinds(shop, number).count("RefundClosed") == 1


def test_refused_refunds_never_come_faster_than_wechat_pay_allows(shop: Shop) -> None:
    numbers = [shop.paid_order("10.00") for _ in range(8)]
    shop.faults({"on": "refund", "effect": "status", "status": 403, "code": "NOT_ENOUGH"})
    for number in numbers:
        assert shop.refund(number, 4).json()["details"]["wechatCode"] == "NOT_ENOUGH"
    refusals = _watched(shop, lambda: shop.sandbox.minutes(2))
    assert refusals[-1].count - refusals[0].count == len(numbers)
    busiest = max(
        later.count - earlier.count
        for earlier in refusals
        for later in refusals
        if 0 <= later.after - earlier.before <= 1
    )
    assert 2 <= busiest <= 6
    shop.faults()
    shop.sandbox.minutes(3)
    for number in numbers:  # what was taken a moment ago ends a second later
        shop.sandbox.wait_until(
            lambda number=number: (
                [refund["status"] for refund in shop.details(number)["refunds"]] == ["SUCCESS"]
            )
        )


def test_partial_refunds_of_one_order_within_a_minute_all_end_well_by_themselves(shop: Shop) -> None:
    number = shop.paid_order("100.00")
    shop.control("settings", {"minuteBetweenRefunds": True})
    try:
        answers = [shop.refund(number, part, key=f"item-{part}") for part in (10, 20, 30)]
        assert [answer.status_code for answer in answers] == [200, 503, 503]
        for answer in answers[1:]:
            assert answer.json()["code"] == "SYSTEMERROR"
            assert answer.json()["details"]["wechatCode"] == "FREQUENCY_LIMITED"
            assert answer.headers["retry-after"] == "60"
        held = shop.refund(number, 20, key="item-20")
        assert (held.status_code, shop.details(number)["refundedAmount"]) == (503, "0.00")
        shop.sandbox.minutes(12)  # nobody asks; what no notification tells is looked for after ten
        shop.sandbox.wait_until(
            lambda: [refund["status"] for refund in shop.details(number)["refunds"]] == ["SUCCESS"] * 3
        )
        details = shop.details(number)
        assert details["refundedAmount"] == "60.00"
        assert shop.refund(number, 20, key="item-20").json()["data"]["duplicate"] is True
        book = shop.book(number)
        assert book is not None
        assert sorted(refund["amount"]["refund"] for refund in book["refunds"]) == [1000, 2000, 3000]
    finally:
        shop.control("settings", {"minuteBetweenRefunds": False})


def test_a_merchant_that_wechat_pay_refuses_altogether_is_left_alone_for_a_while(shop: Shop) -> None:
    for _ in range(40):
        shop.native()
    shop.faults({"on": "query", "effect": "status", "status": 403, "code": "NO_AUTH"})
    shop.sandbox.minutes(4)  # forty orders would have been asked about twice each
    answer = shop.http.get(f"{shop.sandbox.simulator}/_sandbox/faults", timeout=30).json()
    # Five for each of the four processes, and what was under way.
    assert 5 <= answer["rules"][0]["happened"] <= 24


@dataclass(frozen=True)
class Refusals:
    """How many refunds WeChat Pay had refused at some moment between `before` and `after`."""

    before: float
    count: int
    after: float


def _watched(shop: Shop, work: Callable[[], None]) -> list[Refusals]:
    """Looks at the simulator's counter again and again while `work` is done."""
    seen: list[Refusals] = []
    address = f"{shop.sandbox.simulator}/_sandbox/faults"
    with ThreadPoolExecutor(1) as side:
        working = side.submit(work)
        while not working.done():
            before = time.monotonic()
            count = shop.http.get(address, timeout=30).json()["rules"][0]["happened"]
            seen.append(Refusals(before, count, time.monotonic()))
            threading.Event().wait(0.02)
        working.result()
    return seen


def _paid(shop: Shop) -> str:
    number: str = shop.native().json()["data"]["outTradeNo"]
    assert shop.control("pay", {"outTradeNo": number}).status_code == 200
    shop.sandbox.wait_until(lambda: shop.query(number)["tradeState"] == "SUCCESS")
    return number


def _only_creating(shop: Shop) -> str:
    rows = shop.sandbox.aws.client("dynamodb").scan(TableName=shop.sandbox.deployed.refs["PaymentsTable"])
    (number,) = [row["out_trade_no"]["S"] for row in rows["Items"] if row["status"]["S"] == "CREATING"]
    return str(number)
