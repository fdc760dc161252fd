"""WeChat Pay with a day of trade behind it: the simulator, and a client of the product that asks it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any

import requests

from tests.kit.keys import merchant
from wechatpay.client import Client
from wechatpay.keys import KeyRing, load_private_key
from wechatpay.signing import MerchantSigner
from wechatpay_simulator import Clock, Credentials, Simulator

BEIJING = timezone(timedelta(hours=8))


class Bank:
    """One merchant at WeChat Pay, at noon of a Beijing day."""

    def __init__(self, url: str, clock: Clock, credentials: Credentials) -> None:
        self.clock, self.url = clock, url
        self.credentials = credentials
        self.go_to(12, days=1)

    @property
    def today(self) -> str:
        """The day that it is."""
        return self._now().date().isoformat()

    def go_to(self, hour: int, minute: int = 0, *, days: int = 0) -> str:
        """Let time pass until then, so many days later; the day that it was before."""
        now = self._now()
        then = (now + timedelta(days=days)).replace(hour=hour, minute=minute, second=0, microsecond=0)
        self.clock.advance((then - now).total_seconds() + 1)
        return now.date().isoformat()

    def client(self, kind: type[Client] = Client) -> Client:
        """The product's client."""
        mine = self.credentials
        signer = MerchantSigner(
            mine.mchid, mine.merchant_serial_no, load_private_key(mine.merchant_private_key)
        )
        ring = KeyRing.of(public_key_id=mine.wechat_public_key_id, public_key=mine.wechat_public_key)
        numbers = iter(range(10**6))
        return kind(
            signer=lambda: signer,
            keys=ring,
            gateways=[self.url],
            clock=self.clock.time,
            nonce=lambda: f"{next(numbers):032}",
        )

    def pay(self, out_trade_no: str, total: int = 1000, **more: Any) -> None:
        """Somebody orders and pays."""
        order = {
            "appid": self.credentials.appid,
            "mchid": self.credentials.mchid,
            "description": "公仔, 大号`",
            "out_trade_no": out_trade_no,
            "notify_url": "http://127.0.0.1:9/notify",
            "amount": {"total": total, "currency": "CNY"},
        }
        self.client().order_native(json.dumps(order | more).encode())
        self.control("pay", {"outTradeNo": out_trade_no})

    def control(self, name: str, body: dict[str, Any]) -> Any:
        """One of the simulator's controls."""
        answer = requests.post(f"{self.url}/_sandbox/{name}", json=body, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def faults(self, *rules: dict[str, Any]) -> None:
        """From now on these and no others."""
        requests.delete(f"{self.url}/_sandbox/faults", timeout=10)
        if rules:
            self.control("faults", {"rules": list(rules)})

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.time(), tz=BEIJING)


@contextmanager
def bank() -> Iterator[Bank]:
    """One of its own."""
    clock = Clock()
    mine = merchant()
    simulator = Simulator(mine, clock=clock)
    try:
        yield Bank(simulator.start(), clock, mine)
    finally:
        simulator.stop()
