"""Whoever sees to the books of a running sandbox: waits for the next day, and has days compared."""

from typing import Any

from payments.core.times import beijing, beijing_midnight, day_text
from tests.kit.shop import Shop

SCOPE = "payments:reconcile"


class Books:
    """One shop's books, by its API; time is the sandbox's."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    @property
    def today(self) -> str:
        """The Beijing day that it is."""
        return day_text(int(self.shop.sandbox.clock.time()))

    def wait_until(self, hour: float, *, days: int = 1) -> None:
        """Let time pass up to this hour, Beijing time, so many days from now; everything that is due is done before."""
        now = int(self.shop.sandbox.clock.time())
        midnight = beijing_midnight((now + 8 * 3600) // 86400 + days)
        assert self.shop.sandbox.drain()
        self.shop.sandbox.clock.advance(midnight + int(hour * 3600) - now)
        assert beijing(int(self.shop.sandbox.clock.time()))[11:13] == f"{int(hour):02}"
        assert self.shop.sandbox.drain()

    def compare(self, day: str) -> dict[str, Any]:
        """Have a day compared; it, once it was."""
        answer = self.shop.call("POST", f"/bills/{day}", scope=SCOPE)
        assert answer.status_code == 202, answer.text
        self.shop.sandbox.wait_until(lambda: self.day(day)["status"] not in ("pending", "running"))
        return self.day(day)

    def day(self, day: str) -> dict[str, Any]:
        """A day as it stands, with the first page of its differences."""
        data: dict[str, Any] = self.shop.call("GET", f"/bills/{day}", scope=SCOPE).json()["data"]
        return data

    def plant(self, day: str, bill: str, *changes: dict[str, Any]) -> None:
        """Change a day's bill at WeChat Pay."""
        answer = self.shop.control("bills", {"date": day, "bill": bill, "changes": list(changes)})
        assert answer.status_code == 200, answer.text
