"""A sandbox that a test can wait for."""

import time
from pathlib import Path
from typing import Any

from sandbox.stack import Sandbox
from tests.kit.document import DOCUMENT
from tests.kit.keys import merchant_file

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.02, 0.3
SOURCE = "wechatpay.payments"


class Running(Sandbox):
    """A sandbox that a test can wait for; its merchant is the one of all tests, unless it is given another's file."""

    def __init__(self, *, credentials: Path | None = None, **options: Any) -> None:
        super().__init__(credentials=credentials or merchant_file(), **options)
        self._known = 0  # how many events have been looked at

    def events(self) -> list[dict[str, Any]]:
        """As a sandbox has them; each is one that docs/openapi.yaml knows."""
        events = super().events()
        for event in events[self._known :]:
            if event["source"] == SOURCE:
                problem = DOCUMENT.event_problem(event["detail-type"], event["detail"])
                assert not problem, problem
        self._known = len(events)
        return events

    def minutes(self, count: int) -> None:
        """Let `count` minutes pass one by one, each until everything that it set off is done."""
        for _ in range(count):
            self.clock.advance(60)
            assert self.drain(20)

    def wait_until(self, holds: Any, seconds: float = 40.0) -> None:
        """Look after each write to the payments, and besides ever more seldom: a look may cost as much as a request."""
        payments = self.deployed.refs.get("PaymentsTable", "")
        end, pause = time.monotonic() + seconds, FIRST_PAUSE_SECONDS
        while True:
            written = self.aws.writes(payments)
            if holds():
                return
            assert time.monotonic() < end, f"did not come to hold within {seconds} seconds"
            if self.aws.wait_for_write(payments, written, pause) > written:
                pause = FIRST_PAUSE_SECONDS  # what follows from it comes soon
            pause = min(1.5 * pause, LONGEST_PAUSE_SECONDS)
