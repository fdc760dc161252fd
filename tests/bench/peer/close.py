"""POST …/close the usual way."""

from typing import Annotated, Literal

from api import PATH, app, caller, logger, visible
from boto3.dynamodb.conditions import Attr
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from table import table
from wechat_pay import told, wechat_pay


class Close(BaseModel):
    """A request body."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid")
    out_trade_no: Annotated[str, Field(pattern=r"^[0-9A-Za-z_|*-]{6,32}$")]


class Closed(BaseModel):
    """What is answered."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)
    out_trade_no: str
    closed: Literal[True] = True


class Answer(BaseModel):
    """The whole body."""

    success: Literal[True] = True
    data: Closed


@app.post(f"{PATH}/close")
def close(order: Close) -> Answer:
    """Read, close, update."""
    found = table.get_item(Key={"out_trade_no": order.out_trade_no}, ConsistentRead=True).get("Item")
    item = visible(found, *caller("payments:pay", "payments:charge"))
    told(wechat_pay().close(out_trade_no=item["out_trade_no"]))
    table.update_item(
        Key={"out_trade_no": item["out_trade_no"]},
        UpdateExpression="SET #s = :closed",
        ConditionExpression=Attr("status").eq("PENDING"),
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":closed": "CLOSED"},
    )
    logger.info("closed")
    return Answer(data=Closed(out_trade_no=item["out_trade_no"]))


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event, context):
    """The resolver's."""
    return app.resolve(event, context)
