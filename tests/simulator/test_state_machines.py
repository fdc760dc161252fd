"""Orders and refunds as state machines: every call in every state, held against tables that were written from the documents.

WeChat Pay APIv3: Native order (repeating an order, error codes), Query order (trade_state), Close order, Refund, Query refund,
Abnormal refund. Where the documents leave something open, the table of uncertainties in docs/simulator-reference.md says what is done here.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest

from tests.simulator.merchant import Merchant, Response, served
from wechatpay_simulator import Credentials
from wechatpay_simulator.orders.order import TradeState
from wechatpay_simulator.refunds.refund import RefundStatus

NUMBERS = count()


@pytest.fixture(scope="module")
def merchant(credentials: Credentials) -> Iterator[Merchant]:
    with served(credentials) as merchant:
        merchant.control("POST", "settings", {"refundAfter": None})
        yield merchant


def outcome(response: Response) -> str:
    """`200`, or status and code of a refusal."""
    return f"{response.status}" if response.status < 300 else f"{response.status} {response.code}"


# --- orders ---

# By state, then by call: what is answered, and the state that the order is in then, where that is another.
ORDERS: dict[str, dict[str, str]] = {
    "none": {
        "again": "200 NOTPAY",
        "again otherwise": "200 NOTPAY",
        "as another kind": "200 NOTPAY",
        "pay": "404 ORDER_NOT_FOUND",
        "query": "404 ORDER_NOT_EXIST",
        "close": "204",
        "refund": "404 RESOURCE_NOT_EXISTS",
    },
    "NOTPAY": {
        "again": "200",
        "again otherwise": "400 INVALID_REQUEST",
        "as another kind": "400 INVALID_REQUEST",
        "pay": "200 SUCCESS",
        "query": "200",
        "close": "204 CLOSED",
        "refund": "404 RESOURCE_NOT_EXISTS",
    },
    "expired": {  # past its time_expire: still NOTPAY, and nobody can pay it
        "again": "400 INVALID_REQUEST",
        "again otherwise": "400 INVALID_REQUEST",
        "as another kind": "400 INVALID_REQUEST",
        "pay": "410 ORDER_EXPIRED",
        "query": "200",
        "close": "204 CLOSED",
        "refund": "404 RESOURCE_NOT_EXISTS",
    },
    "SUCCESS": {
        "again": "400 ORDERPAID",
        "again otherwise": "400 ORDERPAID",
        "as another kind": "400 ORDERPAID",
        "pay": "409 ORDER_PAID",
        "query": "200",
        "close": "400 ORDER_PAID",
        "refund": "200 REFUND",
    },
    "REFUND": {
        "again": "400 ORDERPAID",
        "again otherwise": "400 ORDERPAID",
        "as another kind": "400 ORDERPAID",
        "pay": "409 ORDER_PAID",
        "query": "200",
        "close": "400 ORDER_PAID",
        "refund": "200",
    },
    "CLOSED": {
        "again": "400 ORDER_CLOSED",
        "again otherwise": "400 ORDER_CLOSED",
        "as another kind": "400 ORDER_CLOSED",
        "pay": "409 ORDER_CLOSED",
        "query": "200",
        "close": "204",
        "refund": "404 RESOURCE_NOT_EXISTS",
    },
}


def order_in(state: str, merchant: Merchant) -> dict[str, Any]:
    """The request of an order that is in this state now."""
    soon = datetime.fromtimestamp(merchant.clock.time() + 60, tz=UTC).isoformat(timespec="seconds")
    order = merchant.order(
        out_trade_no=f"STATES-{next(NUMBERS)}", **({"time_expire": soon} if state == "expired" else {})
    )
    number = order["out_trade_no"]
    if state != "none":
        assert merchant.native(order).status == 200
    if state == "expired":
        merchant.advance(61)
    if state in ("SUCCESS", "REFUND"):
        assert merchant.pay(outTradeNo=number).status == 200
    if state == "REFUND":
        assert refunded(merchant, number).status == 200
    if state == "CLOSED":
        assert merchant.close(number).status == 204
    return order


def refunded(merchant: Merchant, out_trade_no: str) -> Response:
    return merchant.refund(out_trade_no=out_trade_no, amount={"refund": 1, "total": 100, "currency": "CNY"})


ORDER_CALL: dict[str, Callable[[Merchant, dict[str, Any]], Response]] = {
    "again": lambda merchant, order: merchant.native(order),
    "again otherwise": lambda merchant, order: merchant.native(order | {"description": "another"}),
    "as another kind": lambda merchant, order: merchant.app(order),
    "pay": lambda merchant, order: merchant.pay(outTradeNo=order["out_trade_no"]),
    "query": lambda merchant, order: merchant.query(order["out_trade_no"]),
    "close": lambda merchant, order: merchant.close(order["out_trade_no"]),
    "refund": lambda merchant, order: refunded(merchant, order["out_trade_no"]),
}


def state_of_order(merchant: Merchant, order: dict[str, Any]) -> str:
    found = merchant.query(order["out_trade_no"])
    return str(found.json["trade_state"]) if found.status == 200 else "none"


@pytest.mark.parametrize("state", ORDERS)
def test_an_order_in_this_state_answers_each_call_and_moves_as_the_table_says(
    merchant: Merchant, state: str
) -> None:
    for call, expected in ORDERS[state].items():
        order = order_in(state, merchant)
        before = state_of_order(merchant, order)
        assert before == ("NOTPAY" if state == "expired" else state)
        told = outcome(ORDER_CALL[call](merchant, order))
        after = state_of_order(merchant, order)
        assert (f"{told} {after}" if after != before else told) == expected, call


def test_the_tables_have_every_call_in_every_state() -> None:
    assert all(row.keys() == ORDER_CALL.keys() for row in ORDERS.values())
    assert all(row.keys() == REFUND_CALL.keys() for row in REFUNDS.values())
    assert ORDERS.keys() == {*TradeState, "none", "expired"}
    assert REFUNDS.keys() == {*RefundStatus, "none"}


def test_an_order_without_a_time_expire_is_closed_after_seven_days(merchant: Merchant) -> None:
    order = order_in("NOTPAY", merchant)
    merchant.advance(7 * 86400 - 5)
    assert state_of_order(merchant, order) == "NOTPAY"
    merchant.advance(5)
    assert state_of_order(merchant, order) == "CLOSED"


# --- refunds ---

# The last three are no calls of the merchant's: how WeChat Pay ends it, by the control.
REFUNDS: dict[str, dict[str, str]] = {
    "none": {
        "again": "200 PROCESSING",
        "again with other amounts": "200 PROCESSING",
        "again otherwise": "200 PROCESSING",
        "again for another order": "200 PROCESSING",
        "query": "404 RESOURCE_NOT_EXISTS",
        "send on": "404 RESOURCE_NOT_EXISTS",
        "ends well": "404 REFUND_NOT_FOUND",
        "is closed": "404 REFUND_NOT_FOUND",
        "goes wrong": "404 REFUND_NOT_FOUND",
    },
    "PROCESSING": {
        "again": "200",
        "again with other amounts": "400 INVALID_REQUEST",
        "again otherwise": "400 INVALID_REQUEST",
        "again for another order": "400 INVALID_REQUEST",
        "query": "200",
        "send on": "400 INVALID_REQUEST",
        "ends well": "200 SUCCESS",
        "is closed": "200 CLOSED",
        "goes wrong": "200 ABNORMAL",
    },
    "ABNORMAL": {
        "again": "200",
        "again with other amounts": "400 INVALID_REQUEST",
        "again otherwise": "400 INVALID_REQUEST",
        "again for another order": "400 INVALID_REQUEST",
        "query": "200",
        "send on": "200 PROCESSING",
        "ends well": "200 SUCCESS",
        "is closed": "200 CLOSED",
        "goes wrong": "409 REFUND_ENDED",
    },
    "SUCCESS": {
        "again": "200",
        "again with other amounts": "400 INVALID_REQUEST",
        "again otherwise": "400 INVALID_REQUEST",
        "again for another order": "400 INVALID_REQUEST",
        "query": "200",
        "send on": "400 INVALID_REQUEST",
        "ends well": "409 REFUND_ENDED",
        "is closed": "409 REFUND_ENDED",
        "goes wrong": "409 REFUND_ENDED",
    },
    "CLOSED": {
        "again": "200",
        "again with other amounts": "400 INVALID_REQUEST",
        "again otherwise": "400 INVALID_REQUEST",
        "again for another order": "400 INVALID_REQUEST",
        "query": "200",
        "send on": "400 INVALID_REQUEST",
        "ends well": "409 REFUND_ENDED",
        "is closed": "409 REFUND_ENDED",
        "goes wrong": "409 REFUND_ENDED",
    },
}


def refund_in(state: str, merchant: Merchant) -> dict[str, Any]:
    """The request of a refund that is in this state now, with the number that WeChat Pay gave it, if it is there."""
    order = order_in("SUCCESS", merchant)
    request: dict[str, Any] = {
        "out_trade_no": order["out_trade_no"],
        "out_refund_no": f"STATES-R{next(NUMBERS)}",
        "amount": {"refund": 40, "total": 100, "currency": "CNY"},
    }
    if state == "none":
        return request | {"refund_id": "50300000000000000000000000000"}
    made = merchant.refund(**request)
    assert made.status == 200
    if state != "PROCESSING":
        assert ended(merchant, request, state).status == 200
    return request | {"refund_id": made.json["refund_id"]}


def asked(merchant: Merchant, refund: dict[str, Any], **changes: Any) -> Response:
    return merchant.refund(
        **{name: value for name, value in (refund | changes).items() if name != "refund_id"}
    )


def sent_on(merchant: Merchant, refund: dict[str, Any]) -> Response:
    body = {"out_refund_no": refund["out_refund_no"], "type": "MERCHANT_BANK_CARD"}
    path = f"/v3/refund/domestic/refunds/{refund['refund_id']}/apply-abnormal-refund"
    return merchant.call("POST", path, json.dumps(body).encode())


def ended(merchant: Merchant, refund: dict[str, Any], status: str) -> Response:
    return merchant.control("POST", "refund", {"outRefundNo": refund["out_refund_no"], "status": status})


REFUND_CALL: dict[str, Callable[[Merchant, dict[str, Any]], Response]] = {
    "again": asked,
    "again with other amounts": lambda merchant, refund: asked(
        merchant, refund, amount={"refund": 41, "total": 100, "currency": "CNY"}
    ),
    "again otherwise": lambda merchant, refund: asked(merchant, refund, reason="another"),
    "again for another order": lambda merchant, refund: asked(
        merchant, refund, out_trade_no=order_in("SUCCESS", merchant)["out_trade_no"]
    ),
    "query": lambda merchant, refund: merchant.query_refund(refund["out_refund_no"]),
    "send on": sent_on,
    "ends well": lambda merchant, refund: ended(merchant, refund, "SUCCESS"),
    "is closed": lambda merchant, refund: ended(merchant, refund, "CLOSED"),
    "goes wrong": lambda merchant, refund: ended(merchant, refund, "ABNORMAL"),
}


def state_of_refund(merchant: Merchant, refund: dict[str, Any]) -> str:
    found = merchant.query_refund(refund["out_refund_no"])
    return str(found.json["status"]) if found.status == 200 else "none"


@pytest.mark.parametrize("state", REFUNDS)
def test_a_refund_in_this_state_answers_each_call_and_moves_as_the_table_says(
    merchant: Merchant, state: str
) -> None:
    for call, expected in REFUNDS[state].items():
        refund = refund_in(state, merchant)
        assert state_of_refund(merchant, refund) == state
        told = outcome(REFUND_CALL[call](merchant, refund))
        after = state_of_refund(merchant, refund)
        assert (f"{told} {after}" if after != state else told) == expected, call
