"""`make redrive`: what `settle` and `checkout_paid` gave up goes from their dead-letter queues back into their queues."""

import argparse
import json
import sys
import time
from collections.abc import Callable

from operations.stack import Stack, run

TOLD_EACH = 2.0  # seconds between two lines that tell how far it has come
MAX_MESSAGES = 10_000  # messages in one go, so that a queue which refills itself does not keep us for ever


def main() -> int:
    """Move the messages. Returns the exit status."""
    return run(__doc__ or "", _move)


def _move(stack: Stack, _options: argparse.Namespace) -> int:
    for name, again in (("Settle", _question), ("PaidCheckouts", str)):
        moved = _moved(stack, stack.output(f"{name}DeadLettersUrl"), stack.output(f"{name}QueueUrl"), again)
        more = ", and there may be more: run it again" if moved >= MAX_MESSAGES else ""
        print(f"redrive: {moved} messages moved into {name}Queue{more}", flush=True)
    return 0


def _question(body: str) -> str | None:
    """Without its lease, which has run out: `settle` looks at whatever is still due. None for what names no order."""
    try:
        return json.dumps({"out_trade_no": json.loads(body)["out_trade_no"]})
    except (ValueError, KeyError, TypeError):
        return None


def _moved(stack: Stack, source: str, target: str, again: Callable[[str], str | None]) -> int:
    """How many messages went from one queue into the other, each as `again` makes it of its body; what it makes nothing of stays."""
    queues = stack.client("sqs")
    moved, told = 0, time.monotonic()
    while moved < MAX_MESSAGES:
        messages = queues.receive_message(QueueUrl=source, MaxNumberOfMessages=10, WaitTimeSeconds=1).get(
            "Messages", []
        )
        if not messages:
            break
        for message in messages:
            # Sent before it is deleted: twice does no harm to either, a lost message would.
            if (body := again(message["Body"])) is None:
                print(f"redrive: message {message['MessageId']} names no order and stays", flush=True)
                continue
            queues.send_message(QueueUrl=target, MessageBody=body)
            queues.delete_message(QueueUrl=source, ReceiptHandle=message["ReceiptHandle"])
            moved += 1
        if time.monotonic() - told >= TOLD_EACH:
            told = time.monotonic()
            print(f"redrive: {moved} messages so far", flush=True)
    return moved


if __name__ == "__main__":
    sys.exit(main())
