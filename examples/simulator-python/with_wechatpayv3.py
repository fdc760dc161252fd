"""One order from its code to its refund, and another that is closed: by the package wechatpayv3.

`python with_wechatpayv3.py` talks to the simulator at WECHATPAY_URL with the credentials in the file WECHATPAY_CREDENTIALS.
"""

import json
import os
import queue
import secrets
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import requests
from wechatpayv3 import WeChatPay, WeChatPayType

WECHAT_PAY = os.environ.get("WECHATPAY_URL", "http://127.0.0.1:8181")


# region client
def client(notify_url: str) -> WeChatPay:
    """The package's client, by the WeChat Pay public key."""
    mine = json.loads(Path(os.environ.get("WECHATPAY_CREDENTIALS", "credentials.json")).read_text("utf-8"))
    made = WeChatPay(
        wechatpay_type=WeChatPayType.NATIVE,
        mchid=mine["mchid"],
        private_key=mine["merchantPrivateKey"],
        cert_serial_no=mine["merchantSerialNo"],
        appid=mine["appid"],
        apiv3_key=mine["apiV3Key"],
        notify_url=notify_url,
        public_key=mine["wechatPublicKey"],
        public_key_id=mine["wechatPublicKeyId"],
        timeout=(5, 10),
    )
    made._core._gate_way = WECHAT_PAY  # there is no parameter for the host
    return made


# endregion


class RefusedError(Exception):
    """WeChat Pay says no."""


# region said
def said(answer: tuple[int, Any]) -> dict[str, Any]:
    """What a call of the package gave, {} where there is no body; RefusedError with status, code and message."""
    status, text = answer
    if status < 300:
        return dict(json.loads(text or "{}"))
    try:
        refusal = json.loads(text)
    except ValueError:
        refusal = {"code": "NOT_JSON", "message": "something in between has answered"}
    raise RefusedError(f"{status} {refusal['code']}: {refusal['message']}")


# endregion

# region notification
ARRIVED: "queue.Queue[dict[str, Any]]" = queue.Queue()
TAKEN: set[str] = set()  # a real shop keeps what it has taken in its database


def verified(pay: WeChatPay, headers: dict[str, str], body: bytes) -> dict[str, Any] | None:
    """The notification with its `resource` decrypted, or None where WeChat Pay has not signed it lately."""
    try:
        # The package looks at the signature alone: an old notification would be good for ever.
        if abs(time.time() - int(headers["Wechatpay-Timestamp"])) > 300:
            return None
        told: dict[str, Any] | None = pay.callback(headers, body)
    except Exception:  # noqa: BLE001  # the package has no kind of its own for what it refuses
        return None
    return told


class Notify(BaseHTTPRequestHandler):
    """The notify_url: what WeChat Pay has signed is taken, once for each id; everything else is a 401."""

    pay: WeChatPay

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        notification = verified(self.pay, dict(self.headers), body)
        if notification and notification["id"] not in TAKEN:
            TAKEN.add(notification["id"])
            ARRIVED.put(notification)
        self.send_response(204 if notification else 401)
        self.end_headers()
        if not notification:
            self.wfile.write(b'{"code": "FAIL", "message": "not signed by WeChat Pay"}')

    # endregion

    def log_message(self, *_: Any) -> None:
        """Nothing: what counts is printed."""


def walk(pay: WeChatPay, notify_url: str) -> None:
    """One line for each step."""
    number, another, refund_number = (letter + secrets.token_hex(12) for letter in "TTR")

    # region calls
    order = {"description": "一壶茶", "amount": {"total": 100, "currency": "CNY"}}  # fen
    code_url = said(pay.pay(out_trade_no=number, **order))["code_url"]
    # endregion
    print("native:", "a code_url" if code_url.startswith("weixin://") else code_url)
    print("query:", said(pay.query(out_trade_no=number))["trade_state"])

    paid = requests.post(f"{WECHAT_PAY}/_sandbox/pay", json={"codeUrl": code_url}, timeout=10)
    print("pay:", paid.json().get("trade_state", paid.text))
    payment = ARRIVED.get(timeout=60)
    transaction = payment["resource"]
    print(
        f"notification: {payment['event_type']} {transaction['trade_state']}, {transaction['amount']['total']} fen"
    )
    print("query:", said(pay.query(out_trade_no=number))["trade_state"])

    # region refund
    amount = {"refund": 40, "total": 100, "currency": "CNY"}
    refund = said(
        pay.refund(out_refund_no=refund_number, out_trade_no=number, amount=amount, notify_url=notify_url)
    )
    # endregion
    print(f"refund: {refund['status']}, {refund['amount']['refund']} fen")
    refunded = ARRIVED.get(timeout=60)
    refund = refunded["resource"]
    print(
        f"notification: {refunded['event_type']} {refund['refund_status']}, {refund['amount']['refund']} fen"
    )
    print("refund query:", said(pay.query_refund(refund_number))["status"])

    said(pay.pay(out_trade_no=another, **order))
    # region close
    said(pay.close(another))
    print("close:", said(pay.query(out_trade_no=another))["trade_state"])
    # endregion
    try:
        said(pay.query(out_trade_no="NOBODY-KNOWS"))
    except RefusedError as refusal:
        print("unknown order:", refusal)


if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", 0), Notify)
    notify_url = f"http://127.0.0.1:{server.server_port}/notify"
    Notify.pay = client(notify_url)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        walk(Notify.pay, notify_url)
    except RefusedError as problem:
        sys.exit(f"refused: {problem}")
