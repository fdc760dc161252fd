"""POST …/refund the usual way: once for a key, read, refund, update."""

import uuid
from decimal import Decimal
from typing import Annotated, Literal

from api import PATH, app, caller, logger, visible
from aws_lambda_powertools.event_handler.exceptions import BadRequestError
from boto3.dynamodb.conditions import Attr
from idempotency import once
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from table import table
from wechat_pay import told, wechat_pay


class NewRefund(BaseModel):
    """A request body."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid")
    out_trade_no: Annotated[str, Field(pattern=r"^[0-9A-Za-z_|*-]{6,32}$")]
    refund_amount: Annotated[Decimal, Field(gt=0, decimal_places=2)]
    refund_reason: Annotated[str, Field(min_length=1, max_length=80)] | None = None


class Refund(BaseModel):
    """What is answered."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)
    out_trade_no: str
    out_refund_no: str
    refund_id: str
    refund_amount: float
    status: str


class Answer(BaseModel):
    """The whole body."""

    success: Literal[True] = True
    data: Refund


@app.post(f"{PATH}/refund")
def refund(wanted: NewRefund) -> Answer:
    """Give money back."""
    found = table.get_item(Key={"out_trade_no": wanted.out_trade_no}, ConsistentRead=True).get("Item")
    item = visible(found, *caller("payments:refund"))
    amount = int(wanted.refund_amount * 100)
    if item["status"] != "PAID" or item["refundable"] < amount:
        raise BadRequestError("NOT_REFUNDABLE")
    number = uuid.uuid4().hex
    answered = told(
        wechat_pay().refund(
            out_refund_no=number,
            out_trade_no=item["out_trade_no"],
            amount={"refund": amount, "total": int(item["amount"]), "currency": "CNY"},
            reason=wanted.refund_reason,
        )
    )
    table.update_item(
        Key={"out_trade_no": item["out_trade_no"]},
        UpdateExpression="SET refundable = refundable - :amount, refunds.#number = :refund",
        ConditionExpression=Attr("refundable").gte(amount),
        ExpressionAttributeNames={"#number": number},
        ExpressionAttributeValues={
            ":amount": amount,
            ":refund": {
                "status": answered["status"],
                "refund_id": answered["refund_id"],
                "amount": amount,
                "reason": wanted.refund_reason,
            },
        },
    )
    logger.info("refunded", out_refund_no=number)
    return Answer(
        data=Refund(
            out_trade_no=item["out_trade_no"],
            out_refund_no=number,
            refund_id=answered["refund_id"],
            refund_amount=float(wanted.refund_amount),
            status=answered["status"],
        )
    )


@logger.inject_lambda_context(clear_state=True)
@once
def lambda_handler(event, context):
    """The resolver's."""
    return app.resolve(event, context)
