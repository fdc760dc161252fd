"""Events of a bus handed on as a rule of EventBridge does: to a function, by Lambda's asynchronous invocation, or to a queue."""

import logging
from collections.abc import Callable
from typing import Any

import msgspec

from sandbox.aws.aws import Aws
from sandbox.clock import Clock
from sandbox.deployed import Rule
from sandbox.triggers.deliveries import Deliveries, Event
from sandbox.triggers.patterns import matches

log = logging.getLogger(__name__)

MAX_CALLS_AT_ONCE = 4
"""Invocations under way; Lambda would run as many as there are events, each in a process of its own."""
WAITS = (60.0, 120.0)
"""Seconds before an invocation that failed is tried again (Lambda Developer Guide, Error handling for asynchronous invocation)."""


class RulePump(Deliveries):
    """Invokes one function with every event that the rule's pattern takes, or puts it into one queue.

    Order is not promised, nor is it in AWS. An invocation that fails is repeated on the sandbox's clock, as often as the rule says, and
    then given up; what a queue holds is tried as often as the queue says.
    """

    def __init__(self, aws: Aws, rule: Rule, invoke: Callable[[str, bytes], Any], *, clock: Clock) -> None:
        waits = tuple(WAITS[min(tried, len(WAITS) - 1)] for tried in range(rule.retries))
        super().__init__(f"rule-{rule.logical_id}", aws, clock, waits=waits, at_once=MAX_CALLS_AT_ONCE)
        self._rule, self._invoke = rule, invoke

    def _takes(self, event: Event) -> bool:
        rule = self._rule
        return event["bus"] == rule.bus and matches(
            rule.pattern, {**self._envelope(event), "detail": event["detail"]}
        )

    def _hand_over(self, event: Event) -> None:
        """What a rule's target gets: the detail to the letter, for a number read and written again may lose digits."""
        envelope = {**self._envelope(event), "detail": msgspec.Raw(event["detail_text"].encode())}
        text = msgspec.json.encode(envelope)
        if self._rule.function is not None:
            self._invoke(self._rule.function, text)
        else:
            self._aws.client("sqs").send_message(QueueUrl=self._rule.queue_url, MessageBody=text.decode())

    def _tell_failure(self, event: Event, fault: Exception, wait: float | None) -> None:  # noqa: ARG002
        log.warning("%s failed on an event: %s", self._rule.function or self._name, type(fault).__name__)

    def _envelope(self, event: Event) -> Event:
        """All but the detail (EventBridge User Guide, Event structure)."""
        _, _, _, region, account, _ = self._rule.arn.split(":", 5)
        return {
            "version": "0",
            "id": event["id"],
            "detail-type": event["detail-type"],
            "source": event["source"],
            "account": account,
            "time": event["time"],
            "region": region,
            "resources": event["resources"],
        }
