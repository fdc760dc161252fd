"""GET …/payment/{outTradeNo} on the floor."""

import json

from answers import caller, data, refused, utc
from aws import dynamodb, key

STATUSES = {"CREATING": "pending", "PENDING": "pending", "CLOSING": "pending", "PAID": "succeeded"}


def lambda_handler(event, _context):
    """The payment as the table has it."""
    sub, all_orders = caller(event, "payments:pay", "payments:charge", "payments:refund")
    if sub is None:
        return refused(403, "NOAUTH")
    number = event["pathParameters"]["outTradeNo"]
    item = dynamodb.get_item(**key(number), ConsistentRead=True).get("Item")
    if item is None or not (all_orders or item["user_id"]["S"] == sub):
        return refused(404, "ORDER_NOT_FOUND")
    metadata = json.loads(item["metadata"]["S"])
    metadata |= {
        "outTradeNo": number,
        "transactionId": item["transaction_id"]["S"],
        "tradeState": item["trade_state"]["S"],
    }
    return data(
        {
            "id": item["payment_id"]["S"],
            "userId": item["user_id"]["S"],
            "contentId": item["content_id"]["S"],
            "amount": f"{int(item['amount']['N']) / 100:.2f}",
            "currency": "CNY",
            "paymentMethod": "wechat",
            "status": STATUSES[item["status"]["S"]],
            "refundedAmount": "0.00",
            "refunds": [],
            "metadata": metadata,
            "createdAt": utc(int(item["created_at"]["N"])),
            "completedAt": utc(int(item["completed_at"]["N"])),
        }
    )
