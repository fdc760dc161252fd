"""A small backend that is right, and wrong in one way for each flag: whom the exam is to pass, and whom not.

It shares no code with the simulator: it signs, verifies and decrypts as tests/simulator/merchant.py does.
"""

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag

from tests.kit.serving import Answering, serving
from tests.simulator.merchant import Merchant


@dataclass
class Flags:
    """Wrong in these ways; the last are other ways to be right."""

    verifies_nothing: bool = False
    believes_the_unsigned: bool = False
    has_no_clock: bool = False
    looks_back_alone: bool = False
    verifies_what_it_has_written_again: bool = False
    has_one_key: bool = False  # and does not look at Wechatpay-Serial
    lets_probes_pass: bool = False
    knows_no_other_kinds: bool = False
    counts_each_time: bool = False
    counts_twice_at_once: bool = False
    counts_by_notification_id: bool = False
    counts_what_it_finds_apart: bool = False
    compares_what_the_buyer_paid: bool = False  # a coupon may have paid the rest
    takes_every_answer_for_paid: bool = False
    believes_wrongly_signed_answers: bool = False
    takes_refunds_for_payments: bool = False
    compares_nothing_and_writes_later: bool = False
    refuses_repetitions: bool = False
    trusts_the_amount: bool = False
    trusts_the_currency: bool = False
    trusts_the_merchant: bool = False
    acknowledges_unknown_orders: bool = False
    never_asks: bool = False
    closes_by_its_own_books: bool = False
    takes_no_late_money: bool = False
    refunds_under_new_numbers: bool = False
    keeps_only_what_was_answered: bool = False
    gives_up_refunds_without_an_answer: bool = False
    holds_the_second: bool = False
    orders_in_yuan: bool = False
    refuses_all: bool = False

    acknowledges_contradictions: bool = False
    acknowledges_before_it_decrypts: bool = False
    writes_later: bool = False
    hands_out_later: bool = False
    leaves_open_what_it_cannot_close: bool = False
    refunds_in_the_background: bool = False
    tells_no_fen: bool = False


@dataclass
class Order:
    """As its books have it."""

    amount: int
    state: str = "unpaid"
    fen: int = 0
    transactions: set[str] = field(default_factory=set)
    refunds: dict[str, str] = field(default_factory=dict)
    given_up: set[str] = field(default_factory=set)


class Backend:
    """`merchant` speaks to WeChat Pay for it."""

    def __init__(self, merchant: Merchant, flags: Flags) -> None:
        self.merchant, self.flags = merchant, flags
        self.orders: dict[str, Order] = {}
        self.origin = ""
        self.lock = threading.Lock()
        self.at_once = threading.Semaphore(1)

    # ---- what the commands ask for ----

    def place(self, amount: int) -> str:
        asked = {"total": amount * (100 if self.flags.orders_in_yuan else 1), "currency": "CNY"}
        number: str = self.merchant.placed(amount=asked, notify_url=f"{self.origin}/notify")["out_trade_no"]
        self.orders[number] = Order(amount)
        return number

    def status(self, number: str) -> str:
        order = self.orders.get(number)
        if order is None:
            return "unknown"
        if order.state == "unpaid" and not self.flags.never_asks:
            self.ask(number)
        return order.state if self.flags.tells_no_fen else f"{order.state} {order.fen}"

    def close(self, number: str) -> None:
        order = self.orders[number]
        if self.flags.closes_by_its_own_books:
            order.state = "closed"
            return
        try:
            status = self.merchant.close(number).status
        except (OSError, HTTPException):
            if self.flags.takes_no_late_money:
                order.state = "closed"
            return
        if status == 204:
            order.state = "closed"
        elif not self.flags.leaves_open_what_it_cannot_close:
            self.ask(number)

    def refund(self, number: str, amount: int, key: str) -> bool:
        """Whether WeChat Pay has taken it."""
        order = self.orders[number]
        known = order.refunds.get(key)
        if known is not None and self.flags.keeps_only_what_was_answered:
            return True
        out_refund_no = known or f"R{secrets.token_hex(12)}"
        if not self.flags.keeps_only_what_was_answered and not self.flags.refunds_under_new_numbers:
            order.refunds[key] = out_refund_no
        asked = {"refund": amount, "total": order.amount, "currency": "CNY"}
        body = {"out_trade_no": number, "out_refund_no": out_refund_no, "amount": asked}
        if self.flags.refunds_in_the_background:
            threading.Thread(target=self.send_refund, args=(body,), daemon=True).start()
            return True
        if key in order.given_up:
            return False
        if self.sent(body):
            if self.flags.keeps_only_what_was_answered:
                order.refunds[key] = out_refund_no
            return True
        if self.flags.gives_up_refunds_without_an_answer:
            order.given_up.add(key)
        return False

    def send_refund(self, body: dict[str, Any]) -> None:
        while not self.sent(body):
            time.sleep(0.05)

    def sent(self, body: dict[str, Any]) -> bool:
        try:
            return self.merchant.refund(**body).status == 200
        except (OSError, HTTPException):
            return False

    def ask(self, number: str) -> None:
        answer = self.merchant.query(number)
        try:
            self.merchant.verify(answer.headers, answer.body)
        except InvalidSignature:
            if not self.flags.believes_wrongly_signed_answers:
                return
        found = answer.json
        if found["trade_state"] == "SUCCESS" or self.flags.takes_every_answer_for_paid:
            apart = "found" if self.flags.counts_what_it_finds_apart else ""
            self.credit(self.orders[number], {"transaction_id": "none yet", **found}, apart)

    # ---- what WeChat Pay tells ----

    def notified(self, headers: dict[str, str], body: bytes) -> int:
        """The answer's status."""
        if self.flags.refuses_all:
            return 500
        if not self.believes(headers, body):
            return 401
        envelope = json.loads(body)
        try:
            told = self.merchant.decrypt({"associated_data": "", **envelope["resource"]})
        except InvalidTag:
            return 200 if self.flags.acknowledges_before_it_decrypts else 500
        if "out_trade_no" not in told:
            return 400 if self.flags.knows_no_other_kinds else 200
        is_payment = (envelope["event_type"], told.get("trade_state")) == ("TRANSACTION.SUCCESS", "SUCCESS")
        if not is_payment and not self.flags.takes_refunds_for_payments:
            return 200
        return self.paid(told, envelope["id"] if self.flags.counts_by_notification_id else "")

    def believes(self, headers: dict[str, str], body: bytes) -> bool:
        if self.flags.verifies_nothing:
            return True
        if "Wechatpay-Signature" not in headers:
            return self.flags.believes_the_unsigned
        if self.flags.lets_probes_pass and headers["Wechatpay-Signature"].startswith("WECHATPAY/SIGNTEST/"):
            return True
        if self.flags.has_one_key:
            headers = headers | {"Wechatpay-Serial": self.merchant.credentials.wechat_public_key_id}
        signed_at = float(headers["Wechatpay-Timestamp"])
        is_ahead = self.flags.looks_back_alone and signed_at > time.time()
        at = signed_at if self.flags.has_no_clock or is_ahead else None
        if self.flags.verifies_what_it_has_written_again:
            body = json.dumps(json.loads(body), ensure_ascii=False, separators=(",", ":")).encode()
        try:
            self.merchant.verify(headers, body, at=at)
        except (InvalidSignature, AssertionError, ValueError):
            return False
        return True

    def paid(self, told: dict[str, Any], news: str) -> int:
        order = self.orders.get(told["out_trade_no"])
        if order is None:
            return 200 if self.flags.acknowledges_unknown_orders else 404
        if not self.is_of(order, told):
            return 200 if self.flags.acknowledges_contradictions else 400
        if order.state == "closed" and (self.flags.takes_no_late_money or self.flags.closes_by_its_own_books):
            return 200
        is_second = not self.at_once.acquire(blocking=False)
        try:
            if self.flags.counts_twice_at_once or self.flags.holds_the_second:
                time.sleep(0.3)  # so that two at once are two at once
            if is_second and self.flags.holds_the_second:
                time.sleep(5.2)
            if self.flags.counts_twice_at_once and is_second:
                order.fen += told["amount"]["total"]
            if order.transactions and self.flags.refuses_repetitions:
                return 409
            if self.flags.writes_later or self.flags.compares_nothing_and_writes_later:
                threading.Timer(0.2 if self.flags.writes_later else 0.7, self.credit, (order, told)).start()
            else:
                self.credit(order, told, news)
        finally:
            if not is_second:
                self.at_once.release()
        return 200

    def is_of(self, order: Order, told: dict[str, Any]) -> bool:
        """Whether it is the payment that was ordered; a refund names no currency, and no appid."""
        mine, amount = self.merchant.credentials, told["amount"]
        total = amount["payer_total" if self.flags.compares_what_the_buyer_paid else "total"]
        whose = told["mchid"], told.get("appid", mine.appid)
        return self.flags.compares_nothing_and_writes_later or (
            (total == order.amount or self.flags.trusts_the_amount)
            and (amount.get("currency", "CNY") == "CNY" or self.flags.trusts_the_currency)
            and (whose == (mine.mchid, mine.appid) or self.flags.trusts_the_merchant)
        )

    def credit(self, order: Order, told: dict[str, Any], apart: str = "") -> None:
        """Once for each transaction, or for whatever is counted apart."""
        which = apart or told["transaction_id"]
        with self.lock:
            if which not in order.transactions or self.flags.counts_each_time:
                if self.flags.hands_out_later:
                    threading.Timer(0.3, self.hand_out, (order, told["amount"]["total"])).start()
                else:
                    order.fen += told["amount"]["total"]
            order.transactions.add(which)
            order.state = "paid"

    def hand_out(self, order: Order, fen: int) -> None:
        order.fen += fen


@contextmanager
def running(merchant: Merchant, port: int = 0, **flags: bool) -> Iterator[Backend]:
    """A backend that listens (on a free port unless told), wrong in the ways of `flags`."""
    backend = Backend(merchant, Flags(**flags))

    class Handler(Answering):
        def do_GET(self) -> None:
            self.answer(200, backend.status(self.path.split("/")[2]).encode())

        def do_POST(self) -> None:
            body, (_, first, *others) = self.body(), self.path.split("/")
            if first == "notify":
                self.answer(backend.notified(dict(self.headers), body), b"thank you")
            elif not others:
                self.answer(200, backend.place(json.loads(body)["amount"]).encode())
            elif others[1] == "close":
                backend.close(others[0])
                self.answer(200)
            else:
                wish = json.loads(body)
                self.answer(200 if backend.refund(others[0], wish["amount"], wish["key"]) else 503)

    with serving(Handler, port=port) as origin:
        backend.origin = origin
        yield backend
