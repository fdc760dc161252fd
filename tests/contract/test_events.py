"""docs/openapi.yaml has a schema for each event: what is published fits it, on the bus and as a shop is posted it."""

import json
import secrets
from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from payments.core.books.bill_events import BILL_BALANCED, BILL_DIFFERS
from payments.core.books.missing_event import BILL_MISSING
from payments.core.events import NOTIFICATION_RECEIVED
from payments.core.lifecycle import EVENTS
from sandbox.triggers.webhooks import body_of
from tests.kit.books import SCOPE, Books
from tests.kit.console import refund_in_console
from tests.kit.document import DOCUMENT
from tests.kit.running import Running
from tests.kit.shop import WECHAT, Shop

pytestmark = pytest.mark.in_turn

TWO_HOURS, JSON = 7200, {"Accept": "application/json"}
SCHEMAS = DOCUMENT.raw["components"]["schemas"]


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with Running(schedules=False) as sandbox:
        yield Shop(sandbox)


@pytest.fixture(scope="module")
def published(shop: Shop) -> list[dict[str, Any]]:
    """What the bus took of orders and refunds that end in every way; Running has held each against the document."""
    for way in (
        refused,
        expired,
        paid_late,
        refunded_elsewhere,
        stuck_and_taken_back,
        stuck_and_closed,
        of_another_kind,
        paid_twice,
        compared_with_bills,
    ):
        way(shop)
        shop.faults()
    # A duplicate is told by way of the bus itself: one event, then a function, then the next.
    types = set(DOCUMENT.event_types)
    shop.sandbox.wait_until(lambda: types == {event["detail-type"] for event in shop.sandbox.events()})
    assert shop.sandbox.drain()
    return shop.sandbox.events()


def refused(shop: Shop) -> None:
    shop.faults({"on": "native", "effect": "status", "status": 400, "code": "APPID_MCHID_NOT_MATCH"})
    assert shop.native().status_code == 502


def expired(shop: Shop) -> None:
    number = shop.native().json()["data"]["outTradeNo"]
    shop.sandbox.clock.advance(TWO_HOURS + 1)
    assert shop.close(number).status_code == 200


def paid_late(shop: Shop) -> None:
    number = shop.native().json()["data"]["outTradeNo"]
    assert shop.close(number).status_code == 200
    told_paid(shop, number)


def told_paid(shop: Shop, number: str) -> None:
    merchant = shop.sandbox.credentials
    paid = {
        "mchid": merchant.mchid,
        "appid": merchant.appid,
        "out_trade_no": number,
        "trade_type": "NATIVE",
        "transaction_id": "4200" + secrets.token_hex(12),
        "trade_state": "SUCCESS",
        "payer": {"openid": "oBuyer-1"},
        "success_time": "2026-01-01T12:00:00+08:00",
        "amount": {"total": 10000, "currency": "CNY"},
    }
    notified(shop, eventType="TRANSACTION.SUCCESS", originalType="transaction", plaintext=paid)


def notified(shop: Shop, **notification: Any) -> None:
    """WeChat Pay tells us something that its own books know nothing of."""
    url = f"{shop.sandbox.api}{WECHAT}/notify"
    assert shop.control("notify", notification | {"url": url}).status_code == 200


def refunded_elsewhere(shop: Shop) -> None:
    number = shop.native("100.00").json()["data"]["outTradeNo"]
    shop.faults({"on": "notification", "effect": "drop"})
    assert shop.control("pay", {"outTradeNo": number}).status_code == 200
    refund_in_console(shop.sandbox, number, "CONSOLE-1", 10000)
    assert shop.query(number)["tradeState"] == "REFUND"


def stuck(shop: Shop) -> dict[str, str]:
    number = shop.paid_order("10.00")
    shop.faults({"on": "refund", "effect": "result", "result": "ABNORMAL", "times": 1})
    refund = shop.refund(number, 4, key="stuck").json()["data"]["outRefundNo"]
    shop.sandbox.wait_until(lambda: state(shop, number) == "ABNORMAL")
    return {"outTradeNo": number, "outRefundNo": refund}


def state(shop: Shop, number: str) -> str:
    (refund,) = shop.details(number)["refunds"]
    return str(refund["status"])


def stuck_and_taken_back(shop: Shop) -> None:
    refund = stuck(shop)
    body = refund | {"type": "MERCHANT_BANK_CARD"}
    assert shop.call("POST", "/refund/abnormal", body, scope="payments:refund").status_code == 200
    shop.sandbox.wait_until(lambda: state(shop, refund["outTradeNo"]) == "SUCCESS")


def stuck_and_closed(shop: Shop) -> None:
    number = shop.paid_order("10.00")
    refund = shop.refund(number, 10).json()["data"]["outRefundNo"]
    assert shop.control("refund", {"outRefundNo": refund, "status": "CLOSED"}).status_code == 200
    shop.sandbox.wait_until(lambda: state(shop, number) == "CLOSED")


def of_another_kind(shop: Shop) -> None:
    kind = {"eventType": "COMPLAINT.CREATE", "originalType": "complaint"}
    notified(shop, **kind, plaintext={"complaint_id": "1"})


def paid_twice(shop: Shop) -> None:
    """The order of one device is paid by the news that comes after it was closed, and the order of another was paid."""
    thing = {"contentId": "c", "amount": "100.00", "subject": "A thing"}
    address = shop.call("POST", "/checkout", thing).json()["data"]["checkoutUrl"]
    numbers = []
    for kind in ("native", "h5"):
        wish = {"kind": kind, "takeOver": True}
        assert shop.http.post(f"{address}/open", json=wish, timeout=30).json()["status"] == "waiting"
        numbers.append(shop.books()[-1]["out_trade_no"])
        shop.sandbox.clock.advance(4)
    first, second = numbers
    told_paid(shop, second)
    shop.sandbox.wait_until(
        lambda: shop.http.get(address, headers=JSON, timeout=30).json()["status"] == "paid"
    )
    told_paid(shop, first)
    assert shop.sandbox.drain()


def compared_with_bills(shop: Shop) -> None:
    """A day that is asked for too early, and then late; and one that differs, and does not any more."""
    books = Books(shop)
    assert shop.sandbox.drain()
    early = books.today
    books.wait_until(9)
    assert shop.call("POST", f"/bills/{early}", scope=SCOPE).status_code == 202
    shop.sandbox.wait_until(lambda: "reason" in books.day(early))
    number, day = shop.paid_order("10.00"), books.today
    books.wait_until(20.75, days=0)
    timer = next(each for name, each in shop.sandbox.schedules.items() if name.startswith("BillsFunction"))
    timer.run_now()
    shop.sandbox.wait_until(lambda: books.day(early)["status"] in ("balanced", "differs"))
    books.wait_until(11)
    books.plant(day, "trade", {"alter": {"商户订单号": number}, "to": {"订单金额": "10.01"}})
    assert books.compare(day)["status"] == "differs"
    shop.http.delete(f"{shop.sandbox.simulator}/_sandbox/bills", timeout=30)
    assert books.compare(day)["status"] == "balanced"


def test_each_event_that_the_code_tells_is_documented_and_no_other() -> None:
    of_days = {BILL_BALANCED, BILL_DIFFERS, BILL_MISSING}
    assert set(DOCUMENT.event_types) == {*EVENTS, NOTIFICATION_RECEIVED, *of_days}


def test_each_kind_is_published_with_all_that_it_may_have(published: list[dict[str, Any]]) -> None:
    seen: dict[str, set[str]] = {}
    for event in published:
        seen.setdefault(event["detail-type"], set()).update(event["detail"])
    for kind in DOCUMENT.event_types:
        unseen = {"checkoutId", "attempt"} - seen[kind]  # of an order that belongs to no checkout
        assert seen[kind] == set(SCHEMAS[kind]["properties"]) - unseen, kind
    refund = [event["detail"]["refund"] for event in published if event["detail-type"] == "RefundSucceeded"]
    assert any({"toMerchant": True}.items() <= one.items() for one in refund)
    (twice,) = [event["detail"] for event in published if event["detail-type"] == "PaymentDuplicated"]
    assert (twice["status"], twice["attempt"]) == ("succeeded", 1)


def test_what_a_shop_is_posted_is_an_event_of_the_document(published: list[dict[str, Any]]) -> None:
    posted = DOCUMENT.validator(SCHEMAS["Event"])
    for event in published:
        body = json.loads(body_of(event | {"detail_text": json.dumps(event["detail"])}))
        posted.validate(body)
        assert not posted.is_valid(body | {"type": "PaymentWon"})


def test_an_event_that_is_not_documented_is_seen(published: list[dict[str, Any]]) -> None:
    paid = next(event["detail"] for event in published if event["detail-type"] == "PaymentSucceeded")
    assert not DOCUMENT.event_problem("PaymentSucceeded", paid)
    assert DOCUMENT.event_problem("PaymentSucceeded", paid | {"openid": "oBuyer"})
    assert DOCUMENT.event_problem("PaymentSucceeded", paid | {"amount": {"total": 9.99, "currency": "CNY"}})
    assert DOCUMENT.event_problem("PaymentClosed", paid)
    assert DOCUMENT.event_problem("PaymentWon", paid)
    del paid["transactionId"]
    assert DOCUMENT.event_problem("PaymentSucceeded", paid)


def test_a_quote_says_what_the_document_says(shop: Shop) -> None:
    wish = {"sub": "user-1", "contentId": "c", "amount": 1999}
    signed = shop.http.post(f"{shop.sandbox.api}/_sandbox/quote", json=wish, timeout=30).json()["quote"]
    claims = jwt.decode(signed, options={"verify_signature": False})
    documented = DOCUMENT.validator(SCHEMAS["QuoteClaims"])
    documented.validate(claims)
    assert not documented.is_valid(claims | {"amount": "19.99"})
