"""The four ledgers of a quiet window must be one: our table, WeChat Pay's, the events on the bus, what callers were told."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from payments.core.history import plain
from tests.resilience.crash import invariants
from tests.resilience.soak.people import People
from tests.resilience.soak.window import Window
from tests.resilience.soak.wishes import Order, RefundWish

NO = (400, 403, 404, 409, 422, 502)
"""What a caller takes for a definite no."""
PAID = ("SUCCESS", "REFUND")
SAYS_PAID = (*PAID, "succeeded", "refunded", "partially_refunded")
SAYS_UNPAID = ("CLOSED", "PAYERROR", "closed", "failed")


def differences(window: Window, people: People) -> list[str]:
    """Every place where they differ, each once."""
    if early := [*window.violations, *window.images.violations]:
        return list(dict.fromkeys(early))
    table = {item["out_trade_no"]["S"]: _plain(item) for item in window.db.items("PaymentsTable")}
    orders = window.orders()
    merchant = window.credentials
    secrets = {
        "APIv3 key": merchant.api_v3_key,
        "merchant's private key": merchant.merchant_private_key.splitlines()[2],
    }
    logs, events = window.logs.getvalue(), window.bus.events
    found = [
        *(
            f"the stream tells another {number} than the table"
            for number in table
            if table[number] != window.images.payments[number]
        ),
        *invariants.agreement(table, [_as_far_as_told(order, table) for order in orders]),
        *invariants.published(table, events),
        *invariants.ended(table),
        *invariants.no_secret("log", logs, secrets),
        *invariants.no_secret("events", json.dumps(events), secrets),
        *(
            f"quarantined: {plain(item['reason'])} {plain(item['facts'])}"
            for item in window.db.items("QuarantineTable")
        ),
        *_orders_told(people, table, orders),
        *_refunds_told(people, table, orders),
        *people.late(),
    ]
    if window.queues.given_up:
        found.append(f"{window.queues.given_up} messages were given up")
    return list(dict.fromkeys(found))


def _as_far_as_told(order: dict[str, Any], table: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """WeChat Pay's entry without the refunds that nobody could know: of a payment that is marked for it."""
    item = table.get(order["out_trade_no"], {})
    if not item.get("refunded_elsewhere"):
        return order
    return order | {"refunds": [r for r in order["refunds"] if r["out_refund_no"] in item["refunds"]]}


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: plain(value) for name, value in item.items()}


def _orders_told(
    people: People, table: Mapping[str, Mapping[str, Any]], orders: list[dict[str, Any]]
) -> Iterator[str]:
    theirs: dict[str, list[dict[str, Any]]] = {}
    for entry in orders:
        theirs.setdefault(entry["description"], []).append(entry)
    for order in people.orders:
        entries = theirs.get(order.name, [])
        if len(entries) > 1:
            yield f"I3 {order.name}: {len(entries)} orders for one wish"
        paid = any(entry["trade_state"] in PAID for entry in entries)
        yield from _order_told(order, paid=paid, there=bool(entries))
        if order.number is not None and order.number not in table:
            yield f"I3 {order.name}: a caller was answered {order.number}, and it is not in the table"


def _order_told(order: Order, *, paid: bool, there: bool) -> Iterator[str]:
    said = f"I3 {order.name}:"
    is_ = "paid" if paid else "not paid"
    if not there and any(reply.status == 200 for reply in order.told):
        yield f"{said} a caller was answered an order that WeChat Pay does not have"
    for reply in order.told:
        if reply.status in NO and (reply.members.get("code") == "ORDERPAID") != paid:
            yield f"{said} told {reply.word}, and it is {is_}"
    for reply in order.close_told:
        # Closed, or closed already; anything else that is definite says that it cannot be closed, for it is paid.
        closed = reply.status == 200 or reply.members.get("code") == "ORDERCLOSED"
        if closed == paid:
            yield f"{said} its close was told {reply.word}, and it is {is_}"
    for state in order.states:
        if (state in SAYS_PAID and not paid) or (state in SAYS_UNPAID and paid):
            yield f"{said} told {state}, and it is {is_}"


def _refunds_told(
    people: People, table: Mapping[str, Mapping[str, Any]], orders: list[dict[str, Any]]
) -> Iterator[str]:
    there = {refund["out_refund_no"]: refund for entry in orders for refund in entry["refunds"]}
    for wish in people.refunds:
        item = table[wish.order.number or ""]
        ours = {number for number, refund in item["refunds"].items() if refund.get("reason") == wish.name}
        sent = [there[number] for number in ours if number in there]
        yield from _refund_told(wish, sent)


def _refund_told(wish: RefundWish, sent: list[dict[str, Any]]) -> Iterator[str]:
    out = [refund for refund in sent if refund["status"] == "SUCCESS"]
    if len(out) > 1:
        yield f"I3 {wish.name} of {wish.order.name}: paid out {len(out)} times for one wish"
    for reply in wish.told:
        if reply.status in NO and out:
            yield f"I3 {wish.name} of {wish.order.name}: told {reply.word}, and it was paid out"
        if reply.status == 200 and reply.data.get("status") != "CLOSED":  # nothing was paid, and that is said
            known = [refund for refund in sent if refund["out_refund_no"] == reply.data["outRefundNo"]]
            if not known:
                yield f"I3 {wish.name} of {wish.order.name}: told 200, and WeChat Pay has no such refund"
            elif reply.data.get("status") == "SUCCESS" and not out:
                yield f"I3 {wish.name} of {wish.order.name}: told SUCCESS, and nothing was paid out"
