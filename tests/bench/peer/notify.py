"""POST …/notify the usual way: wechatpayv3's callback, one conditional update."""

import os
import time

from api import PATH, app, logger
from aws_lambda_powertools.event_handler.exceptions import UnauthorizedError
from boto3.dynamodb.conditions import Attr
from pydantic import BaseModel
from table import table
from wechat_pay import wechat_pay


class Answer(BaseModel):
    """WeChat Pay's own form."""

    code: str
    message: str


class Amount(BaseModel):
    """In fen."""

    total: int


class Payer(BaseModel):
    """Who paid."""

    openid: str


class Transaction(BaseModel):
    """What was encrypted."""

    mchid: str
    appid: str
    out_trade_no: str
    transaction_id: str
    trade_state: str
    success_time: str
    payer: Payer
    amount: Amount


@app.post(f"{PATH}/notify")
def notify() -> Answer:
    """Verify, decrypt, update."""
    event = app.current_event
    told = wechat_pay().callback(event.headers, event.body)
    if not told:
        raise UnauthorizedError("SIGN_ERROR")
    paid = Transaction.model_validate(told["resource"])
    table.update_item(
        Key={"out_trade_no": paid.out_trade_no},
        UpdateExpression=(
            "SET #s = :paid, transaction_id = :id, trade_state = :state, payer_openid = :payer, success_time = :at, "
            "completed_at = :now, refundable = :total, refunds = :none"
        ),
        ConditionExpression=Attr("status").eq("PENDING")
        & Attr("mchid").eq(os.environ["WECHAT_MCH_ID"])
        & Attr("appid").eq(paid.appid)
        & Attr("amount").eq(paid.amount.total),
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={
            ":paid": "PAID",
            ":id": paid.transaction_id,
            ":state": paid.trade_state,
            ":payer": paid.payer.openid,
            ":at": paid.success_time,
            ":now": int(time.time()),
            ":total": paid.amount.total,
            ":none": {},
        },
    )
    logger.info("notified", out_trade_no=paid.out_trade_no)
    return Answer(code="SUCCESS", message="Success")


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event, context):
    """The resolver's."""
    return app.resolve(event, context)
