"""The exam's four commands for this project's own stack: a shop's backend that calls its HTTP API with tokens of the sandbox.

    python tests/exam/asking.py order|status|refund|close

`API` is the sandbox's address; the exam says the rest (AMOUNT, OUT_TRADE_NO, REFUND_KEY). What was credited is what a shop would
have handed out: it counts the PaymentSucceeded events that the bus took.
"""

import http.client
import json
import os
import secrets
import sys
import time
from typing import Any
from urllib.parse import urlsplit

PAYMENTS = "/api/v1/payments/wechat"
WORDS = {
    "pending": "unpaid",
    "failed": "closed",
    "closed": "closed",
    "succeeded": "paid",
    "partially_refunded": "refunded",
    "refunded": "refunded",
}
EVENT_SECONDS = 10.0  # that an event may be behind the payment


def call(
    method: str, path: str, body: dict[str, Any] | None = None, headers: dict[str, str] | None = None
) -> Any:
    """The answer's status and document."""
    parts = urlsplit(os.environ["API"])
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=25)
    connection.request(
        method,
        path,
        body=None if body is None else json.dumps(body),
        headers={"Content-Type": "application/json"} | (headers or {}),
    )
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def api(
    method: str, path: str, body: dict[str, Any] | None = None, *, scope: str, key: str = ""
) -> dict[str, Any]:
    """The data of a call that succeeds; ends the program otherwise, with the answer on stderr."""
    _, token = call("POST", "/_sandbox/token", {"sub": "shop", "scope": scope})
    headers = {"Authorization": f"Bearer {token['token']}"} | ({"Idempotency-Key": key} if key else {})
    status, answer = call(method, PAYMENTS + path, body, headers)
    if status != 200:
        sys.exit(f"{status} {json.dumps(answer)}")
    data: dict[str, Any] = answer["data"]
    return data


def yuan() -> str:
    """AMOUNT, as the API takes money."""
    return f"{int(os.environ['AMOUNT']) // 100}.{int(os.environ['AMOUNT']) % 100:02}"


def order() -> str:
    body = {"contentId": "content-1", "amount": yuan(), "subject": "An exam"}
    made = api("POST", "/native", body, scope="payments:charge", key=f"exam-{secrets.token_hex(8)}")
    return str(made["outTradeNo"])


def status() -> str:
    number = os.environ["OUT_TRADE_NO"]
    api("GET", f"/query/{number}", scope="payments:charge")  # a shop asks so when its buyer comes back
    found = api("GET", f"/payment/{number}", scope="payments:charge")
    is_paid = found["status"] not in ("pending", "failed", "closed")
    due = time.monotonic() + EVENT_SECONDS
    while not (fen := credited(number)) and is_paid and time.monotonic() < due:
        time.sleep(0.05)
    return f"{WORDS[found['status']]} {fen}"


def credited(number: str) -> int:
    """Fen: each PaymentSucceeded once, by its id."""
    _, told = call("GET", "/_sandbox/events")
    paid = {
        event["detail"]["id"]: event["detail"]["amount"]["total"]
        for event in told["events"]
        if event["detail-type"] == "PaymentSucceeded" and event["detail"]["outTradeNo"] == number
    }
    return sum(paid.values())


def refund() -> str:
    body = {"outTradeNo": os.environ["OUT_TRADE_NO"], "refundAmount": yuan(), "refundReason": "An exam"}
    key = os.environ["REFUND_KEY"]
    return str(api("POST", "/refund", body, scope="payments:refund", key=key)["outRefundNo"])


def close() -> str:
    api("POST", "/close", {"outTradeNo": os.environ["OUT_TRADE_NO"]}, scope="payments:charge")
    return "closed"


if __name__ == "__main__":
    print({"order": order, "status": status, "refund": refund, "close": close}[sys.argv[1]]())
