"""GET …/payment/{outTradeNo} the usual way."""

from datetime import UTC, datetime
from typing import Any, Literal

from api import PATH, app, caller, logger, visible
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from table import table

STATUSES = {"CREATING": "pending", "PENDING": "pending", "CLOSED": "closed", "PAID": "succeeded"}


class Details(BaseModel):
    """The payment."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)
    id: str
    user_id: str
    content_id: str
    amount: str
    currency: str
    payment_method: str
    status: str
    refunded_amount: str
    refunds: list[dict[str, Any]]
    metadata: dict[str, Any]
    created_at: datetime
    completed_at: datetime | None = None


class Answer(BaseModel):
    """The whole body."""

    success: Literal[True] = True
    data: Details


@app.get(f"{PATH}/payment/<number>")
def payment(number: str) -> Answer:
    """Read, answer."""
    found = table.get_item(Key={"out_trade_no": number}, ConsistentRead=True).get("Item")
    item = visible(found, *caller("payments:pay", "payments:charge", "payments:refund"))
    metadata = item["metadata"] | {
        "outTradeNo": number,
        "transactionId": item.get("transaction_id"),
        "tradeState": item["trade_state"],
    }
    logger.info("read")
    return Answer(
        data=Details(
            id=item["payment_id"],
            user_id=item["user_id"],
            content_id=item["content_id"],
            amount=f"{item['amount'] / 100:.2f}",
            currency="CNY",
            payment_method="wechat",
            status=STATUSES[item["status"]],
            refunded_amount="0.00",
            refunds=list(item["refunds"].values()),
            metadata=metadata,
            created_at=datetime.fromtimestamp(int(item["created_at"]), UTC),
            completed_at=datetime.fromtimestamp(int(item["completed_at"]), UTC),
        )
    )


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event, context):
    """The resolver's."""
    return app.resolve(event, context)
