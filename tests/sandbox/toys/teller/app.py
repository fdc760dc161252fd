"""A toy function behind the table's stream: tells the bus what was kept."""

import json
import os

import boto3

BUS = boto3.client("events")


def lambda_handler(event, context):
    """One event per record."""
    for record in event["Records"]:
        name = record["dynamodb"]["NewImage"]["name"]["S"]
        entry = {
            "Source": "toys",
            "DetailType": "Kept",
            "Detail": json.dumps({"name": name}),
            "EventBusName": os.environ["BUS"],
        }
        BUS.put_events(Entries=[entry])
    return {"batchItemFailures": []}
