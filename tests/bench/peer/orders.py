"""What native and jsapi have in common: the request, the order, the answer."""

import os
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

import jwt
from api import caller, logger
from boto3.dynamodb.conditions import Attr
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from table import table
from wechat_pay import secret, told, wechat_pay

Text = Annotated[str, Field(min_length=1, max_length=256)]


class NewOrder(BaseModel):
    """A request body."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid")
    content_id: Text
    amount: Annotated[Decimal, Field(gt=0, decimal_places=2)]
    subject: Text
    user_id: Text | None = None
    body: Annotated[str, Field(max_length=2048)] | None = None
    metadata: dict[str, Any] | None = None


class Order(BaseModel):
    """What both answer."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)
    payment_id: str
    out_trade_no: str
    amount: float
    currency: str
    expires_at: datetime
    checkout_url: str


def open_order(order, method, pay_type, credential, payer=None):
    """Put, send, update; WeChat Pay's credential and the members that both answer."""
    sub, _ = caller("payments:charge")
    now = datetime.now(UTC).replace(microsecond=0)
    ends = now + timedelta(hours=2)
    item = {
        "out_trade_no": uuid.uuid4().hex,
        "payment_id": f"PAY{uuid.uuid4().hex}",
        "user_id": order.user_id or sub,
        "content_id": order.content_id,
        "subject": order.subject,
        "body": order.body,
        "metadata": order.metadata or {},
        "mchid": os.environ["WECHAT_MCH_ID"],
        "appid": os.environ["WECHAT_APP_ID"],
        "amount": int(order.amount * 100),
        "method": method,
        "status": "CREATING",
        "time_expire": int(ends.timestamp()),
        "created_at": int(now.timestamp()),
    }
    table.put_item(Item=item, ConditionExpression=Attr("out_trade_no").not_exists())
    number = item["out_trade_no"]
    answered = told(
        wechat_pay().pay(
            description=order.subject,
            out_trade_no=number,
            amount={"total": item["amount"], "currency": "CNY"},
            payer=payer,
            time_expire=ends.isoformat(),
            pay_type=pay_type,
        )
    )
    table.update_item(
        Key={"out_trade_no": number},
        UpdateExpression=f"SET #s = :pending, {credential} = :credential, credential_expires_at = :ends",
        ConditionExpression=Attr("status").eq("CREATING"),
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={
            ":pending": "PENDING",
            ":credential": answered[credential],
            ":ends": item["time_expire"],
        },
    )
    logger.info("opened", out_trade_no=number, payment_id=item["payment_id"])
    claims = {"aud": "checkout", "sub": number, "exp": item["time_expire"] + 86400}
    page = os.environ["WECHAT_NOTIFY_URL"].removesuffix("/api/v1/payments/wechat/notify") + "/checkout/"
    return answered[credential], {
        "payment_id": item["payment_id"],
        "out_trade_no": number,
        "amount": float(order.amount),
        "currency": "CNY",
        "expires_at": ends,
        "checkout_url": page
        + jwt.encode(claims, secret("CHECKOUT_SECRET")["CHECKOUT_KEY"], algorithm="HS256"),
    }
