"""A queue delivered to a function as Lambda's poller would: in batches, in parallel, what succeeded deleted."""

import base64
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from sandbox.aws.aws import Aws
from sandbox.deployed import QueueMapping
from sandbox.triggers.batches import failures_of

log = logging.getLogger(__name__)

MIN_IDLE_SECONDS, MAX_IDLE_SECONDS = 0.5, 4.0
"""Seconds between polls that no message asked for, as for one whose visibility timeout has passed: twice as long after
each that found nothing, up to the longest."""
PAGE = 10
"""Messages per ReceiveMessage or DeleteMessageBatch, the most that SQS takes (SQS API Reference)."""

Message = dict[str, Any]


class QueuePump:
    """Polls one queue in a thread of its own, with the function's own role, and invokes the function.

    `invoke(logical_id, event)` returns the function's result or raises. A message that failed is left alone until its
    visibility timeout has passed on the sandbox's clock; after the queue's maxReceiveCount it goes to the dead-letter
    queue (Lambda Developer Guide, Using Lambda with Amazon SQS). A batch is never waited for: it holds what is there.
    """

    def __init__(
        self,
        aws: Aws,
        mapping: QueueMapping,
        invoke: Callable[[str, dict[str, Any]], Any],
        *,
        credentials: dict[str, str] | None,
    ) -> None:
        self._aws = aws
        self._mapping = mapping
        self._invoke = invoke
        self._credentials = credentials
        self._looked = False
        self._stopping = threading.Event()
        self._state = threading.Condition()
        self._under_way = 0
        self._asked = 0  # how often somebody wanted the queue drained, and up to which time it has been
        self._drained = 0
        self._thread = threading.Thread(target=self._run, name=f"queue-{mapping.function}", daemon=True)
        self.invocations = 0
        """How many batches the function has been given."""
        self._faults: dict[str, Exception] = {}

    @property
    def last_error(self) -> Exception | None:
        """Why the queue could not be used the last time, e.g. a permission that the role lacks; None when it could."""
        return next(iter(self._faults.values()), None)

    def start(self) -> None:
        """Begin with what is in the queue. Raises RuntimeError when called twice."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the invocations under way, if any, and end."""
        self._stopping.set()
        with self._state:
            self._state.notify_all()
        self._aws.wake()
        if self._thread.is_alive():
            self._thread.join(timeout=20)

    def drain(self, timeout: float) -> bool:
        """Wait, at most `timeout` seconds, until no message is visible and no invocation under way.

        What failed, or was sent with a delay, is not visible: advance the clock to have it tried (again).
        """
        with self._state:
            self._asked += 1
            target = self._asked
        self._aws.wake()
        with self._state:
            self._state.wait_for(lambda: self._drained >= target or self._stopping.is_set(), timeout)
            return self._drained >= target

    def _run(self) -> None:
        with ThreadPoolExecutor(
            self._mapping.maximum_concurrency, f"queue-{self._mapping.function}"
        ) as workers:
            idle = MIN_IDLE_SECONDS
            while self._turn():
                woken, seen = self._aws.wakes(), self._aws.writes(self._mapping.queue_arn)
                with self._state:
                    asked = self._asked
                try:
                    messages = self._receive()
                except (ClientError, BotoCoreError) as fault:
                    if not self._stopping.is_set():
                        self._cannot("read", fault)
                    self._stopping.wait(MIN_IDLE_SECONDS)
                    continue
                self._faults.pop("read", None)
                if messages:
                    idle = MIN_IDLE_SECONDS
                    with self._state:
                        self._under_way += 1
                        self.invocations += 1
                    workers.submit(self._deliver, messages)
                    continue
                with self._state:
                    if not self._under_way:
                        self._drained = asked
                        self._state.notify_all()
                self._aws.wait_for_write(self._mapping.queue_arn, seen, idle, woken)
                idle = min(2 * idle, MAX_IDLE_SECONDS)

    def _turn(self) -> bool:
        """Wait until one more batch may be under way; False at the end."""
        with self._state:
            free = self._mapping.maximum_concurrency
            self._state.wait_for(lambda: self._under_way < free or self._stopping.is_set())
        return not self._stopping.is_set()

    def _receive(self) -> list[Message]:
        """Up to a batch of what is visible now."""
        client, url = self._aws.client("sqs", self._credentials), self._mapping.queue_url
        if not self._looked:  # Lambda looks at a queue's attributes too, and demands the permission
            client.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
            self._looked = True
        found: list[Message] = []
        while (wanted := min(PAGE, self._mapping.batch_size - len(found))) > 0:
            page = client.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=wanted,
                MessageSystemAttributeNames=["All"],
                MessageAttributeNames=["All"],
            ).get("Messages", [])
            found += page
            if len(page) < wanted:
                break
        return found

    def _deliver(self, messages: list[Message]) -> None:
        try:
            failed = self._attempt(messages)
            self._delete([message for message in messages if message["MessageId"] not in failed])
        finally:
            with self._state:
                self._under_way -= 1
                awaited = self._asked > self._drained
                self._state.notify_all()
            if awaited:
                self._aws.wake()

    def _attempt(self, messages: list[Message]) -> set[str]:
        """Invoke once; the ids of the messages that failed."""
        identifiers = [message["MessageId"] for message in messages]
        region = self._aws.region
        records = [as_lambda_delivers(message, self._mapping.queue_arn, region) for message in messages]
        try:
            result = self._invoke(self._mapping.function, {"Records": records})
        except Exception as fault:  # noqa: BLE001  whatever becomes of an invocation, Lambda calls it a failed batch
            log.warning(
                "%s failed on %d messages: %s", self._mapping.function, len(messages), type(fault).__name__
            )
            return set(identifiers)
        if not self._mapping.report_item_failures:
            return set()
        failed = failures_of(result, identifiers)
        return set(identifiers) if failed is None else failed

    def _delete(self, messages: list[Message]) -> None:
        client = self._aws.client("sqs", self._credentials)
        for first in range(0, len(messages), PAGE):
            entries = [
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                for number, message in enumerate(messages[first : first + PAGE])
            ]
            try:
                client.delete_message_batch(QueueUrl=self._mapping.queue_url, Entries=entries)
                self._faults.pop("delete from", None)
            except (ClientError, BotoCoreError) as fault:
                if not self._stopping.is_set():
                    self._cannot("delete from", fault)

    def _cannot(self, what: str, fault: Exception) -> None:
        if str(fault) != str(self._faults.get(what)):  # once, not at every poll
            log.error("cannot %s the queue of %s: %s", what, self._mapping.function, fault)
        self._faults[what] = fault


def as_lambda_delivers(message: Message, queue_arn: str, region: str) -> dict[str, Any]:
    """A received message in the shape of Lambda's event (Lambda Developer Guide, Example Amazon SQS message event)."""
    record = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {
            name: _attribute(value) for name, value in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": region,
    }
    if "MD5OfMessageAttributes" in message:
        record["md5OfMessageAttributes"] = message["MD5OfMessageAttributes"]
    return record


def _attribute(value: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
    if "StringValue" in value:
        found["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        found["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    return found
