"""GET …/query/{outTradeNo} the usual way: read, ask where it is open, write down what is new."""

from typing import Literal

from api import PATH, app, caller, logger, visible
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from table import table
from wechat_pay import told, wechat_pay

WORDS = {"NOTPAY": "Not paid yet", "SUCCESS": "Payment successful", "CLOSED": "Order closed"}


class Amount(BaseModel):
    """In fen."""

    total: int
    currency: str


class Order(BaseModel):
    """The order in WeChat Pay's words."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)
    out_trade_no: str
    trade_state: str
    trade_state_desc: str
    amount: Amount


class PaidOrder(Order):
    """…once it is paid."""

    transaction_id: str


class Answer(BaseModel):
    """The whole body."""

    success: Literal[True] = True
    data: PaidOrder | Order


@app.get(f"{PATH}/query/<number>")
def query(number: str) -> Answer:
    """The order's present truth."""
    found = table.get_item(Key={"out_trade_no": number}, ConsistentRead=True).get("Item")
    item = visible(found, *caller("payments:pay", "payments:charge", "payments:refund"))
    if item["status"] == "PENDING":
        asked = told(wechat_pay().query(out_trade_no=number))
        item |= {"trade_state": asked["trade_state"], "transaction_id": asked.get("transaction_id")}
        if asked["trade_state"] == "SUCCESS":
            table.update_item(
                Key={"out_trade_no": number},
                UpdateExpression="SET #s = :paid, transaction_id = :id",
                ExpressionAttributeNames={"#s": "status"},
                ExpressionAttributeValues={":paid": "PAID", ":id": asked["transaction_id"]},
            )
    logger.info("queried")
    members = {
        "out_trade_no": number,
        "trade_state": item["trade_state"],
        "trade_state_desc": WORDS[item["trade_state"]],
        "amount": Amount(total=int(item["amount"]), currency="CNY"),
    }
    paid = item.get("transaction_id")
    return Answer(data=PaidOrder(**members, transaction_id=paid) if paid else Order(**members))


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event, context):
    """The resolver's."""
    return app.resolve(event, context)
