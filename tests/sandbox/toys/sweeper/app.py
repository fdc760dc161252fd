"""A toy function on a schedule: sends one message per name that is due, here the environment's."""

import os

import boto3

QUEUE = boto3.client("sqs")


def lambda_handler(event, context):
    """All of them in one batch."""
    names = os.environ["NAMES"].split(",")
    entries = [{"Id": str(number), "MessageBody": name} for number, name in enumerate(names)]
    QUEUE.send_message_batch(QueueUrl=os.environ["QUEUE"], Entries=entries)
    return {"sent": len(entries), "source": event.get("source")}
