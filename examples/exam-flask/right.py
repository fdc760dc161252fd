"""A merchant's backend with Flask that takes WeChat Pay: `wechatpay-simulator exam` finds nothing wrong with it.

What it does that naive.py beside it does not: ../exam.md. The environment: WECHATPAY_URL, WECHATPAY_CREDENTIALS (a file), NOTIFY_URL.
"""

import json
import logging
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, abort, request
from wechatpayv3 import WeChatPay, WeChatPayType
from werkzeug.exceptions import ServiceUnavailable

MINE = json.loads(Path(os.environ["WECHATPAY_CREDENTIALS"]).read_text())
NOTIFY_URL, DATABASE = os.environ["NOTIFY_URL"], os.environ.get("DATABASE", "orders.db")
SWEEP_SECONDS = float(os.environ.get("SWEEP_SECONDS", "60"))
OPEN_SECONDS = 1800  # so long an order can be paid
TABLES = """
create table if not exists orders (out_trade_no primary key, fen, created, status, transaction_id, credited);
create table if not exists refunds (key primary key, out_refund_no unique, out_trade_no, fen, total, status);
create view if not exists standings as select orders.*,
    ifnull((select sum(fen) from refunds where out_trade_no = orders.out_trade_no and status = 'SUCCESS'), 0) as refunded,
    ifnull((select sum(fen) from refunds where out_trade_no = orders.out_trade_no and status != 'CLOSED'), 0) as taken from orders;
"""
# Each changes only what is still as it says: whoever comes second changes nothing.
ORDER_MOVES = "update orders set status = ? where out_trade_no = ? and status = ?"
CREDIT = "update orders set status = 'paid', credited = credited + fen, transaction_id = ? where out_trade_no = ? and transaction_id is null"
REFUND_MOVES = "update refunds set status = ? where out_refund_no = ? and fen = ? and status not in ('SUCCESS', 'CLOSED')"
WISH = "insert or ignore into refunds select ?, ?, out_trade_no, ?, fen, 'WISHED' from standings where out_trade_no = ? and ? between 1 and credited - taken"
wechat_pay = WeChatPay(
    WeChatPayType.NATIVE,
    mchid=MINE["mchid"],
    private_key=MINE["merchantPrivateKey"],
    cert_serial_no=MINE["merchantSerialNo"],
    appid=MINE["appid"],
    apiv3_key=MINE["apiV3Key"],
    notify_url=NOTIFY_URL,
    public_key=MINE["wechatPublicKey"],
    public_key_id=MINE["wechatPublicKeyId"],
    timeout=(5, 10),
)
wechat_pay._core._gate_way = os.environ["WECHATPAY_URL"]  # the package has WeChat Pay's own address built in
app = Flask(__name__)


@contextmanager
def books() -> Iterator[sqlite3.Connection]:
    """One transaction, one at a time: all of it, or nothing. Nobody is called while it is open."""
    with closing(sqlite3.connect(DATABASE, timeout=3)) as connection, connection:
        connection.row_factory = sqlite3.Row
        connection.execute("begin immediate")  # of two at once the second sees what the first did
        yield connection


def called(call: Callable[..., tuple[int, Any]], **parameters: Any) -> tuple[int, dict[str, Any]]:
    """WeChat Pay's answer, status and body. The package signs calls, and verifies what says success. A 503 to whoever
    asked is raised where it may be done, or not: it may be asked again, as one wish keeps its one number."""
    try:
        status, text = call(**parameters)
        told = json.loads(text) if text else {}
    except Exception as problem:  # the package raises plain Exception where a signature is wrong
        raise ServiceUnavailable(f"not known yet: {call.__name__}") from problem
    if status >= 500 or status in (401, 429):
        raise ServiceUnavailable(f"not known yet: {call.__name__}, {status}")
    return status, told


# ---- what WeChat Pay tells ----


def proven(headers: Any, body: bytes) -> Any:
    """Both types of a notification and its content, if WeChat Pay signed these bytes in the last five minutes."""
    try:
        if abs(time.time() - int(headers["Wechatpay-Timestamp"])) >= 300:
            return None  # the package does not look at the time
        if headers["Wechatpay-Serial"] != MINE["wechatPublicKeyId"]:
            return None  # for an unknown one the package would go and download certificates
        content = json.loads(wechat_pay.decrypt_callback(headers, body))  # which verifies the signature first
        told = json.loads(body)
        return told["event_type"], told["resource"].get("original_type"), content
    except Exception:  # noqa: BLE001 - what a stranger sends makes the package raise many things
        return None


@app.post("/notify")
def notify() -> tuple[str, int]:
    """200 and 204 are for ever: they are said once it is in the books. Nobody is called here, so it is quick."""
    told = proven(request.headers, request.get_data())
    if told is None:
        return "", 401  # a probe of WeChat Pay's, too: it comes again, rightly signed
    event_type, original_type, content = told
    with books() as db:  # both types together say what it is: profit sharing has this event_type, too
        if (event_type, original_type) == ("TRANSACTION.SUCCESS", "transaction") and not credit(db, content):
            return "", 500  # it comes again, and by then somebody may have looked
        if original_type == "refund":
            refund_moved(db, content, content["refund_status"])
    return "", 204  # of other kinds nothing is wanted here


def credit(db: sqlite3.Connection, paid: dict[str, Any]) -> bool:
    """Write a payment down, once; False, and nothing, if it is not what was ordered here."""
    number, amount = paid["out_trade_no"], paid["amount"]
    order = db.execute("select fen from orders where out_trade_no = ?", (number,)).fetchone()
    what = (amount["total"], amount["currency"], paid["mchid"], paid["appid"])
    if order is None or what != (order["fen"], "CNY", MINE["mchid"], MINE["appid"]):
        app.logger.error("a payment that nobody here ordered so, look at it: %s %s", number, what)
        return False
    if db.execute(CREDIT, (paid["transaction_id"], number)).rowcount:  # one that was closed, too
        app.logger.info("%s is paid: send the goods", number)
    return True


def refund_moved(db: sqlite3.Connection, told: dict[str, Any], status: str) -> None:
    """Write a refund's status down. One of another number or amount was made by hand in WeChat Pay's console."""
    db.execute(REFUND_MOVES, (status, told["out_refund_no"], told["amount"]["refund"]))


# ---- what WeChat Pay is asked ----


def ask(number: str) -> None:
    """Let the books say of an order what WeChat Pay says of it."""
    told = called(wechat_pay.query, out_trade_no=number)[1]
    state = told.get("trade_state")
    with books() as db:
        if state in ("SUCCESS", "REFUND"):
            credit(db, told)
        elif state == "CLOSED":
            db.execute(ORDER_MOVES, ("closed", number, "unpaid"))


def close_and_ask(number: str) -> None:
    """Close an order. Whether it was paid at the last moment only a query tells, whatever this is answered."""
    with suppress(ServiceUnavailable):
        called(wechat_pay.close, out_trade_no=number)
    ask(number)


def send(refund: sqlite3.Row) -> bool:
    """Ask for a refund, or what became of it, by its one number; False if WeChat Pay refuses it."""
    parts = {"refund": refund["fen"], "total": refund["total"], "currency": "CNY"}
    which = {"out_trade_no": refund["out_trade_no"], "out_refund_no": refund["out_refund_no"]}
    status, told = called(wechat_pay.refund, **which, amount=parts, notify_url=NOTIFY_URL)
    with books() as db:
        refund_moved(db, which | {"amount": parts}, told["status"] if status == 200 else "REFUSED")
    return status == 200


def sweep() -> None:
    """Ask about all that is open: notifications and answers get lost, buyers do not come back. Close what is too old."""
    with books() as db:
        unpaid = db.execute("select out_trade_no, created from orders where status = 'unpaid'").fetchall()
        refunds = db.execute("select * from refunds where status in ('WISHED', 'PROCESSING')").fetchall()
    for number, created in unpaid:
        with suppress(ServiceUnavailable):  # then in the next round
            (close_and_ask if created < time.time() - OPEN_SECONDS else ask)(number)
    for refund in refunds:
        with suppress(ServiceUnavailable):
            send(refund)


def keep_sweeping() -> None:
    """In a thread here; of several processes one does it."""
    while True:
        time.sleep(SWEEP_SECONDS)
        try:
            sweep()
        except Exception:
            app.logger.exception("in the next round")


# ---- what the shop's own pages call; yours lets nobody else in ----


@app.post("/orders")
def order() -> str:
    """`{"amount": fen}`: the code that the buyer scans, and on the last line the order's number."""
    number, fen = "EX" + secrets.token_hex(14), request.get_json(force=True)["amount"]
    with books() as db:  # first: the notification may be here before the answer is
        db.execute("insert into orders values (?, ?, ?, 'ordering', null, 0)", (number, fen, time.time()))
    amount = {"total": fen, "currency": "CNY"}
    status, told = called(wechat_pay.pay, description="A cup of tea", out_trade_no=number, amount=amount)
    if status != 200:
        abort(409, told.get("code"))
    with books() as db:
        db.execute(ORDER_MOVES, ("unpaid", number, "ordering"))
    return f"{told['code_url']}\n{number}\n"


@app.get("/orders/<number>")
def show(number: str) -> str:
    """`unpaid`, `paid`, `closed`, `refunded` or `unknown`, and how many fen were credited. Who looks need not wait for the sweep."""
    if standing(number).startswith("unpaid"):
        with suppress(ServiceUnavailable):
            ask(number)
    return standing(number)


def standing(number: str) -> str:
    """What the books say."""
    with books() as db:
        row = db.execute("select * from standings where out_trade_no = ?", (number,)).fetchone()
    if row is None:
        return "unknown\n"
    return f"{'refunded' if 0 < row['credited'] == row['refunded'] else row['status']} {row['credited']}\n"


@app.post("/orders/<number>/refunds")
def refund(number: str) -> str:
    """`{"amount": fen, "key": of this wish}`: money back. The same key again is the same refund, whatever came of it before."""
    wish = request.get_json(force=True)
    key, fen = wish["key"], wish["amount"]
    with books() as db:  # its number is kept before it is sent
        db.execute(WISH, (key, "RF" + secrets.token_hex(15), fen, number, fen))
        kept = db.execute("select * from refunds where key = ?", (key,)).fetchone()
    if kept is None or (kept["out_trade_no"], kept["fen"]) != (number, fen) or not send(kept):
        abort(409, "more than is left, the key of another wish, or WeChat Pay refuses it")
    return f"{kept['out_refund_no']}\n"


@app.post("/orders/<number>/close")
def close(number: str) -> str:
    """Close an order, unless it was paid meanwhile; what it is then."""
    if standing(number).startswith("unpaid"):
        close_and_ask(number)
    return standing(number)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    with sqlite3.connect(DATABASE) as tables:
        tables.executescript(TABLES)
    threading.Thread(target=keep_sweeping, daemon=True).start()
    app.run(port=int(os.environ.get("PORT") or urlsplit(NOTIFY_URL).port or 80))
