"""A queue delivered to a function as Lambda's poller would: in batches, in parallel, what succeeded deleted."""

import base64
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from sandbox.aws.aws import Aws
from sandbox.deployed import QueueMapping
from sandbox.triggers.batches import failures_of
from sandbox.triggers.poller import Poller

log = logging.getLogger(__name__)

PAGE = 10
"""Messages per ReceiveMessage or DeleteMessageBatch, the most that SQS takes (SQS API Reference)."""

Message = dict[str, Any]


class QueuePump(Poller):
    """Invokes a function with what is visible in one queue; a few batches at once, as many as the mapping allows.

    `invoke(logical_id, event)` returns the function's result or raises. A message that failed is left alone until its
    visibility timeout has passed on the sandbox's clock; after the queue's maxReceiveCount it goes to the dead-letter
    queue (Lambda Developer Guide, Using Lambda with Amazon SQS). A batch is never waited for: it holds what is there.
    What failed, or was sent with a delay, is not visible, and not drained: advance the clock to have it tried (again).
    """

    def __init__(
        self,
        aws: Aws,
        mapping: QueueMapping,
        invoke: Callable[[str, dict[str, Any]], Any],
        *,
        credentials: dict[str, str] | None,
    ) -> None:
        name = f"queue-{mapping.function}"
        super().__init__(
            aws,
            mapping.queue_arn,
            name=name,
            unreadable=f"cannot read the queue of {mapping.function}",
        )
        self._mapping = mapping
        self._invoke = invoke
        self._credentials = credentials
        self._looked = False
        self._workers = ThreadPoolExecutor(mapping.maximum_concurrency, name)

    def _run(self) -> None:
        with self._workers:
            super()._run()

    def _is_free(self) -> bool:
        """Wait until one more batch may be under way; False at the end."""
        self._wait_until(lambda: self._under_way < self._mapping.maximum_concurrency)
        return super()._is_free()

    def _poll(self) -> bool:
        messages = self._receive()
        if messages:
            with self._state:
                self._under_way += 1
                self.invocations += 1
            self._workers.submit(self._deliver, messages)
        return bool(messages)

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
        undeletable = f"messages stay in the queue of {self._mapping.function}"
        for first in range(0, len(messages), PAGE):
            entries = [
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                for number, message in enumerate(messages[first : first + PAGE])
            ]
            try:
                client.delete_message_batch(QueueUrl=self._mapping.queue_url, Entries=entries)
                self._faults.pop(undeletable, None)
            except (ClientError, BotoCoreError) as fault:
                self._fail(undeletable, fault)


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
