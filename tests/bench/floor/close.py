"""POST …/close on the floor."""

import json
import os

from answers import caller, data, refused
from aws import dynamodb, key
from wechat_pay import call


def lambda_handler(event, _context):
    """→ CLOSING where it is the caller's and unpaid, WeChat Pay's 204, → CLOSED."""
    sub, all_orders = caller(event, "payments:pay", "payments:charge")
    if sub is None:
        return refused(403, "NOAUTH")
    number = json.loads(event["body"])["outTradeNo"]
    move(number, "PENDING", "CLOSING", None if all_orders else sub)
    status, _ = call(
        "POST", f"/v3/pay/transactions/out-trade-no/{number}/close", {"mchid": os.environ["WECHAT_MCH_ID"]}
    )
    if status != 204:
        raise NotImplementedError("the floor knows unpaid orders only")
    move(number, "CLOSING", "CLOSED", None)
    return data({"outTradeNo": number, "closed": True})


def move(number, before, after, owner):
    """One conditional update."""
    dynamodb.update_item(
        **key(number),
        UpdateExpression="SET #s = :after",
        ConditionExpression="#s = :before" + (" AND user_id = :owner" if owner else ""),
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={
            ":before": {"S": before},
            ":after": {"S": after},
            **({":owner": {"S": owner}} if owner else {}),
        },
    )
