"""The backend of the mini program: who the buyer is, orders, the webhook, the history, refunds."""

import os
import re
import secrets
from typing import Any

import requests
from flask import Flask, abort, jsonify, request

from wechatpay_backend import Client, PaymentsError, WebhookError, verify_event

API, WEBHOOK_SECRET = os.environ["API"], os.environ["WEBHOOK_SECRET"]
THINGS = {"tea": ("Longjing tea, 50 g", "48.00"), "cup": ("A cup, white", "19.90")}

app = Flask(__name__)
# In a real shop four tables; what one event changes, it changes in one transaction.
sessions: dict[str, str] = {}  # session → openid
orders: dict[str, dict[str, Any]] = {}  # number → thing, openid, outTradeNo, delivered
payments: dict[str, dict[str, Any]] = {}  # outTradeNo → the last event's detail
handled: set[str] = set()  # ids of events


def client(scope: str) -> Client:
    """The payment backend, as this program (`payments:charge`) or its back office (`payments:refund`)."""

    # The sandbox hands tokens out; deployed, ask your identity provider by the client credentials grant (docs/identity.md).
    def token() -> str:
        answer = requests.post(f"{API}/_sandbox/token", json={"sub": "shop", "scope": scope}, timeout=10)
        given: str = answer.json()["token"]
        return given

    return Client(API, token)


@app.errorhandler(PaymentsError)
def say(problem: PaymentsError) -> tuple[Any, int]:
    """What the mini program is told when a call did not succeed."""
    return jsonify(
        error=problem.code, unknown=problem.outcome_unknown
    ), 503 if problem.outcome_unknown else 409


def buyer() -> str:
    """The openid of whoever asks: their session says it, and nothing else that they send."""
    return sessions.get(request.headers.get("authorization", "")) or abort(401)


# ---- what the mini program asks for ----


@app.post("/login")
def log_in() -> Any:
    """A session for a code of `wx.login`. The openid stays here."""
    openid = client("payments:charge").exchange_code({"code": request.json["code"], "app": "mini"})["openid"]
    session = secrets.token_urlsafe(24)
    sessions[session] = openid
    return jsonify(session=session, things={thing: list(words) for thing, words in THINGS.items()})


@app.post("/orders")
def order() -> Any:
    """Keep the order, open its payment for this buyer, and hand over what WeChat's cashier opens with."""
    number, thing, openid = request.json["number"], request.json["thing"], buyer()
    if not re.fullmatch("[0-9a-z]{8,32}", number) or thing not in THINGS:
        abort(400)
    subject, amount = THINGS[thing]  # the price is ours to say
    opened = client("payments:charge").open_jsapi_payment(
        {
            "contentId": thing,
            "amount": amount,
            "subject": subject,
            "app": "mini",
            "openid": openid,
            "metadata": {"order": number},  # comes back with each event
        },
        idempotency_key=f"order-{number}",  # a second tap finds the same order
    )
    orders.setdefault(number, {"thing": thing, "openid": openid, "delivered": False})
    orders[number]["outTradeNo"] = opened["outTradeNo"]
    return jsonify(paymentParams=opened["paymentParams"])


@app.get("/orders/<number>")
def come_back(number: str) -> Any:
    """What the cashier reports proves nothing, so WeChat Pay is asked by way of the backend."""
    found = orders.get(number)
    if found is None or found["openid"] != buyer():
        abort(404)
    paid = client("payments:charge").query_payment(found["outTradeNo"])["tradeState"] == "SUCCESS"
    if paid:
        deliver(number)
    return jsonify(paid=paid)


@app.get("/orders")
def history() -> Any:
    """The buyer's own orders, as events told of them."""
    openid = buyer()
    mine = {number: one for number, one in orders.items() if one["openid"] == openid}
    statuses = {
        number: payments.get(one["outTradeNo"], {"status": "pending"})["status"]
        for number, one in mine.items()
    }
    return jsonify(
        [
            {"number": number, "thing": one["thing"], "status": statuses[number]}
            for number, one in mine.items()
        ]
    )


# ---- what the backend tells ----


@app.post("/webhook")
def hear() -> tuple[str, int]:
    """An event: verified, then acted on once. It may come twice, and an older one after a newer one."""
    try:
        event = verify_event(request.get_data(), dict(request.headers), WEBHOOK_SECRET)
    except WebhookError:
        return "", 400
    if event["type"] == "NotificationReceived":
        return "", 204  # of another product of the merchant's
    if event["type"] == "BillBalanced" or event["type"] == "BillDiffers" or event["type"] == "BillMissing":
        return "", 204  # about a day of the books, and no order
    if event["data"]["id"] not in handled:
        data = event["data"]
        if payments.get(data["outTradeNo"], {"version": 0})["version"] < data["version"]:
            payments[data["outTradeNo"]] = dict(data)
        if event["type"] == "PaymentSucceeded":
            deliver(data["metadata"]["order"])
        handled.add(data["id"])
    return "", 204


def deliver(number: str) -> None:
    """Hand the thing over, once, whoever finds out first that it is paid."""
    if number in orders and not orders[number]["delivered"]:
        orders[number]["delivered"] = True
        app.logger.info("order %s is paid: send it", number)


# ---- the back office; yours lets nobody else in ----


@app.post("/refunds")
def refund() -> Any:
    """Give money back: {"wish", "number", "amount"}. The wish's number makes a second click the same refund."""
    wish, amount, number = (request.json[name] for name in ("wish", "amount", "number"))
    taken = client("payments:refund").refund_payment(
        {"outTradeNo": orders[number]["outTradeNo"], "refundAmount": amount}, idempotency_key=f"refund-{wish}"
    )
    return jsonify(refund=taken["outRefundNo"], status=taken["status"])
