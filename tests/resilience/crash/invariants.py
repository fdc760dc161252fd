"""What must hold once a run is quiet: our table, WeChat Pay's ledger, the bus and the callers tell one story."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from payments.core.books.journal import Row, rows_of
from payments.core.payment import Payment
from tests.resilience.crash.images import FINAL_REFUNDS, RANKS, open_refunds

PAID_THERE = ("SUCCESS", "REFUND")


@dataclass
class Promises:
    """What callers asked for and were told, as far as money hangs on it."""

    refunds_asked: int = 0  # distinct wishes, however often each was repeated
    refunds_accepted: set[str] = field(default_factory=set)  # numbers that a caller was answered 200 with
    orders_asked: int = 1
    told: list[str] = field(default_factory=list)  # what a caller was told and must not have been


def agreement(payments: Mapping[str, Mapping[str, Any]], orders: Iterable[Mapping[str, Any]]) -> list[str]:
    """I2: what is paid here is paid there, and every refund that came to its end here did so there."""
    ledger = {order["out_trade_no"]: order for order in orders}
    problems = [
        f"I2 {number} is at WeChat Pay and not in the table" for number in ledger.keys() - payments.keys()
    ]
    for number, item in payments.items():
        order = ledger.get(number, {"trade_state": "none", "refunds": []})
        here, there = item["status"], order["trade_state"]
        if (RANKS[here] >= RANKS["PAID"]) != (there in PAID_THERE):
            problems.append(f"I2 {here} here, {there} at WeChat Pay")
        if here == "CLOSED" and there == "NOTPAY":
            problems.append("I2 CLOSED here, still to be paid at WeChat Pay")
        if item.get("transaction_id") != order.get("transaction_id"):
            problems.append("I2 another transaction_id than WeChat Pay's")
        problems += [
            f"I2 a refund is still {r['status']} at WeChat Pay"
            for r in order["refunds"]
            if r["status"] == "PROCESSING"
        ]
        ours = {no: r["amount"] for no, r in item["refunds"].items() if r["status"] == "SUCCEEDED"}
        theirs = {
            r["out_refund_no"]: r["amount"]["refund"] for r in order["refunds"] if r["status"] == "SUCCESS"
        }
        if ours != theirs:
            problems.append(f"I2 refunded here {ours}, at WeChat Pay {theirs}")
    return problems


def committed(payments: Mapping[str, Mapping[str, Any]], facts: Mapping[str, Any]) -> list[str]:
    """I2: a notification that was answered with 2xx is in the table, for nobody will send it again."""
    item = payments.get(facts["out_trade_no"])
    if item is None:
        return ["I2 answered 2xx for an order that is not in the table"]
    if "out_refund_no" not in facts:
        known = item.get("transaction_id") == facts["transaction_id"]
        return [] if known else [f"I2 answered 2xx for a payment, and it is {item['status']} here"]
    refund = item["refunds"].get(facts["out_refund_no"], {"status": "not there"})
    known = refund["status"] in FINAL_REFUNDS or refund["status"] == facts["refund_status"]
    return [] if known else [f"I2 answered 2xx for the end of a refund, and it is {refund['status']} here"]


def at_most_once(orders: Sequence[Mapping[str, Any]], promises: Promises) -> list[str]:
    """I3: one order and one refund per wish; what a caller was promised has happened."""
    problems = list(promises.told)
    if len(orders) > promises.orders_asked:
        problems.append(f"I3 {len(orders)} orders for {promises.orders_asked} wishes")
    sent = [refund for order in orders for refund in order["refunds"] if refund["status"] != "CLOSED"]
    if len(sent) > promises.refunds_asked:
        problems.append(f"I3 {len(sent)} refunds for {promises.refunds_asked} wishes")
    known = {refund["out_refund_no"] for order in orders for refund in order["refunds"]}
    if missing := promises.refunds_accepted - known:
        problems.append(f"I3 a caller was answered 200, and WeChat Pay has no refund {missing}")
    return problems


def published(payments: Mapping[str, Mapping[str, Any]], events: Iterable[Mapping[str, Any]]) -> list[str]:
    """I5: the ids on the bus are those of the history entries with an event, and each id has one body."""
    due = {
        f"{number}#{version}": entry["event"]
        for number, item in payments.items()
        for version, entry in enumerate(item["history"], start=1)
        if "event" in entry
    }
    bodies: dict[str, set[str]] = {}
    for event in events:
        body = json.dumps([event["detail-type"], event["detail"]], sort_keys=True)
        bodies.setdefault(event["detail"]["id"], set()).add(body)
    problems = [f"I5 {due[lost]} {lost} was never published" for lost in sorted(due.keys() - bodies.keys())]
    problems += [
        f"I5 {extra} was published, and is not in the history" for extra in bodies.keys() - due.keys()
    ]
    problems += [f"I5 {number} has {len(texts)} bodies" for number, texts in bodies.items() if len(texts) > 1]
    return problems


def journalled(payments: Iterable[Payment], rows: Iterable[Row]) -> list[str]:
    """I9: the books are what follows from the payments as they are, and nothing else."""
    follows, there = {row for payment in payments for row in rows_of(payment)}, list(rows)
    problems = [f"I9 the books lack {row}" for row in follows - set(there)]
    problems += [f"I9 the books have {row}" for row in set(there) - follows]
    return problems + (["I9 a row stands twice"] if len(set(there)) < len(there) else [])


def ended(payments: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """I6: once nothing is due any more, nothing is on its way."""
    problems = []
    for item in payments.values():
        if RANKS[item["status"]] < RANKS["CLOSED"]:
            problems.append(f"I6 ends as {item['status']}")
        if refunds := open_refunds(item):
            problems.append(f"I6 ends with refunds on their way: {refunds}")
        unknown = {r["status"] for r in item["refunds"].values()} - set(FINAL_REFUNDS)
        if unknown and not refunds:
            problems.append(f"I6 unknown refund statuses {unknown}")
    return problems


def no_secret(where: str, text: str, secrets: Mapping[str, str]) -> list[str]:
    """I8: none of `secrets` (by name) stands in `text`."""
    return [
        f"I8 {name} stands in the {where}" for name, secret in secrets.items() if secret and secret in text
    ]
