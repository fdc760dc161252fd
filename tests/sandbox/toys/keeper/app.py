"""A toy function behind the API: keeps what it is sent in its table, or reads a secret it may not read."""

import json
import os

import boto3

TABLE = boto3.client("dynamodb")
SECRETS = boto3.client("secretsmanager")


def lambda_handler(event, context):
    """Answer in payload format 2.0."""
    name = event["pathParameters"]["name"]
    if name == "secret":
        SECRETS.get_secret_value(SecretId=os.environ["SECRET"])
    caller = event["requestContext"]["authorizer"]["jwt"]["claims"]["sub"]
    TABLE.put_item(TableName=os.environ["TABLE"], Item={"name": {"S": name}, "caller": {"S": caller}})
    return {"statusCode": 201, "body": json.dumps({"kept": name, "by": caller})}
