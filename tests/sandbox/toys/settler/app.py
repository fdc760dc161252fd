"""A toy function behind a queue: writes each name to the table, and reports the one called poison as failed."""

import os

import boto3

TABLE = boto3.client("dynamodb")


def lambda_handler(event, context):
    """One item per message."""
    failed = []
    for record in event["Records"]:
        if record["body"] == "poison":
            failed.append({"itemIdentifier": record["messageId"]})
        else:
            TABLE.put_item(TableName=os.environ["TABLE"], Item={"name": {"S": record["body"]}})
    return {"batchItemFailures": failed}
