"""A log line names the payment that it is about, as it was then, whatever its caller was told."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from payments.core.lifecycle import Status
from payments.core.payment import Payment
from tests.kit.logs import logged_to
from tests.payments.stage import SILENCE, Stage, order_object, refusal


class Log:
    """The lines that the product has written."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    def line(self) -> dict[str, Any]:
        """The last one."""
        found: dict[str, Any] = json.loads(self.stream.getvalue().splitlines()[-1])
        return found


@pytest.fixture
def log() -> Iterator[Log]:
    log = Log()
    with logged_to(log.stream):
        yield log


def names(payment: Payment, line: dict[str, Any], word: str) -> bool:
    said = {name: line.get(name) for name in ("out_trade_no", "payment_id", "user_id", "amount", "status")}
    return said == {
        "out_trade_no": payment.out_trade_no,
        "payment_id": payment.payment_id,
        "user_id": payment.user_id,
        "amount": payment.amount,
        "status": word,
    }


def refund(stage: Stage, payment: Payment, fen: int) -> tuple[int, dict[str, Any]]:
    body = {"outTradeNo": payment.out_trade_no, "refundAmount": f"{fen / 100:.2f}"}
    status, answer = stage.calls.as_(stage.shop, "payments:refund", "refund", body=body)
    return status, answer


def taken(stage: Stage, payment: Payment, status: str) -> Any:
    return lambda: {
        "out_trade_no": payment.out_trade_no,
        "transaction_id": payment.transaction_id,
        "out_refund_no": stage.wechat.request["out_refund_no"],
        "refund_id": "50",
        "status": status,
        "amount": {"total": payment.amount, "refund": stage.wechat.request["amount"]["refund"]},
    }


def test_a_close_that_is_not_proven_is_logged_with_the_order(stage: Stage, log: Log) -> None:
    payment = stage.put(Status.PENDING)
    stage.wechat.says("close", SILENCE)
    stage.wechat.says("query", order_object(payment, "NOTPAY"))
    assert stage.close(payment)[0] == 503
    assert names(payment, log.line(), "pending")
    assert log.line()["http_status"] == 503


def test_a_close_is_logged_with_the_order_as_it_has_become(stage: Stage, log: Log) -> None:
    payment = stage.put(Status.PENDING)
    stage.wechat.says("close", None)
    assert stage.close(payment)[0] == 200
    assert names(payment, log.line(), "closed")


def test_a_question_is_logged_with_the_order_as_it_has_become(stage: Stage, log: Log) -> None:
    payment = stage.put(Status.PENDING)
    stage.wechat.says("query", order_object(payment, "SUCCESS"))
    assert stage.query(payment)[0] == 200
    assert names(payment, log.line(), "succeeded")


def test_a_refund_that_is_not_taken_is_logged_with_the_order(stage: Stage, log: Log) -> None:
    payment = stage.put(Status.PAID)
    stage.wechat.says("refund", refusal("NOT_ENOUGH", 403))
    assert refund(stage, payment, 300)[0] == 503
    assert names(payment, log.line(), "succeeded")


def test_a_refund_is_logged_with_the_order_as_it_has_become(stage: Stage, log: Log) -> None:
    payment = stage.put(Status.PAID)
    stage.wechat.says("refund", taken(stage, payment, "SUCCESS"))
    assert refund(stage, payment, payment.amount)[0] == 200
    assert names(payment, log.line(), "refunded")


def test_a_look_is_logged_with_its_payment_whether_or_not_there_was_an_answer(stage: Stage, log: Log) -> None:
    payment = stage.put(Status.PENDING)
    stage.wechat.says("query", SILENCE, order_object(payment, "SUCCESS"))
    assert stage.settle(payment) == []
    assert names(payment, log.line(), "pending")
    assert log.line()["error"] == "SYSTEMERROR"
    assert stage.settle(payment) == []
    assert names(payment, log.line(), "succeeded")


def test_a_look_at_what_is_not_there_is_logged_with_its_number(stage: Stage, log: Log) -> None:
    assert stage.settle({"out_trade_no": "WXNOBODYS"}) == []
    assert (log.line()["message"], log.line()["out_trade_no"]) == ("nothing to settle", "WXNOBODYS")
