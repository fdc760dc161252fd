"""The AWS services that are not tables, in this process: secrets that are read, a bus that keeps events, queues."""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

INVISIBLE = 361  # seconds until a message that failed is visible again: the queue's own, in template.yaml
MAX_DELIVERIES = 5  # deliveries of one message: maxReceiveCount, in template.yaml


class Bus:
    """An EventBridge client that keeps all events, in order: detail-type, detail (parsed)."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        """All are taken."""
        for entry in Entries:
            self.events.append({"detail-type": entry["DetailType"], "detail": json.loads(entry["Detail"])})
        return {"FailedEntryCount": 0, "Entries": [{"EventId": str(n)} for n, _ in enumerate(Entries)]}


@dataclass
class Message:
    """One message of a queue, and when it may be delivered (again)."""

    message_id: str
    queue: str
    body: str
    visible_at: float
    received: int = 0

    def delivered(self) -> dict[str, Any]:
        """In the shape of Lambda's event, as far as our function looks."""
        return {
            "messageId": self.message_id,
            "receiptHandle": self.message_id,
            "body": self.body,
            "attributes": {"ApproximateReceiveCount": str(self.received)},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{self.queue.rpartition('/')[2]}",
            "awsRegion": "us-east-1",
        }


class Queues:
    """An SQS client with every queue there is, by its URL."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._messages: list[Message] = []
        self._numbers = itertools.count(1)
        self.given_up = 0
        """Messages that went to the dead letters."""

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        """All are taken; DelaySeconds counts."""
        for entry in Entries:
            at = self._now() + entry.get("DelaySeconds", 0)
            self._messages.append(Message(f"m{next(self._numbers)}", QueueUrl, entry["MessageBody"], at))
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}

    def send_message(self, *, QueueUrl: str, MessageBody: str, DelaySeconds: int = 0) -> dict[str, Any]:  # noqa: N803
        """One message."""
        entry = {"Id": "0", "MessageBody": MessageBody, "DelaySeconds": DelaySeconds}
        self.send_message_batch(QueueUrl=QueueUrl, Entries=[entry])
        return {"MessageId": self._messages[-1].message_id}

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:  # noqa: N803
        """How many messages wait, and how many are being looked into."""
        mine = [message for message in self._messages if message.queue == QueueUrl]
        visible = sum(message.visible_at <= self._now() for message in mine)
        return {
            "Attributes": {
                "ApproximateNumberOfMessages": str(visible),
                "ApproximateNumberOfMessagesNotVisible": str(len(mine) - visible),
                "ApproximateNumberOfMessagesDelayed": "0",
            }
        }

    @property
    def next_at(self) -> float | None:
        """When the next message may be delivered."""
        return min((message.visible_at for message in self._messages), default=None)

    def receive(self) -> Message | None:
        """The message that has waited longest; it is invisible from now on, and gone after too many deliveries."""
        visible = [message for message in self._messages if message.visible_at <= self._now()]
        if not visible:
            return None
        message = min(visible, key=lambda each: each.visible_at)
        message.received += 1
        message.visible_at = self._now() + INVISIBLE
        if message.received > MAX_DELIVERIES:
            self.given_up += 1
            self.delete(message)
            return self.receive()
        return message

    def delete(self, message: Message) -> None:
        """It has been looked into."""
        self._messages.remove(message)
