"""An order is put into the table, sent to WeChat Pay, and written down with what it is paid by."""

import json
import os
import time

from answers import caller, digest, refused, token, utc
from aws import dynamodb, key, secret
from wechat_pay import call


def open_order(event, method):
    """The item of an open order and the members that both methods answer; or None and a refusal."""
    sub, _ = caller(event, "payments:charge")
    if sub is None:
        return None, refused(403, "NOAUTH")
    wanted = json.loads(event["body"])
    total = round(wanted["amount"] * 100)
    if total < 1:
        return None, refused(400, "PARAM_ERROR")
    number = digest("WX", event["routeKey"], sub, event["headers"]["idempotency-key"])
    now = int(time.time())
    ends = now + 7200
    sent = {
        "appid": os.environ["WECHAT_APP_ID"],
        "mchid": os.environ["WECHAT_MCH_ID"],
        "description": wanted["subject"],
        "out_trade_no": number,
        "time_expire": utc(ends).replace("Z", "+00:00"),
        "notify_url": os.environ["WECHAT_NOTIFY_URL"],
        "amount": {"total": total, "currency": "CNY"},
    }
    if method == "jsapi":
        sent["payer"] = {"openid": wanted["openid"]}
    item = {
        "out_trade_no": {"S": number},
        "payment_id": {"S": digest("PAY", number)},
        "user_id": {"S": wanted.get("userId", sub)},
        "content_id": {"S": wanted["contentId"]},
        "subject": {"S": wanted["subject"]},
        "body": {"S": wanted.get("body", "")},
        "metadata": {"S": json.dumps(wanted.get("metadata", {}))},
        "mchid": {"S": sent["mchid"]},
        "appid": {"S": sent["appid"]},
        "amount": {"N": str(total)},
        "status": {"S": "CREATING"},
        "time_expire": {"N": str(ends)},
        "created_at": {"N": str(now)},
    }
    dynamodb.put_item(
        TableName=os.environ["PAYMENTS_TABLE"],
        Item=item,
        ConditionExpression="attribute_not_exists(out_trade_no)",
    )
    _, answered = call("POST", f"/v3/pay/transactions/{method}", sent)
    name = "code_url" if method == "native" else "prepay_id"
    dynamodb.update_item(
        **key(number),
        UpdateExpression=f"SET #s = :pending, {name} = :credential, credential_expires_at = :ends",
        ConditionExpression="#s = :creating",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={
            ":pending": {"S": "PENDING"},
            ":creating": {"S": "CREATING"},
            ":credential": {"S": answered[name]},
            ":ends": {"N": str(ends)},
        },
    )
    claims = {"aud": "checkout", "sub": number, "exp": ends + 86400}
    page = os.environ["WECHAT_NOTIFY_URL"].removesuffix("/api/v1/payments/wechat/notify") + "/checkout/"
    return answered[name], {
        "paymentId": item["payment_id"]["S"],
        "outTradeNo": number,
        "amount": total / 100,
        "currency": "CNY",
        "expiresAt": utc(ends),
        "checkoutUrl": page + token(claims, secret("CHECKOUT_SECRET")["CHECKOUT_KEY"]),
    }
