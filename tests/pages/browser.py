"""A browser reduced to its HTTP calls."""

import time
from typing import Any

import requests


class Browser(requests.Session):
    """Calls what the pages' scripts call."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.trust_env = False
        self.base = base
        self.headers["Origin"] = base

    def request(self, method: Any, url: Any, **given: Any) -> Any:  # type: ignore[override]
        return super().request(method, self.base + url, **given | {"timeout": 40})

    def order(self, product: str, **more: Any) -> str:
        """Path of the checkout that the shop sends the buyer to."""
        answer = self.post("/shop/order", json={"productId": product, **more})
        assert answer.status_code == 200, answer.text
        address: str = answer.json()["checkoutUrl"]
        assert address.startswith(f"{self.base}/checkout/")
        return address.removeprefix(self.base)

    def view(self, checkout: str, until: str | None = None, seconds: float = 15) -> dict[str, Any]:
        """What the checkout knows of the order, once its status is `until`."""
        deadline = time.monotonic() + seconds
        while True:
            answer = self.get(checkout, headers={"Accept": "application/json"})
            assert answer.status_code == 200, answer.text
            view: dict[str, Any] = answer.json()
            if until in (None, view["status"]):
                return view
            assert time.monotonic() < deadline, view
            time.sleep(0.2)
