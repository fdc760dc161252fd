"""WRONG ON PURPOSE, do not copy: a merchant's backend with Flask as it is often written, for `wechatpay-simulator exam` to find out.

The package verifies signatures, the notification is read as its questions and answers show it, the buyer is credited, and
in a demonstration all goes well. The rows that it fails, and what right.py does instead: ../exam.md.
"""

import json
import os
import random
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, jsonify, request
from wechatpayv3 import WeChatPay, WeChatPayType

MINE = json.loads(Path(os.environ["WECHATPAY_CREDENTIALS"]).read_text())
NOTIFY_URL = os.environ["NOTIFY_URL"]

wxpay = WeChatPay(
    WeChatPayType.NATIVE,
    mchid=MINE["mchid"],
    private_key=MINE["merchantPrivateKey"],
    cert_serial_no=MINE["merchantSerialNo"],
    appid=MINE["appid"],
    apiv3_key=MINE["apiV3Key"],
    notify_url=NOTIFY_URL,
    public_key=MINE["wechatPublicKey"],
    public_key_id=MINE["wechatPublicKeyId"],
)
wxpay._core._gate_way = os.environ["WECHATPAY_URL"]
app = Flask(__name__)
orders: dict[str, dict[str, Any]] = {}


def new_number() -> str:
    """By the clock, so that it sorts."""
    return time.strftime("%Y%m%d%H%M%S") + str(random.randint(100000, 999999))  # noqa: S311


@app.post("/orders")
def create() -> str:
    """Order, and remember it."""
    number, total = new_number(), request.get_json(force=True)["amount"]
    _, message = wxpay.pay(description="A cup of tea", out_trade_no=number, amount={"total": total})
    orders[number] = {"total": total, "status": "unpaid", "credited": 0}
    return f"{json.loads(message)['code_url']}\n{number}\n"


@app.post("/notify")
def notify() -> Any:
    """Verified and decrypted by the package, so it can be trusted."""
    result = wxpay.callback(request.headers, request.data)
    if result and result.get("event_type") == "TRANSACTION.SUCCESS":
        resource = result["resource"]
        order = orders.get(resource["out_trade_no"])
        if order and order["status"] != "closed":
            order["status"] = "paid"
            order["credited"] += resource["amount"]["total"]
        return jsonify({"code": "SUCCESS", "message": "成功"})
    return jsonify({"code": "FAILED", "message": "失败"}), 500


@app.get("/orders/<number>")
def show(number: str) -> str:
    """What was notified."""
    order = orders.get(number, {"status": "unknown", "credited": 0})
    return f"{order['status']} {order['credited']}\n"


@app.post("/orders/<number>/refunds")
def refund(number: str) -> tuple[str, int]:
    """Ask WeChat Pay for it."""
    fen = request.get_json(force=True)["amount"]
    amount = {"refund": fen, "total": orders[number]["total"], "currency": "CNY"}
    code, message = wxpay.refund(out_refund_no=new_number(), out_trade_no=number, amount=amount)
    return message, code


@app.post("/orders/<number>/close")
def close(number: str) -> str:
    """The buyer did not pay in time."""
    orders[number]["status"] = "closed"
    wxpay.close(number)
    return "closed\n"


if __name__ == "__main__":
    app.run(port=int(os.environ.get("PORT") or urlsplit(NOTIFY_URL).port or 80))
