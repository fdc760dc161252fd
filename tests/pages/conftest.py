"""One sandbox with its pages, and a browser reduced to its HTTP calls."""

import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sandbox.stack import Sandbox

API = "/api/v1/payments/wechat"


class Browser(requests.Session):
    """Calls what the pages' scripts call."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.trust_env = False
        self.base = base
        self.headers["Origin"] = base

    def request(self, method, url, *args, **kwargs):  # type: ignore[no-untyped-def,override]
        return super().request(method, self.base + url, *args, timeout=40, **kwargs)

    def vouched(self, product: str) -> dict[str, Any]:
        """What the shop's backend hands out for a product."""
        answer = self.post("/shop/order", json={"productId": product})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def order(self, product: str, key: str | None = None) -> tuple[requests.Response, str]:
        """The answer of the payment API, and the buyer's token."""
        vouched = self.vouched(product)
        key = key or str(uuid.uuid4())
        return self.native(vouched["order"], vouched["token"], key), vouched["token"]

    def native(self, order: dict[str, Any], token: str, key: str) -> requests.Response:
        """The payment API's answer to this very body."""
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
        return self.post(f"{API}/native", json=order, headers=headers)

    def state(self, number: str, token: str, until: str, seconds: float = 15) -> dict[str, Any]:
        """What the poll sees, once it sees `until`."""
        deadline = time.monotonic() + seconds
        while True:
            answer = self.get(f"{API}/query/{number}", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 200, answer.text
            data: dict[str, Any] = answer.json()["data"]
            if data["tradeState"] == until:
                return data
            assert time.monotonic() < deadline, data
            time.sleep(0.2)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def browser(sandbox: Sandbox) -> Iterator[Browser]:
    with Browser(sandbox.api) as browser:
        yield browser
