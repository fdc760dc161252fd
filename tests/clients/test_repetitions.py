"""When our clients repeat a call: exactly what docs/answers.md allows, unchanged, under one key, never before `Retry-After`."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.clients.caller import Caller
from tests.kit.serving import Answering, serving
from tests.kit.shop import Shop

OPENED = {"success": True, "data": {"outTradeNo": "WX1"}}
UNKNOWN = {"error": "not known", "code": "SYSTEMERROR", "details": {"outTradeNo": "WX1"}}
ORDER = {"contentId": "c", "amount": 99.99, "subject": "墨弦 Tea"}
REFUND = {"outTradeNo": "WX123456", "refundAmount": "1.00"}

Answers = list[tuple[int, Any, dict[str, str]] | None]


class Backend:
    """Answers as it is told, one after the other; None hangs up. Keeps what came, and when."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.came: list[tuple[str, bytes, str | None, str | None]] = []
        self.at: list[float] = []

    @contextmanager
    def listening(self) -> Iterator[str]:
        backend = self

        class Handler(Answering):
            def do_POST(self) -> None:
                body = self.body()
                key, token = self.headers["Idempotency-Key"], self.headers["Authorization"]
                backend.came.append((self.path, body, key, token))
                backend.at.append(time.monotonic())
                told = backend.answers.pop(0)
                if told is None:
                    self.close_connection = True
                    self.connection.close()
                    return
                status, content, headers = told
                raw = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.answer(status, raw, {"content-type": "application/json"} | headers)
                backend.at.append(time.monotonic())

        with serving(Handler) as url:
            yield url


def told(
    client: Caller, answers: Answers, name: str = "openNativePayment", **options: Any
) -> tuple[Any, Backend]:
    backend = Backend(answers)
    given = REFUND if name == "refundPayment" else ORDER
    with backend.listening() as url:
        (came,) = client.calls(url, {"name": name, "input": given, "token": "t"}, **options)
    assert not backend.answers, "all answers were fetched"
    return came, backend


def test_a_503_is_repeated_unchanged_under_its_key_and_not_before_its_time(client: Caller) -> None:
    again = (503, UNKNOWN, {"retry-after": "1"})
    came, backend = told(client, [again, again, (200, OPENED, {})])
    assert came == {"answer": {"outTradeNo": "WX1"}}
    assert len(set(backend.came)) == 1
    (_, body, key, token) = backend.came[0]
    assert json.loads(body) == ORDER
    assert key is not None
    assert (len(key), token) == (36, "Bearer t")
    assert all(
        later - earlier >= 0.999 for earlier, later in zip(backend.at[1:-1:2], backend.at[2::2], strict=True)
    )


@pytest.mark.parametrize(
    "first",
    [
        (429, {"error": "many", "code": "RATE_LIMITED", "details": {}}, {"retry-after": "1"}),
        (429, {"message": "Too Many Requests"}, {}),
        (503, {"message": "Service Unavailable"}, {}),
        None,
    ],
    ids=["our limit", "the route's limit", "API Gateway's own 503", "nobody answered"],
)
def test_so_is_what_was_not_answered_for_good(client: Caller, first: Any) -> None:
    came, backend = told(client, [first, (200, OPENED, {})], "refundPayment")
    assert "answer" in came
    assert len(set(backend.came)) == 1, "the same bytes under the same key"


REFUSED = {"error": "no", "code": "WECHAT_REFUSED", "details": {"wechatCode": "PARAM_ERROR"}}


@pytest.mark.parametrize(
    ("answer", "code", "unknown"),
    [
        (
            (400, {"error": "no", "code": "PARAM_ERROR", "details": {"field": "amount"}}, {}),
            "PARAM_ERROR",
            False,
        ),
        (
            (409, {"error": "no", "code": "ORDERPAID", "details": {}}, {"retry-after": "1"}),
            "ORDERPAID",
            False,
        ),
        ((502, REFUSED, {"retry-after": "1"}), "WECHAT_REFUSED", False),
        ((500, {"error": "ours", "code": "INTERNAL_ERROR", "details": {}}, {}), "INTERNAL_ERROR", True),
        ((500, {"message": "Internal Server Error"}, {}), "GATEWAY", True),
        ((504, b"<html>a proxy's</html>", {}), "UNREADABLE", True),
        ((302, b"", {"location": "/elsewhere"}), "UNREADABLE", True),
        ((200, b"<html>a proxy's</html>", {}), "UNREADABLE", True),
    ],
)
def test_everything_else_is_told_at_once(client: Caller, answer: Any, code: str, unknown: bool) -> None:
    came, _ = told(client, [answer])
    refusal = came["refusal"]
    assert (refusal["status"], refusal["code"], refusal["outcomeUnknown"]) == (answer[0], code, unknown)
    assert refusal["details"] == (answer[1].get("details", {}) if isinstance(answer[1], dict) else {})


def test_a_wait_that_is_too_long_is_left_to_the_caller_who_gets_the_key(client: Caller) -> None:
    began = time.monotonic()
    came, backend = told(client, [(503, UNKNOWN, {"retry-after": "600"})])
    refusal = came["refusal"]
    assert time.monotonic() - began < 30
    assert (refusal["code"], refusal["retryAfter"], refusal["outcomeUnknown"]) == ("SYSTEMERROR", 600, True)
    assert refusal["idempotencyKey"] == backend.came[0][2]
    assert refusal["details"] == {"outTradeNo": "WX1"}


def test_a_call_that_nobody_answers_in_time_may_be_told_of_at_once(client: Caller) -> None:
    came, _ = told(client, [None], retryFor=0)
    refusal = came["refusal"]
    assert (refusal["code"], refusal.get("status"), refusal["outcomeUnknown"]) == ("NO_ANSWER", None, True)
    assert refusal["idempotencyKey"]


@pytest.mark.parametrize("effect", ["reset_after", "reset_before"])
def test_an_order_and_a_refund_whose_first_answers_are_lost_are_one_order_and_one_refund(
    client: Caller, shop: Shop, effect: str
) -> None:
    def called(name: str, scope: str, given: dict[str, Any]) -> dict[str, Any]:
        token = shop.sandbox.tokens.token("shop", scope)
        (came,) = client.calls(shop.sandbox.api, {"name": name, "token": token, "input": given}, retryFor=100)
        answer: dict[str, Any] = came["answer"]
        return answer

    shop.faults({"on": "native", "effect": effect, "times": 2})
    number = called("openNativePayment", "payments:charge", {**ORDER, "contentId": effect})["outTradeNo"]
    assert [book["out_trade_no"] for book in shop.books() if book["out_trade_no"] == number] == [number]
    paid = shop.paid_order("10.00")
    shop.faults({"on": "refund", "effect": effect, "times": 2})
    called("refundPayment", "payments:refund", {"outTradeNo": paid, "refundAmount": "3.00"})
    book = shop.book(paid)
    assert book is not None
    assert [refund["amount"]["refund"] for refund in book["refunds"]] == [300]
