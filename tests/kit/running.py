"""A sandbox that a test can wait for."""

import threading
from typing import Any

from sandbox.stack import Sandbox
from tests.kit.document import DOCUMENT

SOURCE = "wechatpay.payments"


class Running(Sandbox):
    """A sandbox that a test can wait for."""

    def events(self) -> list[dict[str, Any]]:
        """As a sandbox has them; each is one that docs/openapi.yaml knows."""
        events = super().events()
        for event in events:
            if event["source"] == SOURCE:
                problem = DOCUMENT.event_problem(event["detail-type"], event["detail"])
                assert not problem, problem
        return events

    def minutes(self, count: int) -> None:
        """Let `count` minutes pass one by one, each until everything that it set off is done."""
        for _ in range(count):
            self.clock.advance(60)
            assert self.drain(20)

    def wait_until(self, holds: Any, seconds: float = 40.0) -> None:
        waited = threading.Event()
        for _ in range(int(seconds / 0.02)):
            if holds():
                return
            waited.wait(0.02)
        raise AssertionError(f"did not come to hold within {seconds} seconds")
