"""`make redrive`: what `settle` gave up goes from the dead-letter queue back into its queue."""

import argparse
import json
import sys

from operations.stack import Stack, run

MAX_MESSAGES = 10_000  # messages in one go, so that a queue which refills itself does not keep us for ever


def main() -> int:
    """Move the messages. Returns the exit status."""
    return run(__doc__ or "", _move)


def _move(stack: Stack, _options: argparse.Namespace) -> int:
    queues = stack.client("sqs")
    source, target = stack.output("SettleDeadLettersUrl"), stack.output("SettleQueueUrl")
    moved = 0
    while moved < MAX_MESSAGES:
        messages = queues.receive_message(QueueUrl=source, MaxNumberOfMessages=10, WaitTimeSeconds=1).get(
            "Messages", []
        )
        if not messages:
            break
        for message in messages:
            # Sent before it is deleted: `settle` does no harm twice, a lost message would.
            # Without its lease, which has run out: `settle` looks at whatever is still due.
            number = json.loads(message["Body"])["out_trade_no"]
            queues.send_message(QueueUrl=target, MessageBody=json.dumps({"out_trade_no": number}))
            queues.delete_message(QueueUrl=source, ReceiptHandle=message["ReceiptHandle"])
            moved += 1
    print(f"redrive: {moved} messages moved")
    return 0


if __name__ == "__main__":
    sys.exit(main())
