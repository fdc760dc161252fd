"""A shop with Flask: one link that pays on every device, a webhook, a page to come back to, the history, refunds."""

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import requests
from flask import Flask, abort, redirect, render_template, request
from werkzeug.wrappers import Response

from wechatpay_backend import Client, PaymentsError, WebhookError, verify_event

API, SHOP = os.environ["API"], os.environ.get("SHOP", "http://localhost:5000")
WEBHOOK_SECRET = os.environ["WEBHOOK_SECRET"]
THINGS = {"tea": ("Longjing tea, 50 g", "48.00"), "cup": ("A cup, white", "19.90")}
PAID = ("succeeded", "partially_refunded", "refunded")
TABLES = """
create table if not exists orders (number primary key, thing, checkout_url, delivered default 0);
create table if not exists payments (out_trade_no primary key, number, fen, refunded default 0, status, version);
create table if not exists events (id primary key);
"""

app = Flask(__name__)


@contextmanager
def database() -> Iterator[sqlite3.Connection]:
    """One transaction: all of it, or nothing."""
    connection = sqlite3.connect(os.environ.get("DATABASE", "shop.db"))
    connection.row_factory = sqlite3.Row
    try:
        with connection:
            connection.executescript(TABLES)
            yield connection
    finally:
        connection.close()


def client(scope: str) -> Client:
    """The payment backend, as this shop's program (`payments:charge`) or its back office (`payments:refund`)."""

    # The sandbox hands tokens out; deployed, ask your identity provider by the client credentials grant (docs/identity.md).
    def token() -> str:
        answer = requests.post(f"{API}/_sandbox/token", json={"sub": "shop", "scope": scope}, timeout=10)
        given: str = answer.json()["token"]
        return given

    return Client(API, token)


@app.errorhandler(PaymentsError)
def say(problem: PaymentsError) -> tuple[str, int]:
    """What a person is told when a call did not succeed."""
    if problem.outcome_unknown:
        return (
            "Not known yet: it may be done by itself. Send the form again: it stays one order, or one refund.",
            503,
        )
    return f"Refused: {problem}", 409


# ---- what a buyer sees ----


@app.get("/")
def window() -> str:
    """What there is to buy. The number of the order to come makes a double click one order."""
    return render_template("window.html", things=THINGS, number=secrets.token_hex(8))


@app.post("/orders")
def order() -> Response:
    """Keep the order, ask for its checkout, and send the buyer there."""
    number, thing = request.form["number"], request.form["thing"]
    if not number.isalnum() or thing not in THINGS:
        abort(400)
    subject, amount = THINGS[thing]  # the price is ours to say, never the browser's
    with database() as db:
        db.execute("insert or ignore into orders (number, thing) values (?, ?)", (number, thing))
    kept = client(
        "payments:charge"
    ).keep_checkout(
        {
            "contentId": thing,
            "amount": amount,
            "subject": subject,
            "metadata": {"order": number},  # comes back with each event
            "returnUrl": f"{SHOP}/orders/{number}",
        },
        idempotency_key=f"order-{number}",  # whoever clicks twice, or asks again after a crash, finds the same checkout
    )
    with database() as db:
        db.execute("update orders set checkout_url = ? where number = ?", (kept["checkoutUrl"], number))
    return redirect(kept["checkoutUrl"], code=303)


@app.get("/orders/<number>")
def come_back(number: str) -> str:
    """Coming back proves nothing, so the backend is asked."""
    with database() as db:
        found = db.execute("select * from orders where number = ?", (number,)).fetchone() or abort(404)
    view = client("payments:charge").show_checkout(found["checkout_url"].rpartition("/")[2])
    if view["status"] == "paid":
        with database() as db:
            deliver(db, number)
    return render_template("order.html", number=number, view=view, url=found["checkout_url"])


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
    data = event["data"]
    refunded = data.get("refundedAmount", 0)
    with database() as db:
        if db.execute("insert or ignore into events values (?)", (data["id"],)).rowcount == 0:
            return "", 204
        number = data["metadata"].get("order")
        row = (data["outTradeNo"], number, data["amount"]["total"], refunded, data["status"], data["version"])
        db.execute(
            "insert into payments values (?, ?, ?, ?, ?, ?) on conflict (out_trade_no) do update set"
            " refunded = excluded.refunded, status = excluded.status, version = excluded.version"
            " where excluded.version > version",
            row,
        )
        if event["type"] == "PaymentSucceeded":
            deliver(db, str(number))
    return "", 204


def deliver(db: sqlite3.Connection, number: str) -> None:
    """Hand the thing over, once, whoever finds out first that it is paid."""
    if db.execute("update orders set delivered = 1 where number = ? and delivered = 0", (number,)).rowcount:
        app.logger.info("order %s is paid: send it", number)


# ---- the back office; yours lets nobody else in ----


@app.get("/history")
def history() -> str:
    """All orders and what was paid for each. Two paid payments of one order: the second one is to be refunded."""
    with database() as db:
        rows = db.execute(
            "select * from orders left join payments using (number) order by orders.rowid"
        ).fetchall()
    return render_template("history.html", rows=rows, paid=PAID, wish=secrets.token_hex(8))


@app.post("/refunds")
def refund() -> tuple[str, int]:
    """Give money back. The wish's number, made with the page, makes a second click the same refund."""
    wish, out_trade_no, amount = (request.form[name] for name in ("wish", "out_trade_no", "amount"))
    taken = client("payments:refund").refund_payment(
        {"outTradeNo": out_trade_no, "refundAmount": amount, "refundReason": "Asked for by the buyer"},
        idempotency_key=f"refund-{wish}",
    )
    return (
        f"Refund {taken['outRefundNo']}: {taken['status']}. The history shows it once the money is back.",
        200,
    )


@app.template_filter()
def yuan(fen: int) -> str:
    """As people write it."""
    return f"{fen // 100}.{fen % 100:02d}"
