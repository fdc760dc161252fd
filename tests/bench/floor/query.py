"""GET …/query/{outTradeNo} on the floor: one update reads the order and keeps others from asking in the same moment."""

import os
import time

from answers import caller, data, refused
from aws import dynamodb, key
from wechat_pay import call


def lambda_handler(event, _context):
    """The order as WeChat Pay has it."""
    sub, all_orders = caller(event, "payments:pay", "payments:charge", "payments:refund")
    if sub is None:
        return refused(403, "NOAUTH")
    number, now = event["pathParameters"]["outTradeNo"], int(time.time())
    mine = "" if all_orders else " AND user_id = :sub"
    item = dynamodb.update_item(
        **key(number),
        UpdateExpression="SET asked_at = :now",
        ConditionExpression=f"#s = :pending AND (attribute_not_exists(asked_at) OR asked_at < :fresh){mine}",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={
            ":now": {"N": str(now)},
            ":fresh": {"N": str(now - 2)},
            ":pending": {"S": "PENDING"},
            **({} if all_orders else {":sub": {"S": sub}}),
        },
        ReturnValues="ALL_NEW",
    )["Attributes"]
    mchid = os.environ["WECHAT_MCH_ID"]
    _, told = call("GET", f"/v3/pay/transactions/out-trade-no/{number}?mchid={mchid}")
    if told["trade_state"] != "NOTPAY":
        raise NotImplementedError("the floor knows unpaid orders only")
    return data(
        {
            "outTradeNo": number,
            "tradeState": told["trade_state"],
            "tradeStateDesc": "Not paid yet",
            "amount": {"total": int(item["amount"]["N"]), "currency": "CNY"},
        }
    )
