"""A steady load of orders, payments, refunds and notifications that a drill runs under."""

import os
import secrets
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.kit.console import Console, advance

BEAT = float(os.environ.get("DRILL_SECONDS", "0.4"))  # that the load flows after each step
BUYERS = 3  # at once
# Seconds for what was not told yet. WeChat Pay comes again after 15 s, 15 s, 30 s and 3 minutes, and what fails even then, in the
# last second of ten minutes without an answer, ten minutes later; no schedule of ours runs here that would ask before.
PATIENCE = 20 * 60
STEP = 15  # seconds of them at once


class Load:
    """Buyers who order by quote or through a backend, look, pay and get money back, until `end`."""

    def __init__(self, shop: Any) -> None:
        self.shop, self.begun = shop, time.monotonic()
        self.orders = 0
        self.paid: list[str] = []
        self.refunds = 0
        self.failed: list[str] = []
        self.may_fail: tuple[int, ...] = ()  # statuses of a create that are no failure just now
        self._told = len(self.deliveries())
        self._to_give_back: deque[str] = deque()
        self._gate = threading.Condition()
        self._inside, self._closed, self._ended = 0, False, False
        self._threads = [threading.Thread(target=self._buy, args=(number,)) for number in range(BUYERS)]
        for thread in self._threads:
            thread.start()

    def deliveries(self) -> list[dict[str, Any]]:
        found = self.shop.http.get(f"{self.shop.sandbox.simulator}/_sandbox/notifications", timeout=30)
        notifications: list[dict[str, Any]] = found.json()["notifications"]
        return notifications

    def beat(self, beats: float = 1) -> None:
        """Let it flow for a while."""
        before, until = self.orders, time.monotonic() + 60
        time.sleep(BEAT * beats)
        while self.orders == before and time.monotonic() < until:
            time.sleep(0.02)

    @contextmanager
    def between(self) -> Iterator[None]:
        """Nobody is in the middle of something meanwhile."""
        with self._gate:
            self._closed = True
            assert self._gate.wait_for(lambda: not self._inside, 60)
        yield
        with self._gate:
            self._closed = False
            self._gate.notify_all()

    def minutes(self, count: int) -> None:
        """Let time pass for everybody."""
        for _ in range(count):
            with self.between():
                time.sleep(0.1)  # notifications on their way
                advance(self.shop, 60)
            self.beat(0.1)

    def end(self, name: str) -> None:
        """Stop; then every order that was paid must have been told of, and every refund have ended. Prints the figures."""
        self.stop()
        assert not self.failed, f"{len(self.failed)} calls failed, the first: {self.failed[:3]}"
        missing = {number for number in self.paid if self._unsettled(number)}
        for _ in range(PATIENCE // STEP):
            if not missing:
                break
            time.sleep(0.1)  # notifications on their way
            advance(self.shop, STEP)
            missing = {number for number in missing if self._unsettled(number)}
        assert not missing, (
            f"{len(missing)} of {len(self.paid)} paid orders were never told of: {self._refused()}"
        )
        assert self.shop.sandbox.drain(20)
        told = self.deliveries()[self._told :]
        again = sum(1 for each in told if each["status"] != 200)
        print(
            f"\n{name}: {self.orders} orders, {len(self.paid)} paid, {self.refunds} refunds, {len(told)} notifications,"
            f" {again} of them again, 0 lost, 0 failed creates, {time.monotonic() - self.begun:.1f} s"
        )

    def _refused(self) -> dict[str, list[tuple[int, object]]]:
        """The notifications that were never accepted: when each was tried, and what came of it."""
        tries: dict[str, list[tuple[int, object]]] = {}
        for each in self.deliveries()[self._told :]:
            tries.setdefault(each["id"], []).append((round(each["at"]), each["status"]))
        return {name: found for name, found in tries.items() if found[-1][1] != 200}

    def stop(self) -> None:
        with self._gate:
            self._ended, self._closed = True, False
            self._gate.notify_all()
        for thread in self._threads:
            thread.join()

    def _unsettled(self, number: str) -> bool:
        found = self.shop.details(number)  # of our table alone: it never asks WeChat Pay
        moving = [refund for refund in found.get("refunds", []) if refund["status"] != "SUCCESS"]
        return found["status"] == "pending" or bool(moving)

    def _buy(self, lane: int) -> None:
        count = lane
        while not self._ended:
            with self._gate:
                self._gate.wait_for(lambda: not self._closed)
                self._inside += 1
            try:
                self._one(count)
            except Exception as problem:  # noqa: BLE001  for the main thread to tell
                self.failed.append(repr(problem))
            finally:
                with self._gate:
                    self._inside -= 1
                    self._gate.notify_all()
            count += 1
            time.sleep(0.02)

    def _one(self, count: int) -> None:
        shop, buyer = self.shop, f"buyer-{secrets.token_hex(6)}"
        body = {"contentId": "course-1", "amount": "1.00", "subject": "A course"}
        route, scope = "/native", "payments:charge"
        if count % 2:
            body |= {"openid": "oBuyer-1"}
            route = "/jsapi"
        if count % 3:
            body |= {"quote": shop.sandbox.tokens.quote(buyer, "course-1", 100)}
            scope = "payments:pay"
        made = shop.call("POST", route, body, scope=scope, sub=buyer)
        if made.status_code != 200:
            if made.status_code not in self.may_fail:
                self.failed.append(f"{route}: {made.status_code} {made.text}")
            return
        number = made.json()["data"]["outTradeNo"]
        self.orders += 1
        if count % 4 == 0 and not self.may_fail:
            looked = shop.call("GET", f"/query/{number}")
            if looked.status_code != 200:
                self.failed.append(f"query: {looked.status_code} {looked.text}")
        assert shop.control("pay", {"outTradeNo": number}).status_code == 200
        self.paid.append(number)
        self._to_give_back.append(number)
        if len(self._to_give_back) > 8 and not self.may_fail:
            self._give_back(self._to_give_back.popleft())

    def _give_back(self, number: str) -> None:
        if self.shop.details(number)["status"] != "succeeded":
            return
        body = {"outTradeNo": number, "refundAmount": "0.40"}
        given = self.shop.call("POST", "/refund", body, scope="payments:refund", sub=f"office-{number}")
        if given.status_code != 200:
            self.failed.append(f"refund: {given.status_code} {given.text}")
        self.refunds += 1


@contextmanager
def flowing(console: Console, name: str) -> Iterator[Load]:
    load = Load(console.shop)
    try:
        load.beat()
        yield load
    except BaseException:
        load.stop()
        raise
    load.end(name)
