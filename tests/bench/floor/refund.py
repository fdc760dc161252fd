"""POST …/refund on the floor: one update reserves the money, one writes down what WeChat Pay says."""

import json
import os

from answers import caller, data, digest, refused
from aws import dynamodb, key
from wechat_pay import call


def lambda_handler(event, _context):
    """Reserve, send, record."""
    sub, _ = caller(event, "payments:refund")
    if sub is None:
        return refused(403, "NOAUTH")
    wanted = json.loads(event["body"])
    number, amount = wanted["outTradeNo"], round(wanted["refundAmount"] * 100)
    refund_no = digest("RF", number, sub, event["headers"]["idempotency-key"])
    names = {"#s": "status", "#r": refund_no}
    item = dynamodb.update_item(
        **key(number),
        UpdateExpression="SET refundable = refundable - :a, refunds.#r = :refund",
        ConditionExpression="#s = :paid AND refundable >= :a AND attribute_not_exists(refunds.#r)",
        ExpressionAttributeNames=names,
        ExpressionAttributeValues={
            ":a": {"N": str(amount)},
            ":paid": {"S": "PAID"},
            ":refund": {"M": {"status": {"S": "REQUESTED"}, "amount": {"N": str(amount)}}},
        },
        ReturnValues="ALL_NEW",
    )["Attributes"]
    _, told = call(
        "POST",
        "/v3/refund/domestic/refunds",
        {
            "out_trade_no": number,
            "out_refund_no": refund_no,
            "reason": wanted["refundReason"],
            "notify_url": os.environ["WECHAT_NOTIFY_URL"],
            "amount": {"refund": amount, "total": int(item["amount"]["N"]), "currency": "CNY"},
        },
    )
    dynamodb.update_item(
        **key(number),
        UpdateExpression="SET refunds.#r.#s = :status, refunds.#r.refund_id = :id",
        ExpressionAttributeNames=names,
        ExpressionAttributeValues={":status": {"S": told["status"]}, ":id": {"S": told["refund_id"]}},
    )
    return data(
        {
            "outTradeNo": number,
            "outRefundNo": refund_no,
            "refundId": told["refund_id"],
            "refundAmount": amount / 100,
            "status": told["status"],
        }
    )
