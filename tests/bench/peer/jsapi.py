"""POST …/jsapi the usual way."""

import os
import time
import uuid
from typing import Annotated, Literal

from api import PATH, app, logger
from idempotency import once
from orders import NewOrder, Order, open_order
from pydantic import BaseModel, Field
from wechat_pay import wechat_pay
from wechatpayv3 import WeChatPayType


class NewJsapiOrder(NewOrder):
    """A request body, with who pays."""

    openid: Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,128}$")]


class JsapiOrder(Order):
    """An order, and what WeChat's cashier is opened with."""

    prepay_id: str
    payment_params: dict[str, str]


class Answer(BaseModel):
    """The whole body."""

    success: Literal[True] = True
    data: JsapiOrder


@app.post(f"{PATH}/jsapi")
def jsapi(order: NewJsapiOrder) -> Answer:
    """Open the order, sign for the cashier."""
    payer = {"openid": order.openid}
    prepay_id, members = open_order(order, "jsapi", WeChatPayType.JSAPI, "prepay_id", payer)
    appid, timestamp, nonce = os.environ["WECHAT_APP_ID"], str(int(time.time())), uuid.uuid4().hex
    package = f"prepay_id={prepay_id}"
    params = {
        "appId": appid,
        "timeStamp": timestamp,
        "nonceStr": nonce,
        "package": package,
        "signType": "RSA",
        "paySign": wechat_pay().sign([appid, timestamp, nonce, package]),
    }
    return Answer(data=JsapiOrder(**members, prepay_id=prepay_id, payment_params=params))


@logger.inject_lambda_context(clear_state=True)
@once
def lambda_handler(event, context):
    """The resolver's."""
    return app.resolve(event, context)
