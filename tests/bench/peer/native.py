"""POST …/native the usual way."""

import base64
import io
from typing import Literal

import qrcode
from api import PATH, app, logger
from idempotency import once
from orders import NewOrder, Order, open_order
from pydantic import BaseModel
from qrcode.image.pure import PyPNGImage
from wechatpayv3 import WeChatPayType


class NativeOrder(Order):
    """An order, and its code."""

    code_url: str
    qr_code: str


class Answer(BaseModel):
    """The whole body."""

    success: Literal[True] = True
    data: NativeOrder


@app.post(f"{PATH}/native")
def native(order: NewOrder) -> Answer:
    """Open the order, draw its code."""
    code_url, members = open_order(order, "native", WeChatPayType.NATIVE, "code_url")
    picture = io.BytesIO()
    qrcode.make(code_url, image_factory=PyPNGImage).save(picture)
    drawn = "data:image/png;base64," + base64.b64encode(picture.getvalue()).decode()
    return Answer(data=NativeOrder(**members, code_url=code_url, qr_code=drawn))


@logger.inject_lambda_context(clear_state=True)
@once
def lambda_handler(event, context):
    """The resolver's."""
    return app.resolve(event, context)
