"""What a test does with WeChat Pay: plays the buyer, the bank and time, and sees what the merchant was told."""

import asyncio
import http.client
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from wechatpay_simulator.credentials import Credentials
from wechatpay_simulator.notifications.courier import ACCEPTED
from wechatpay_simulator.notifications.deliveries import SENDING, Delivery
from wechatpay_simulator.simulator import Simulator
from wechatpay_simulator.testing.server import WechatPayServer

_CONTROL_SECONDS = 30


class RefusedError(Exception):
    """A control says no: `status` and `code` as its document has them, the text a sentence."""

    def __init__(self, status: int, code: str, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.status = status
        self.code = code


@dataclass(frozen=True)
class Notified:
    """One attempt to tell the merchant something, with what came of it.

    `status` is the HTTP status of the answer, or a word: `sending`, `timeout`, `unreachable`, `dropped` (by a fault), or
    `not_sent: …`. `out_trade_no` is None for what is about no order. `body` is what was signed.
    """

    id: str
    event_type: str
    out_trade_no: str | None
    status: int | str
    headers: Mapping[str, str]
    body: bytes

    @property
    def accepted(self) -> bool:
        """Whether the answer was 200 or 204: it is not sent again."""
        return self.status in ACCEPTED


class WechatPay:
    """WeChat Pay for one test. Its ledger, faults, notifications and clock are new, its addresses and keys the session's."""

    def __init__(self, server: WechatPayServer, simulator: Simulator, log: io.StringIO) -> None:
        self._server = server
        self._simulator = simulator
        self._log = log
        self._told: set[int] = set()  # places in the list of deliveries
        self.control("POST", "settings", {"refundAfter": None})
        log.seek(0)  # what the test sees of it begins with the test
        log.truncate()

    @property
    def url(self) -> str:
        """What stands for https://api.mch.weixin.qq.com."""
        return self._server.url

    @property
    def open_platform_url(self) -> str:
        """What stands for https://api.weixin.qq.com and https://open.weixin.qq.com."""
        return self._server.open_platform_url

    @property
    def credentials(self) -> Credentials:
        """The merchant's numbers and keys, and WeChat Pay's."""
        return self._server.credentials

    @property
    def credentials_file(self) -> Path:
        """The same as JSON, for a program that reads a file."""
        return self._server.credentials_file

    @property
    def log(self) -> str:
        """A line for each request and notification of this test, with what was wrong with it."""
        return self._log.getvalue()

    @property
    def orders(self) -> list[dict[str, Any]]:
        """WeChat Pay's ledger, oldest order first, each with its refunds: as `GET /_sandbox/orders`."""
        found: list[dict[str, Any]] = self.control("GET", "orders")["orders"]
        return found

    @property
    def notifications(self) -> list[Notified]:
        """Every attempt to tell the merchant something so far, oldest first. Attempts of one notification share its id."""
        return [_notified(each) for each in self._simulator.deliveries()]

    def pay(self, out_trade_no: str | None = None, **how: Any) -> dict[str, Any]:
        """The buyer pays this order; the notification goes out at once, and `told` waits for it.

        `how` are members of `POST /_sandbox/pay`: openid, bankType, payerCurrency, coupons; or in place of the number
        codeUrl, prepayId, payment, h5Url. The order as a query shows it. Raises RefusedError for one that cannot be paid.
        """
        named = {} if out_trade_no is None else {"outTradeNo": out_trade_no}
        return self.control("POST", "pay", named | how)

    def refund(self, out_refund_no: str, status: str = "SUCCESS", **where: str) -> dict[str, Any]:
        """The refund ends, as SUCCESS, ABNORMAL or CLOSED, which is notified. Without this it stays PROCESSING.

        `where` are members of `POST /_sandbox/refund`: channel, userReceivedAccount, fundsAccount. The refund as a query
        shows it. Raises RefusedError for one that is unknown or has ended.
        """
        return self.control("POST", "refund", {"outRefundNo": out_refund_no, "status": status, **where})

    def console_refund(self, out_trade_no: str, amount: int) -> dict[str, Any]:
        """Somebody refunds so many fen in the merchant's console. The refund, under a number that WeChat Pay made up."""
        return self.control("POST", "console_refund", {"outTradeNo": out_trade_no, "amount": amount})

    def advance(self, seconds: float) -> None:
        """Let time pass at WeChat Pay: orders and codes expire, what was not accepted is notified again.

        Your program's clock does not move, so signatures, WeChat Pay's and yours, go on by the machine's.
        """
        self.control("POST", "clock", {"advance": seconds})

    def faults(self, *rules: Mapping[str, Any], seed: int | None = None) -> None:
        """What goes wrong from now on in this test: rules of `POST /_sandbox/faults`. Raises RefusedError for one that is none."""
        seeded = {} if seed is None else {"seed": seed}
        self.control("POST", "faults", {"rules": [dict(rule) for rule in rules], **seeded})

    def told(
        self, out_trade_no: str | None, event_type: str | None = None, *, seconds: float = 10
    ) -> Notified:
        """Wait until the merchant was told of this order, and has answered or not; then the attempt.

        Each attempt is told of once: after `advance(15)` it is the next one. With an `event_type`, `REFUND.SUCCESS`, it is one
        of that kind. None in place of a number is for what is about no order, an echo for one. Raises AssertionError, with
        what happened instead, when none ends within so many seconds. It blocks: a test whose program runs in its own event
        loop awaits `asyncio.to_thread(wechatpay.told, …)`.
        """

        def next_one(deliveries: Sequence[Delivery]) -> int | None:
            for place, each in enumerate(deliveries):
                if (
                    place not in self._told
                    and _is_of(each, out_trade_no, event_type)
                    and each.status != SENDING
                ):
                    return place
            return None

        self._simulator.wait_for(lambda deliveries: next_one(deliveries) is not None, seconds)
        deliveries = self._simulator.deliveries()
        place = next_one(deliveries)
        if place is None:
            raise AssertionError(self._why_not(out_trade_no, event_type, seconds, deliveries))
        self._told.add(place)
        return _notified(deliveries[place])

    def control(self, method: str, name: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Any other control, `settings` or `keys`: its answer. Raises RefusedError."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=_CONTROL_SECONDS)
        try:
            connection.request(method, f"/_sandbox/{name}", None if body is None else json.dumps(body))
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        try:
            said: dict[str, Any] = json.loads(answer)
        except ValueError:
            raise RefusedError(
                response.status, "NO_CONTROL", answer.decode("utf-8", "replace").strip()
            ) from None
        if response.status >= 400:
            raise RefusedError(response.status, str(said["code"]), str(said["error"]))
        return said

    def _why_not(
        self,
        out_trade_no: str | None,
        event_type: str | None,
        seconds: float,
        deliveries: Sequence[Delivery],
    ) -> str:
        what = f"no {event_type}" if event_type else "nothing"
        why = f"{what} was told of {out_trade_no or 'no order'} within {seconds:g} s"
        orders = {each["out_trade_no"]: each for each in self.orders}
        if out_trade_no in orders:
            order = orders[out_trade_no]
            refunds = [f", refund {each['out_refund_no']} {each['status']}" for each in order["refunds"]]
            why += (
                f". The order: {order['trade_state']}{''.join(refunds)}, its notify_url {order['notify_url']}"
            )
        elif out_trade_no is not None:
            known = ", ".join(list(orders)[-5:]) or "none"
            why += f": WeChat Pay has no such order; the latest that it has: {known}"
        of_it = [each for each in deliveries if _is_of(each, out_trade_no, None)]
        sent = "; ".join(f"{each.notification.event_type} {each.status}" for each in of_it) or "nothing"
        why += f". Sent of it so far: {sent}"
        if any(each.status == SENDING for each in of_it) and _in_an_event_loop():
            why += ". told() blocks this test's event loop: await asyncio.to_thread(wechatpay.told, …)"
        return why


def _is_of(delivery: Delivery, out_trade_no: str | None, event_type: str | None) -> bool:
    notification = delivery.notification
    return notification.out_trade_no == out_trade_no and event_type in (None, notification.event_type)


def _notified(delivery: Delivery) -> Notified:
    notification = delivery.notification
    return Notified(
        notification.id,
        notification.event_type,
        notification.out_trade_no,
        delivery.status,
        dict(delivery.headers),
        notification.body,
    )


def _in_an_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
